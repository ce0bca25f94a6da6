"""The Snapshots service: the embedded engine has none."""

from __future__ import annotations

from langchain_qdrant_async.engine.services.rpc import refused
from langchain_qdrant_async.proto import SnapshotsServicer

_REASON = "Snapshots are not supported by the embedded Qdrant service"


class Snapshots(SnapshotsServicer):
    """Refuses everything, with the reason."""

    Create = List = Delete = CreateFull = ListFull = DeleteFull = refused(_REASON)
