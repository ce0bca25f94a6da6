"""The process of an engine, as the process that started it sees it."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import shlex
import signal
import subprocess
import threading
from pathlib import Path

from langchain_qdrant_async.errors import EngineError
from langchain_qdrant_async.interpreter import PYTHON, command, environment, interpreter
from langchain_qdrant_async.ownership import lock, open_ours
from langchain_qdrant_async.rendezvous import EPHEMERAL, HELD_TOO_LONG, LOCK_FILE, LOG_FILE, MODULE, SERVED_ALREADY

_log = logging.getLogger(__name__)

_LOG_TAIL_BYTES = 2_000
_MOST_VAIN = 5
"""How many engines may have come and gone before we got there: others may have used them meanwhile."""


class EngineChild:
    """An engine of a folder, as a process that this one starts, and that outlives it if others use it."""

    def __init__(self, folder: Path, *, ephemeral: bool) -> None:
        """Start nothing yet."""
        self._arguments = [*([EPHEMERAL] if ephemeral else []), str(folder)]
        self._python = ""
        self._folder = folder
        self._log = folder / LOG_FILE
        self._process: subprocess.Popen[bytes] | None = None
        self._vain = 0

    def see_to(self) -> None:
        """Start it unless an engine is on its way.

        Raises:
            EngineError: it failed.
        """
        if self.on_its_way():
            self.check()
        elif not _is_locked(self._folder):
            self.start()

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
        self._vain += code == 0
        if code not in {0, SERVED_ALREADY}:
            raise self.failure(f"it {end_of(code)}")
        if self._vain == _MOST_VAIN:
            raise self.failure(f"it ended at once, {_MOST_VAIN} times; is {self._python} a Python interpreter?")

    def start(self) -> None:
        """Start it, in a session of its own, writing to the folder's log.

        Raises:
            EngineError: the operating system, or what is not installed, forbids it.
        """
        if not os.environ.get(PYTHON) and importlib.util.find_spec("qdrant_edge") is None:
            raise self.failure('qdrant-edge-py is not installed: pip install "langchain-qdrant-async[embedded]"')
        try:
            self._python = interpreter()
            self._process = self._spawned()
        except EngineError as error:
            raise self.failure(str(error)) from error
        except (OSError, ValueError) as error:
            raise self.failure(f"the process could not be started ({error})") from error
        name = f"reaper of engine {self._process.pid}"
        threading.Thread(target=_reap, args=(self._process, self._log), name=name, daemon=True).start()

    @property
    def pid(self) -> int | None:
        """The process that was started, as far as it has not been seen to end."""
        return None if self._process is None else self._process.pid

    def end(self) -> None:
        """Kill it: nobody else knows of it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def failure(self, reason: str) -> EngineError:
        """The error that says why there is no engine, what was tried, and how the log ends."""
        tail = _tail(self._log)
        log = f"\n{self._log} ends with:\n{tail}" if tail else ""
        # What is run instead differs in where it finds modules, and is for no one to read.
        tried = shlex.join([self._python, "-P", "-m", MODULE, *self._arguments])
        return EngineError(
            f"the embedded engine of {self._folder} could not be started: {reason}"
            + (f"\nTried: {tried}" if self._python else "")
            + log
        )

    def _spawned(self) -> subprocess.Popen[bytes]:
        log = open_ours(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            return subprocess.Popen(  # noqa: S603  our own interpreter, and a path as one argument
                command(self._python, MODULE, *self._arguments),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(),
                cwd="/",
                start_new_session=True,
            )
        finally:
            os.close(log)


def end_of(code: int) -> str:
    """How a process ended, in words."""
    if code == HELD_TOO_LONG:
        return f"ended with exit code {code}: another process holds the folder's lock and does not serve"
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def _reap(process: subprocess.Popen[bytes], log: Path) -> None:
    """Leave no zombie, and say what nobody else can know."""
    code = process.wait()
    if code < 0:
        _log.warning("the embedded engine (pid %d) %s; its log is %s", process.pid, end_of(code), log)


def _is_locked(folder: Path) -> bool:
    """Whether an engine has the folder, be it still starting or already stopping."""
    try:
        descriptor = open_ours(folder / LOCK_FILE, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not lock(descriptor, shared=True)
    finally:
        os.close(descriptor)


def _tail(log: Path) -> str:
    with contextlib.suppress(OSError):
        descriptor = open_ours(log, os.O_RDONLY)
        try:
            size = os.fstat(descriptor).st_size
            end = os.pread(descriptor, _LOG_TAIL_BYTES, max(0, size - _LOG_TAIL_BYTES))
            return end.decode(errors="replace").strip()
        finally:
            os.close(descriptor)
    return ""
