"""SystemExit, KeyboardInterrupt and the like from a user's own code reach the caller, and end nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.embeddings import Embeddings

from langchain_qdrant_async import AsyncQdrantVectorStore, Connection
from langchain_qdrant_async.embedding.matrix import Matrix
from langchain_qdrant_async.embedding.models.shared_model import SharedModel
from tests.embeddings import WordEmbeddings


class Own(BaseException):
    """A user's own."""


RAISED = [SystemExit(3), KeyboardInterrupt(), Own("stop"), GeneratorExit()]


class Raising(Embeddings):
    """Blocking only."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        raise self.error

    def embed_query(self, text: str) -> list[float]:
        raise self.error


class RaisingLater(Raising):
    """With async methods, which run on the caller's loop."""

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        raise self.error

    async def aembed_query(self, text: str) -> list[float]:
        await asyncio.sleep(0)
        raise self.error


class RaisingFilter(dict[str, Any]):
    """Raises when it is read."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(a=1)
        self.error = error

    def __iter__(self) -> Iterator[str]:
        raise self.error

    def items(self) -> Any:
        raise self.error


Use = Callable[[AsyncQdrantVectorStore, BaseException], object]


def _with(store: AsyncQdrantVectorStore, embedding: Embeddings) -> AsyncQdrantVectorStore:
    return AsyncQdrantVectorStore(store.connection, store.collection_name, embedding, validate_embeddings=False)


def _scored(store: AsyncQdrantVectorStore, error: BaseException) -> object:
    def score(_: float) -> float:
        raise error

    scoring = AsyncQdrantVectorStore(
        store.connection, store.collection_name, WordEmbeddings(), relevance_score_fn=score
    )
    return scoring.similarity_search_with_relevance_scores("a")


def _texts(error: BaseException) -> Iterator[str]:
    yield "a"
    raise error


WAYS: dict[str, Use] = {
    "a blocking model that is asked": lambda store, error: _with(store, Raising(error)).similarity_search("a"),
    "a blocking model that is given texts": lambda store, error: _with(store, Raising(error)).add_texts(["a"]),
    "an async model that is asked": lambda store, error: _with(store, RaisingLater(error)).similarity_search("a"),
    "an async model that is given texts": lambda store, error: _with(store, RaisingLater(error)).add_texts(["a"]),
    "a filter": lambda store, error: store.similarity_search("a", filter=RaisingFilter(error)),
    "a relevance function": _scored,
    "an iterator of texts": lambda store, error: store.add_texts(_texts(error)),
}


@pytest.fixture
def store(connection: Connection, collection_name: str) -> AsyncQdrantVectorStore:
    store = AsyncQdrantVectorStore(connection, collection_name, WordEmbeddings())
    store.add_texts(["a"])
    return store


@pytest.mark.timeout(60)
@pytest.mark.parametrize("use", WAYS.values(), ids=WAYS)
def test_it_reaches_the_caller_and_blocking_calls_go_on(store: AsyncQdrantVectorStore, use: Use) -> None:
    for error in RAISED:
        with pytest.raises(BaseException) as caught:  # noqa: PT011  the very one
            use(store, error)
        assert caught.value is error
        assert len(store.similarity_search("a")) == 1


def test_it_reaches_every_caller_of_a_shared_model() -> None:
    def encode(texts: list[str], purpose: str) -> Matrix:
        raise SystemExit(3)

    shared = SharedModel(encode, source="a model", batch_size=8, prepare=lambda: None)
    for _ in range(2):  # and its thread lives on
        with pytest.raises(SystemExit) as caught:
            shared.encode_blocking(["a"], "query")
        assert caught.value.code == 3
    shared.close()
