"""Threads of one's own: bounded, made on first use, remade after a fork, never the event loop's default ones."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, ParamSpec, TypeAlias, TypeVar

from langchain_qdrant_async.runtime.ending import check_begun, end_with_interpreter, has_begun, interrupt
from langchain_qdrant_async.runtime.forks import forget_after_fork
from langchain_qdrant_async.runtime.loops import running_loop

NICENESS = 5
"""Steps of nice that these threads stand behind the others. Measured: docs/decisions/0202."""

P = ParamSpec("P")
T = TypeVar("T")

_Call: TypeAlias = tuple["Future[Any]", Callable[[], Any]]
"""What is to be done, and who waits for it."""


class Threads:
    """At most `limit` threads, named after what they do.

    The loop's default executor is shared by everything in a process, DNS look-ups among it: a model that fills it
    stops the rest. And an executor's threads hold up the interpreter's end until they have done all that was asked of
    them; these do not, and they go on to work when the main thread has ended.
    """

    def __init__(self, name: str, limit: int) -> None:
        """No thread starts before the first `submit`."""
        self._name = name
        self._limit = limit
        self.forget()
        forget_after_fork(self)

    def forget(self) -> None:
        """In a forked child: the parent's threads do not exist here, and its lock may have been held."""
        self._lock = threading.Lock()
        self._crew: _Crew | None = None

    def submit(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run it on one of the threads, with the caller's context variables.

        Raises:
            QdrantStoreError: the interpreter is ending.
        """
        outcome: Future[T] = Future()
        call = partial(copy_context().run, partial(_without_stop_iteration, function, *args, **kwargs))
        with self._lock:
            self._here().take((outcome, call))
        return outcome

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Await what `submit` gives; a cancelled caller's call is dropped if it has not started."""
        loop = running_loop()
        return await asyncio.wrap_future(self.submit(function, *args, **kwargs), loop=loop)

    def close(self, *, wait: bool = True) -> None:
        """End the threads when they have done what was submitted, and wait for that if `wait`.

        Nothing is cancelled: whoever awaits a cancelled call would believe that it was meant. A later `submit` makes
        new threads.
        """
        with self._lock:
            crew, self._crew = self._crew, None
        if crew is not None:
            crew.dismiss()
            if wait:
                crew.join()

    def _here(self) -> _Crew:
        check_begun("nothing can be given to another thread any more")
        if self._crew is None:
            self._crew = _Crew(self._name, self._limit)
            weakref.finalize(self, self._crew.dismiss).atexit = False
        return self._crew


class _Crew:
    """The threads from the first call to the closing. They hold it, and not the `Threads`, which may be dropped."""

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._limit = limit
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._members: list[threading.Thread] = []
        self._busy: set[threading.Thread] = set()
        end_with_interpreter(self)

    def take(self, call: _Call) -> None:
        """Have one of the threads do it, a new one if all are busy and there may be more."""
        is_awaited = self._idle.acquire(blocking=False)
        self._calls.put(call)
        if not is_awaited and len(self._members) < self._limit:
            self._hire()

    def dismiss(self) -> None:
        """End the threads when all is done that was taken before."""
        self._calls.put(None)

    def join(self) -> None:
        """Wait for the end of the threads."""
        for member in self._members:
            if member is not threading.current_thread():
                member.join()

    def end(self) -> None:
        """At the interpreter's end: break off what is under way, and leave what waits."""
        for member in list(self._busy):
            interrupt(member)

    def wait(self, until: float) -> None:
        """Wait for those who are at work."""
        for member in list(self._busy):
            member.join(max(0.0, until - time.monotonic()))

    def _hire(self) -> None:
        member = threading.Thread(target=self._work, name=f"{self._name}_{len(self._members)}", daemon=True)
        try:
            member.start()
        except RuntimeError:  # no more threads can be had
            if not self._members:
                self._calls.get()
                raise
        else:
            self._members.append(member)

    def _work(self) -> None:
        _step_back()
        while self._did(self._next()):
            pass
        self._calls.put(None)  # for the next of them

    def _next(self) -> _Call | None:
        with suppress(Empty):
            return self._calls.get_nowait()
        self._idle.release()
        return self._calls.get()

    def _did(self, call: _Call | None) -> bool:
        """Whether there was something to do; nothing of it is kept while the next call is awaited."""
        if call is None or has_begun():
            return False
        self._busy.add(threading.current_thread())
        try:
            _settle(*call)
        finally:
            self._busy.discard(threading.current_thread())
        return True


def _settle(outcome: Future[T], function: Callable[[], T]) -> None:
    if not outcome.set_running_or_notify_cancel():
        return
    try:
        result = function()
    except BaseException as error:  # noqa: BLE001  it is raised where the outcome is awaited
        if not has_begun():  # else it was broken off: whoever waits for it stands still until the interpreter's end
            outcome.set_exception(error)
    else:
        outcome.set_result(result)
    finally:
        del outcome  # or the error's traceback would hold it, and it the error


def _step_back() -> None:
    """Let the event loop's thread have a core first when there are not enough; the model's own threads inherit it.

    Source: setpriority(2), "Linux: the nice value is per thread". Elsewhere it would be the whole process's.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICENESS)


def _without_stop_iteration(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """A future cannot carry StopIteration: the one who awaits it would wait for ever."""
    try:
        return function(*args, **kwargs)
    except StopIteration as error:
        raise RuntimeError("StopIteration left the embedding model") from error


def in_daemon_thread(name: str, function: Callable[[], T]) -> Future[T]:
    """Run something that blocks in a daemon thread of its own: an executor would hold up the interpreter's exit."""
    outcome: Future[T] = Future()
    threading.Thread(target=_settle, args=(outcome, function), name=name, daemon=True).start()
    return outcome
