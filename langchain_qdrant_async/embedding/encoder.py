"""What turns texts into what one vector field of a collection holds: a class for each kind of field."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

import numpy as np
from langchain_core.embeddings import Embeddings

from langchain_qdrant_async.embedding.async_model import AsyncModel, ModelThreads
from langchain_qdrant_async.embedding.matrix import (
    Matrix,
    Rows,
    Vector,
    as_matrix,
    as_vector,
    check_count,
    check_one_size,
)
from langchain_qdrant_async.embedding.sparse.sparse import SparseVector
from langchain_qdrant_async.errors import EmbeddingError
from langchain_qdrant_async.runtime.threads import Threads

M = TypeVar("M")

Encoded: TypeAlias = Sequence[Any] | Matrix
"""A row for each text: a float32 vector, a `SparseVector`, or a float32 matrix, as the field holds them."""


class Encoder(Protocol):
    """Turns texts into what one vector field holds. Of any kind: the callers of all encoders are the same."""

    async def documents(self, texts: list[str]) -> Encoded:
        """A row for each text, in order, checked."""

    async def query(self, text: str) -> Any:
        """The query's row, checked."""


class _ModelEncoder(Generic[M]):
    """One model, asked for documents and for queries."""

    def __init__(self, embedding: M, threads: Threads | None = None) -> None:
        """Nothing is called yet.

        Args:
            embedding: the model; async methods of its own are awaited.
            threads: where it runs if it has none; None: on a few of its own.

        Raises:
            InvalidInput: it cannot embed.
        """
        self.embedding = embedding
        self._threads = ModelThreads() if threads is None else threads
        self._model = AsyncModel(embedding, self._threads)


class DenseEncoder(_ModelEncoder[Embeddings]):
    """One vector for each text, by any LangChain embeddings."""

    async def documents(self, texts: list[str]) -> Matrix:
        """A vector for each text, float32 (texts, size).

        Raises:
            EmbeddingError: the model failed, or gave what is not a vector for each text.
        """
        if not texts:
            return np.empty((0, 0), np.float32)
        return as_matrix(await self._model.documents(texts), len(texts), self._model.name)

    async def query(self, text: str) -> Vector:
        """The query's vector, float32 (size,).

        Raises:
            EmbeddingError: the model failed, or gave what is not a vector.
        """
        return as_vector(await self._model.query(text), self._model.name)


class SparseModel(Protocol):
    """What a `SparseEncoder` takes: our own `SparseEmbeddings`, langchain-qdrant's, or the like."""

    def embed_documents(self, texts: list[str]) -> Sequence[Any]:
        """Something with `indices` and `values` for each text."""

    def embed_query(self, text: str) -> Any:
        """Something with `indices` and `values`."""


class SparseEncoder(_ModelEncoder[SparseModel]):
    """A weight for each word that matters, by any sparse embeddings."""

    async def documents(self, texts: list[str]) -> list[SparseVector]:
        """A sparse vector for each text.

        Raises:
            EmbeddingError: the model failed, or gave what is not a sparse vector for each text.
        """
        if not texts:
            return []
        rows = await self._model.documents(texts)
        check_count(rows, len(texts), self._model.name)
        return [_sparse(row, self._model.name) for row in rows]

    async def query(self, text: str) -> SparseVector:
        """The query's sparse vector.

        Raises:
            EmbeddingError: the model failed, or gave what is not a sparse vector.
        """
        return _sparse(await self._model.query(text), self._model.name)

    async def learn(self, texts: list[str]) -> Mapping[str, Any]:
        """What a collection is to keep of its first texts, if the model learns anything from them."""
        learn = getattr(self.embedding, "learn", None)
        return {} if learn is None else await self._threads.run(learn, texts)

    def with_learned(self, learned: Mapping[str, Any]) -> SparseEncoder:
        """The same, with what a collection has kept."""
        take = getattr(self.embedding, "with_learned", None)
        return self if take is None else SparseEncoder(take(learned), self._threads)


class MultiModel(Protocol):
    """What a `MultiEncoder` takes: a late-interaction model, such as ColBERT, behind LangChain's names."""

    def embed_documents(self, texts: list[str]) -> Sequence[Rows]:
        """A matrix for each text, a row for each of its tokens."""

    def embed_query(self, text: str) -> Rows:
        """A row for each of the query's tokens."""


class MultiEncoder(_ModelEncoder[MultiModel]):
    """Several vectors for each text, for late interaction."""

    async def documents(self, texts: list[str]) -> list[Matrix]:
        """A matrix for each text, float32 (its tokens, size).

        Raises:
            EmbeddingError: the model failed, or gave what is not a matrix of one size for each text.
        """
        if not texts:
            return []
        given = await self._model.documents(texts)
        check_count(given, len(texts), self._model.name)
        matrices = []
        for rows in given:  # one in a turn of the loop: lists of floats take a millisecond each
            matrices.append(_matrix(rows, self._model.name))
            await asyncio.sleep(0)
        check_one_size({matrix.shape[1] for matrix in matrices}, self._model.name)
        return matrices

    async def query(self, text: str) -> Matrix:
        """The query's matrix, float32 (its tokens, size).

        Raises:
            EmbeddingError: the model failed, or gave what is not a matrix.
        """
        return _matrix(await self._model.query(text), self._model.name)


def _sparse(row: Any, source: str) -> SparseVector:
    """The row itself, or langchain-qdrant's as ours."""
    if isinstance(row, SparseVector):
        return row
    try:
        return SparseVector(list(row.indices), list(row.values))
    except (AttributeError, TypeError):
        raise EmbeddingError(f"{source} gave something that is not a sparse vector: {type(row).__name__}") from None


def _matrix(rows: Any, source: str) -> Matrix:
    if not hasattr(rows, "__len__") or not len(rows):
        raise EmbeddingError(f"{source} gave no vectors for a text; late interaction needs at least one for each")
    return as_matrix(rows, len(rows), source)
