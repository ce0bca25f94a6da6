"""langchain-qdrant's calls, word for word: every keyword with its default value, every position."""

from __future__ import annotations

import gc
import inspect
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from qdrant_client import AsyncQdrantClient, QdrantClient, models

from langchain_qdrant_async import Connection, InvalidInput
from langchain_qdrant_async.compat import QdrantVectorStore, RetrievalMode, target_of_client
from langchain_qdrant_async.transport.target import Embedded, Remote

EMBEDDING = DeterministicFakeEmbedding(size=8)
CLIENT: dict[str, Any] = {
    "location": ":memory:", "url": None, "port": 6333, "grpc_port": 6334, "prefer_grpc": False, "https": None,
    "api_key": None, "prefix": None, "timeout": None, "host": None, "path": None,
}  # fmt: skip
STORE: dict[str, Any] = {
    "distance": models.Distance.COSINE, "content_payload_key": "page_content", "metadata_payload_key": "metadata",
    "vector_name": "", "retrieval_mode": RetrievalMode.DENSE, "sparse_embedding": None,
    "sparse_vector_name": "langchain-sparse", "validate_embeddings": True, "validate_collection_config": True,
}  # fmt: skip
MAKE: dict[str, Any] = {
    "collection_create_options": {}, "vector_params": {}, "sparse_vector_params": {}, "batch_size": 64,
    "force_recreate": False,
}  # fmt: skip
FURTHER: dict[str, Any] = {"check_compatibility": True, "grpc_options": None, "cloud_inference": False}


def test_every_keyword_with_its_default_value_and_every_position() -> None:
    with QdrantVectorStore.from_texts(
        ["a", "b"], EMBEDDING, [{"n": 1}, {"n": 2}], ["1", "2"], "docs", **CLIENT, **STORE, **MAKE, **FURTHER
    ) as made:
        store: Any = made
        connection = {**CLIENT, "location": None, "connection": store.connection}
        again: Any = QdrantVectorStore.from_existing_collection("docs", EMBEDDING, **STORE, **connection, **FURTHER)
        built: Any = QdrantVectorStore.construct_instance(
            EMBEDDING, "dense", None, {"connection": store.connection}, "docs", models.Distance.COSINE
        )
        plain: Any = QdrantVectorStore(store.connection, "docs", EMBEDDING, RetrievalMode.DENSE, "", "page_content")
        vector = EMBEDDING.embed_query("a")
        for each in (store, again, built, plain):
            exact = models.SearchParams(exact=True)
            assert each.similarity_search("a", 1, {"n": 2}, exact, 0, None, 1)[0].page_content == "b"
            assert each.similarity_search_with_score("a", 1, None, None, 1, None, None, None)[0][0].id == "2"
            assert each.similarity_search_by_vector(vector, 2, None, None, 1, None, None)[0].id == "2"
            assert each.max_marginal_relevance_search("a", 1, 20, 0.5, {"n": 2}, exact, None, None)[0].id == "2"
            assert each.as_retriever(search_kwargs={"k": 1}).invoke("a")[0].id == "1"
        assert store.client is store.connection
        assert (store.CONTENT_KEY, store.METADATA_KEY, store.VECTOR_NAME) == ("page_content", "metadata", "")


async def test_the_async_half_takes_the_same() -> None:
    store: Any = await QdrantVectorStore.afrom_documents([Document("a", id="1")], EMBEDDING, **CLIENT, **STORE)
    async with store:
        assert [each.id for each in await store.asimilarity_search("a", 4, None, None, 0)] == ["1"]


@pytest.mark.parametrize("kind", [QdrantClient, AsyncQdrantClient])
@pytest.mark.parametrize(
    ("options", "remote"),
    [
        ({"url": "http://localhost:6333"}, Remote("http://localhost:6334")),
        ({"host": "localhost", "grpc_port": 7000}, Remote("http://localhost:7000")),
        ({"url": "https://x.example", "api_key": "k"}, Remote("https://x.example:6334", api_key="k")),
        (
            {"url": "https://x.example", "headers": {"X-Tenant": "t", "api-key": "k"}},
            Remote("https://x.example:6334", api_key="k", headers={"x-tenant": "t"}),
        ),
        (
            {"url": "https://x.example", "grpc_options": {"grpc.max_metadata_size": 9}},
            Remote("https://x.example:6334", grpc_options={"grpc.max_metadata_size": 9}),
        ),
    ],
)
def test_a_client_is_where_it_is_connected_to(kind: Any, options: dict[str, Any], remote: Remote) -> None:
    target = target_of_client(kind(**deepcopy(options), check_compatibility=False))
    assert target == remote


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_local_client_becomes_embedded(tmp_path: Path, in_memory: bool) -> None:
    client = QdrantClient(":memory:") if in_memory else QdrantClient(path=str(tmp_path / "local"))
    client.create_collection("docs", vectors_config=models.VectorParams(size=8, distance=models.Distance.COSINE))
    with QdrantVectorStore(client, "docs", EMBEDDING) as store:
        store.add_texts(["a"], ids=["1"])
    folder = Path(cast("Embedded", store.connection.target).path)
    with QdrantVectorStore(client, "docs", EMBEDDING) as again:
        assert [each.id for each in again.get_by_ids(["1"])] == ["1"], "stores over one client see the same"
    client.close()
    del client
    gc.collect()
    assert folder.exists() is not in_memory


@pytest.mark.parametrize("kind", [QdrantClient, AsyncQdrantClient])
async def test_a_local_client_with_points_is_refused_with_what_to_do(kind: Any) -> None:
    async def done(result: Any) -> None:
        if inspect.isawaitable(result):
            await result

    client = kind(":memory:")
    params = models.VectorParams(size=2, distance=models.Distance.COSINE)
    await done(client.create_collection("docs", vectors_config=params))
    assert isinstance(target_of_client(client), Embedded)
    await done(client.upsert("docs", [models.PointStruct(id=1, vector=[1.0, 0.0])]))
    with pytest.raises(InvalidInput, match=r"local mode and has points in 'docs'.*':memory:'"):
        QdrantVectorStore(client, "docs", EMBEDDING)


@pytest.mark.parametrize(
    "options",
    [
        {"retrieval_mode": RetrievalMode.SPARSE},
        {"retrieval_mode": "hybrid"},
        {"sparse_embedding": object(), "retrieval_mode": "hybrid"},
        {"vector_params": {"on_disk": True}},
        {"prefix": "x"},
    ],
    ids=str,
)
def test_what_is_not_here_yet_is_refused_by_its_name(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(options))):
        QdrantVectorStore.from_texts(["a"], EMBEDDING, location=":memory:", **options)


def test_too_many_and_double_arguments_are_refused() -> None:
    with Connection("http://127.0.0.1:9") as connection:
        store: Any = QdrantVectorStore(connection, "docs", EMBEDDING)
        with pytest.raises(InvalidInput, match="k twice"):
            store.similarity_search("a", 1, k=2)
        with pytest.raises(InvalidInput, match="at most 8"):
            store.similarity_search("a", 1, None, None, 0, None, None, None, None)
