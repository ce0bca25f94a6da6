"""The life of an engine process: serve, flush now and then, stop in the right order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import signal
from typing import NoReturn

from langchain_qdrant_async.engine.optimise.optimiser import Optimiser
from langchain_qdrant_async.engine.process.folder import EngineFolder, FolderLost
from langchain_qdrant_async.engine.process.leases import Leases
from langchain_qdrant_async.engine.process.options import Options
from langchain_qdrant_async.engine.process.servers import Servers
from langchain_qdrant_async.engine.services.health import engine_version
from langchain_qdrant_async.engine.shards.catalog import Catalog
from langchain_qdrant_async.rendezvous import (
    FOLDER_LOST,
    GRPC_SOCKET,
    LEASE_SOCKET,
    Announcement,
    Greeting,
    unix_target,
)

_log = logging.getLogger(__name__)

_FLUSH_INTERVAL_S = 5.0
"""Source: `flush_interval_sec` in Qdrant's `config/config.yaml`."""
_FIRST_LEASE_S = 10.0
_DRAIN_S = 5.0
"""How long requests under way may go on after a signal: Docker sends another after 10 s, which ends everything."""
_FAREWELL_S = 1.0
"""The same of an engine that nobody uses any more. Without it gRPC breaks connections off, and a client that is still
connected finds a line of gRPC's C core, "Got goaway", on its stderr."""
_LAST_ANSWERS_S = 0.5
"""How long an engine that has lost its folder takes to say so to those who wait for an answer."""


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
        self._catalog = Catalog(folder.path)
        self._catalog.check_with(self._check)
        pause_s = options.optimise_after_s
        self._optimiser = None if pause_s is None else Optimiser(self._catalog, pause_s)
        self._servers = Servers(self._catalog, optimised=pause_s is not None, check=self._check)
        self._done = asyncio.Event()
        self._lost = False
        self._told = False
        self._hurrying: asyncio.Task[None] | None = None
        greeting = Greeting(self._target, os.getpid(), engine_version(), folder.identity)
        self._leases = Leases(
            folder.sockets / LEASE_SOCKET, greeting, may_serve=self._may_serve, last_gone=self._last_gone
        )

    async def run(self) -> None:
        """Serve to the end."""
        _allow_many_files()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._told_to_end)
        flushing = asyncio.create_task(self._flush_forever())
        try:
            await asyncio.sleep(0)  # a Ctrl-C from before those handlers ends it here: not within the start of gRPC
            await self._start()
            if self._optimiser is not None:
                self._optimiser.start()
            await self._done.wait()
        finally:
            flushing.cancel()
            await self._stop()

    def _told_to_end(self) -> None:
        """The first time end what is under way, with some patience; the second time without."""
        if self._told:
            self._hurrying = asyncio.create_task(self._servers.stop())
        self._told = True
        self._done.set()

    @property
    def _target(self) -> str:
        return unix_target(self._folder.sockets / GRPC_SOCKET)

    async def _start(self) -> None:
        await self._servers.serve(self._target)
        listener = self._options.listener
        bound = None if listener is None else await self._servers.listen(listener)
        await self._leases.start()
        lease = str(self._folder.sockets / LEASE_SOCKET)
        identity = self._folder.identity
        self._folder.announce(Announcement(os.getpid(), lease, self._target, engine_version(), identity))
        if bound is None:
            asyncio.get_running_loop().call_later(_FIRST_LEASE_S, self._stop_if_unused)
        else:
            print(f"listening on {bound}", flush=True)  # noqa: T201  who waits for it reads stdout

    def _check(self) -> None:
        """Refuse what is about to be written if the folder is not this engine's any more, and end."""
        try:
            self._folder.check()
        except FolderLost as lost:
            if not self._lost:
                _log.error("%s", lost)
            self._lost = True
            self._leases.refuse()
            self._done.set()
            raise

    def _may_serve(self) -> bool:
        with contextlib.suppress(FolderLost):
            self._check()
        return not self._lost

    def _last_gone(self) -> bool:
        if self._options.listener is not None and self._may_serve():
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
            if not self._may_serve():
                return
            self._catalog.flush()
            self._folder.shorten_log()

    async def _stop(self) -> None:
        """The order matters: who waits for its lease to end may use the folder at once.

        The leases end with the process, by the kernel: who waits for that finds no engine any more, not even one that
        is just about to be gone.
        """
        if not self._may_serve():
            await self._end_at_once()
        self._folder.withdraw()
        self._leases.refuse()
        await self._servers.stop(_DRAIN_S if self._told else _FAREWELL_S)
        if self._optimiser is not None:
            await self._optimiser.stop()
        self._catalog.close()
        self._folder.release()

    async def _end_at_once(self) -> NoReturn:
        """End as if killed, but with answers: nothing may be flushed by name, and the log has all there is.

        The lock keeps what it says, so that the next engine of the folder, wherever that is, replays the log.
        """
        await self._servers.stop(grace_s=_LAST_ANSWERS_S)
        await asyncio.to_thread(self._catalog.folders.wait)  # what was made meanwhile by a name that is another's
        self._folder.remove_sockets()
        os._exit(FOLDER_LOST)


def _allow_many_files() -> None:
    """An open shard takes six file descriptors, and the usual limit of 1024 would end at 170 collections."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
