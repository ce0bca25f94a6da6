"""The interpreter's end: what runs in threads of ours is told of it, and waited for a moment, but holds nothing up.

Decision: docs/decisions/0430-threads-at-the-end.md.
"""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from contextlib import suppress
from typing import Protocol

from langchain_qdrant_async.errors import QdrantStoreError
from langchain_qdrant_async.runtime.forks import forget_after_fork

_GRACE_S = 0.5
"""Seconds that all threads together may take to end."""
_STANDSTILL_S = 2.0
"""Seconds that a thread is held for, which are more than the interpreter needs to end."""


class Endable(Protocol):
    """Has threads, which are to end with the interpreter."""

    def end(self) -> None:
        """Begin nothing more, and let go of what goes on. May not wait."""

    def wait(self, until: float) -> None:
        """Wait for that, until this moment of `time.monotonic` at most."""


class _Ending:
    """Whether the end has begun, and who has to hear of it."""

    def __init__(self) -> None:
        self.begun = False
        self.forget()
        forget_after_fork(self)

    def forget(self) -> None:
        """In a forked child: the parent's threads do not run here."""
        self._endable: weakref.WeakSet[Endable] = weakref.WeakSet()

    def add(self, endable: Endable) -> None:
        self._endable.add(endable)

    def begin(self) -> None:
        self.begun = True
        until = time.monotonic() + _GRACE_S
        endable = list(self._endable)
        for each in endable:
            each.end()
        for each in endable:
            each.wait(until)


_ending = _Ending()
atexit.register(_ending.begin)


def end_with_interpreter(endable: Endable) -> None:
    """Have it end before the interpreter does, which daemon threads in foreign code would not survive; weakly held."""
    _ending.add(endable)


def has_begun() -> bool:
    """Whether the interpreter is ending: threads of users have ended by then, unless they are daemons."""
    return _ending.begun


def check_begun(what: str) -> None:
    """Refuse what would never be answered any more.

    Raises:
        QdrantStoreError: the interpreter is ending.
    """
    if _ending.begun:
        stand_still()
        raise QdrantStoreError(f"the interpreter is ending: {what}")


def stand_still() -> None:
    """Hold a daemon thread that calls while the interpreter ends until it has: an error would be printed.

    Not for ever, because something that runs at the end might wait for the thread.
    """
    if _ending.begun and threading.current_thread() is not threading.main_thread():
        time.sleep(_STANDSTILL_S)


def interrupt(thread: threading.Thread) -> None:
    """Have a thread raise SystemExit, of which Python says nothing, at its next step in Python.

    A thread that is in C++ code, as torch's is, while the interpreter ends, may abort the process when it comes back.

    Source: https://docs.python.org/3/c-api/threads.html#c.PyThreadState_SetAsyncExc
    """
    with suppress(ImportError, AttributeError):  # CPython only
        from ctypes import c_ulong, py_object, pythonapi

        pythonapi.PyThreadState_SetAsyncExc(c_ulong(thread.ident or 0), py_object(SystemExit))
