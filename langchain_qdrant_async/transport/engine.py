"""The client's end of the embedded engine: become one of its users, and stay one.

The engine counts its users by the connections to its lease socket: one that is open is a user, and the kernel closes
it when the process dies, however it dies.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import os
import signal
import socket
import warnings
import weakref
from functools import partial
from pathlib import Path

from langchain_qdrant_async.errors import ConnectionClosed, InvalidInput
from langchain_qdrant_async.ownership import Identity
from langchain_qdrant_async.runtime.blocking import elsewhere
from langchain_qdrant_async.runtime.forks import forget_after_fork
from langchain_qdrant_async.runtime.threads import in_daemon_thread
from langchain_qdrant_async.transport.starting import Joined, Start, clean_up, wait_for_exit
from langchain_qdrant_async.transport.target import Embedded

_log = logging.getLogger(__name__)

_RELEASE_TIMEOUT_S = 10.0
_THREAD = "embedded-engine"


async def join(
    folder: Path | None, *, ephemeral: bool = False, start_timeout_s: float = 10.0, before: Identity | None = None
) -> EngineLease:
    """Become a user of a folder's engine, which is started if there is none.

    Args:
        folder: where the collections are kept; made, for its owner only, if it is not there. None for a new temporary
            folder, of which nothing is left if this fails or is cancelled.
        ephemeral: whether an engine started here removes the folder when its last user is gone.
        start_timeout_s: how long to wait for the engine to answer.
        before: of an engine whose user we were, and which died; the folder must still be the same one.

    Raises:
        EngineError: it could neither be joined nor started; the message says why and what to do.
    """
    start = Start(folder, ephemeral=ephemeral, timeout_s=start_timeout_s, before=before)
    outcome = in_daemon_thread(_THREAD, start.run)
    try:
        joined = await asyncio.wrap_future(outcome)
    except asyncio.CancelledError:
        outcome.add_done_callback(_abandon)
        raise
    return EngineLease(joined, ephemeral=ephemeral)


def _abandon(outcome: concurrent.futures.Future[Joined]) -> None:
    if outcome.exception() is None:
        outcome.result().connected.close()


class EngineLease:
    """A user's part in an engine. It belongs to the event loop on which it was made.

    Attributes:
        target: what gRPC connects to, `unix:/…`.
        pid: the engine's process id.
        identity: the engine's.
        folder: the engine's.
        lost: set when the engine died; the folder can be joined again, and all acknowledged writes are there.
    """

    def __init__(self, joined: Joined, *, ephemeral: bool) -> None:
        """Watch over a connection to the lease socket; use `join`."""
        self.target = joined.greeting.target
        self.pid = joined.greeting.pid
        self.identity = joined.identity
        self.folder = joined.folder
        self.lost = asyncio.Event()
        self._joined = joined
        self._socket = joined.connected
        self._ephemeral = ephemeral
        self._leaving = False
        self._ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._watching = self._loop.create_task(self._watch())
        forget_after_fork(self)

    def __repr__(self) -> str:
        return f"EngineLease({str(self.folder)!r}, pid={self.pid})"

    async def release(self) -> None:
        """Leave, and wait until the engine lets go.

        After the last user's release everything is on disk and the folder is free. Waits at most 10 s; an engine that
        was started here and does not answer then is killed: the next one replays its log.
        """
        self._leaving = True
        try:
            self._shutdown(socket.SHUT_WR)
            if not await self._let_go():
                await self._end()
            if self._joined.ours and self._ended.is_set():
                await asyncio.wrap_future(in_daemon_thread(_THREAD, partial(wait_for_exit, self._joined)))
        finally:
            self.drop()
        if self._ephemeral and self._ended.is_set():  # by itself, and then it has done so, or killed
            await asyncio.wrap_future(in_daemon_thread(_THREAD, partial(clean_up, self._joined)))

    async def _let_go(self) -> bool:
        """Whether the engine lets go in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_RELEASE_TIMEOUT_S):
                await self._ended.wait()
        return self._ended.is_set()

    async def _end(self) -> None:
        """Kill the engine if it was started here: it does not answer, and would keep its folder from the next one."""
        _log.warning("the embedded engine of %s (pid %d) did not let go in time", self.folder, self.pid)
        if self._joined.ours:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)  # it has not been waited for, for our lease is still open
            await self._let_go()

    def drop(self) -> None:
        """Leave without waiting. May be called from any thread, at any time, and again."""
        self._leaving = True
        self._shutdown(socket.SHUT_RDWR)
        if self._loop.is_closed():
            self._socket.close()

    def forget(self) -> None:
        """In a forked child: close the copy of the connection, which is the parent's."""
        self._leaving = True
        self._socket.close()

    async def _watch(self) -> None:
        try:
            with contextlib.suppress(OSError):
                while await self._loop.sock_recv(self._socket, 1024):
                    pass
        finally:
            self._socket.close()
            if not self._leaving:
                self.lost.set()
            self._ended.set()

    def _shutdown(self, how: int) -> None:
        with contextlib.suppress(OSError):  # closed already, by either side
            self._socket.shutdown(how)


class EngineUser:
    """A connection as a user of an engine, which it joins at its first use, and joins anew when the engine has died.

    The lease belongs to the background loop; the methods may be awaited on any.
    """

    def __init__(self, embedded: Embedded) -> None:
        """Join nothing yet."""
        self._ephemeral = embedded.ephemeral
        self._given = None if embedded.ephemeral else _absolute(embedded.path)
        self._left = False
        self._dropped: weakref.finalize[..., EngineUser] | None = None
        self.forget()
        forget_after_fork(self)

    def forget(self) -> None:
        """In a forked child: the lease is the parent's, and so is a folder in memory."""
        self._keep(None)
        self._joining: asyncio.Lock | None = None

    @property
    def target(self) -> str | None:
        """What gRPC connects to while the engine is known to live; None when it has to be started."""
        return self._lease.target if self._lease is not None and not self._lease.lost.is_set() else None

    def _keep(self, lease: EngineLease | None) -> None:
        """Have this lease from now on, which ends with us; the background loop, which watches over it, does not."""
        if self._dropped is not None:
            self._dropped.detach()
        self._lease = lease
        self._dropped = None if lease is None else weakref.finalize(self, _drop, lease)
        if self._dropped is not None:
            self._dropped.atexit = False  # the kernel does it

    async def found(self) -> str:
        """Join or start the engine; what gRPC connects to."""
        return await elsewhere(self._join())

    async def leave(self) -> None:
        """Give the lease back, for good."""
        self._left = True
        if self._joining is not None:  # else there never was one
            await elsewhere(self._release(self._joining))

    async def _join(self) -> str:
        self._joining = self._joining or asyncio.Lock()
        async with self._joining:
            if self._left:
                raise ConnectionClosed("the connection is closed; make a new one")
            lease = self._lease
            if lease is None or lease.lost.is_set():
                lease = await self._joined_anew(lease)
                self._keep(lease)
            return lease.target

    async def _joined_anew(self, lost: EngineLease | None) -> EngineLease:
        if lost is None:
            return await join(self._given, ephemeral=self._ephemeral)
        lost.drop()
        return await join(lost.folder, ephemeral=self._ephemeral, before=lost.identity)

    async def _release(self, joining: asyncio.Lock) -> None:
        async with joining:
            lease = self._lease
            self._keep(None)
            if lease is not None:
                await lease.release()


def _drop(lease: EngineLease) -> None:
    """Leave the engine of a connection that nobody refers to any more."""
    lease.drop()
    warnings.warn(
        f"a connection to the embedded engine of {str(lease.folder)!r} was dropped without being closed: use `with` or "
        "`async with`, or call close() or await aclose() on the connection, or on the store that made it",
        ResourceWarning,
        stacklevel=2,
    )


def _absolute(path: str | Path) -> Path:
    """The folder that is meant now, whatever the working directory and the user's home are later."""
    try:
        return Path(path).expanduser().absolute()
    except (RuntimeError, OSError) as error:
        raise InvalidInput(f"{str(path)!r} names no folder: {error}") from error
