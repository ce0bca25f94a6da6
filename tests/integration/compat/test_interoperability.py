"""Either package reads what the other wrote.

The calls are those that langchain-qdrant 1.1.0 makes of qdrant-client: `construct_instance`, `_generate_batches`,
`_build_vectors`, `_build_payloads`, `similarity_search_with_score` and `_document_from_point` of its `qdrant.py`.
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.documents import Document
from qdrant_client import QdrantClient, models

from langchain_qdrant_async import Connection
from langchain_qdrant_async.compat import QdrantVectorStore, RetrievalMode
from langchain_qdrant_async.compat.client import client_for
from langchain_qdrant_async.embedding import SparseEmbeddings, SparseVector
from tests.embeddings import WordEmbeddings

EMBEDDING = WordEmbeddings(8)
TEXTS = ["red apple", "green apple", "yellow banana"]
METADATAS: list[dict[str, Any] | None] = [{"n": 1, "deep": {"x": [1, None, 2.5]}}, {}, None]
MODES = list(RetrievalMode)[:3]
NAMES = ("", "mine")
pytestmark = pytest.mark.parametrize(("mode", "name"), [(mode, name) for mode in MODES for name in NAMES], ids=str)


class Words(SparseEmbeddings):
    """A one for each word."""

    def embed_documents(self, texts: list[str]) -> list[SparseVector]:
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> SparseVector:
        places = sorted({zlib.crc32(each.encode()) for each in text.split()})
        return SparseVector(places, [1.0] * len(places))


SPARSE = Words()


@pytest.fixture
def client(connection: Connection) -> Iterator[QdrantClient]:
    client = client_for(connection)
    yield client
    client.close()


def vectors(mode: RetrievalMode, name: str, text: str) -> dict[str, Any]:
    """As `_build_vectors` of langchain-qdrant."""
    sparse = SPARSE.embed_query(text)
    found: dict[str, Any] = {}
    if mode is not RetrievalMode.SPARSE:
        found[name] = EMBEDDING.embed_query(text)
    if mode is not RetrievalMode.DENSE:
        found["langchain-sparse"] = models.SparseVector(indices=sparse.indices, values=sparse.values)
    return found


def write(client: QdrantClient, collection: str, mode: RetrievalMode, name: str) -> list[str]:
    """As langchain-qdrant's `from_texts`."""
    params = models.VectorParams(size=EMBEDDING.size, distance=models.Distance.COSINE)
    dense = {} if mode is RetrievalMode.SPARSE else {name: params}
    sparse = {} if mode is RetrievalMode.DENSE else {"langchain-sparse": models.SparseVectorParams()}
    client.create_collection(collection, vectors_config=dense, sparse_vectors_config=sparse)
    ids = [uuid.uuid4().hex for _ in TEXTS]
    points = [
        models.PointStruct(
            id=each, vector=vectors(mode, name, text), payload={"page_content": text, "metadata": metadata}
        )
        for each, text, metadata in zip(ids, TEXTS, METADATAS, strict=True)
    ]
    client.upsert(collection, points)
    return ids


def find(client: QdrantClient, collection: str, mode: RetrievalMode, name: str, text: str, k: int) -> list[Document]:
    """As langchain-qdrant's `similarity_search`."""
    how = vectors(mode, name, text)
    usual: dict[str, Any] = {"limit": k, "query_filter": None, "search_params": None}
    usual |= {"with_payload": True, "with_vectors": False, "consistency": None, "offset": 0, "score_threshold": None}
    if mode is RetrievalMode.HYBRID:
        prefetch = [models.Prefetch(using=using, query=query, limit=k) for using, query in how.items()]
        fusion = models.FusionQuery(fusion=models.Fusion.RRF)
        found = client.query_points(collection, prefetch=prefetch, query=fusion, **usual)
    else:
        ((using, query),) = how.items()
        found = client.query_points(collection, query=query, using=using, **usual)
    return [document(point, collection) for point in found.points]


def document(point: Any, collection: str) -> Document:
    """As langchain-qdrant's `_document_from_point`."""
    metadata = point.payload.get("metadata") or {}
    metadata["_id"], metadata["_collection_name"] = point.id, collection
    return Document(page_content=point.payload.get("page_content", ""), metadata=metadata)


def moved(connection: Connection, collection: str, mode: RetrievalMode, name: str) -> QdrantVectorStore:
    return QdrantVectorStore(connection, collection, EMBEDDING, mode, name, sparse_embedding=SPARSE)


def alike(ours: list[Document], theirs: list[Document]) -> bool:
    return [(each.page_content, each.metadata) for each in ours] == [
        (each.page_content, each.metadata) for each in theirs
    ]


def test_what_langchain_qdrant_wrote(
    connection: Connection, collection_name: str, client: QdrantClient, mode: RetrievalMode, name: str
) -> None:
    ids = write(client, collection_name, mode, name)
    store = moved(connection, collection_name, mode, name)
    for text in TEXTS:
        ours = store.similarity_search(text, k=1)
        assert alike(ours, find(client, collection_name, mode, name, text, 1))
        assert ours[0].page_content == text
    assert [each.page_content for each in store.get_by_ids(ids)] == TEXTS
    assert [each.metadata.get("n") for each in store.similarity_search(TEXTS[1], filter={"n": 1})] == [1]
    store.add_texts(["blue plum"], ids=[ids[0]])
    assert find(client, collection_name, mode, name, "blue plum", 1)[0].page_content == "blue plum"
    assert store.delete(ids[1:])
    assert client.count(collection_name).count == 1


def test_what_this_package_wrote(
    connection: Connection, collection_name: str, client: QdrantClient, mode: RetrievalMode, name: str
) -> None:
    store = moved(connection, collection_name, mode, name)
    ids = store.add_texts(TEXTS, METADATAS, [str(uuid.uuid4()), "7", "any text"])
    params = client.get_collection(collection_name).config.params
    if mode is not RetrievalMode.SPARSE:  # what `_validate_collection_for_dense` asks
        dense = params.vectors[name] if isinstance(params.vectors, dict) else params.vectors
        assert dense is not None
        assert (dense.size, dense.distance) == (EMBEDDING.size, models.Distance.COSINE)
        assert isinstance(params.vectors, dict) or name == ""
    if mode is not RetrievalMode.DENSE:
        assert params.sparse_vectors is not None
        assert "langchain-sparse" in params.sparse_vectors
    for text in TEXTS:
        theirs = find(client, collection_name, mode, name, text, 1)
        assert theirs[0].page_content == text
        assert alike(store.similarity_search(text, k=1), theirs)
    assert {each.id for each in client.retrieve(collection_name, [ids[0], 7])} == {7, ids[0]}
