"""The Snapshots service: the embedded engine has none."""

from __future__ import annotations

from langchain_qdrant_async import proto
from langchain_qdrant_async.engine.services.rpc import refused

_REASON = "Snapshots are not supported by the embedded Qdrant service"


class Snapshots(proto.SnapshotsServicer):
    """Refuses everything, with the reason."""

    Create = List = Delete = CreateFull = ListFull = DeleteFull = refused(_REASON)
