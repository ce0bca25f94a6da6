"""What a user of the store would feel: ids, documents, scores, filters, and clear refusals."""

from __future__ import annotations

import asyncio
import copy
import math
import threading
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings
from langchain_core.indexing import InMemoryRecordManager, aindex, index
from langchain_core.vectorstores import InMemoryVectorStore

from langchain_qdrant_async import (
    AsyncQdrantVectorStore,
    CollectionMismatch,
    Collections,
    CollectionSpec,
    Connection,
    DeadlineExceeded,
    Distance,
    EmbeddingError,
    InvalidFilter,
    InvalidId,
    InvalidInput,
    InvalidPayload,
    InvalidVector,
    NotFound,
    PartialWrite,
)
from langchain_qdrant_async.document.message import point_struct, upsert_points
from langchain_qdrant_async.document.values import to_fields
from langchain_qdrant_async.document.vectors import to_dense
from langchain_qdrant_async.embedding.async_model import THREADS
from langchain_qdrant_async.proto import common, points
from tests.embeddings import TableEmbeddings, WordEmbeddings

FRUIT = ["red apple", "green apple", "yellow banana"]


@pytest.fixture
def embedding() -> WordEmbeddings:
    return WordEmbeddings()


@pytest.fixture
def store(connection: Connection, collection_name: str, embedding: WordEmbeddings) -> AsyncQdrantVectorStore:
    return AsyncQdrantVectorStore(connection, embedding=embedding, spec=CollectionSpec(collection_name))


# ── ids and documents ────────────────────────────────────────────────────────────────────────────────────────────


async def test_documents_come_back_exactly(store: AsyncQdrantVectorStore) -> None:
    metadata: dict[str, Any] = {
        "int": 1,
        "float": 1.0,
        "yes": True,
        "none": None,
        "list": [1, "a", []],
        "deep": {"a": {"b": [{}]}},
    }
    given = Document("a red apple", id="chapter 1 / page 2", metadata=metadata)
    before = copy.deepcopy(given)
    assert await store.aadd_documents([given]) == ["chapter 1 / page 2"]
    [found] = await store.asimilarity_search("apple", k=1)
    assert found == before == given
    assert [type(found.metadata[key]) for key in ("int", "float", "yes")] == [int, float, bool]


@pytest.mark.parametrize(
    "given",
    [
        "1",
        "0",
        str(2**64 - 1),
        "007",
        "foo",
        "ÄÖ 日本",
        "a" * 500,
        str(uuid.uuid4()),
        str(uuid.uuid4()).upper(),
        uuid.uuid4().hex,
    ],
)
async def test_any_id_comes_back_as_it_was_given(store: AsyncQdrantVectorStore, given: str) -> None:
    assert await store.aadd_texts(["text"], ids=[given]) == [given]
    assert [each.id for each in await store.aget_by_ids([given])] == [given]
    assert [each.id for each in await store.asimilarity_search("text")] == [given]
    assert await store.adelete([given])
    assert await store.aget_by_ids([given]) == []


async def test_integer_and_uuid_ids_come_back_as_text(store: AsyncQdrantVectorStore) -> None:
    unique = uuid.uuid4()
    assert await store.aadd_texts(["one", "two"], ids=[7, unique]) == ["7", str(unique)]
    assert {each.id for each in await store.aget_by_ids([7, unique])} == {"7", str(unique)}


async def test_get_by_ids_keeps_the_order_asked_for(store: AsyncQdrantVectorStore) -> None:
    await store.aadd_texts(FRUIT, ids=["a", "b", "c"])
    assert [each.id for each in await store.aget_by_ids(["c", "nobody", "a", "c"])] == ["c", "a"]


async def test_missing_ids_are_made_and_given_ones_kept(store: AsyncQdrantVectorStore) -> None:
    ids = await store.aadd_texts(FRUIT, ids=["a", None, "c"])
    assert ids[0] == "a"
    assert ids[2] == "c"
    assert str(uuid.UUID(ids[1])) == ids[1]
    assert len(await store.aget_by_ids(ids)) == 3


async def test_a_generator_is_read_once_and_loses_nothing(store: AsyncQdrantVectorStore) -> None:
    ids = await store.aadd_texts((text for text in FRUIT), ({"n": n} for n in range(3)), (each for each in "abc"))
    assert ids == ["a", "b", "c"]
    assert [(each.page_content, each.metadata) for each in await store.aget_by_ids(ids)] == [
        (text, {"n": n}) for n, text in enumerate(FRUIT)
    ]


async def test_of_two_documents_with_one_id_the_last_stays(store: AsyncQdrantVectorStore) -> None:
    assert await store.aadd_texts(FRUIT, ids=["same", "other", "same"]) == ["same", "other", "same"]
    assert [each.page_content for each in await store.aget_by_ids(["same"])] == [FRUIT[2]]


async def test_writing_an_id_again_replaces_the_document(store: AsyncQdrantVectorStore) -> None:
    await store.aadd_texts(["red apple"], [{"old": 1}], ["x"])
    await store.aadd_texts(["yellow banana"], [{"new": 2}], ["x"])
    assert await store.asimilarity_search("banana", k=5) == [Document("yellow banana", id="x", metadata={"new": 2})]


async def test_the_callers_objects_stay_as_they_are(store: AsyncQdrantVectorStore) -> None:
    metadatas: list[Any] = [{"list": [1, {"a": 2}]}, {}, None]
    texts, ids, query = list(FRUIT), ["a", None, "c"], {"list": {"$in": [1]}}
    before = copy.deepcopy((texts, metadatas, ids, query))
    await store.aadd_texts(texts, metadatas, ids)
    await store.asimilarity_search("apple", filter=query)
    assert (texts, metadatas, ids, query) == before


async def test_nothing_to_add_is_nothing_done(
    store: AsyncQdrantVectorStore, collection_name: str, connection: Connection
) -> None:
    assert await store.aadd_texts([]) == []
    assert await store.aadd_documents([]) == []
    assert await Collections(connection).find(collection_name) is None


async def test_many_documents_in_small_batches(store: AsyncQdrantVectorStore) -> None:
    texts = [f"text number {n}" for n in range(1000)]
    ids = await store.aadd_texts(texts, batch_size=7)
    assert [each.page_content for each in await store.aget_by_ids(ids)] == texts


async def test_embeddings_made_elsewhere(store: AsyncQdrantVectorStore, embedding: WordEmbeddings) -> None:
    vectors = embedding.embed_documents(FRUIT)
    ids = await store.aadd_embeddings(FRUIT, vectors, ids=["a", "a", "c"])
    assert ids == ["a", "a", "c"]
    assert [each.page_content for each in await store.asimilarity_search_by_vector(vectors[1], k=1)] == [FRUIT[1]]
    assert embedding.calls["aembed_documents"] == 0


# ── searching ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_models_own_coroutines_are_awaited(store: AsyncQdrantVectorStore, embedding: WordEmbeddings) -> None:
    await store.aadd_texts(FRUIT)
    await store.asimilarity_search("apple")
    await store.amax_marginal_relevance_search("apple")
    await asyncio.to_thread(store.similarity_search, "apple")
    assert embedding.calls == {"aembed_documents": 1, "aembed_query": 3}


async def test_offset_and_threshold(store: AsyncQdrantVectorStore) -> None:
    await store.aadd_texts(["one", "one two", "one two three", "four"], ids=["1", "2", "3", "4"])
    assert [each.id for each in await store.asimilarity_search("one", k=2, offset=1)] == ["2", "3"]
    scored = await store.asimilarity_search_with_score("one", k=4)
    assert [each.id for each, _ in scored] == ["1", "2", "3", "4"]
    threshold = (scored[1][1] + scored[2][1]) / 2
    assert [each.id for each in await store.asimilarity_search("one", k=4, score_threshold=threshold)] == ["1", "2"]


async def test_search_params_and_consistency_of_either_client(store: AsyncQdrantVectorStore) -> None:
    from qdrant_client import models

    await store.aadd_texts(FRUIT)
    for params in (points.SearchParams(exact=True), models.SearchParams(exact=True)):
        assert len(await store.asimilarity_search("apple", k=3, search_params=params, consistency="majority")) == 3
    with pytest.raises(InvalidInput, match="search_params must be a SearchParams, not dict"):
        await store.asimilarity_search("apple", search_params={"exact": True})


GEOMETRY = TableEmbeddings(
    {
        "query": [1.0, 0.0, 0.0],
        "near": [0.99, 0.1, 0.0],
        "near again": [0.989, 0.11, 0.0],
        "aside": [0.7, 0.0, 0.7],
        "far": [0.0, 1.0, 0.0],
    }
)


@pytest.mark.parametrize("lambda_mult", [0.0, 0.25, 0.5, 1.0])
async def test_mmr_chooses_as_langchain_does(connection: Connection, collection_name: str, lambda_mult: float) -> None:
    texts = [text for text in GEOMETRY.table if text != "query"]
    store = AsyncQdrantVectorStore(connection, collection_name, GEOMETRY)
    reference = InMemoryVectorStore(GEOMETRY)
    await store.aadd_texts(texts)
    await reference.aadd_texts(texts)
    ours = await store.amax_marginal_relevance_search("query", k=3, fetch_k=4, lambda_mult=lambda_mult)
    theirs = await reference.amax_marginal_relevance_search("query", k=3, fetch_k=4, lambda_mult=lambda_mult)
    assert [each.page_content for each in ours] == [each.page_content for each in theirs]


async def test_mmr_ends(connection: Connection, collection_name: str) -> None:
    store = AsyncQdrantVectorStore(connection, collection_name, GEOMETRY)
    await store.aadd_texts([text for text in GEOMETRY.table if text != "query"])
    same = await store.amax_marginal_relevance_search("query", k=2, fetch_k=4, lambda_mult=1)
    different = await store.amax_marginal_relevance_search("query", k=2, fetch_k=4, lambda_mult=0)
    assert [each.page_content for each in same] == ["near", "near again"]
    assert [each.page_content for each in different] == ["near", "far"]
    scored = await store.amax_marginal_relevance_search_with_score_by_vector(GEOMETRY.table["query"], k=2, fetch_k=1)
    assert len(scored) == 2, "fetch_k below k still gives k documents"


@pytest.mark.parametrize("distance", [Distance.COSINE, Distance.EUCLID, Distance.MANHATTAN])
async def test_relevance_is_between_0_and_1_and_best_first(
    connection: Connection, collection_name: str, distance: Distance
) -> None:
    table = {"query": [3.0, 4.0], "same": [3.0, 4.0], "near": [3.0, 5.0], "away": [-1.0, 9.0], "opposite": [-3.0, -4.0]}
    store = AsyncQdrantVectorStore(connection, collection_name, TableEmbeddings(table), distance=distance)
    await store.aadd_texts([text for text in table if text != "query"])
    found = await store.asimilarity_search_with_relevance_scores("query", k=4)
    assert [each.page_content for each, _ in found] == ["same", "near", "away", "opposite"]
    relevances = [relevance for _, relevance in found]
    assert relevances == sorted(relevances, reverse=True)
    assert relevances[0] == pytest.approx(1, abs=1e-3)
    assert all(0 <= relevance <= 1 for relevance in relevances)
    cut = await store.asimilarity_search_with_relevance_scores("query", k=4, score_threshold=relevances[1] - 1e-6)
    assert len(cut) == 2


async def test_dot_products_need_a_relevance_function(connection: Connection, collection_name: str) -> None:
    table = {"query": [1.0, 2.0], "a": [3.0, 4.0]}
    store = AsyncQdrantVectorStore(connection, collection_name, TableEmbeddings(table), distance="Dot")
    await store.aadd_texts(["a"])
    with pytest.raises(InvalidInput, match="relevance_score_fn"):
        await store.asimilarity_search_with_relevance_scores("query")
    own = AsyncQdrantVectorStore(
        connection, collection_name, TableEmbeddings(table), relevance_score_fn=lambda dot: dot / 100
    )
    [(_, relevance)] = await own.asimilarity_search_with_relevance_scores("query")
    assert relevance == pytest.approx(0.11)


async def test_retrievers(store: AsyncQdrantVectorStore) -> None:
    await store.aadd_texts(FRUIT, [{"n": n} for n in range(3)])
    plain = store.as_retriever(search_kwargs={"k": 2, "filter": {"n": {"$gt": 0}}})
    assert {each.metadata["n"] for each in await plain.ainvoke("apple")} == {1, 2}
    assert len(await store.as_retriever(search_type="mmr", search_kwargs={"k": 2}).ainvoke("apple")) == 2
    close = store.as_retriever(search_type="similarity_score_threshold", search_kwargs={"score_threshold": 0.7})
    assert {each.page_content for each in await close.ainvoke("apple")} == {"red apple", "green apple"}
    batches = await plain.abatch(["apple", "banana"] * 8)
    assert [len(batch) for batch in batches] == [2] * 16


async def test_many_searches_at_once(store: AsyncQdrantVectorStore) -> None:
    await store.aadd_texts([f"word{n} text" for n in range(64)])
    found = await asyncio.gather(*(store.asimilarity_search(f"word{n}", k=1) for n in range(64)))
    assert [each[0].page_content for each in found] == [f"word{n} text" for n in range(64)]


# ── filters and deletion ─────────────────────────────────────────────────────────────────────────────────────────

DOCUMENTS: list[dict[str, Any]] = [
    {"lang": "en", "year": 2019, "tags": ["a", "b"], "open": True},
    {"lang": "de", "year": 2020, "tags": [], "open": False},
    {"lang": "en", "year": 2021.0, "author": {"name": "Ada"}},
    {"lang": None, "open": 1},
]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"lang": "en"}, {0, 2}),
        ({"lang": "en", "year": {"$gte": 2020}}, {2}),
        ({"year": {"$eq": 2021}}, {2}),
        ({"year": {"$gt": 2019, "$lt": 2021}}, {1}),
        ({"year": {"$lte": 2020}}, {0, 1}),
        ({"lang": {"$ne": "en"}}, {1, 3}),
        ({"lang": {"$in": ["de", "fr"]}}, {1}),
        ({"lang": {"$nin": ["en"]}}, {1, 3}),
        ({"lang": None}, {3}),
        ({"open": True}, {0}),
        ({"open": 1}, {3}),
        ({"tags": "b"}, {0}),
        ({"tags": {"$exists": True}}, {0, 1}),
        ({"author.name": "Ada"}, {2}),
        ({"$or": [{"lang": "de"}, {"author.name": "Ada"}]}, {1, 2}),
        ({"$and": [{"lang": "en"}, {"$not": {"year": {"$gt": 2020}}}]}, {0}),
        ({"$not": {"lang": "en"}}, {1, 3}),
        ({}, {0, 1, 2, 3}),
        (None, {0, 1, 2, 3}),
    ],
)
async def test_filters(store: AsyncQdrantVectorStore, query: dict[str, Any] | None, expected: set[int]) -> None:
    await store.aadd_texts(["text"] * 4, DOCUMENTS, range(4))
    assert {int(each.id or -1) for each in await store.asimilarity_search("text", k=10, filter=query)} == expected
    mmr = await store.amax_marginal_relevance_search("text", k=10, filter=query)
    assert {int(each.id or -1) for each in mmr} == expected


async def test_delete_by_filter_and_all(store: AsyncQdrantVectorStore) -> None:
    await store.aadd_texts(["text"] * 4, DOCUMENTS, range(4))
    assert await store.adelete(filter={"lang": "en"}) is True
    assert {each.id for each in await store.asimilarity_search("text", k=10)} == {"1", "3"}
    assert await store.adelete([]) is True
    assert await store.adelete(["1", "nobody"]) is True
    assert [each.id for each in await store.asimilarity_search("text", k=10)] == ["3"]
    assert await store.adelete(delete_all=True) is True
    assert await store.asimilarity_search("text", k=10) == []


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"filter": {}},
        {"ids": ["a"], "filter": {"a": 1}},
        {"ids": ["a"], "delete_all": True},
        {"filter": {"$and": []}},
    ],
)
async def test_nothing_is_deleted_by_accident(store: AsyncQdrantVectorStore, arguments: dict[str, Any]) -> None:
    await store.aadd_texts(FRUIT)
    with pytest.raises(InvalidInput):
        await store.adelete(**arguments)
    assert len(await store.asimilarity_search("apple", k=10)) == 3


# ── the collection ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_collection_is_made_from_the_spec(
    connection: Connection, collection_name: str, embedding: WordEmbeddings
) -> None:
    spec = CollectionSpec(collection_name, payload_indexes={"lang": "keyword", "author.year": "integer"})
    store = AsyncQdrantVectorStore(connection, embedding=embedding, spec=spec)
    assert await store.asimilarity_search("nothing yet") == []
    assert await Collections(connection).find(collection_name) is None, "reading makes nothing"
    await store.aadd_texts(["text"])
    info = await Collections(connection).describe(collection_name)
    assert (info.vectors[""].dimension, info.vectors[""].distance) == (100, Distance.COSINE)
    assert info.payload_indexes == {"metadata.lang": "keyword", "metadata.author.year": "integer"}
    assert info.message.config.quantization_config.HasField("scalar")


async def test_without_a_spec_the_collection_fits_the_vectors(connection: Connection, collection_name: str) -> None:
    store = AsyncQdrantVectorStore(connection, collection_name, DeterministicFakeEmbedding(size=17), vector_name="own")
    await store.aadd_texts(["text"])
    info = await Collections(connection).describe(collection_name)
    assert {name: vector.dimension for name, vector in info.vectors.items()} == {"own": 17}
    assert len(await store.asimilarity_search("text")) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dimension": 50}, r"dimension 100 where 50 was asked for"),
        ({"distance": Distance.DOT}, r"distance Cosine where Dot was asked for"),
    ],
)
async def test_another_collection_than_asked_for(
    connection: Connection, collection_name: str, changes: dict[str, Any], message: str
) -> None:
    await Collections(connection).ensure(CollectionSpec(collection_name))
    other = AsyncQdrantVectorStore(
        connection, embedding=WordEmbeddings(50), spec=CollectionSpec(collection_name, **changes)
    )
    with pytest.raises(CollectionMismatch, match=message):
        await other.asimilarity_search("text")
    with pytest.raises((CollectionMismatch, InvalidVector)):
        await other.aadd_texts(["text"])


async def test_another_vector_name_than_asked_for(connection: Connection, collection_name: str) -> None:
    await Collections(connection).ensure(CollectionSpec(collection_name))
    other = AsyncQdrantVectorStore(connection, collection_name, WordEmbeddings(), vector_name="text")
    with pytest.raises(CollectionMismatch, match="the default .unnamed. vector where the vector 'text' was asked for"):
        await other.asimilarity_search("text")


async def test_many_first_writers_make_one_collection(connection: Connection, collection_name: str) -> None:
    stores = [AsyncQdrantVectorStore(connection, collection_name, WordEmbeddings()) for _ in range(8)]
    await asyncio.gather(*(store.aadd_texts([f"text {n}"]) for n, store in enumerate(stores)))
    assert len(await stores[0].asimilarity_search("text", k=20)) == 8


async def test_a_collection_dropped_meanwhile_reads_as_empty(
    store: AsyncQdrantVectorStore, connection: Connection
) -> None:
    await store.aadd_texts(FRUIT)
    await Collections(connection).drop(store.collection_name)
    assert await store.asimilarity_search("apple") == []
    assert await store.aget_by_ids(["a"]) == []
    assert await store.aadd_texts(FRUIT, ids=["a", "b", "c"]) == ["a", "b", "c"]


async def test_a_missing_collection_with_creation_switched_off(
    connection: Connection, collection_name: str, embedding: WordEmbeddings
) -> None:
    store = AsyncQdrantVectorStore(connection, collection_name, embedding, create_if_missing=False)
    for attempt in (
        store.asimilarity_search("text"),
        store.aadd_texts(["text"]),
        store.adelete(["a"]),
        store.aget_by_ids(["a"]),
    ):
        with pytest.raises(NotFound, match=f"Collection `{collection_name}` doesn't exist"):
            await attempt
    with pytest.raises(NotFound):
        await AsyncQdrantVectorStore.afrom_existing_collection(collection_name, embedding, connection=connection)
    assert await Collections(connection).find(collection_name) is None


async def test_another_packages_points_are_read(connection: Connection, collection_name: str) -> None:
    """Null metadata, no text, foreign keys: as langchain-qdrant and others leave them."""
    await Collections(connection).ensure(CollectionSpec(collection_name, dimension=2))

    payloads: list[dict[str, Any]] = [{"page_content": "text", "metadata": None}, {"other": 1}, {"page_content": None}]
    structs = [
        point_struct(common.PointId(num=n), {"": points.Vector(dense=to_dense([1.0, n]))}, to_fields(payload))
        for n, payload in enumerate(payloads)
    ]
    await connection.points.Upsert(upsert_points(collection_name, structs))
    store = AsyncQdrantVectorStore(connection, collection_name)
    assert await store.aget_by_ids([0, 1, 2]) == [Document("text", id="0"), Document("", id="1"), Document("", id="2")]
    flat = AsyncQdrantVectorStore(connection, collection_name, metadata_payload_key=None)
    assert [each.metadata for each in await flat.aget_by_ids([1])] == [{"other": 1}]


# ── making a store ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_from_documents(connection: Connection, collection_name: str, embedding: WordEmbeddings) -> None:
    documents = [Document("red apple", id="a"), Document("yellow banana")]
    store = await AsyncQdrantVectorStore.afrom_documents(
        documents, embedding, collection_name=collection_name, connection=connection
    )
    assert [each.id for each in await store.asimilarity_search("apple", k=1)] == ["a"]
    again = await AsyncQdrantVectorStore.afrom_texts(
        ["green pear"], embedding, collection_name=collection_name, connection=connection, force_recreate=True
    )
    assert [each.page_content for each in await again.asimilarity_search("apple", k=5)] == ["green pear"]
    await again.aclose()
    assert not connection.closed, "a connection that was passed in stays open"


async def test_from_texts_makes_and_closes_its_own_connection(embedding: WordEmbeddings) -> None:
    async with await AsyncQdrantVectorStore.afrom_texts(FRUIT, embedding, location=":memory:") as store:
        assert len(await store.asimilarity_search("apple", k=5)) == 3
    assert store.connection.closed


# ── bad input ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"texts": "one string"}, InvalidInput, "texts must be a list of strings, not one str"),
        ({"texts": ["a", 1]}, InvalidInput, r"texts\[1\] must be a string, not int"),
        ({"texts": ["a", "b"], "ids": ["x"]}, InvalidId, "1 ids for 2 documents"),
        ({"texts": ["a"], "ids": ["x", "y"]}, InvalidId, "2 ids for 1 documents"),
        ({"texts": ["a"], "ids": [1.5]}, InvalidId, r"ids\[0\] is 1.5 of type float"),
        ({"texts": ["a"], "ids": [True]}, InvalidId, r"ids\[0\] is True of type bool"),
        ({"texts": ["a"], "ids": [""]}, InvalidId, r"ids\[0\] is empty"),
        ({"texts": ["a"], "ids": [-1]}, InvalidId, "from 0 to"),
        ({"texts": ["a", "b"], "metadatas": [{}]}, InvalidInput, "1 metadatas for 2 texts"),
        ({"texts": ["a"], "metadatas": ["x"]}, InvalidInput, r"metadatas\[0\] must be a dictionary, not str"),
        (
            {"texts": ["a"], "metadatas": [{"at": object()}]},
            InvalidPayload,
            r"metadata\.at is of type object",
        ),
        ({"texts": ["a"], "metadatas": [{"a": {"b": [1, (range(2),)]}}]}, InvalidPayload, r"metadata\.a\.b\[1\]"),
        ({"texts": ["a"], "metadatas": [{"x": math.nan}]}, InvalidPayload, r"metadata\.x is nan"),
        ({"texts": ["a"], "metadatas": [{1: 2, "1": 3}]}, InvalidPayload, "stored as the same text"),
        ({"texts": ["a"], "metadatas": [{"big": 2**63}]}, InvalidPayload, r"metadata\.big"),
        ({"texts": ["a"], "batch_size": 0}, InvalidInput, "batch_size must be a whole number, 1 or more"),
    ],
)
async def test_bad_documents_are_refused_before_any_io(
    store: AsyncQdrantVectorStore,
    embedding: WordEmbeddings,
    connection: Connection,
    arguments: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        await store.aadd_texts(**arguments)
    assert not embedding.calls, "nothing was embedded"
    assert await Collections(connection).find(store.collection_name) is None, "nothing was made"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"query": "a", "k": 0}, InvalidInput, "k must be a whole number, 1 or more, not 0"),
        ({"query": "a", "k": -1}, InvalidInput, "k must be"),
        ({"query": "a", "k": 2.0}, InvalidInput, "k must be"),
        ({"query": "a", "offset": -1}, InvalidInput, "offset must be"),
        ({"query": 5}, InvalidInput, "a query is a string, not int"),
        ({"query": "a", "filter": {"year": {"$near": 1}}}, InvalidFilter, r"\$near"),
        ({"query": "a", "filter": {"year": {"$gt": "2020"}}}, InvalidFilter, r"\$gt"),
        ({"query": "a", "filter": {"year": {"$gt": math.nan}}}, InvalidFilter, "(?i)nan"),
        ({"query": "a", "filter": "year > 5"}, InvalidFilter, "str"),
        ({"query": "a", "consistency": "most"}, InvalidInput, "consistency must be"),
        ({"query": "a", "timeout": 0}, InvalidInput, "timeout must be above 0"),
    ],
)
async def test_bad_searches_are_refused(
    store: AsyncQdrantVectorStore, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    await store.aadd_texts(["a"])
    with pytest.raises(error, match=message):
        await store.asimilarity_search(**arguments)


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        ([1.0, 2.0], "the vector has 2 numbers, collection .* holds vectors of 100"),
        ([math.nan] * 100, "nan"),
        ([], "empty"),
    ],
)
async def test_bad_vectors_are_refused(store: AsyncQdrantVectorStore, vector: list[float], message: str) -> None:
    await store.aadd_texts(["a"])
    with pytest.raises(InvalidVector, match=message):
        await store.asimilarity_search_by_vector(vector)
    with pytest.raises(InvalidVector, match=message):
        await store.amax_marginal_relevance_search_by_vector(vector)
    with pytest.raises(InvalidVector, match=message):
        await store.aadd_embeddings(["b"], [vector])


@pytest.mark.parametrize("lambda_mult", [-0.1, 1.1, math.nan, True, "1"])
async def test_bad_lambda(store: AsyncQdrantVectorStore, lambda_mult: Any) -> None:
    with pytest.raises(InvalidInput, match="lambda_mult must be between 0 .most diverse. and 1"):
        await store.amax_marginal_relevance_search("a", lambda_mult=lambda_mult)


async def test_a_model_of_the_wrong_size_names_the_remedy(connection: Connection, collection_name: str) -> None:
    store = AsyncQdrantVectorStore(connection, embedding=WordEmbeddings(384), spec=CollectionSpec(collection_name))
    with pytest.raises(
        InvalidVector, match=r"384 numbers.*holds vectors of 100.*ReducedEmbeddings\(model, dimension=100\)"
    ):
        await store.aadd_texts(["text"])
    assert await Collections(connection).find(collection_name) is None


async def test_a_model_that_loses_texts(connection: Connection, collection_name: str) -> None:
    class Forgetful(WordEmbeddings):
        async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
            return (await super().aembed_documents(texts))[:-1]

    store = AsyncQdrantVectorStore(connection, collection_name, Forgetful())
    with pytest.raises(EmbeddingError, match="gave 2 vectors for 3 texts"):
        await store.aadd_texts(FRUIT)


async def test_a_failure_halfway_names_what_was_written(connection: Connection, collection_name: str) -> None:
    class Breaking(WordEmbeddings):
        async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
            if "bad" in texts:
                raise RuntimeError("the model broke")
            return await super().aembed_documents(texts)

    store = AsyncQdrantVectorStore(connection, collection_name, Breaking())
    with pytest.raises(
        PartialWrite, match="2 of 5 documents were written, then: Breaking failed: RuntimeError: the model broke"
    ) as caught:
        await store.aadd_texts(["a", "b", "bad", "c", "d"], ids=list("12345"), batch_size=2)
    assert (caught.value.written, caught.value.unwritten) == (["1", "2"], ["3", "4", "5"])
    assert [each.id for each in await store.aget_by_ids(list("12345"))] == ["1", "2"]
    with pytest.raises(EmbeddingError, match="the model broke"):
        await store.aadd_texts(["bad"])


def test_contradictions_in_the_constructor(connection: Connection) -> None:
    spec = CollectionSpec("docs")
    for arguments, message in (
        ({}, "needs a collection_name or a spec"),
        ({"collection_name": "other", "spec": spec}, "'other' and the spec is for 'docs'"),
        ({"spec": spec, "vector_name": "own"}, "give the layout in the spec alone"),
        ({"spec": spec, "distance": "Dot"}, "give it in the spec alone"),
        ({"collection_name": "docs", "distance": "nearness"}, "no distance 'nearness'"),
        ({"collection_name": "docs", "embedding": object()}, "must be a LangChain Embeddings, not object"),
    ):
        with pytest.raises(InvalidInput, match=message):
            AsyncQdrantVectorStore(connection, **arguments)


async def test_a_store_without_embedding(connection: Connection, collection_name: str) -> None:
    store = AsyncQdrantVectorStore(connection, collection_name)
    await store.aadd_embeddings(["a"], [[1.0, 2.0]])
    assert len(await store.asimilarity_search_by_vector([1.0, 2.0])) == 1
    with pytest.raises(InvalidInput, match="has no embedding"):
        await store.asimilarity_search("a")


# ── LangChain's indexing API ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("encoder", ["sha1", "sha256", "sha512", "blake2b"])
@pytest.mark.filterwarnings("ignore:Using SHA-1")
async def test_aindex(store: AsyncQdrantVectorStore, encoder: Any) -> None:
    records = InMemoryRecordManager("test")
    await records.acreate_schema()
    documents = [Document(text, metadata={"source": text}) for text in FRUIT]

    async def run(given: list[Document]) -> dict[str, int]:
        async def stream() -> AsyncIterator[Document]:
            for each in given:
                yield each

        result = await aindex(stream(), records, store, cleanup="full", source_id_key="source", key_encoder=encoder)
        return cast("dict[str, int]", result)

    assert (await run(documents))["num_added"] == 3
    assert (await run(documents))["num_skipped"] == 3
    assert (await run(documents[:2]))["num_deleted"] == 1
    assert {each.page_content for each in await store.asimilarity_search("apple", k=10)} == set(FRUIT[:2])


@pytest.mark.parametrize("encoder", ["sha1", "sha256", "sha512", "blake2b"])
@pytest.mark.filterwarnings("ignore:Using SHA-1")
def test_index(store: AsyncQdrantVectorStore, encoder: Any) -> None:
    records = InMemoryRecordManager("test")
    records.create_schema()
    documents = [Document(text, metadata={"source": text}) for text in FRUIT]
    for expected in ({"num_added": 3, "num_skipped": 0}, {"num_added": 0, "num_skipped": 3}):
        result = index(documents, records, store, cleanup="incremental", source_id_key="source", key_encoder=encoder)
        assert expected.items() <= result.items()


@pytest.mark.parametrize(
    ("gives", "said"),
    [
        (ValueError("no such model"), "Odd failed: ValueError: no such model"),
        (None, "not a list of vectors"),
        ([[math.nan, 1.0]], "nan as component 0"),
        ([["one", "two"]], "not a number"),
    ],
)
async def test_what_a_model_does_wrong_is_its_error(
    connection: Connection, collection_name: str, gives: Any, said: str
) -> None:
    class Odd(WordEmbeddings):
        async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
            if isinstance(gives, Exception):
                raise gives
            return cast("list[list[float]]", gives)

    with pytest.raises(EmbeddingError, match=said):
        await AsyncQdrantVectorStore(connection, collection_name, Odd()).aadd_texts(["text"])


async def test_a_slow_model_counts_for_the_timeout(connection: Connection, collection_name: str) -> None:
    class Slow(WordEmbeddings):
        async def aembed_query(self, text: str) -> list[float]:
            await asyncio.Event().wait()
            raise AssertionError

    store = AsyncQdrantVectorStore(connection, collection_name, Slow())
    await store.aadd_texts(FRUIT)
    with pytest.raises(DeadlineExceeded, match="embedding included"):
        await store.asimilarity_search("apple", timeout=0.1)


async def test_numbers_that_are_none_or_too_large(store: AsyncQdrantVectorStore) -> None:
    for search in (
        store.asimilarity_search("apple", k=2**64),
        store.asimilarity_search("apple", score_threshold="0.5"),  # type: ignore[arg-type]
        store.asimilarity_search("apple", timeout="x"),  # type: ignore[arg-type]
        store.asimilarity_search_by_vector("apple"),  # type: ignore[arg-type]
    ):
        with pytest.raises(InvalidInput):
            await search
    await store.aadd_texts(FRUIT)
    assert len(await store.asimilarity_search("apple", k=cast("int", np.int64(2)))) == 2


async def test_another_kind_of_payload_index(connection: Connection, collection_name: str) -> None:
    spec = CollectionSpec(collection_name, payload_indexes={"n": "integer"})
    await Collections(connection).ensure(spec)
    with pytest.raises(CollectionMismatch, match="indexes 'n' as integer where keyword was asked for"):
        await Collections(connection).ensure(replace(spec, payload_indexes={"n": "keyword"}))


def test_positions_are_langchain_qdrants(connection: Connection, collection_name: str) -> None:
    with AsyncQdrantVectorStore.from_texts(
        ["a"], WordEmbeddings(), None, ["id"], "docs", ":memory:", host=None
    ) as store:
        assert store.add_texts(["b"], None, ["other"], 64) == ["other"]
        assert len(store.get_by_ids(["id", "other"])) == 2


async def test_a_model_without_coroutines_runs_on_the_stores_own_threads(
    connection: Connection, collection_name: str
) -> None:
    """LangChain would run it in the loop's default executor, which everything in the process shares."""
    threads: set[str] = set()

    class Blocking(Embeddings):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            threads.add(threading.current_thread().name)
            return [[1.0, 2.0] for _ in texts]

        def embed_query(self, text: str) -> list[float]:
            return self.embed_documents([text])[0]

    async with AsyncQdrantVectorStore(connection, collection_name, Blocking()) as store:
        await store.aadd_texts(FRUIT)
        await asyncio.gather(*(store.asimilarity_search(text) for text in FRUIT * 10))
        await store.amax_marginal_relevance_search("apple")
    assert threads <= {f"embedding-calls_{n}" for n in range(THREADS)}
