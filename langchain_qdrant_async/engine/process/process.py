"""The life of an engine process: serve, flush now and then, stop in the right order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import grpc

from langchain_qdrant_async import proto
from langchain_qdrant_async.engine.optimise.optimiser import Optimiser
from langchain_qdrant_async.engine.process.auth import ApiKeys
from langchain_qdrant_async.engine.process.folder import EngineFolder
from langchain_qdrant_async.engine.process.leases import Leases
from langchain_qdrant_async.engine.services.collections import Collections
from langchain_qdrant_async.engine.services.health import Health, engine_version
from langchain_qdrant_async.engine.services.points import Points
from langchain_qdrant_async.engine.services.snapshots import Snapshots
from langchain_qdrant_async.engine.shards.catalog import Catalog
from langchain_qdrant_async.rendezvous import GRPC_SOCKET, LEASE_SOCKET, Announcement, Greeting, unix_target

_FLUSH_INTERVAL_S = 5.0
"""Source: `flush_interval_sec` in Qdrant's `config/config.yaml`."""
_FIRST_LEASE_S = 10.0

_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.so_reuseport", 0),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_ping_strikes", 0),
)
"""Messages of any size, one process per port, and no quarrel about a client's keepalive pings."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A TCP address to serve on, beside the Unix socket.

    Attributes:
        address: `HOST:PORT`; port 0 takes a free one.
        api_key: allows everything.
        read_only_api_key: allows reading.
        certificate: PEM file of the certificate chain, or None to serve without TLS.
        private_key: PEM file of its key.
    """

    address: str
    api_key: str | None = None
    read_only_api_key: str | None = None
    certificate: Path | None = None
    private_key: Path | None = None


class EngineProcess:
    """Serves one folder until its last user is gone; with a listener, until it is told to stop."""

    def __init__(
        self, folder: EngineFolder, *, ephemeral: bool, listener: Listener | None, optimise_after_s: float | None
    ) -> None:
        """Open the folder's collections.

        Args:
            folder: the folder, locked by this process.
            ephemeral: whether to remove the folder at the end.
            listener: where to serve on TCP.
            optimise_after_s: how long writes to a collection have paused when it is indexed and quantised; None: never.
        """
        self._folder = folder
        self._ephemeral = ephemeral
        self._listener = listener
        self._catalog = Catalog(folder.path, recovering=folder.recovering)
        self._optimiser = None if optimise_after_s is None else Optimiser(self._catalog, optimise_after_s)
        self._servers: list[grpc.aio.Server] = []
        self._done = asyncio.Event()
        greeting = Greeting(self._target, os.getpid(), engine_version())
        self._leases = Leases(folder.sockets / LEASE_SOCKET, greeting, last_gone=self._last_gone)

    async def run(self) -> None:
        """Serve to the end."""
        _allow_many_files()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._done.set)
        flushing = asyncio.create_task(self._flush_forever())
        try:
            await self._start()
            if self._optimiser is not None:
                self._optimiser.start()
            await self._done.wait()
        finally:
            flushing.cancel()
            await self._stop()

    @property
    def _target(self) -> str:
        return unix_target(self._folder.sockets / GRPC_SOCKET)

    async def _start(self) -> None:
        await self._serve(self._server([]), self._target, None)
        bound = None if self._listener is None else await self._listen(self._listener)
        await self._leases.start()
        lease = str(self._folder.sockets / LEASE_SOCKET)
        self._folder.announce(Announcement(os.getpid(), lease, self._target, engine_version()))
        if bound is None:
            asyncio.get_running_loop().call_later(_FIRST_LEASE_S, self._stop_if_unused)
        else:
            print(f"listening on {bound}", flush=True)  # noqa: T201  who waits for it reads stdout

    async def _listen(self, listener: Listener) -> str:
        keyed = listener.api_key is not None or listener.read_only_api_key is not None
        server = self._server([ApiKeys(listener.api_key, listener.read_only_api_key)] if keyed else [])
        port = await self._serve(server, listener.address, _credentials(listener))
        return f"{listener.address.rpartition(':')[0]}:{port}"

    def _server(self, interceptors: list[ApiKeys]) -> grpc.aio.Server:
        server = grpc.aio.server(interceptors=interceptors, options=_OPTIONS)
        services: list[tuple[Callable[..., None], object]] = [
            (proto.add_PointsServicer_to_server, Points(self._catalog)),
            (
                proto.add_CollectionsServicer_to_server,
                Collections(self._catalog, optimised=self._optimiser is not None),
            ),
            (proto.add_SnapshotsServicer_to_server, Snapshots()),
            (proto.add_QdrantServicer_to_server, Health()),
        ]
        for add, servicer in services:
            add(servicer, server)
        return server

    async def _serve(self, server: grpc.aio.Server, address: str, credentials: grpc.ServerCredentials | None) -> int:
        if credentials is None:
            port = server.add_insecure_port(address)
        else:
            port = server.add_secure_port(address, credentials)
        self._servers.append(server)
        await server.start()
        return port

    def _last_gone(self) -> bool:
        if self._listener is not None:
            self._catalog.flush()
            return True
        self._leases.refuse()
        self._done.set()
        return False

    def _stop_if_unused(self) -> None:
        if not self._leases.taken:
            self._leases.refuse()
            self._done.set()

    async def _flush_forever(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_INTERVAL_S)
            self._catalog.flush()

    async def _stop(self) -> None:
        """The order matters: who waits for its lease to end may use the folder at once."""
        self._folder.withdraw()
        self._leases.refuse()
        for server in self._servers:
            await server.stop(grace=None)
        if self._optimiser is not None:
            await self._optimiser.stop()
        self._catalog.close()
        self._folder.release(remove=self._ephemeral)
        self._leases.close()


def _allow_many_files() -> None:
    """An open shard takes six file descriptors, and the usual limit of 1024 would end at 170 collections."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _credentials(listener: Listener) -> grpc.ServerCredentials | None:
    if listener.certificate is None or listener.private_key is None:
        return None
    pair = (listener.private_key.read_bytes(), listener.certificate.read_bytes())
    return grpc.ssl_server_credentials([pair])
