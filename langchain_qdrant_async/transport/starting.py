"""How an engine's process is started, by the first who wants to use its folder, and how the others find it."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TypeAlias

from langchain_qdrant_async.errors import EngineError
from langchain_qdrant_async.rendezvous import (
    EPHEMERAL,
    LOCK_FILE,
    LOG_FILE,
    MODULE,
    SERVED_ALREADY,
    Greeting,
    lease_of,
)

_POLL_S = 0.01
_LOG_TAIL_BYTES = 2_000
_LONGEST_GREETING_BYTES = 10_000

Joined: TypeAlias = tuple[socket.socket, Greeting]
"""A connection to the lease socket, and what the engine said of itself."""


class Start:
    """One attempt to become a user of a folder's engine. Blocks, so it runs in a thread of its own.

    Attributes:
        folder: where the collections are kept, absolute.
    """

    def __init__(self, folder: Path, *, ephemeral: bool, timeout_s: float) -> None:
        """Begin to count the time."""
        self.folder = folder.absolute()
        self._child = EngineChild(self.folder, ephemeral=ephemeral)
        self._timeout_s = timeout_s
        self._deadline = time.monotonic() + timeout_s

    def run(self) -> Joined:
        """Join the engine of the folder, and start one if there is none.

        Raises:
            EngineError: neither is possible, or not in time.
        """
        self._prepare()
        while (joined := self._joined()) is None:
            self._see_to_child()
            if time.monotonic() > self._deadline:
                raise self._child.failure(f"it did not answer within {self._timeout_s:g} s")
            time.sleep(_POLL_S)
        return joined

    def _prepare(self) -> None:
        if os.name != "posix":
            raise EngineError("the embedded engine needs Linux or macOS; use a Qdrant server instead")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise self._child.failure(
                f"the folder cannot be made ({error}); give another path or mend its parent"
            ) from error
        if not os.access(self.folder, os.R_OK | os.W_OK | os.X_OK):
            raise self._child.failure("the folder is not writable; give another path or change its permissions")

    def _joined(self) -> Joined | None:
        """A connection to the engine that the lock file names, if it is there and goes on."""
        try:
            lease = lease_of((self.folder / LOCK_FILE).read_bytes())
        except OSError:
            return None
        return None if lease is None else _greeted(lease, max(self._deadline - time.monotonic(), _POLL_S))

    def _see_to_child(self) -> None:
        """Start an engine unless one is on its way; give up if ours failed."""
        if self._child.on_its_way():
            self._child.check()
        elif not _locked(self.folder):
            self._child.start()


class EngineChild:
    """An engine of a folder, as a process that this one starts, and that outlives it if others use it."""

    def __init__(self, folder: Path, *, ephemeral: bool) -> None:
        """Start nothing yet."""
        options = [EPHEMERAL] if ephemeral else []
        self._command = [sys.executable or "python", "-P", "-m", MODULE, *options, str(folder)]
        self._folder = folder
        self._log = folder / LOG_FILE
        self._process: subprocess.Popen[bytes] | None = None

    def on_its_way(self) -> bool:
        """Whether it was started, and has not been seen to end."""
        return self._process is not None

    def check(self) -> None:
        """See whether it has ended; that it found another engine serving is no failure.

        Raises:
            EngineError: it failed.
        """
        code = None if self._process is None else self._process.poll()
        if code is None:
            return
        self._process = None
        if code not in {0, SERVED_ALREADY}:
            raise self.failure(f"it ended with exit code {code}")

    def start(self) -> None:
        """Start it, in a session of its own, writing to the folder's log.

        Raises:
            EngineError: the operating system, or what is not installed, forbids it.
        """
        if importlib.util.find_spec("qdrant_edge") is None:
            raise self.failure('qdrant-edge-py is not installed: pip install "langchain-qdrant-async[embedded]"')
        if not sys.executable:
            raise self.failure("this interpreter does not know its own executable; start the engine by hand")
        try:
            self._process = self._spawned()
        except OSError as error:
            raise self.failure(f"the process could not be started ({error})") from error
        name = f"reaper of engine {self._process.pid}"
        threading.Thread(target=self._process.wait, name=name, daemon=True).start()

    def failure(self, reason: str) -> EngineError:
        """The error that says why there is no engine, what was tried, and how the log ends."""
        tail = _tail(self._log)
        log = f"\n{self._log} ends with:\n{tail}" if tail else ""
        command = f"\nTried: {' '.join(self._command)}"
        return EngineError(f"the embedded engine of {self._folder} could not be started: {reason}{command}{log}")

    def _spawned(self) -> subprocess.Popen[bytes]:
        log = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            return subprocess.Popen(  # noqa: S603  our own interpreter, and a path as one argument
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(),
                cwd="/",
                start_new_session=True,
            )
        finally:
            os.close(log)


def _environment() -> dict[str, str]:
    """The child's environment: it finds the modules that this process finds, however it came to find them."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(os.path.abspath(entry) for entry in sys.path)}  # noqa: PTH100  entries need not exist


def _locked(folder: Path) -> bool:
    """Whether an engine has the folder, be it still starting or already stopping."""
    import fcntl  # not on Windows, where this module must still be importable

    try:
        descriptor = os.open(folder / LOCK_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _greeted(lease: Path, timeout_s: float) -> Joined | None:
    """A connection to a lease socket, once the engine has greeted; None if it does not, because it is stopping."""
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connected.settimeout(timeout_s)
        connected.connect(str(lease))
        line = _read_line(connected)
    except OSError:
        line = b""
    if not line:
        connected.close()
        return None
    connected.setblocking(False)  # noqa: FBT003  positional only
    return connected, Greeting.from_line(line)


def _read_line(connected: socket.socket) -> bytes:
    """The engine's greeting; empty if it says none."""
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
