"""Counting, facets, and all documents in turn."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_qdrant_async import AsyncQdrantVectorStore, CollectionSpec, Connection, InvalidInput, InvalidRequest
from langchain_qdrant_async.proto import collections

SIZE, MANY = 4, 25


@pytest.fixture
async def store(connection: Connection, collection_name: str) -> AsyncQdrantVectorStore:
    indexes: dict[str, Any] = {"lang": "keyword", "n": "integer", "even": "bool"}
    spec = CollectionSpec(collection_name, dimension=SIZE, quantization=None, payload_indexes=indexes)
    store = AsyncQdrantVectorStore(connection, embedding=DeterministicFakeEmbedding(size=SIZE), spec=spec)
    metadatas = [{"lang": "de" if n % 5 == 0 else "en", "n": n % 3, "even": n % 2 == 0} for n in range(MANY)]
    await store.aadd_texts([f"text {n}" for n in range(MANY)], metadatas, [f"id {n}" for n in range(MANY)])
    return store


async def test_documents_are_counted(store: AsyncQdrantVectorStore) -> None:
    assert await store.acount() == MANY
    assert await store.acount({"lang": "de"}) == 5
    assert await store.acount({"lang": "fr"}) == 0
    assert await store.acount({"n": {"$gte": 1}}, exact=False, timeout=5) <= MANY


async def test_values_are_counted(store: AsyncQdrantVectorStore) -> None:
    assert await store.afacet("lang") == [("en", 20), ("de", 5)]
    assert await store.afacet("lang", 1, exact=True) == [("en", 20)]
    assert dict(await store.afacet("n", filter={"lang": "de"})) == {0: 2, 2: 2, 1: 1}
    assert dict(await store.afacet("even")) == {True: 13, False: 12}
    with pytest.raises(InvalidRequest, match="index"):
        await store.afacet("no-such")


@pytest.mark.parametrize("batch_size", [1, 7, MANY, 1_000])
async def test_every_document_comes_once(store: AsyncQdrantVectorStore, batch_size: int) -> None:
    found = [each async for each in store.ascroll(batch_size=batch_size)]
    assert sorted(str(each.id) for each in found) == sorted(f"id {n}" for n in range(MANY))
    chosen = [each async for each in store.ascroll({"lang": "de"}, batch_size=batch_size)]
    assert {each.page_content for each in chosen} == {f"text {n}" for n in range(0, MANY, 5)}


async def test_what_comes_back_is_as_asked_for(store: AsyncQdrantVectorStore) -> None:
    async for each in store.ascroll(with_vectors=True, with_payload=["n"]):
        assert set(each.metadata) == {"n", "_vectors"}
        assert len(each.metadata["_vectors"][""]) == SIZE
    async for each in store.ascroll():
        assert set(each.metadata) == {"lang", "n", "even"}
        break  # and nothing is left open


async def test_pages_keep_to_the_collections_limit(store: AsyncQdrantVectorStore, connection: Connection) -> None:
    strict = collections.StrictModeConfig(enabled=True, max_query_limit=4)
    request = collections.UpdateCollection(collection_name=store.collection_name, strict_mode_config=strict)
    await connection.collections.Update(request)
    opened = AsyncQdrantVectorStore(connection, store.collection_name, DeterministicFakeEmbedding(size=SIZE))
    assert len([each async for each in opened.ascroll(batch_size=10)]) == MANY


@pytest.mark.may_block
async def test_blocking_twins(store: AsyncQdrantVectorStore) -> None:
    assert store.count({"lang": "de"}) == 5
    assert store.facet("lang", 1) == [("en", 20)]
    assert len(list(store.scroll(batch_size=4))) == MANY


async def test_a_collection_that_is_not_there_is_empty(connection: Connection, collection_name: str) -> None:
    store = AsyncQdrantVectorStore(connection, collection_name, DeterministicFakeEmbedding(size=SIZE))
    assert await store.acount() == 0
    assert await store.afacet("lang") == []
    assert [each async for each in store.ascroll()] == []


async def test_what_cannot_be_meant(store: AsyncQdrantVectorStore) -> None:
    with pytest.raises(InvalidInput, match="k must be"):
        await store.afacet("lang", 0)
    with pytest.raises(InvalidInput, match="afacet has a field"):
        await store.afacet("")
    with pytest.raises(InvalidInput, match="batch_size must be"):
        _ = [each async for each in store.ascroll(batch_size=0)]
    with pytest.raises(TypeError, match=r"acount\(\) got an unexpected keyword argument 'limit'"):
        await store.acount(limit=3)  # type: ignore[call-arg]
