"""Any LangChain embeddings, brought to the one size that a collection has."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from langchain_core.embeddings import Embeddings

from langchain_qdrant_async.embedding.matrix import (
    SLICE_ROWS,
    Matrix,
    Rows,
    Vector,
    as_list,
    as_lists,
    as_matrix,
    check_text,
    check_texts,
    to_lists,
)
from langchain_qdrant_async.embedding.reduction import Reduction
from langchain_qdrant_async.embedding.sentence_transformer import SentenceTransformerEmbeddings
from langchain_qdrant_async.embedding.threads import Threads
from langchain_qdrant_async.errors import EmbeddingError, InvalidInput

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

THREADS = 4
"""Calls of a model without async methods that run at once; more of them wait."""


@runtime_checkable
class ArrayEmbeddings(Protocol):
    """Embeddings that can give arrays, which spares a list of Python floats for each vector."""

    def embed_documents_array(self, texts: list[str]) -> Matrix:
        """(texts, size)."""

    def embed_query_array(self, text: str) -> Vector:
        """(size,)."""

    async def aembed_documents_array(self, texts: list[str]) -> Matrix:
        """(texts, size)."""

    async def aembed_query_array(self, text: str) -> Vector:
        """(size,)."""


class ReducedEmbeddings(Embeddings):
    """Any embeddings, giving exactly `dimension` numbers for a text.

    A model that gives `dimension` numbers is left as it is. A larger one is reduced by `reduction`; without one, the
    first use settles on a random projection, and it stays so. A smaller one is an error.
    """

    def __init__(
        self, embeddings: Embeddings | SentenceTransformer, dimension: int = 100, reduction: Reduction | None = None
    ) -> None:
        """No I/O and no call of the model.

        Args:
            embeddings: LangChain embeddings, or a loaded sentence-transformers model. Async methods are awaited where
                they exist, and blocking ones run on an own bounded executor where not.
            dimension: Numbers for each text.
            reduction: One made before; its `dimension` must be this one's.

        Raises:
            InvalidInput: Not embeddings, or sizes that cannot be.
        """
        if dimension < 1:
            raise InvalidInput(f"dimension is {dimension}; it must be at least 1.")
        if reduction is not None and reduction.dimension != dimension:
            raise InvalidInput(f"The reduction gives {reduction.dimension} numbers and dimension is {dimension}.")
        self.embeddings = _as_embeddings(embeddings)
        self.dimension = dimension
        self._reduction = reduction
        self._sealing = threading.Lock()
        self._source = type(self.embeddings).__name__
        self._threads = Threads("embedding-calls", THREADS)

    @property
    def reduction(self) -> Reduction | None:
        """The one in use; None before the first use without one."""
        return self._reduction

    def with_reduction(self, reduction: Reduction) -> ReducedEmbeddings:
        """Another object over the same model, with this reduction."""
        return type(self)(self.embeddings, reduction.dimension, reduction)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """A vector for each text, in order."""
        return as_lists(self.embed_documents_array(texts))

    def embed_query(self, text: str) -> list[float]:
        """The query's vector."""
        return as_list(self.embed_query_array(text))

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """A vector for each text, in order."""
        return await to_lists(await self.aembed_documents_array(texts))

    async def aembed_query(self, text: str) -> list[float]:
        """The query's vector."""
        return as_list(await self.aembed_query_array(text))

    def embed_documents_array(self, texts: list[str]) -> Matrix:
        """As `embed_documents`, float32 (texts, dimension)."""
        checked = check_texts(texts)
        if not checked:
            return self._nothing()
        inner = self.embeddings
        embed = inner.embed_documents_array if isinstance(inner, ArrayEmbeddings) else inner.embed_documents
        return self._reduce(as_matrix(embed(checked), len(checked), self._source))

    def embed_query_array(self, text: str) -> Vector:
        """As `embed_query`, float32 (dimension,)."""
        inner = self.embeddings
        embed = inner.embed_query_array if isinstance(inner, ArrayEmbeddings) else inner.embed_query
        return self._reduce_one(embed(check_text(text)))

    async def aembed_documents_array(self, texts: list[str]) -> Matrix:
        """As `aembed_documents`, float32 (texts, dimension)."""
        checked = check_texts(texts)
        if not checked:
            return self._nothing()
        return await self._reduce_in_slices(await self._documents(checked), len(checked))

    async def aembed_query_array(self, text: str) -> Vector:
        """As `aembed_query`, float32 (dimension,)."""
        return self._reduce_one(await self._query(check_text(text)))

    def close(self) -> None:
        """End the threads, and close the model if it can be closed."""
        self._threads.close()
        close: Callable[[], object] = getattr(self.embeddings, "close", _nothing_to_close)
        close()

    async def aclose(self) -> None:
        """As `close`, without blocking the loop."""
        self._threads.close(wait=False)
        aclose = getattr(self.embeddings, "aclose", None)
        if aclose is not None:
            await aclose()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.embeddings!r}, dimension={self.dimension})"

    async def _documents(self, texts: list[str]) -> Rows:
        inner = self.embeddings
        if isinstance(inner, ArrayEmbeddings):
            return await inner.aembed_documents_array(texts)
        if type(inner).aembed_documents is not Embeddings.aembed_documents:
            return await inner.aembed_documents(texts)
        return await self._threads.run(inner.embed_documents, texts)

    async def _query(self, text: str) -> list[float] | Vector:
        inner = self.embeddings
        if isinstance(inner, ArrayEmbeddings):
            return await inner.aembed_query_array(text)
        if type(inner).aembed_query is not Embeddings.aembed_query:
            return await inner.aembed_query(text)
        return await self._threads.run(inner.embed_query, text)

    async def _reduce_in_slices(self, rows: Rows, count: int) -> Matrix:
        """A slice at a time: converting 5,000 lists of 384 floats in one go would stall the loop for 100 ms."""
        if len(rows) != count:
            as_matrix(rows, count, self._source)
        reduced = np.empty((count, self.dimension), np.float32)
        for start in range(0, count, SLICE_ROWS):
            part = rows[start : start + SLICE_ROWS]
            reduced[start : start + SLICE_ROWS] = self._reduce(as_matrix(part, len(part), self._source))
            await asyncio.sleep(0)
        return reduced

    def _reduce_one(self, row: list[float] | Vector) -> Vector:
        vector: Vector = self._reduce(as_matrix([row], 1, self._source))[0]
        return vector

    def _reduce(self, rows: Matrix) -> Matrix:
        return self._settled(rows.shape[1]).apply(rows)

    def _settled(self, size: int) -> Reduction:
        """The reduction, chosen now if nobody has."""
        with self._sealing:
            if self._reduction is None:
                self._reduction = self._choose(size)
            return self._reduction

    def _choose(self, size: int) -> Reduction:
        if size < self.dimension:
            raise EmbeddingError(
                f"{self._source} gives {size} numbers for a text and {self.dimension} are needed: choose a larger "
                f"model, or ReducedEmbeddings(..., dimension={size}) and a collection of that size."
            )
        if size == self.dimension:
            return Reduction.identity(size)
        return Reduction.random_projection(size, self.dimension)

    def _nothing(self) -> Matrix:
        return np.empty((0, self.dimension), np.float32)


def _as_embeddings(embeddings: Any) -> Embeddings:
    if isinstance(embeddings, Embeddings):
        return embeddings
    if hasattr(embeddings, "encode_query") and hasattr(embeddings, "encode_document"):
        return SentenceTransformerEmbeddings(embeddings)
    raise InvalidInput(
        f"{type(embeddings).__name__} is neither LangChain Embeddings nor a sentence-transformers model; "
        "for a model's name use SentenceTransformerEmbeddings(name)."
    )


def _nothing_to_close() -> None:
    """Most embeddings hold nothing."""
