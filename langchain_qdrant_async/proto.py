"""The only door to Qdrant's generated gRPC code.

`import qdrant_client.grpc` runs `qdrant_client/__init__.py` first, which loads the whole REST client: 1.0 s of CPU,
where the stubs alone take 0.15 s. So the parent package is put in place unloaded, and loads itself the first time
somebody asks it for anything but the stubs.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
from types import ModuleType
from typing import Any

_PARENT = "qdrant_client"


class _LazyPackage(ModuleType):
    """A package whose `__init__` runs on the first access to a name that it lacks.

    `importlib.util.LazyLoader` would load on the access to `__path__` that importing any submodule makes.
    """

    _lock = threading.RLock()
    _loading = False

    def __getattr__(self, name: str) -> Any:
        with self._lock:
            self._load()
        return ModuleType.__getattribute__(self, name)

    def _load(self) -> None:
        spec = self.__spec__
        if self._loading or spec is None or spec.loader is None:
            return
        self._loading = True
        try:
            spec.loader.exec_module(self)
        except BaseException:
            self._loading = False
            raise
        self.__class__ = ModuleType  # type: ignore[assignment]  # an ordinary module from now on


def _place_parent() -> None:
    spec = importlib.util.find_spec(_PARENT)
    if spec is None:
        message = "qdrant-client is not installed: pip install qdrant-client"
        raise ImportError(message)
    parent = _LazyPackage(_PARENT)
    parent.__spec__ = spec
    parent.__loader__ = spec.loader
    parent.__file__ = spec.origin
    parent.__package__ = _PARENT
    parent.__path__ = list(spec.submodule_search_locations or ())
    sys.modules[_PARENT] = parent


if _PARENT not in sys.modules:
    _place_parent()

from qdrant_client.grpc import (  # noqa: E402  the parent must be in place first
    collections_pb2 as collections,
)
from qdrant_client.grpc import (  # noqa: E402
    json_with_int_pb2 as json,
)
from qdrant_client.grpc import (  # noqa: E402
    points_pb2 as points,
)
from qdrant_client.grpc import (  # noqa: E402
    qdrant_common_pb2 as common,
)
from qdrant_client.grpc import (  # noqa: E402
    qdrant_pb2 as service,
)
from qdrant_client.grpc import (  # noqa: E402
    snapshots_service_pb2 as snapshots,
)
from qdrant_client.grpc.collections_service_pb2_grpc import (  # noqa: E402
    CollectionsServicer,
    CollectionsStub,
    add_CollectionsServicer_to_server,
)
from qdrant_client.grpc.points_service_pb2_grpc import (  # noqa: E402
    PointsServicer,
    PointsStub,
    add_PointsServicer_to_server,
)
from qdrant_client.grpc.qdrant_pb2_grpc import (  # noqa: E402
    QdrantServicer,
    QdrantStub,
    add_QdrantServicer_to_server,
)
from qdrant_client.grpc.snapshots_service_pb2_grpc import (  # noqa: E402
    SnapshotsServicer,
    SnapshotsStub,
    add_SnapshotsServicer_to_server,
)

__all__ = [
    "CollectionsServicer",
    "CollectionsStub",
    "PointsServicer",
    "PointsStub",
    "QdrantServicer",
    "QdrantStub",
    "SnapshotsServicer",
    "SnapshotsStub",
    "add_CollectionsServicer_to_server",
    "add_PointsServicer_to_server",
    "add_QdrantServicer_to_server",
    "add_SnapshotsServicer_to_server",
    "collections",
    "common",
    "json",
    "points",
    "service",
    "snapshots",
]
