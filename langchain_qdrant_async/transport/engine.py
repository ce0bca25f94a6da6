"""The client's end of the embedded engine: find the engine of a folder, or start it, and keep it alive.

The engine counts its users by the connections to its lease socket: one that is open is a user, and the kernel closes
it when the process dies, however it dies.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import importlib.util
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from langchain_qdrant_async.errors import EngineError

_log = logging.getLogger(__name__)

_MODULE = "langchain_qdrant_async.engine"
_SERVED_ALREADY = 3
_POLL_S = 0.01
_RELEASE_TIMEOUT_S = 10.0
_LOG_TAIL_BYTES = 2_000
_LONGEST_GREETING_BYTES = 10_000

T = TypeVar("T")


async def join(folder: Path, *, ephemeral: bool = False, start_timeout_s: float = 10.0) -> EngineLease:
    """Become a user of a folder's engine, which is started if there is none.

    Args:
        folder: where the collections are kept; made, for its owner only, if it is not there.
        ephemeral: whether an engine started here removes the folder when its last user is gone.
        start_timeout_s: how long to wait for the engine to answer.

    Raises:
        EngineError: it could neither be joined nor started; the message says why and what to do.
    """
    start = _Start(folder, ephemeral=ephemeral, timeout_s=start_timeout_s)
    outcome = _in_thread(start.run)
    try:
        connected, greeting = await asyncio.wrap_future(outcome)
    except asyncio.CancelledError:
        outcome.add_done_callback(_abandon)
        raise
    return EngineLease(connected, greeting, start.folder, ephemeral=ephemeral)


class EngineLease:
    """A user's part in an engine. It belongs to the event loop on which it was made.

    Attributes:
        target: what gRPC connects to, `unix:/…`.
        pid: the engine's process id.
        lost: set when the engine died; the folder can be joined again, and all acknowledged writes are there.
    """

    def __init__(self, connected: socket.socket, greeting: dict[str, Any], folder: Path, *, ephemeral: bool) -> None:
        """Watch over a connection to the lease socket; use `join`."""
        self.target: str = greeting["target"]
        self.pid: int = greeting["pid"]
        self.lost = asyncio.Event()
        self._socket = connected
        self._folder = folder
        self._ephemeral = ephemeral
        self._leaving = False
        self._ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._watching = self._loop.create_task(self._watch())
        _leases.add(self)

    def __repr__(self) -> str:
        return f"EngineLease({str(self._folder)!r}, pid={self.pid})"

    async def release(self) -> None:
        """Leave, and wait until the engine lets go.

        After the last user's release everything is on disk and the folder is free. Waits at most 10 s.
        """
        self._leaving = True
        try:
            self._shutdown(socket.SHUT_WR)
            async with asyncio.timeout(_RELEASE_TIMEOUT_S):
                await self._ended.wait()
        except TimeoutError:
            _log.warning("the embedded engine of %s (pid %d) did not let go in time", self._folder, self.pid)
        finally:
            self.drop()
        if self._ephemeral and self._ended.is_set():  # by itself, and then it has done so, or killed
            await asyncio.wrap_future(_in_thread(self._clean_up))

    def drop(self) -> None:
        """Leave without waiting. May be called from any thread, at any time, and again."""
        self._leaving = True
        self._shutdown(socket.SHUT_RDWR)
        if self._loop.is_closed():
            self._socket.close()

    def _clean_up(self) -> None:
        """Do what the engine would have done at its end: nobody will come to this folder again."""
        for folder in (self._folder, Path(self.target.removeprefix("unix:")).parent):
            shutil.rmtree(folder, ignore_errors=True)

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

    def _forget(self) -> None:
        """In a forked child: close the copy of the connection, which is the parent's."""
        self._leaving = True
        self._socket.close()


_leases: weakref.WeakSet[EngineLease] = weakref.WeakSet()


def _forget_all() -> None:
    for lease in list(_leases):
        lease._forget()  # noqa: SLF001  of this module
    _leases.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


class _Start:
    """One attempt to become a user of a folder's engine. Blocks, so it runs in a thread of its own."""

    def __init__(self, folder: Path, *, ephemeral: bool, timeout_s: float) -> None:
        self.folder = folder
        self._ephemeral = ephemeral
        self._timeout_s = timeout_s
        self._deadline = time.monotonic() + timeout_s
        self._child: subprocess.Popen[bytes] | None = None

    def run(self) -> tuple[socket.socket, dict[str, Any]]:
        """A connection to the lease socket, and what the engine said of itself."""
        self.folder = self.folder.absolute()
        self._prepare()
        while (connected := self._connect()) is None:
            self._watch_child()
            if time.monotonic() > self._deadline:
                raise self._failure(f"it did not answer within {self._timeout_s:g} s")
            time.sleep(_POLL_S)
        return connected

    def _prepare(self) -> None:
        if os.name != "posix":
            raise EngineError("the embedded engine needs Linux or macOS; use a Qdrant server instead")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise self._failure(f"the folder cannot be made ({error}); give another path or mend its parent") from error
        if not os.access(self.folder, os.R_OK | os.W_OK | os.X_OK):
            raise self._failure("the folder is not writable; give another path or change its permissions")

    def _connect(self) -> tuple[socket.socket, dict[str, Any]] | None:
        """Connect to the engine that the lock file names, if it is there and goes on."""
        path = self._lease_path()
        if path is None:
            return None
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connected.settimeout(max(self._deadline - time.monotonic(), _POLL_S))
            connected.connect(path)
            greeting = _read_line(connected)
        except OSError:
            greeting = b""
        if not greeting:
            connected.close()
            return None
        connected.setblocking(False)  # noqa: FBT003  positional only
        return connected, json.loads(greeting)

    def _lease_path(self) -> str | None:
        try:
            return str(json.loads((self.folder / "engine.lock").read_bytes())["lease"])
        except (OSError, ValueError, KeyError):
            return None

    def _watch_child(self) -> None:
        """Start an engine unless one is on its way; give up if ours failed."""
        if self._child is None:
            if not self._locked():
                self._child = self._spawn()
            return
        code = self._child.poll()
        if code is None:
            return
        self._child = None
        if code not in {0, _SERVED_ALREADY}:
            raise self._failure(f"it ended with exit code {code}")

    def _locked(self) -> bool:
        """Whether an engine has the folder, be it still starting or already stopping."""
        import fcntl  # not on Windows, where this module must still be importable

        try:
            descriptor = os.open(self.folder / "engine.lock", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _spawn(self) -> subprocess.Popen[bytes]:
        if importlib.util.find_spec("qdrant_edge") is None:
            raise self._failure('qdrant-edge-py is not installed: pip install "langchain-qdrant-async[embedded]"')
        if not sys.executable:
            raise self._failure("this interpreter does not know its own executable; start the engine by hand")
        log = os.open(self._log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            child = subprocess.Popen(  # noqa: S603  our own interpreter, and a path as one argument
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(),
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise self._failure(f"the process could not be started ({error})") from error
        finally:
            os.close(log)
        threading.Thread(target=child.wait, name=f"reaper of engine {child.pid}", daemon=True).start()
        return child

    @property
    def _command(self) -> list[str]:
        ephemeral = ["--ephemeral"] if self._ephemeral else []
        return [sys.executable, "-P", "-m", _MODULE, *ephemeral, str(self.folder)]

    @property
    def _log_file(self) -> Path:
        return self.folder / "engine.log"

    def _failure(self, reason: str) -> EngineError:
        tail = _tail(self._log_file)
        log = f"\n{self._log_file} ends with:\n{tail}" if tail else ""
        command = f"\nTried: {' '.join(self._command)}"
        return EngineError(f"the embedded engine of {self.folder} could not be started: {reason}{command}{log}")


def _environment() -> dict[str, str]:
    """The child's environment: it finds the modules that this process finds, however it came to find them."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(os.path.abspath(entry) for entry in sys.path)}  # noqa: PTH100  entries need not exist


def _read_line(connected: socket.socket) -> bytes:
    """The engine's greeting; empty if it says none because it is stopping."""
    line = b""
    while not line.endswith(b"\n"):
        more = connected.recv(_LONGEST_GREETING_BYTES)
        if not more:
            return b""
        line += more
    return line


def _tail(log: Path) -> str:
    try:
        return log.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace").strip()
    except OSError:
        return ""


def _in_thread(function: Callable[[], T]) -> concurrent.futures.Future[T]:
    """Run something that blocks in a daemon thread: the loop's executor would hold up the interpreter's exit."""
    outcome: concurrent.futures.Future[T] = concurrent.futures.Future()

    def run() -> None:
        try:
            outcome.set_result(function())
        except BaseException as error:  # noqa: BLE001  it is raised where the outcome is awaited
            outcome.set_exception(error)

    outcome.set_running_or_notify_cancel()
    threading.Thread(target=run, name="embedded-engine", daemon=True).start()
    return outcome


def _abandon(outcome: concurrent.futures.Future[tuple[socket.socket, dict[str, Any]]]) -> None:
    if outcome.exception() is None:
        outcome.result()[0].close()
