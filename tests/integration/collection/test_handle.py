"""How many calls it takes to know a collection, counted at the socket, and who follows whom when names move."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from langchain_qdrant_async import AsyncQdrantVectorStore, Collections, CollectionSpec, Connection, ReducedEmbeddings
from langchain_qdrant_async.embedding import Reduction
from tests.counting import Counter, counting
from tests.embeddings import WordEmbeddings
from tests.engine_messages import Engine

pytest_plugins = ("tests.engine_fixtures",)

TEXTS = [f"{a} {b}" for a in ("red", "green", "blue", "pear") for b in ("cat", "dog", "sun", "moon")]


@pytest.fixture
async def counted(engine: Engine) -> AsyncIterator[tuple[Counter, Connection]]:
    async with counting(engine.target) as (counter, address), Connection(address) as connection:
        yield counter, connection


@pytest.fixture
async def name(counted: tuple[Counter, Connection], collection_name: str) -> AsyncIterator[str]:
    yield collection_name
    await Collections(counted[1]).drop(collection_name)


def _reduced(*, fitted: bool = False) -> ReducedEmbeddings:
    reduction = Reduction.random_projection(60, 20) if fitted else None
    return ReducedEmbeddings(WordEmbeddings(60), dimension=20, reduction=reduction)


async def _warm(counter: Counter, store: AsyncQdrantVectorStore) -> None:
    await store.aadd_texts(TEXTS)
    assert counter.take() == ["Upsert"]
    await store.asimilarity_search("red cat")
    assert counter.take() == ["Query"]


@pytest.mark.parametrize("kind", ["plain", "reduced", "reduced before"])
async def test_the_first_write_without_a_spec(counted: tuple[Counter, Connection], name: str, kind: str) -> None:
    counter, connection = counted
    embedding = WordEmbeddings(20) if kind == "plain" else _reduced(fitted=kind == "reduced before")
    store = AsyncQdrantVectorStore(connection, name, embedding)
    await store.aadd_texts(TEXTS)
    # A server may be one that keeps no metadata, so one that is not our own engine is asked whether it kept the origin.
    assert counter.take() == ["ListAliases", "Get", "Create", "Get", "Upsert"]
    await _warm(counter, store)


async def test_the_first_write_with_a_spec(counted: tuple[Counter, Connection], name: str) -> None:
    counter, connection = counted
    spec = CollectionSpec(name, dimension=20, payload_indexes={"a": "keyword", "b": "integer"})
    store = AsyncQdrantVectorStore(connection, embedding=WordEmbeddings(20), spec=spec)
    await store.aadd_texts(TEXTS)
    taken = counter.take()
    assert len(taken) <= 5 + len(spec.payload_indexes)
    assert taken.count("CreateFieldIndex") == 2
    await _warm(counter, store)
    info = await Collections(connection).describe(name)
    assert info.payload_indexes == {"metadata.a": "keyword", "metadata.b": "integer"}


async def test_the_first_write_of_vectors(counted: tuple[Counter, Connection], name: str) -> None:
    counter, connection = counted
    store = AsyncQdrantVectorStore(connection, name)
    await store.aadd_embeddings(["a", "b"], np.eye(2))
    assert counter.take() == ["ListAliases", "Get", "Create", "Upsert"], "what was just made is not asked back"


async def test_the_first_write_through_an_alias(counted: tuple[Counter, Connection], name: str) -> None:
    counter, connection = counted
    await Collections(connection).create(CollectionSpec(name, dimension=20))
    await Collections(connection).alias(f"{name}-alias", name)
    counter.take()
    store = AsyncQdrantVectorStore(connection, f"{name}-alias", WordEmbeddings(20))
    await store.aadd_texts(TEXTS)
    assert counter.take() == ["ListAliases", "Get", "Update", "Upsert", "Get"]
    await _warm(counter, store)


async def test_a_reduction_fitted_for_an_empty_collection_looks_once_more(
    counted: tuple[Counter, Connection], name: str
) -> None:
    """Fitting takes so long that another first writer may have settled the reduction meanwhile."""
    counter, connection = counted
    await Collections(connection).create(CollectionSpec(name, dimension=20))
    counter.take()
    store = AsyncQdrantVectorStore(connection, name, _reduced())
    await store.aadd_texts(TEXTS)
    assert counter.take() == ["ListAliases", "Get", "Get", "Update", "Get", "Upsert", "Get"]
    await _warm(counter, store)


async def test_a_collection_that_is_there(counted: tuple[Counter, Connection], name: str) -> None:
    counter, connection = counted
    await AsyncQdrantVectorStore(connection, name, WordEmbeddings(20)).aadd_texts(TEXTS)
    counter.take()
    await AsyncQdrantVectorStore(connection, name, WordEmbeddings(20)).asimilarity_search("red")
    assert counter.take() == ["ListAliases", "Get", "Query"]
    await AsyncQdrantVectorStore(connection, name, WordEmbeddings(20)).aadd_texts(TEXTS)
    assert counter.take() == ["ListAliases", "Get", "Upsert"]


async def test_what_an_alias_means_is_asked_again_after_a_while(
    counted: tuple[Counter, Connection], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter, connection = counted
    await AsyncQdrantVectorStore(connection, name, WordEmbeddings(20)).aadd_texts(TEXTS)
    await Collections(connection).alias(f"{name}-alias", name)
    store = AsyncQdrantVectorStore(connection, f"{name}-alias", WordEmbeddings(20))
    monkeypatch.setattr("langchain_qdrant_async.collection.handle.TRUST_S", 0.0)
    await store.aadd_texts(TEXTS)
    counter.take()
    await store.aadd_texts(TEXTS)
    assert counter.take() == ["ListAliases", "Upsert", "ListAliases"], "before, and after: it may have moved meanwhile"


async def test_a_deletion_asks_first(counted: tuple[Counter, Connection], name: str) -> None:
    counter, connection = counted
    await AsyncQdrantVectorStore(connection, name, WordEmbeddings(20)).aadd_texts(TEXTS)
    await Collections(connection).alias(f"{name}-alias", name)
    store = AsyncQdrantVectorStore(connection, f"{name}-alias", WordEmbeddings(20))
    await store.asimilarity_search("red")
    counter.take()
    await store.adelete(["nothing"])
    assert counter.take() == ["ListAliases", "Delete"]


async def test_two_writers_of_one_document_around_a_switch(connection: Connection, collection_name: str) -> None:
    """The later write stays, whichever collection either of them knew: nobody trusts an alias that is about to move."""
    owner, alias = Collections(connection), f"{collection_name}-alias"
    first = AsyncQdrantVectorStore(connection, collection_name, _reduced())
    await first.aadd_texts(TEXTS * 20)
    await owner.alias(alias, collection_name)
    stores = [AsyncQdrantVectorStore(connection, alias, _reduced()) for _ in range(3)]
    done, last = asyncio.Event(), ""

    async def write() -> None:
        nonlocal last
        number = 0
        while not done.is_set():
            number += 1
            await stores[number % 2].aadd_texts([f"version {number}"], ids=["one"])
            last = f"version {number}"

    writing = asyncio.create_task(write())
    for _ in range(3):
        await stores[2].areindex()
    done.set()
    await writing
    [found] = await AsyncQdrantVectorStore(connection, alias).aget_by_ids(["one"])
    assert found.page_content == last
    for name in {each for each in await owner.names() if each.startswith(collection_name)} - {collection_name}:
        await owner.drop(name)
