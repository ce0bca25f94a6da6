"""The whole sync half: coroutines run on one background loop, from any thread, with or without a running loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import inspect
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar

from langchain_qdrant_async.errors import QdrantStoreError
from langchain_qdrant_async.runtime.ending import (
    check_begun,
    end_with_interpreter,
    has_begun,
    interrupt,
    stand_still,
)
from langchain_qdrant_async.runtime.forks import forget_after_fork
from langchain_qdrant_async.runtime.loops import check_threads, running_loop

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")


class _BackgroundLoop:
    """One event loop on a daemon thread, started on first use and again after a fork."""

    def __init__(self) -> None:
        self.forget()
        forget_after_fork(self)

    def forget(self) -> None:
        """In a forked child: the thread does not run here, and its lock may be held for ever."""
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        end_with_interpreter(self)

    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop, running.

        Raises:
            QdrantStoreError: the interpreter is ending.
        """
        check_begun("Qdrant cannot be called any more")
        return self._loop or self._started()

    def is_here(self) -> bool:
        """Whether the caller runs on the loop's own thread."""
        return threading.current_thread() is self._thread

    def end(self) -> None:
        """End what still runs, then the thread; at the interpreter's end."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._end_here)

    def wait(self, until: float) -> None:
        """Wait for the thread; one that computes, in a model's coroutine, is interrupted after half of the time."""
        if self._loop is None or self._thread is None:
            return
        self._thread.join(max(0.0, until - time.monotonic()) / 2)
        if self._thread.is_alive():
            interrupt(self._thread)
            self._thread.join(max(0.0, until - time.monotonic()))
        if not self._thread.is_alive():
            self._loop.close()

    def _end_here(self) -> None:
        loop = asyncio.get_running_loop()
        self._ending = loop.create_task(_end_tasks())
        self._ending.add_done_callback(lambda _: loop.stop())

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                check_threads()
                loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_run_on, args=(loop,), name="langchain-qdrant-async", daemon=True
                )
                self._thread.start()
                self._loop = loop
            return self._loop


def _run_on(loop: asyncio.AbstractEventLoop) -> None:
    """Run a loop until it is stopped.

    A SystemExit or a KeyboardInterrupt that a task raises, a user's model in it, is not only the task's outcome, but
    ends the loop, for it might be the program's; and this one has to live on for the others.

    Source: `Task.__step` and `Handle._run` of asyncio.
    """
    while not has_begun():
        with suppress(SystemExit, KeyboardInterrupt):
            loop.run_forever()
            return


async def _end_tasks() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()  # which closes the channel


_background = _BackgroundLoop()

_waiting: ContextVar[asyncio.AbstractEventLoop | None] = ContextVar("waiting", default=None)


def waiting_loop() -> asyncio.AbstractEventLoop | None:
    """The loop that stands still until the running coroutine ends, because a blocking method was called on it."""
    return _waiting.get()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def submit(coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
    """Start a coroutine on the background loop, in a copy of the caller's context."""
    with _closed_if_refused(coroutine):
        loop = _background.loop()
    return asyncio.run_coroutine_threadsafe(coroutine, loop)


@contextmanager
def _closed_if_refused(coroutine: Coroutine[Any, Any, T]) -> Iterator[None]:
    """Close a coroutine that will not run, or Python would warn that nobody awaited it."""
    try:
        yield
    except QdrantStoreError:
        coroutine.close()
        raise


def elsewhere(coroutine: Coroutine[Any, Any, T]) -> Awaitable[T]:
    """Await, on the running loop, a coroutine that runs on the background loop."""
    with _closed_if_refused(coroutine):
        is_here = _background.loop() is running_loop()
    if is_here:
        return coroutine
    return asyncio.wrap_future(submit(coroutine))


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the background loop and wait for its result.

    Raises:
        QdrantStoreError: called on the background loop itself, or after the end of the interpreter has begun: waiting
            would never end.
    """
    if _background.is_here():
        coroutine.close()
        raise QdrantStoreError(
            "a blocking method was called from a coroutine that another blocking method runs; await its `a…` twin there"
        )
    token = _waiting.set(_running_loop())
    try:
        future = submit(coroutine)  # in a copy of this context
    finally:
        _waiting.reset(token)
    try:
        return future.result()
    except BaseException:
        stand_still()
        future.cancel()
        raise
    finally:
        del future  # or an error would hold this frame, and it the error


Twin: TypeAlias = Callable[[Callable[[Any], Any]], Callable[Concatenate[S, P], T]]
"""Takes the name of what it decorates, and nothing else of it."""


def closing(method: Callable[[S], Coroutine[Any, Any, None]]) -> Twin[S, [], None]:
    """The blocking twin of `aclose`. From `__del__` or a generator at the interpreter's end it does nothing.

    Everything is closed by then: the channels with the background loop, and an engine notices that its user is gone.
    """

    def named(stub: Callable[[Any], Any]) -> Callable[[S], None]:
        close = blocking(method)(stub)

        @functools.wraps(close)
        def twin(self: S, /) -> None:
            if not has_begun():
                close(self)

        return twin

    return named


def blocking(method: Callable[Concatenate[S, P], Coroutine[Any, Any, T]]) -> Twin[S, P, T]:
    """The blocking twin of an async method: same parameters and result, under the name of the stub that it decorates.

    It works from any thread, from inside a running loop (which waits meanwhile) and without one. A decorator, since
    pyright takes an inherited declaration, LangChain's, before the type of what is assigned.
    """

    def named(stub: Callable[[Any], Any]) -> Callable[Concatenate[S, P], T]:
        @functools.wraps(method)
        def twin(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
            return run(method(self, *args, **kwargs))

        rename(twin, stub, method)
        return twin

    return named


def rename(derived: Callable[..., object], stub: Callable[..., object], origin: Callable[..., object]) -> None:
    """Give what is derived from a method the name of its stub, and the docstrings of both."""
    derived.__name__, derived.__qualname__ = stub.__name__, stub.__qualname__
    derived.__doc__ = f"{inspect.getdoc(stub) or ''}\n\n{inspect.getdoc(origin) or ''}"
