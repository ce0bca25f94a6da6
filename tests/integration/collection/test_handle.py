"""How many calls it takes to know a collection, counted at the socket, and who follows whom when names move."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from langchain_qdrant_async import (
    AsyncQdrantVectorStore,
    CollectionMismatch,
    Collections,
    CollectionSpec,
    Connection,
    Distance,
    InvalidVector,
    Layout,
    ReducedEmbeddings,
)
from langchain_qdrant_async.collection.collections import notice_of
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


async def test_an_alias_is_not_trusted_while_a_reindexing_is_announced(
    counted: tuple[Counter, Connection], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As another process announces it: the alias may move at any moment, so each write asks before and after."""
    monkeypatch.setattr("langchain_qdrant_async.collection.handle.TRUST_S", 60.0)
    counter, connection = counted
    owner, alias = Collections(connection), f"{name}-alias"
    await AsyncQdrantVectorStore(connection, name, WordEmbeddings(20)).aadd_texts(TEXTS)
    await owner.alias(alias, name)
    await owner.alias(notice_of(name), name)
    store = AsyncQdrantVectorStore(connection, alias, WordEmbeddings(20))
    await store.aadd_texts(TEXTS)
    counter.take()
    for _ in range(2):
        await store.aadd_texts(TEXTS)
        assert counter.take() == ["ListAliases", "Upsert", "ListAliases"]
    await owner.remove_alias(notice_of(name))
    await store.aadd_texts(TEXTS)
    counter.take()
    await store.aadd_texts(TEXTS)
    assert counter.take() == ["Upsert"]


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


# ── a collection that is changed under a living store ────────────────────────────────────────────────────────────


@pytest.fixture
def _no_trust(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("langchain_qdrant_async.collection.handle.TRUST_S", 0.0)


async def _replaced(connection: Connection, spec: CollectionSpec, vectors: dict[str, list[float]]) -> None:
    owner = Collections(connection)
    await owner.drop(spec.name)
    await owner.create(spec)
    for id_, vector in vectors.items():
        store = AsyncQdrantVectorStore(connection, spec=spec)
        await store.aadd_embeddings([id_], [vector], ids=[id_])


@pytest.mark.usefixtures("_no_trust")
async def test_another_size_is_seen(connection: Connection, collection_name: str) -> None:
    store = AsyncQdrantVectorStore(connection, collection_name)
    await store.aadd_embeddings(["old"], [[1.0, 0.0]], ids=["old"])
    await _replaced(connection, CollectionSpec(collection_name, dimension=3), {"new": [0.0, 0.0, 1.0]})
    assert [each.id for each in await store.asimilarity_search_by_vector([0.0, 0.0, 1.0])] == ["new"]
    await _replaced(connection, CollectionSpec(collection_name, dimension=4), {})
    await store.aadd_embeddings(["four"], [[1.0, 0.0, 0.0, 0.0]], ids=["four"])
    assert [each.id for each in await store.aget_by_ids(["four"])] == ["four"]
    with pytest.raises(InvalidVector, match="3 numbers, collection .* holds vectors of 4"):
        await store.asimilarity_search_by_vector([0.0, 0.0, 1.0])


@pytest.mark.usefixtures("_no_trust")
async def test_another_distance_is_seen_by_relevance(connection: Connection, collection_name: str) -> None:
    store = AsyncQdrantVectorStore(connection, collection_name, WordEmbeddings(20))
    await store.aadd_texts(["red cat"])
    [(_, relevance)] = await store.asimilarity_search_with_relevance_scores("red cat", k=1)
    assert relevance == pytest.approx(1)
    spec = CollectionSpec(collection_name, dimension=20, distance=Distance.EUCLID, quantization=None)
    await _replaced(connection, spec, {})
    await AsyncQdrantVectorStore(connection, embedding=WordEmbeddings(20), spec=spec).aadd_texts(["red cat"])
    [(_, relevance)] = await store.asimilarity_search_with_relevance_scores("red cat", k=1)
    assert relevance == pytest.approx(1), "no distance at all: by cosine's rule it would be a half"


@pytest.mark.usefixtures("_no_trust")
@pytest.mark.parametrize("write", [False, True])
async def test_another_vector_name_is_said(connection: Connection, collection_name: str, write: bool) -> None:
    store = AsyncQdrantVectorStore(connection, collection_name)
    await store.aadd_embeddings(["old"], [[1.0, 0.0]])
    await _replaced(connection, CollectionSpec(collection_name, dimension=2, layout=Layout(vector_name="own")), {})
    with pytest.raises(CollectionMismatch, match="has the vector 'own' where the default"):
        await (store.aadd_embeddings(["a"], [[0.0, 1.0]]) if write else store.asimilarity_search_by_vector([1.0, 0.0]))


async def test_what_was_just_looked_at_is_not_doubted(counted: tuple[Counter, Connection], name: str) -> None:
    counter, connection = counted
    store = AsyncQdrantVectorStore(connection, name)
    await store.aadd_embeddings(["a"], [[1.0, 0.0]])
    counter.take()
    with pytest.raises(InvalidVector):
        await store.asimilarity_search_by_vector([1.0])
    assert counter.take() == []


async def test_writers_survive_repeated_drops(connection: Connection, collection_name: str) -> None:
    store = AsyncQdrantVectorStore(connection, collection_name, WordEmbeddings(20))
    done = asyncio.Event()

    async def drop() -> None:
        while not done.is_set():
            await Collections(connection).drop(collection_name)
            await store.asimilarity_search("red")

    dropping = asyncio.create_task(drop())
    for number in range(3):
        await store.aadd_texts([f"text {number}"])
    done.set()
    await dropping
    await store.aadd_texts(["last"], ids=["last"])
    assert await store.aget_by_ids(["last"])
