"""Which loops and threads gRPC can live with: asyncio's, and the operating system's."""

from __future__ import annotations

import _thread
import asyncio

from langchain_qdrant_async.errors import QdrantStoreError

_GREEN = {"gevent", "eventlet"}


def running_loop() -> asyncio.AbstractEventLoop:
    """The running loop.

    Raises:
        QdrantStoreError: none of asyncio's runs, but perhaps trio's, on which gRPC would wait for ever.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise QdrantStoreError(
            "the async methods need asyncio's event loop, because gRPC does, and none is running here; under trio or"
            " another loop call the blocking methods in a thread, as in"
            " trio.to_thread.run_sync(store.similarity_search, query)"
        ) from None


def check_threads() -> None:
    """Refuse a process whose threads were replaced by greenlets: gRPC's own would block all of them.

    Source: https://github.com/grpc/grpc/issues/4629, for asyncio's API of gRPC

    Raises:
        QdrantStoreError: gevent or eventlet has patched this process.
    """
    patched_by = (_thread.start_new_thread.__module__ or "").partition(".")[0]
    if patched_by in _GREEN:
        raise QdrantStoreError(
            f"{patched_by} has replaced the threads of this process, and gRPC needs asyncio and real ones: use another"
            " kind of worker (threads, processes, asyncio)"
        )
