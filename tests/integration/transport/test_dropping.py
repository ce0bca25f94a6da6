"""What nobody closed: engines, channels, loops and threads go with the last who could have used them."""

from __future__ import annotations

import asyncio
import gc
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress

import psutil
import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_qdrant_async import AsyncQdrantVectorStore, Collections, Connection, QdrantStoreError
from langchain_qdrant_async.transport.engine import EngineUser

GONE_S = 10.0
"""Much more than an engine takes to end (tests/benchmark/ends.py says how much), and much less than it would live."""


def store_of(connection: Connection | str = ":memory:") -> AsyncQdrantVectorStore:
    return AsyncQdrantVectorStore(connection, "docs", DeterministicFakeEmbedding(size=4))


def by_blocking_calls(store: AsyncQdrantVectorStore) -> None:
    store.add_texts(["a"])
    store.as_retriever().invoke("a")


def by_two_loops(store: AsyncQdrantVectorStore) -> None:
    asyncio.run(store.aadd_texts(["a"]))
    asyncio.run(store.asimilarity_search("a"))


def by_a_loop_that_nobody_closes(store: AsyncQdrantVectorStore) -> None:
    asyncio.new_event_loop().run_until_complete(store.aadd_texts(["a"]))


def by_loops_of_other_threads(store: AsyncQdrantVectorStore) -> None:
    thread = threading.Thread(target=asyncio.run, args=(store.aadd_texts(["a"]),))
    thread.start()
    thread.join()
    store.similarity_search("a")


def with_errors(store: AsyncQdrantVectorStore) -> None:
    store.add_texts(["a"])
    for wrong in ({"filter": {"$bad": 1}}, {"timeout": 0.00001}, {"k": -1}):
        with suppress(QdrantStoreError):
            store.similarity_search("a", **wrong)
    with suppress(QdrantStoreError):
        AsyncQdrantVectorStore(store.connection, "none", store.embedding, create_if_missing=False).add_texts(["a"])


def with_a_cancelled_write(store: AsyncQdrantVectorStore) -> None:
    async def cancel() -> None:
        task = asyncio.create_task(store.aadd_texts(["a"] * 300))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    store.add_texts(["a"])
    asyncio.run(cancel())


def with_its_engine_killed(store: AsyncQdrantVectorStore) -> None:
    store.add_texts(["a"])
    engine_of(store).kill()
    store.add_texts(["b"])


WAYS: list[Callable[[AsyncQdrantVectorStore], None]] = [
    by_blocking_calls,
    by_two_loops,
    by_a_loop_that_nobody_closes,
    by_loops_of_other_threads,
    with_errors,
    with_a_cancelled_write,
    with_its_engine_killed,
]


def engine_of(store: AsyncQdrantVectorStore) -> psutil.Process:
    place = store.connection._place
    assert isinstance(place, EngineUser)
    assert place._lease is not None
    return psutil.Process(place._lease.pid)


def used_and_dropped(use: Callable[[AsyncQdrantVectorStore], None]) -> psutil.Process:
    store = store_of()
    use(store)
    return engine_of(store)


@pytest.mark.parametrize("use", WAYS)
def test_the_engine_of_a_store_that_nobody_holds_goes_with_one_warning(
    use: Callable[[AsyncQdrantVectorStore], None],
) -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        engine = used_and_dropped(use)
        gc.collect()  # a killed engine's error, or an error of asyncio's own, may be a circle
        _, alive = psutil.wait_procs([engine], GONE_S)
    assert alive == []
    [said] = [str(each.message) for each in warned if each.category is ResourceWarning]
    assert "langchain-qdrant-async-" in said  # the folder
    assert "call close() or await aclose()" in said


def test_nothing_is_said_of_what_was_closed_or_never_used() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        store_of()
        with store_of() as store:
            store.add_texts(["a"])
        Collections(store.connection)
        del store
        gc.collect()


def test_200_runs_over_one_connection_leave_nothing() -> None:
    process = psutil.Process()
    with store_of() as store:
        store.add_texts(["a"])
        for _ in range(20):
            asyncio.run(store.asimilarity_search("a"))
        before = process.num_fds(), threading.active_count(), process.memory_info().rss
        for _ in range(200):
            asyncio.run(store.asimilarity_search("a"))
        gc.collect()
        assert process.num_fds() <= before[0] + 2
        assert threading.active_count() <= before[1] + 1
        assert process.memory_info().rss - before[2] < 30_000_000
        assert len(store.connection._channels._opened) <= 2


@pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning")
@pytest.mark.parametrize("in_thread", [False, True], ids=["one thread", "a thread each"])
def test_loops_that_nobody_closed_keep_no_channels(*, in_thread: bool) -> None:
    def search() -> None:
        loop = asyncio.new_event_loop()
        loops.append(loop)  # as gRPC does
        loop.run_until_complete(store.asimilarity_search("a"))

    loops: list[asyncio.AbstractEventLoop] = []
    with store_of() as store:
        store.add_texts(["a"])
        for _ in range(10):
            if in_thread:
                thread = threading.Thread(target=search)
                thread.start()
                thread.join()
            else:
                search()
        assert len(store.connection._channels._opened) <= 2  # the background loop's, and the last
        assert len(loops[0].run_until_complete(store.asimilarity_search("a"))) == 1  # one that runs again after all
        assert len(store.similarity_search("a")) == 1
    for loop in loops:
        loop.close()


def test_a_loop_that_stands_still_within_a_call_keeps_its_channel() -> None:
    loop, other = asyncio.new_event_loop(), asyncio.new_event_loop()
    with store_of() as store:
        store.add_texts(["a"])
        under_way = loop.create_task(store.asimilarity_search("a"))
        while not any(each is loop for each in store.connection._channels._opened):
            loop.run_until_complete(asyncio.sleep(0))
        other.run_until_complete(store.asimilarity_search("a"))
        assert len(loop.run_until_complete(under_way)) == 1
    loop.close()
    other.close()


def test_closing_closes_the_channels_of_loops_that_stand_still() -> None:
    loop = asyncio.new_event_loop()
    store = store_of()
    loop.run_until_complete(store.aadd_texts(["a"]))
    [opened] = store.connection._channels._opened.values()
    engine = engine_of(store)
    store.close()
    assert opened.channel._channel.closed()  # type: ignore[attr-defined]
    assert psutil.wait_procs([engine], GONE_S)[1] == []
    loop.close()
