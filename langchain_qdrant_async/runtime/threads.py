"""Threads of one's own: bounded, made on first use, remade after a fork, never the event loop's default ones."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import ParamSpec, TypeVar

from langchain_qdrant_async.runtime.forks import forget_after_fork
from langchain_qdrant_async.runtime.loops import running_loop

NICENESS = 5
"""Steps of nice that these threads stand behind the others. Measured: docs/decisions/0202."""

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """At most `limit` threads, named after what they do.

    The loop's default executor is shared by everything in a process, DNS look-ups among it: a model that fills it
    stops the rest.
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
        self._pool: ThreadPoolExecutor | None = None

    def submit(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run it on one of the threads, with the caller's context variables."""
        return self._open().submit(copy_context().run, _without_stop_iteration, function, *args, **kwargs)  # type: ignore[arg-type]

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
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=wait)

    def _open(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._limit, thread_name_prefix=self._name, initializer=_step_back)
            return self._pool


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

    def run() -> None:
        try:
            outcome.set_result(function())
        except BaseException as error:  # noqa: BLE001  it is raised where the outcome is awaited
            outcome.set_exception(error)

    outcome.set_running_or_notify_cancel()
    threading.Thread(target=run, name=name, daemon=True).start()
    return outcome
