"""Ctrl-C on the command line: what is open is closed, and the process has ended before anybody presses it again.

Decision: docs/decisions/0432-ctrl-c.md.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")

INTERRUPTED = 130
"""The exit code: 128 and the number of SIGINT, as shells have it."""
_GRACE_S = 0.5
"""Seconds for closing what is open. An engine notices by itself that its user is gone."""


def end_at_once(*_: object) -> NoReturn:
    """End without the interpreter's own end, which takes a second or more when torch is loaded. Says nothing."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(INTERRUPTED)


def expect() -> None:
    """From now on Ctrl-C ends the process at once: nothing is open yet. Unless it is ignored, as in the background."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, end_at_once)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end; at Ctrl-C it is cancelled and may close what it has opened, and the process ends."""
    if signal.getsignal(signal.SIGINT) is not end_at_once:  # not our process: it is for others to say
        return asyncio.run(work)
    interruption = _Interruption()
    try:
        return asyncio.run(interruption.awaited(work))
    except asyncio.CancelledError:
        if interruption.begun:
            end_at_once()
        raise
    finally:
        signal.signal(signal.SIGINT, end_at_once)


class _Interruption:
    """What Ctrl-C does while a coroutine runs: the first cancels it, another ends the process."""

    def __init__(self) -> None:
        self.begun = False

    async def awaited(self, work: Coroutine[Any, Any, T]) -> T:
        task, loop = asyncio.ensure_future(work), asyncio.get_running_loop()

        def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  a signal handler's
            if self.begun:
                end_at_once()
            self.begun = True
            limit = threading.Timer(_GRACE_S, end_at_once)
            limit.daemon = True
            limit.start()
            loop.call_soon_threadsafe(task.cancel)

        # The loop's own handler wakes the loop, which a signal just before it falls asleep would not; but it is called
        # only when the loop comes round, not while it computes.
        with suppress(NotImplementedError):  # on Windows
            loop.add_signal_handler(signal.SIGINT, _nothing)
        signal.signal(signal.SIGINT, interrupt)
        return await task


def _nothing() -> None:
    pass


@contextmanager
def kept_from_child() -> Iterator[None]:
    """A process that is started in here does not hear of Ctrl-C, which a terminal sends to children as well.

    A signal that is blocked stays so across fork and exec, and comes to this process when it is no longer.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
