"""The life of an engine process: serve, flush now and then, stop in the right order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal

from langchain_qdrant_async.engine.optimise.optimiser import Optimiser
from langchain_qdrant_async.engine.process.folder import EngineFolder
from langchain_qdrant_async.engine.process.leases import Leases
from langchain_qdrant_async.engine.process.options import Options
from langchain_qdrant_async.engine.process.servers import Servers
from langchain_qdrant_async.engine.services.health import engine_version
from langchain_qdrant_async.engine.shards.catalog import Catalog
from langchain_qdrant_async.rendezvous import GRPC_SOCKET, LEASE_SOCKET, Announcement, Greeting, unix_target

_FLUSH_INTERVAL_S = 5.0
"""Source: `flush_interval_sec` in Qdrant's `config/config.yaml`."""
_FIRST_LEASE_S = 10.0


class EngineProcess:
    """Serves one folder until its last user is gone; with a listener, until it is told to stop."""

    def __init__(self, folder: EngineFolder, options: Options) -> None:
        """Open the folder's collections.

        Args:
            folder: the folder, locked by this process.
            options: how to serve it.
        """
        self._folder = folder
        self._options = options
        self._catalog = Catalog(folder.path, recovering=folder.recovering)
        pause_s = options.optimise_after_s
        self._optimiser = None if pause_s is None else Optimiser(self._catalog, pause_s)
        self._servers = Servers(self._catalog, optimised=pause_s is not None)
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
        await self._servers.serve(self._target)
        listener = self._options.listener
        bound = None if listener is None else await self._servers.listen(listener)
        await self._leases.start()
        lease = str(self._folder.sockets / LEASE_SOCKET)
        self._folder.announce(Announcement(os.getpid(), lease, self._target, engine_version()))
        if bound is None:
            asyncio.get_running_loop().call_later(_FIRST_LEASE_S, self._stop_if_unused)
        else:
            print(f"listening on {bound}", flush=True)  # noqa: T201  who waits for it reads stdout

    def _last_gone(self) -> bool:
        if self._options.listener is not None:
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
        await self._servers.stop()
        if self._optimiser is not None:
            await self._optimiser.stop()
        self._catalog.close()
        self._folder.release(remove=self._options.ephemeral)
        self._leases.close()


def _allow_many_files() -> None:
    """An open shard takes six file descriptors, and the usual limit of 1024 would end at 170 collections."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
