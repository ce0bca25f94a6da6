"""Copies and pickles of stores, retrievers and connections: rebuilt from their settings, and never with a key."""

from __future__ import annotations

import copy
import pickle

import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_qdrant_async import (
    AsyncQdrantVectorStore,
    CollectionSpec,
    Connection,
    Layout,
    Policy,
    QdrantStoreError,
    Remote,
    VectorField,
)

SPEC = CollectionSpec(
    "docs",
    dimension=4,
    payload_indexes={"lang": "keyword"},
    layout=Layout("text", None, "own"),
    vectors=[VectorField("b")],
)


def _store(**settings: object) -> AsyncQdrantVectorStore:
    policy = Policy(read_deadline_s=3)
    connection = Connection("http://127.0.0.1:1", policy=policy)
    return AsyncQdrantVectorStore(connection, "docs", DeterministicFakeEmbedding(size=4), **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("again", [copy.deepcopy, copy.copy, lambda it: pickle.loads(pickle.dumps(it))])
@pytest.mark.parametrize(
    "settings",
    [{}, {"spec": SPEC}, {"vector_name": "x", "distance": "Dot", "metadata_payload_key": None}, {"model_threads": 2}],
)
def test_a_store_is_rebuilt_from_its_settings(again: object, settings: dict[str, object]) -> None:
    store = _store(**settings)
    other = again(store)  # type: ignore[operator]
    assert other is not store
    assert (other._collection.plan, other.layout) == (store._collection.plan, store.layout)
    assert (other.connection.target, other.connection.policy) == (store.connection.target, store.connection.policy)
    assert other.embedding == store.embedding
    assert other._owns_connection is store._owns_connection


def test_a_retriever_is_copied_with_its_store() -> None:
    retriever = _store().as_retriever(search_kwargs={"k": 2})
    other = retriever.model_copy(deep=True)
    assert other.search_kwargs == {"k": 2}
    assert other.vectorstore is not retriever.vectorstore


def test_a_key_is_copied_and_never_pickled() -> None:
    connection = Connection(Remote("http://127.0.0.1:1", api_key="secret"))
    assert copy.deepcopy(connection).target == connection.target
    with pytest.raises(QdrantStoreError, match="in the clear"):
        pickle.dumps(connection)
