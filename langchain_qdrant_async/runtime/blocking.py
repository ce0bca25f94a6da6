"""The whole sync half: coroutines run on one background loop, from any thread, with or without a running loop.

similarity_search = blocking(asimilarity_search)
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import functools
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Concatenate, ParamSpec, TypeVar

from langchain_qdrant_async.errors import QdrantStoreError
from langchain_qdrant_async.runtime.forks import forget_after_fork
from langchain_qdrant_async.runtime.loops import check_threads, running_loop

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")

_EXIT_GRACE_S = 5.0


class _BackgroundLoop:
    """One event loop on a daemon thread, started on first use and again after a fork."""

    def __init__(self) -> None:
        self.forget()
        forget_after_fork(self)

    def forget(self) -> None:
        """In a forked child: the thread does not run here, and its lock may be held for ever."""
        self.ended = False
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop, running."""
        return self._loop or self._started()

    def is_here(self) -> bool:
        """Whether the caller runs on the loop's own thread."""
        return threading.current_thread() is self._thread

    def stop(self) -> None:
        """End what still runs, then the thread; at the interpreter's end, after which no thread can be waited for."""
        self.ended = True
        if self._loop is None or self._thread is None:
            return
        done = asyncio.run_coroutine_threadsafe(_end_tasks(), self._loop)
        with suppress(concurrent.futures.TimeoutError, concurrent.futures.CancelledError):
            done.result(_EXIT_GRACE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_EXIT_GRACE_S)
        if not self._thread.is_alive():
            self._loop.close()
        self._loop = None

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                check_threads()
                loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=loop.run_forever, name="langchain-qdrant-async", daemon=True)
                self._thread.start()
                self._loop = loop
            return self._loop


async def _end_tasks() -> None:
    await asyncio.get_running_loop().shutdown_asyncgens()  # channels close first, while their engine still answers
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


_background = _BackgroundLoop()
atexit.register(_background.stop)

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
    if _background.ended:
        coroutine.close()
        raise QdrantStoreError("the interpreter is ending: no blocking method can be called any more")
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
        future.cancel()
        raise


def closing(method: Callable[[S], Coroutine[Any, Any, None]]) -> Callable[[S], None]:
    """The blocking twin of `aclose`. From `__del__` or a generator at the interpreter's end it does nothing.

    Everything is closed by then: the channels with the background loop, and an engine notices that its user is gone.
    """
    close = blocking(method)

    @functools.wraps(close)
    def twin(self: S, /) -> None:
        if not _background.ended:
            close(self)

    return twin


def blocking(method: Callable[Concatenate[S, P], Coroutine[Any, Any, T]]) -> Callable[Concatenate[S, P], T]:
    """The blocking twin of an async method: same parameters, its name without the leading `a`.

    It works from any thread, from inside a running loop (which waits meanwhile) and without one.
    """

    @functools.wraps(method)
    def twin(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return run(method(self, *args, **kwargs))

    name = method.__name__
    twin.__name__ = name.replace("_a", "_", 1) if name.startswith("_") else name.removeprefix("a")
    twin.__qualname__ = method.__qualname__.removesuffix(name) + twin.__name__
    twin.__doc__ = f"Blocking twin of `{name}`.\n\n{method.__doc__ or ''}"
    return twin
