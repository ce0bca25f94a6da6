"""Retrievers of every kind, as chains use them: async, blocking, with callbacks."""

from __future__ import annotations

import datetime as dt
import pickle
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from langchain_core.stores import InMemoryStore
from langchain_text_splitters import CharacterTextSplitter

from langchain_qdrant_async import AsyncQdrantVectorStore, Connection, InvalidInput, Retriever, When, chunks_of
from langchain_qdrant_async.embedding import Bm25Embeddings
from langchain_qdrant_async.store.retriever import time_weight
from tests.counting import counting
from tests.embeddings import WordEmbeddings
from tests.engine_messages import Engine

pytest_plugins = ("tests.engine_fixtures",)

EMBEDDING = WordEmbeddings(64)
HOUR = dt.timedelta(hours=1)
NOW = dt.datetime.now(dt.UTC)
DOCUMENTS = [
    Document("red apple pie", id="a", metadata={"book": "cakes", "seen": NOW - 500 * HOUR, "importance": 0.0}),
    Document("red apple cake", id="b", metadata={"book": "cakes", "seen": NOW - 400 * HOUR, "importance": 0.9}),
    Document("green car", id="c", metadata={"book": "cars", "seen": NOW - HOUR, "importance": 0.0}),
    Document("red train", id="d", metadata={"book": "trains", "seen": NOW - 2 * HOUR, "importance": 0.0}),
]


@pytest.fixture
async def store(connection: Connection, collection_name: str) -> AsyncQdrantVectorStore:
    store = AsyncQdrantVectorStore(
        connection, collection_name, EMBEDDING, retrieval_mode="hybrid", sparse_embedding=Bm25Embeddings()
    )
    await store.aadd_documents(DOCUMENTS)
    return store


def ids(found: list[Document]) -> list[str | None]:
    return [each.id for each in found]


async def test_grouped(store: AsyncQdrantVectorStore) -> None:
    retriever = store.as_retriever(search_type="grouped", search_kwargs={"group_by": "book", "k": 2, "group_size": 1})
    assert ids(await retriever.ainvoke("red apple")) in (["a", "d"], ["b", "d"])
    assert len(await retriever.ainvoke("red apple", group_size=2)) == 3
    assert ids(await retriever.ainvoke("red apple", filter={"book": "cars"})) == ["c"]


async def test_boosted(store: AsyncQdrantVectorStore) -> None:
    retriever = store.as_retriever(search_kwargs={"k": 1, "boost": When({"book": "cars"}, 10)})
    assert ids(await retriever.ainvoke("red apple")) == ["c"]
    diverse = store.as_retriever(
        search_type="mmr", search_kwargs={"k": 1, "fetch_k": 1, "boost": When({"book": "cars"}, 9)}
    )
    assert ids(await diverse.ainvoke("red apple")) == ["c"]


async def test_hybrid_and_other_modes_of_one_store(store: AsyncQdrantVectorStore) -> None:
    for mode in ("hybrid", "dense", "sparse"):
        retriever = store.as_retriever(search_kwargs={"k": 1, "retrieval_mode": mode})
        assert ids(await retriever.ainvoke("green car")) == ["c"]


async def test_time_weighted(store: AsyncQdrantVectorStore) -> None:
    """The dense score of `a` and `b` is near 0.8 for this query, of `c` near 0; a day old `c` has 0.99 of 1."""
    plain: dict[str, Any] = {"k": 4, "retrieval_mode": "dense", "field": "seen"}
    slow = store.as_retriever(search_type="time_weighted", search_kwargs=plain | {"decay_rate": 1e-9})
    assert set(ids(await slow.ainvoke("red apple"))[:2]) == {"a", "b"}
    fast = store.as_retriever(search_type="time_weighted", search_kwargs=plain | {"decay_rate": 0.05})
    assert ids(await fast.ainvoke("red apple"))[0] == "d"
    weighed = store.as_retriever(
        search_type="time_weighted", search_kwargs=plain | {"decay_rate": 0.9, "other_score_keys": ["importance"]}
    )
    assert ids(await weighed.ainvoke("red apple"))[0] == "b"


async def test_a_score_by_time_is_langchains(store: AsyncQdrantVectorStore) -> None:
    boosted = await store.asimilarity_search_with_score("red apple", k=4, retrieval_mode="dense")
    plain = {each.id: score for each, score in boosted}
    found = await store.asimilarity_search_with_score(
        "red apple", k=4, retrieval_mode="dense", boost=time_weight("seen", 0.01)
    )
    for each, score in found:
        hours = (dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(each.metadata["seen"])) / HOUR
        assert score == pytest.approx(plain[each.id] + 0.99**hours, abs=1e-3)


async def test_what_was_found_may_be_touched(store: AsyncQdrantVectorStore) -> None:
    retriever = store.as_retriever(
        search_type="time_weighted", search_kwargs={"field": "seen", "k": 1, "decay_rate": 0.5, "touch": True}
    )
    [found] = await retriever.ainvoke("red apple")
    [now] = await store.aget_by_ids([str(found.id)])
    assert now.metadata["seen"] > found.metadata["seen"]
    assert {**now.metadata, "seen": 0} == {**found.metadata, "seen": 0}


# The documents of the best chunks


LONG = [
    Document("red apple. green car. blue sea.", id="one", metadata={"lang": "en"}),
    Document("red train. black night.", id="zwei", metadata={"lang": "en"}),
]
SPLITTER = CharacterTextSplitter(separator=". ", chunk_size=12, chunk_overlap=0)


@pytest.mark.parametrize("where", ["a store", "a key-value store", "beside the chunks"])
async def test_whole_documents_are_found_by_their_parts(
    connection: Connection, collection_name: str, where: str
) -> None:
    chunks = AsyncQdrantVectorStore(connection, collection_name, EMBEDDING)
    kwargs: dict[str, Any] = {"k": 2}
    if where == "a key-value store":
        kept = InMemoryStore()
        await kept.amset([(str(each.id), each) for each in LONG])
        kwargs["parents"] = kept
    elif where == "a store":
        kwargs["parents"] = chunks.scoped("parents")
        await kwargs["parents"].aadd_documents(LONG)
    else:
        await chunks.aadd_documents(LONG)
    await chunks.aadd_documents(chunks_of(LONG, SPLITTER))
    retriever = chunks.as_retriever(search_type="parents", search_kwargs=kwargs)
    assert await retriever.ainvoke("black night") == [LONG[1], LONG[0]]
    assert await retriever.ainvoke("blue sea", k=1) == [LONG[0]]
    assert await retriever.ainvoke("blue sea", filter={"lang": "de"}) == []


def test_chunks_know_their_documents() -> None:
    found = chunks_of(LONG, SPLITTER, field="source")
    assert [(each.id, each.metadata["source"]) for each in found][:2] == [("one#0", "one"), ("one#1", "one")]
    assert found[0].metadata == {"lang": "en", "source": "one"}
    assert LONG[0].metadata == {"lang": "en"}
    assert [each.id for each in chunks_of([Document("a b")], str.split, [7])] == ["7#0", "7#1"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([Document("a")], str.split), "has no id"),
        (([Document("a")], str.split, ["1", "2"]), "2 ids for 1 documents"),
        (([Document("a", id="1")], 5), "a splitter has split_text"),
    ],
)
def test_chunks_of_nothing_known_are_refused(arguments: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        chunks_of(*arguments)


# Several wordings


@pytest.mark.parametrize(
    "wordings",
    [
        {"llm": FakeListChatModel(responses=["green car\n\nblack vehicle\ngreen car\nfruit"])},
        {"wordings": RunnableLambda(lambda _: ["green car", "fruit"])},
        {"wordings": lambda _: ["green car", "fruit"]},
    ],
    ids=["a model", "a runnable", "a function"],
)
async def test_several_wordings_in_one_call(store: AsyncQdrantVectorStore, wordings: dict[str, Any]) -> None:
    retriever = store.as_retriever(search_type="multi_query", search_kwargs={"k": 4, **wordings})
    found = ids(await retriever.ainvoke("fruit"))
    assert found[0] == "c"
    assert len(found) == len(set(found))
    assert ids(await retriever.ainvoke("fruit", filter={"book": "trains"}, retrieval_mode="dense")) == ["d"]


async def test_several_wordings_are_one_call(engine: Engine, collection_name: str) -> None:
    async with counting(engine.target) as (counter, address), Connection(address) as connection:
        store = AsyncQdrantVectorStore(connection, collection_name, EMBEDDING)
        await store.aadd_documents(DOCUMENTS)
        await store.asimilarity_search("apple")
        counter.take()
        wordings = {"wordings": lambda text: [f"{text} {n}" for n in range(5)]}
        await store.as_retriever(search_type="multi_query", search_kwargs=wordings).ainvoke("apple")
        assert counter.take() == ["Query"]
        await store.aquery_batch(["apple", "red", "car"])
        assert counter.take() == ["QueryBatch"]
        await store.asimilarity_search_grouped("apple", "book")
        assert counter.take() == ["QueryGroups"]


async def test_wordings_that_are_none_are_refused(store: AsyncQdrantVectorStore) -> None:
    retriever = store.as_retriever(search_type="multi_query", search_kwargs={"wordings": lambda _: 5})
    with pytest.raises(InvalidInput, match="other wordings are a list of texts"):
        await retriever.ainvoke("apple")


# All of them


KINDS: dict[str, dict[str, Any]] = {
    "similarity": {},
    "similarity_score_threshold": {"score_threshold": 0.1, "retrieval_mode": "dense"},
    "mmr": {},
    "grouped": {"group_by": "book"},
    "parents": {"group_by": "book"},
    "time_weighted": {"field": "seen"},
    "multi_query": {"wordings": RunnableLambda(lambda text: [f"red {text}"])},
}


@pytest.mark.may_block
@pytest.mark.parametrize("kind", KINDS)
def test_the_blocking_retriever_finds_the_same(connection: Connection, collection_name: str, kind: Any) -> None:
    store = AsyncQdrantVectorStore(
        connection, collection_name, EMBEDDING, retrieval_mode="hybrid", sparse_embedding=Bm25Embeddings()
    )
    store.add_documents([*DOCUMENTS, Document("all about cakes", id="cakes")])
    retriever = store.as_retriever(search_type=kind, search_kwargs=KINDS[kind])
    assert isinstance(retriever, BaseRetriever)
    found = retriever.invoke("apple pie")
    assert found
    [again] = retriever.batch(["apple pie"])  # where scores are equal the order may be another one
    assert sorted(map(str, ids(again))) == sorted(map(str, ids(found)))


@pytest.mark.parametrize("kind", KINDS)
async def test_retrievers_are_traced_and_stand_in_chains(store: AsyncQdrantVectorStore, kind: Any) -> None:
    retriever = store.as_retriever(search_type=kind, search_kwargs=KINDS[kind], tags=["mine"])
    chain = retriever | RunnableLambda(len)
    assert await chain.ainvoke("apple pie") == len(await retriever.ainvoke("apple pie"))
    events = [each async for each in retriever.astream_events("apple pie", version="v2")]
    [started] = [each for each in events if each["event"] == "on_retriever_start"]
    assert {"mine", "AsyncQdrantVectorStore", "WordEmbeddings"} <= set(started["tags"])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"search_type": "grouped"}, "needs group_by in search_kwargs"),
        ({"search_type": "multi_query", "search_kwargs": {"k": 3}}, "needs llm or wordings"),
        ({"filter": {}}, "has no field for filter"),
    ],
)
def test_a_retriever_that_cannot_work_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        AsyncQdrantVectorStore("http://127.0.0.1:9", "docs", EMBEDDING).as_retriever(**given)


async def test_a_rate_that_is_none_is_refused(store: AsyncQdrantVectorStore) -> None:
    for rate in (0, 1, "fast", float("nan")):
        retriever = store.as_retriever(search_type="time_weighted", search_kwargs={"decay_rate": rate})
        with pytest.raises(InvalidInput, match="decay_rate must be between 0 and 1"):
            await retriever.ainvoke("apple")


def test_a_retriever_can_be_pickled() -> None:
    store = AsyncQdrantVectorStore("http://127.0.0.1:9", "docs", WordEmbeddings(4))
    retriever = store.as_retriever(search_type="grouped", search_kwargs={"group_by": "book"})
    copied = pickle.loads(pickle.dumps(retriever))
    assert isinstance(copied, Retriever)
    assert (copied.search_type, copied.search_kwargs) == ("grouped", {"group_by": "book"})
