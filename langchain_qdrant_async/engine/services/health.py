"""The Qdrant service: who answers here."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from grpc.aio import ServicerContext

from langchain_qdrant_async.proto import QdrantServicer, service

_ENGINE = "qdrant-edge-py"
_API_VERSION = "1.20.0"
"""The Qdrant API that the engine speaks; clients compare it with their own."""


class Health(QdrantServicer):
    """Answers without a key, as a server does."""

    async def HealthCheck(
        self, _request: service.HealthCheckRequest, _context: ServicerContext[Any, Any]
    ) -> service.HealthCheckReply:
        """Name the service and its version."""
        title = f"qdrant - embedded engine ({_ENGINE} {engine_version()})"
        return service.HealthCheckReply(title=title, version=_API_VERSION)


def engine_version() -> str:
    """The version of the engine that holds the data."""
    return version(_ENGINE)
