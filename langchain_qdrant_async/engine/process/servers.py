"""The gRPC servers of an engine: its four services, on a Unix socket and perhaps on TCP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from langchain_qdrant_async.engine.process.auth import ApiKeys
from langchain_qdrant_async.engine.process.options import Listener
from langchain_qdrant_async.engine.process.requests import Weighed
from langchain_qdrant_async.engine.services.collections import Collections
from langchain_qdrant_async.engine.services.health import Health
from langchain_qdrant_async.engine.services.points import Points
from langchain_qdrant_async.engine.services.snapshots import Snapshots
from langchain_qdrant_async.engine.shards.catalog import Catalog
from langchain_qdrant_async.engine.status import Refusal
from langchain_qdrant_async.proto import (
    add_CollectionsServicer_to_server,
    add_PointsServicer_to_server,
    add_QdrantServicer_to_server,
    add_SnapshotsServicer_to_server,
)
from langchain_qdrant_async.rpcs import READS

_MOST_WAITING = 20_000
"""Calls that one server holds. What comes on top of them is refused: RESOURCE_EXHAUSTED, or CANCELLED by gRPC itself
while the engine is busy. Unless told, gRPC cancels at random from 1,000 on."""

_OPTIONS = (
    ("grpc.max_send_message_length", -1),
    ("grpc.so_reuseport", 0),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.server.max_pending_requests", _MOST_WAITING),
    ("grpc.server.max_pending_requests_hard_limit", _MOST_WAITING),
)
"""Answers of any size, one process per port, no quarrel about a client's keepalive pings, and many calls at once."""

_ANY_BYTES = -1
"""Bound of a request's size that is none."""

_MOST_PARTS = 600_000
"""Messages inside each other that a request over TCP may have. Measured: read and carried out each takes 30 to 130
bytes; 256 documents with 100 fields each have a tenth of it."""


_READING = {method.rpartition("/")[2] for method in READS}


class Servers:
    """Serve one catalog, each at an address of its own."""

    def __init__(self, catalog: Catalog, *, optimised: bool, check: Callable[[], None]) -> None:
        """Prepare to serve.

        Args:
            catalog: what to serve.
            optimised: whether an optimiser looks after it.
            check: called before anything is written; raises a `Refusal` if that must not be.
        """
        self._catalog = catalog
        self._check = check
        self._optimised = optimised
        self._started: list[grpc.aio.Server] = []

    async def serve(self, target: str) -> None:
        """Serve on a Unix socket, without keys: who may open it is the owner of the folder."""
        server = self._server([], _ANY_BYTES, None)
        server.add_insecure_port(target)
        await self._start(server)

    async def listen(self, listener: Listener) -> str:
        """Serve on TCP; the address with its port."""
        keyed = listener.api_key is not None or listener.read_only_api_key is not None
        keys = [ApiKeys(listener.api_key, listener.read_only_api_key)] if keyed else []
        server = self._server(keys, listener.largest_request_bytes, _MOST_PARTS)
        port = _bind(server, listener)
        await self._start(server)
        return f"{listener.address.rpartition(':')[0]}:{port}"

    async def stop(self, grace_s: float | None = None) -> None:
        """End: nothing new is taken, and what is under way is cancelled, at once or when the time is over.

        May be called again meanwhile, with less time.
        """
        await asyncio.gather(*(server.stop(grace_s) for server in self._started))

    def _server(self, interceptors: list[ApiKeys], largest_bytes: int, most_parts: int | None) -> grpc.aio.Server:
        options = (*_OPTIONS, ("grpc.max_receive_message_length", largest_bytes))
        server = grpc.aio.server(interceptors=interceptors, options=options, maximum_concurrent_rpcs=_MOST_WAITING)
        services: list[tuple[Callable[..., None], object]] = [
            (add_PointsServicer_to_server, _Checked(Points(self._catalog), self._check)),
            (
                add_CollectionsServicer_to_server,
                _Checked(Collections(self._catalog, optimised=self._optimised), self._check),
            ),
            (add_SnapshotsServicer_to_server, Snapshots()),
            (add_QdrantServicer_to_server, Health()),
        ]
        weighed = Weighed(server, most_parts)
        for add, servicer in services:
            add(servicer, weighed)
        return server

    async def _start(self, server: grpc.aio.Server) -> None:
        self._started.append(server)
        await server.start()


class _Checked:
    """A service whose RPCs are refused if something must not be; reading goes on, at no cost."""

    def __init__(self, servicer: object, check: Callable[[], None]) -> None:
        self._servicer = servicer
        self._check = check

    def __getattr__(self, name: str) -> Any:
        """The RPC of this name."""
        answer = getattr(self._servicer, name)
        return answer if name in _READING else self._checked(answer)

    def _checked(self, answer: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def check_and_answer(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            try:
                self._check()
            except Refusal as refusal:
                await context.abort(refusal.code, refusal.message)
            return await answer(request, context)

        return check_and_answer


def _bind(server: grpc.aio.Server, listener: Listener) -> int:
    """The port that a server took."""
    if listener.certificate is None or listener.private_key is None:
        return server.add_insecure_port(listener.address)
    pair = (listener.private_key.read_bytes(), listener.certificate.read_bytes())
    return server.add_secure_port(listener.address, grpc.ssl_server_credentials([pair]))
