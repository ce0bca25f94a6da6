"""Fixtures that all tests share: one embedded engine, a fresh collection name, and a guard against blocking calls."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from blockbuster import blockbuster_ctx

from langchain_qdrant_async import Collections, Connection, Embedded
from langchain_qdrant_async.runtime.blocking import run


@pytest.fixture(autouse=True)
def _no_blocking_calls(request: pytest.FixtureRequest) -> Iterator[None]:
    """A blocking call made by the package on a running event loop fails the test, unless it is marked `may_block`."""
    if request.node.get_closest_marker("may_block"):
        yield
        return
    with blockbuster_ctx("langchain_qdrant_async") as guard:
        # When the last channel of the process is freed, gRPC joins its poller thread, which has been told to end.
        # Source: grpc/_cython/_cygrpc/aio/completion_queue.pyx.pxi, `PollerCompletionQueue.shutdown`.
        guard.functions["threading.Lock.acquire"].can_block_in("threading.py", "_wait_for_tstate_lock")
        yield


@pytest.fixture(scope="session")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """A connection to one embedded engine; it works on every test's own loop."""
    with Connection(Embedded(tmp_path_factory.mktemp("qdrant"))) as connection:
        yield connection


@pytest.fixture
def collection_name(connection: Connection) -> Iterator[str]:
    """A name that no collection has; what the test makes of it is dropped afterwards."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield name
    run(Collections(connection).drop(name))
