"""Loops other than asyncio's, and threads that are none, are refused at once."""

from __future__ import annotations

import _thread
import asyncio
import subprocess
import sys
import textwrap
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import trio
from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_qdrant_async import AsyncQdrantVectorStore, QdrantStoreError
from langchain_qdrant_async.runtime.loops import check_threads, running_loop
from langchain_qdrant_async.runtime.threads import Threads

CALLS: dict[str, Callable[[AsyncQdrantVectorStore], Coroutine[Any, Any, Any]]] = {
    "search": lambda store: store.asimilarity_search("a"),
    "add": lambda store: store.aadd_texts(["a"]),
    "get": lambda store: store.aget_by_ids(["a"]),
    "delete": lambda store: store.adelete(["a"]),
}


@pytest.mark.parametrize("target", ["http://127.0.0.1:9", ":memory:"])
@pytest.mark.parametrize("call", CALLS)
def test_a_loop_that_is_not_asyncios(target: str, call: str) -> None:
    """As trio runs it: without a loop of asyncio's."""
    store = AsyncQdrantVectorStore(target, "docs", DeterministicFakeEmbedding(size=4))
    with pytest.raises(QdrantStoreError, match="need asyncio's event loop"):
        CALLS[call](store).send(None)


def test_threads_are_not_awaited_without_a_loop() -> None:
    threads = Threads("test", 1)
    ran: list[int] = []
    with pytest.raises(QdrantStoreError, match="asyncio"):
        threads.run(ran.append, 1).send(None)
    threads.close()
    assert ran == []


def test_a_store_is_closed_under_any_loop_if_nothing_is_open() -> None:
    store = AsyncQdrantVectorStore("http://127.0.0.1:9", "docs", DeterministicFakeEmbedding(size=4))
    with pytest.raises(StopIteration):
        store.aclose().send(None)


async def test_asyncios_own_loop() -> None:
    assert running_loop() is asyncio.get_running_loop()
    check_threads()


@pytest.mark.parametrize("module", ["gevent.thread", "eventlet.green.thread"])
def test_threads_that_are_greenlets(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    def start_new_thread() -> None: ...

    start_new_thread.__module__ = module
    monkeypatch.setattr(_thread, "start_new_thread", start_new_thread)
    with pytest.raises(QdrantStoreError, match=rf"{module.partition('.')[0]} has replaced .* asyncio and real ones"):
        check_threads()


def test_a_blocking_call_in_a_patched_process_does_not_wait() -> None:
    """What `monkey.patch_all()` of gevent leaves behind, as far as it is looked at."""
    script = """
        import _thread
        def start_new_thread(function, args=(), kwargs=None): raise SystemExit("hangs")
        start_new_thread.__module__ = "gevent.thread"
        _thread.start_new_thread = start_new_thread
        from langchain_core.embeddings import DeterministicFakeEmbedding
        from langchain_qdrant_async import AsyncQdrantVectorStore, QdrantStoreError
        store = AsyncQdrantVectorStore("http://127.0.0.1:9", "docs", DeterministicFakeEmbedding(size=4))
        try:
            store.similarity_search("a")
        except QdrantStoreError as error:
            print(error)
    """
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(script)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "gevent has replaced the threads" in ended.stdout
    assert ended.stderr == ""


@pytest.mark.parametrize("target", ["http://127.0.0.1:9", ":memory:"])
def test_under_gevent_itself(target: str) -> None:
    script = f"""
        from gevent import monkey
        monkey.patch_all()
        from langchain_core.embeddings import DeterministicFakeEmbedding
        from langchain_qdrant_async import AsyncQdrantVectorStore, QdrantStoreError
        store = AsyncQdrantVectorStore({target!r}, "docs", DeterministicFakeEmbedding(size=4))
        try:
            store.add_texts(["a"])
        except QdrantStoreError as error:
            print(error)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "gevent has replaced the threads" in ended.stdout, ended.stderr


@pytest.mark.parametrize("call", CALLS)
def test_under_trio_itself(call: str) -> None:
    store = AsyncQdrantVectorStore(":memory:", "docs", DeterministicFakeEmbedding(size=4))

    async def main() -> None:
        with pytest.raises(QdrantStoreError, match="need asyncio's event loop"):
            await CALLS[call](store)

    trio.run(main)


def test_the_blocking_half_works_in_a_thread_of_trio() -> None:
    async def main() -> list[str]:
        with AsyncQdrantVectorStore(":memory:", "docs", DeterministicFakeEmbedding(size=4)) as store:
            await trio.to_thread.run_sync(store.add_texts, ["a"])
            found = await trio.to_thread.run_sync(store.similarity_search, "a")
            return [each.page_content for each in found]

    assert trio.run(main) == ["a"]
