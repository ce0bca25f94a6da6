"""One store from any loop, any thread, and none."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from langchain_qdrant_async import AsyncQdrantVectorStore, Connection, ConnectionClosed, QdrantStoreError
from langchain_qdrant_async.runtime.blocking import run
from tests.embeddings import WordEmbeddings

TEXTS = ["red apple", "green apple", "yellow banana"]


@pytest.fixture
def store(connection: Connection, collection_name: str) -> AsyncQdrantVectorStore:
    return AsyncQdrantVectorStore(connection, collection_name, WordEmbeddings())


def test_two_runs_in_a_row(store: AsyncQdrantVectorStore) -> None:
    asyncio.run(store.aadd_texts(TEXTS))
    for _ in range(3):
        assert len(asyncio.run(store.asimilarity_search("apple", k=2))) == 2


def test_threads_with_a_loop_each(store: AsyncQdrantVectorStore) -> None:
    store.add_texts(TEXTS)

    def search(_: int) -> list[int]:
        async def many() -> list[int]:
            return [len(each) for each in await asyncio.gather(*(store.asimilarity_search("apple") for _ in range(8)))]

        return asyncio.run(many())

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(search, range(8))) == [[3] * 8] * 8


def test_loops_that_ended_are_forgotten(connection: Connection, store: AsyncQdrantVectorStore) -> None:
    for _ in range(5):
        asyncio.run(store.asimilarity_search("apple"))
    gc.collect()
    assert len([loop for loop in connection._channels._opened if loop.is_closed()]) <= 1


def test_blocking_calls_without_a_loop(store: AsyncQdrantVectorStore) -> None:
    ids = store.add_texts(TEXTS, [{"n": n} for n in range(3)])
    assert [each.page_content for each in store.get_by_ids(ids)] == TEXTS
    assert store.similarity_search("banana", k=1)[0].page_content == TEXTS[2]
    assert len(store.similarity_search_with_relevance_scores("banana", k=3)) == 3
    assert len(store.max_marginal_relevance_search("banana", k=2, filter={"n": {"$gt": 0}})) == 2
    assert len(store.as_retriever().invoke("apple")) == 3
    assert store.delete(ids) is True
    assert store.similarity_search("banana") == []


@pytest.mark.may_block
async def test_a_blocking_call_inside_a_running_loop(store: AsyncQdrantVectorStore) -> None:
    """As a notebook cell does: the loop waits, and nothing deadlocks."""
    await store.aadd_texts(TEXTS)
    assert len(store.similarity_search("apple", k=2)) == 2
    assert len(await store.asimilarity_search("apple", k=2)) == 2


def test_blocking_calls_from_many_threads(store: AsyncQdrantVectorStore) -> None:
    store.add_texts(TEXTS)
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(lambda _: len(store.similarity_search("apple")), range(64))) == [3] * 64
    assert len([each for each in threading.enumerate() if each.name == "langchain-qdrant-async"]) == 1


def test_a_blocking_call_from_the_background_loop_is_refused_and_not_a_deadlock(store: AsyncQdrantVectorStore) -> None:
    async def inside() -> None:
        store.similarity_search("apple")

    with pytest.raises(QdrantStoreError, match="await its `a…` twin there"):
        run(inside())


async def test_use_after_close() -> None:
    connection = Connection(":memory:")
    store = AsyncQdrantVectorStore(connection, "docs", WordEmbeddings())
    await store.aadd_texts(TEXTS)
    await connection.aclose()
    await connection.aclose()
    with pytest.raises(ConnectionClosed, match="is closed; make a new one"):
        await store.asimilarity_search("apple")


def test_closing_closes_the_channels_of_other_loops_too() -> None:
    connection = Connection(":memory:")
    store = AsyncQdrantVectorStore(connection, "docs", WordEmbeddings())
    used, closed = threading.Event(), threading.Event()

    async def elsewhere() -> str:
        await store.aadd_texts(TEXTS)
        used.set()
        await asyncio.get_running_loop().run_in_executor(None, closed.wait)
        with pytest.raises(ConnectionClosed) as caught:
            await store.asimilarity_search("apple")
        return str(caught.value)

    with ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(asyncio.run, elsewhere())
        assert used.wait(20)
        connection.close()
        assert connection._channels._opened == {}
        closed.set()
        assert "is closed" in outcome.result()


async def test_close_before_use_does_nothing() -> None:
    connection = Connection(":memory:")
    await connection.aclose()
    with pytest.raises(ConnectionClosed):
        await AsyncQdrantVectorStore(connection, "docs", WordEmbeddings()).aadd_texts(TEXTS)


async def test_cancelling_a_write_leaks_nothing(connection: Connection, store: AsyncQdrantVectorStore) -> None:
    await store.aadd_texts(["first"])
    before = asyncio.all_tasks()
    for turns in range(12):
        task = asyncio.create_task(store.aadd_texts([f"text {n}" for n in range(300)], batch_size=20))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert asyncio.all_tasks() == before
    assert len([loop for loop in connection._channels._opened if loop is asyncio.get_running_loop()]) == 1
    ids = await store.aadd_texts(["after"])
    assert [each.page_content for each in await store.aget_by_ids(ids)] == ["after"]


PROGRAM = """
    import asyncio, os, sys
    sys.path[:0] = {paths!r}
    from langchain_qdrant_async import AsyncQdrantVectorStore, Connection
    from tests.embeddings import WordEmbeddings

    store = AsyncQdrantVectorStore(Connection(":memory:"), "docs", WordEmbeddings())
    {body}
"""


def _run_program(body: str, *, quiet: bool = True) -> str:
    source = textwrap.dedent(PROGRAM).format(paths=[str(Path.cwd())], body=body)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", source], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not quiet or done.stderr == ""
    return done.stdout


@pytest.mark.parametrize(
    "body",
    [
        "asyncio.run(store.aadd_texts(['a'])); print(len(asyncio.run(store.asimilarity_search('a'))))",
        "store.add_texts(['a']); print(len(store.similarity_search('a')))",
        "store.add_texts(['a']); print(len(asyncio.run(store.asimilarity_search('a')))); store.connection.close()",
    ],
)
def test_a_program_that_never_closes_ends_cleanly(body: str) -> None:
    assert _run_program(body) == "1\n"


def test_a_fork_before_the_first_use_is_fine() -> None:
    body = (
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    store.add_texts(['a']); print(len(store.similarity_search('a')), flush=True); sys.exit()\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0\n"
        "store.add_texts(['a', 'b']); print(len(store.similarity_search('a')))"
    )
    assert _run_program(body) == "1\n2\n"


def test_a_fork_after_the_first_use_is_refused_and_does_not_hang() -> None:
    body = (
        "from langchain_qdrant_async import ConnectionClosed\n"
        "store.add_texts(['a'])\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    try:\n"
        "        store.similarity_search('a')\n"
        "    except ConnectionClosed as error:\n"
        "        print('fork before the first use' in str(error), flush=True); store.connection.close(); os._exit(0)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0\n"
        "print(len(store.similarity_search('a')))"
    )
    assert _run_program(body, quiet=False) == "True\n1\n"
