"""What a collection's strict mode says: kept to where it can be, and named where not."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_qdrant_async import (
    AsyncQdrantVectorStore,
    Collections,
    CollectionSpec,
    Connection,
    Fused,
    InvalidRequest,
    Layout,
    Nearest,
)
from langchain_qdrant_async.collection.handle import TRUST_S
from langchain_qdrant_async.proto import collections
from tests.embeddings import WordEmbeddings

MODEL = WordEmbeddings(40)
TEXTS = [f"red {number}" for number in range(50)]


def strict(**limits: Any) -> collections.StrictModeConfig:
    return collections.StrictModeConfig(enabled=True, **limits)


async def restrict(connection: Connection, name: str, **limits: Any) -> None:
    request = collections.UpdateCollection(collection_name=name, strict_mode_config=strict(**limits))
    await connection.collections.Update(request)


def store_of(connection: Connection, name: str, **limits: Any) -> AsyncQdrantVectorStore:
    """A store that makes its collection in strict mode."""
    spec = CollectionSpec(name, dimension=40, strict_mode=strict(**limits), quantization=None)
    return AsyncQdrantVectorStore(connection, embedding=MODEL, spec=spec)


async def test_a_write_is_cut_into_what_one_may_have(connection: Connection, collection_name: str) -> None:
    store = store_of(connection, collection_name, upsert_max_batchsize=7)
    ids = await store.aadd_texts(TEXTS)
    assert len(await store.aget_by_ids(ids)) == 50
    again = AsyncQdrantVectorStore(connection, collection_name, embedding=MODEL)
    await again.aadd_texts(TEXTS, ids=ids)  # by what is found
    assert (await Collections(connection).describe(collection_name)).points_count == 50


@pytest.mark.parametrize(("k", "offset"), [(3, 0), (7, 0), (20, 0), (20, 5), (60, 0), (58, 2), (1000, 0)])
async def test_a_search_is_asked_in_pages(connection: Connection, collection_name: str, k: int, offset: int) -> None:
    store = store_of(connection, collection_name)
    await store.aadd_texts([*TEXTS, *TEXTS[:10]])  # scores that are equal
    whole = await store.asimilarity_search_with_score("red 3", k=k, offset=offset)
    limited = store_of(connection, collection_name)
    await restrict(connection, collection_name, max_query_limit=7)
    paged = await limited.asimilarity_search_with_score("red 3", k=k, offset=offset)
    assert [score for _, score in paged] == [score for _, score in whole]
    assert len({each.id for each, _ in paged}) == len(whole)


async def test_limits_that_are_set_while_a_store_lives(
    connection: Connection, collection_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_of(connection, collection_name)
    await store.aadd_texts(TEXTS[:10])
    await restrict(connection, collection_name, upsert_max_batchsize=7, max_query_limit=7)
    monkeypatch.setattr("langchain_qdrant_async.collection.handle.TRUST_S", 0.0)  # as if it had been long ago
    ids = await store.aadd_texts(TEXTS)
    assert len(ids) == 50
    await restrict(connection, collection_name, max_query_limit=5)
    assert len(await store.asimilarity_search("red 3", k=50)) == 50
    assert TRUST_S > 0


async def test_what_cannot_be_asked_in_pages_names_the_limit(connection: Connection, collection_name: str) -> None:
    store = store_of(connection, collection_name, max_query_limit=7)
    await store.aadd_texts(TEXTS)
    assert len(await store.amax_marginal_relevance_search("red 3", k=5, fetch_k=20)) == 5
    assert len(await store.asearch_by(Fused([Nearest("red 3"), Nearest("red 4")]), k=7)) == 7
    for search in (
        store.amax_marginal_relevance_search("red 3", k=8),
        store.asearch_by(Fused([Nearest("red 3"), Nearest("red 4")]), k=8),
        store.asearch_by(Fused([Nearest("red 3"), Nearest("red 4")], limit=8), k=3),
    ):
        with pytest.raises(InvalidRequest, match=r'Limit exceeded 8 > 7 for "limit".* Ask for fewer: k, with offset'):
            await search


async def test_a_filter_without_an_index_names_the_call_that_makes_it(
    connection: Connection, collection_name: str
) -> None:
    store = store_of(connection, collection_name, unindexed_filtering_retrieve=False, unindexed_filtering_update=False)
    await store.aadd_texts(TEXTS[:2], [{"lang": "en"}, {"lang": "de"}])
    for call in (store.asimilarity_search("red", filter={"lang": "en"}), store.adelete(filter={"lang": "en"})):
        with pytest.raises(InvalidRequest) as raised:
            await call
        assert '`await Collections(connection).index(name, "metadata.lang", "keyword", layout=' in str(raised.value)
    await Collections(connection).index(collection_name, "metadata.lang", "keyword", layout=Layout(metadata_key=None))
    assert len(await store.asimilarity_search("red", filter={"lang": "en"})) == 1
    await store.adelete(filter={"lang": "en"})
    assert len(await store.asimilarity_search("red")) == 1


async def test_a_collection_in_strict_mode_is_reindexed(connection: Connection, collection_name: str) -> None:
    limits = {"upsert_max_batchsize": 7, "max_query_limit": 9, "unindexed_filtering_update": False}
    store = store_of(connection, collection_name, **limits)
    await store.aadd_texts(TEXTS)
    alias = f"{collection_name}-alias"
    done = await store.areindex(WordEmbeddings(30), alias=alias)
    try:
        info = await Collections(connection).describe(done.collection)
        assert (info.points_count, info.vectors[""].dimension) == (50, 30)
        assert info.message.config.strict_mode_config == strict(**limits)
    finally:
        await Collections(connection).remove_alias(alias)
        await Collections(connection).drop(done.collection)
