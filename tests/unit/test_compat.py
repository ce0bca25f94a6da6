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

from langchain_qdrant_async import AsyncQdrantVectorStore, CollectionSpec, Connection, InvalidInput
from langchain_qdrant_async.compat import QdrantVectorStore, RetrievalMode, target_of_client
from langchain_qdrant_async.embedding import SparseEmbeddings, SparseVector
from langchain_qdrant_async.transport.target import Embedded, Remote
from tests.embeddings import TableEmbeddings

EMBEDDING = DeterministicFakeEmbedding(size=8)


class Words(SparseEmbeddings):
    """The same vector for everything."""

    def embed_documents(self, texts: list[str]) -> list[SparseVector]:
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> SparseVector:
        return SparseVector([1], [1.0])


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
        assert store.client.count("docs").count == 2
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
        {"vector_params": {"on_disc": True}},
        {"vector_params": {"size": 5}},
        {"vector_params": {"datatype": "float17"}},
        {"sparse_vector_params": {"index": {"on_disc": True}}},
        {"collection_create_options": {"shards": 3}},
        {"collection_create_options": {"shard_number": "many"}},
        {"collection_create_options": {"hnsw_config": 5}},
        {"collection_create_options": {"vectors_config": {}}},
        {"prefix": "x"},
    ],
    ids=str,
)
def test_what_is_not_here_yet_is_refused_by_its_name(options: dict[str, Any]) -> None:
    meant = {"vector_params": "VectorField.options", "sparse_vector_params": "VectorField.options"}
    name = next(iter(options))
    with pytest.raises(InvalidInput, match=meant.get(name, name.replace("collection_create_", "CollectionSpec."))):
        QdrantVectorStore.from_texts(["a"], EMBEDDING, location=":memory:", **options)


def test_a_collection_is_made_as_langchain_qdrant_is_told() -> None:
    """Dictionaries, models and names of enumerations, none of them changed."""
    vector = {"on_disk": True, "datatype": models.Datatype.FLOAT16, "hnsw_config": models.HnswConfigDiff(m=24)}
    sparse = {"index": models.SparseIndexParams(on_disk=True), "modifier": "idf"}
    made = {
        "optimizers_config": models.OptimizersConfigDiff(memmap_threshold=1000),
        "on_disk_payload": True,
        "quantization_config": {"binary": {"always_ram": True}},
        "hnsw_config": {"payload_m": 8},
        "metadata": {"team": "search"},
        "shard_number": None,
    }
    given = deepcopy((vector, sparse, made))
    options: Any = {"vector_params": vector, "sparse_vector_params": sparse, "collection_create_options": made}
    with QdrantVectorStore.from_texts(
        ["a"],
        EMBEDDING,
        collection_name="docs",
        location=":memory:",
        vector_name="dense",
        retrieval_mode=RetrievalMode.HYBRID,
        sparse_embedding=Words(),
        **options,
    ) as store:
        config = store.client.get_collection("docs").config
        assert (config.params.on_disk_payload, config.optimizer_config.memmap_threshold) == (True, 1000)
        assert (config.hnsw_config.payload_m, config.metadata["team"]) == (8, "search")
        assert isinstance(config.quantization_config, models.BinaryQuantization)
        dense, words = config.params.vectors["dense"], config.params.sparse_vectors["langchain-sparse"]
        assert (dense.on_disk, dense.datatype, dense.hnsw_config.m) == (True, models.Datatype.FLOAT16, 24)
        assert (words.index.on_disk, words.modifier) == (True, models.Modifier.IDF)
    assert given == (vector, sparse, made)
    with pytest.raises(InvalidInput, match="a spec says how"):
        QdrantVectorStore(":memory:", embedding=EMBEDDING, spec=CollectionSpec("docs"), vector_params={"on_disk": True})


def test_documents_have_what_langchain_qdrant_adds() -> None:
    with QdrantVectorStore.from_texts(
        ["a", "b"], EMBEDDING, [{"n": 1}, {}], ["7", "b"], "docs", location=":memory:"
    ) as store:
        found = (
            store.similarity_search("a", k=1) + store.get_by_ids(["7"]) + store.max_marginal_relevance_search("a", 1)
        )
        assert [each.metadata for each in found] == [{"n": 1, "_id": 7, "_collection_name": "docs"}] * 3
        assert [each.id for each in store.get_by_ids(["b"])] == ["b"]
        plain = AsyncQdrantVectorStore(store.connection, "docs", EMBEDDING)
        assert [each.metadata for each in plain.get_by_ids(["7"])] == [{"n": 1}]


@pytest.mark.parametrize("mode", ["dense", "hybrid"])
def test_lambda_has_langchain_qdrants_direction(mode: str) -> None:
    """There 0 is the least diversity, and 1 the most."""
    texts = {"query": [1.0, 0.0], "near": [0.99, 0.1], "nearer": [1.0, 0.05], "far": [0.0, 1.0]}
    with QdrantVectorStore.from_texts(
        ["near", "nearer", "far"],
        TableEmbeddings(texts),
        location=":memory:",
        retrieval_mode=mode,
        sparse_embedding=Words(),
    ) as store:
        chosen = [
            {each.page_content for each in store.max_marginal_relevance_search("query", 2, lambda_mult=each)}
            for each in (0, 1)
        ]
        assert chosen == [{"nearer", "near"}, {"nearer", "far"}]
        with pytest.raises(InvalidInput, match="lambda_mult must be between"):
            store.max_marginal_relevance_search("query", lambda_mult=2)


def test_a_tenant_has_no_client() -> None:
    with QdrantVectorStore.from_texts(["a"], EMBEDDING, location=":memory:") as store:
        ours = store.scoped("ours")
        ours.add_texts(["b"], [{"n": 1}], ["b"])
        assert [each.metadata["_collection_name"] for each in ours.similarity_search("b")] == [store.collection_name]
        with pytest.raises(InvalidInput, match="of the whole collection"):
            assert ours.client


def test_the_client_is_the_one_that_was_given() -> None:
    client = QdrantClient("http://127.0.0.1:9", check_compatibility=False)
    assert QdrantVectorStore(client, "docs", EMBEDDING).client is client
    client.close()


def test_too_many_and_double_arguments_are_refused() -> None:
    with Connection("http://127.0.0.1:9") as connection:
        store: Any = QdrantVectorStore(connection, "docs", EMBEDDING)
        with pytest.raises(InvalidInput, match="k twice"):
            store.similarity_search("a", 1, k=2)
        with pytest.raises(InvalidInput, match="at most 8"):
            store.similarity_search("a", 1, None, None, 0, None, None, None, None)
