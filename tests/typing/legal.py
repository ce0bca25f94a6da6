"""What users write: every line is right, in mypy and in pyright. It is never run, only read by `test_typing.py`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import assert_type
from uuid import uuid4

import numpy as np
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.structured_query import Comparator, Comparison
from langchain_core.tools import StructuredTool
from langchain_core.vectorstores import VectorStore

from langchain_qdrant_async import (
    AsyncQdrantVectorStore,
    CollectionSpec,
    Connection,
    Distance,
    Diverse,
    Drift,
    Embedded,
    Fused,
    MetadataSchema,
    Nearest,
    Reindexed,
    Remote,
    Retriever,
    search_tool,
    self_query_retriever,
)
from langchain_qdrant_async.compat import QdrantVectorStore, RetrievalMode

EMBEDDING = DeterministicFakeEmbedding(size=100)
Scored = list[tuple[Document, float]]


async def awaiting() -> None:
    async with Connection(Remote("localhost:6334")) as connection:
        store = AsyncQdrantVectorStore(connection, "docs", EMBEDDING)
        assert_type(await store.aadd_texts(["a"], [{"n": 1}], ["1"], 64, timeout=3), list[str])
        assert_type(await store.aadd_texts(text async for text in texts()), list[str])
        assert_type(await store.aadd_documents([Document("b")], ordering="strong"), list[str])
        assert_type(await store.aadd_embeddings(["c"], np.ones((1, 100)), ids=[uuid4()]), list[str])
        assert_type(await store.asimilarity_search("a", 4, {"n": {"$gte": 1}}, score_threshold=0.5), list[Document])
        assert_type(await store.asimilarity_search_with_score("a", k=2, offset=1), Scored)
        assert_type(await store.asimilarity_search_by_vector([0.5] * 100, k=2), list[Document])
        assert_type(await store.asimilarity_search_with_relevance_scores("a", 4, filter={"n": 1}), Scored)
        assert_type(await store.amax_marginal_relevance_search("a", fetch_k=9, lambda_mult=0.1), list[Document])
        assert_type(await store.asearch_by(Fused([Nearest("a"), Diverse("b")]), k=2), Scored)
        assert_type(await store.aget_by_ids(["1", 2, uuid4()], consistency="majority"), list[Document])
        assert_type(await store.adelete(filter={"n": 1}), bool)
        schema = await store.ametadata_schema({"n": 1}, values=3, descriptions={"n": "a number"}, timeout=2)
        assert_type(schema, MetadataSchema)
        assert_type(search_tool(store, schema, k=2, filter={"n": 1}), StructuredTool)
        retriever = self_query_retriever(FakeListChatModel(responses=[]), store, "x", schema, search_type="mmr")
        assert_type(await retriever.ainvoke("a"), list[Document])
        assert_type(await store.asimilarity_search("a", filter=Comparison(Comparator.EQ, "n", 1)), list[Document])
        assert_type(await store.areindex(alias="docs", keep_old=True), Reindexed)
        assert_type(await store.adrift(sample=100), Drift)
    async with await AsyncQdrantVectorStore.afrom_texts(["a"], EMBEDDING, location=":memory:") as made:
        assert_type(made, AsyncQdrantVectorStore)
    spec = CollectionSpec("docs", dimension=100)
    documents = [Document("a")]
    assert_type(
        await AsyncQdrantVectorStore.afrom_documents(documents, EMBEDDING, spec=spec, url="http://localhost:6334"),
        AsyncQdrantVectorStore,
    )
    await AsyncQdrantVectorStore.afrom_existing_collection("docs", host="localhost", grpc_port=6334, api_key=None)


async def texts() -> AsyncIterator[str]:
    yield "a"


def blocking() -> None:
    with AsyncQdrantVectorStore(Embedded(Path("data")), "docs", EMBEDDING, distance="Dot") as store:
        assert_type(store, AsyncQdrantVectorStore)
        assert_type(store.add_texts(["a"], [{"n": 1}], ["1"], 64, timeout=3), list[str])
        assert_type(store.add_documents([Document("b")], ordering="strong"), list[str])
        assert_type(store.add_embeddings(["c"], [[0.5] * 100]), list[str])
        assert_type(store.similarity_search("a", 4, {"n": {"$gte": 1}}, score_threshold=0.5), list[Document])
        assert_type(store.similarity_search(query="a", k=4, filter=None, timeout=2.5), list[Document])
        assert_type(store.similarity_search_with_score("a", k=2, offset=1), Scored)
        assert_type(store.similarity_search_by_vector([0.5] * 100, k=2), list[Document])
        assert_type(store.similarity_search_with_score_by_vector(np.ones(100)), Scored)
        assert_type(store.similarity_search_with_relevance_scores("a", 4, filter={"n": 1}), Scored)
        assert_type(store.max_marginal_relevance_search("a", fetch_k=9, lambda_mult=0.1), list[Document])
        assert_type(store.max_marginal_relevance_search_by_vector([0.5] * 100, fetch_k=9), list[Document])
        assert_type(store.search_by(Nearest("a"), filter={"n": 1}), Scored)
        assert_type(store.get_by_ids(["1", 2], timeout=1), list[Document])
        assert_type(store.delete(["1"]), bool)
        assert_type(store.delete(delete_all=True), bool)
        assert_type(store.reindex(alias="docs"), Reindexed)
        assert_type(store.drift(), Drift)
        assert_type(store.distance, Distance)
        retriever = store.as_retriever(search_type="mmr", search_kwargs={"k": 3, "filter": {"n": 1}}, tags=["x"])
        assert_type(retriever, Retriever)
        anywhere: VectorStore = store
        anywhere.similarity_search("a", k=1)
    made = AsyncQdrantVectorStore.from_texts(["a"], EMBEDDING, location=":memory:", batch_size=9, force_recreate=True)
    assert_type(made, AsyncQdrantVectorStore)
    assert_type(made.close(), None)


class Mine(AsyncQdrantVectorStore):
    """A subclass is made by the factories."""


def moved() -> None:
    assert_type(Mine.from_documents([Document("a")], EMBEDDING, path="data", collection_name="x"), Mine)
    store = QdrantVectorStore.from_texts(["a"], EMBEDDING, url="http://localhost", prefer_grpc=True, prefix=None)
    assert_type(store, QdrantVectorStore)
    assert_type(store.similarity_search("a", 4, {"n": 1}, None, 0, 0.5), list[Document])
    assert_type(store.max_marginal_relevance_search("a", 4, 20, 0.5, {"n": 1}), list[Document])
    QdrantVectorStore("http://localhost:6334", "docs", EMBEDDING, RetrievalMode.DENSE, "", model_threads=2)
    QdrantVectorStore.from_existing_collection("docs", EMBEDDING, path="data", metadata_payload_key="meta")
