"""Calls of any LangChain embeddings, none of which blocks the loop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

from langchain_core.embeddings import Embeddings

from langchain_qdrant_async.embedding.matrix import Matrix, Rows, Vector
from langchain_qdrant_async.errors import EmbeddingError, QdrantStoreError
from langchain_qdrant_async.runtime.threads import Threads

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


class Calls:
    """The async half of any embeddings: awaited where a model has one, and on own threads where it has not.

    LangChain gives embeddings without async methods ones that run in the loop's default executor, which everything in
    the process shares.
    """

    def __init__(self) -> None:
        """No thread starts before the first call that needs one."""
        self._threads = Threads("embedding-calls", THREADS)

    async def documents(self, embeddings: Embeddings, texts: list[str]) -> Rows:
        """A row for each text.

        Raises:
            EmbeddingError: the model failed.
        """
        with _failing(embeddings):
            return await self._documents(embeddings, texts)

    async def query(self, embeddings: Embeddings, text: str) -> list[float] | Vector:
        """The query's row.

        Raises:
            EmbeddingError: the model failed.
        """
        with _failing(embeddings):
            return await self._query(embeddings, text)

    def close(self, *, wait: bool = True) -> None:
        """End the threads; a later call makes new ones."""
        self._threads.close(wait=wait)

    async def _documents(self, embeddings: Embeddings, texts: list[str]) -> Rows:
        if isinstance(embeddings, ArrayEmbeddings):
            return await embeddings.aembed_documents_array(texts)
        if _inherited(embeddings, "aembed_documents"):
            return await self._threads.run(embeddings.embed_documents, texts)
        return await embeddings.aembed_documents(texts)

    async def _query(self, embeddings: Embeddings, text: str) -> list[float] | Vector:
        if isinstance(embeddings, ArrayEmbeddings):
            return await embeddings.aembed_query_array(text)
        if _inherited(embeddings, "aembed_query"):
            return await self._threads.run(embeddings.embed_query, text)
        return await embeddings.aembed_query(text)


@contextmanager
def _failing(embeddings: Embeddings) -> Iterator[None]:
    """Say whose error it is; the package's own say so themselves, and an ImportError says what to install."""
    try:
        yield
    except (QdrantStoreError, ImportError):
        raise
    except Exception as error:
        raise EmbeddingError(f"{type(embeddings).__name__} failed: {type(error).__name__}: {error}") from error


def _inherited(embeddings: Embeddings, method: str) -> bool:
    """Whether the method is the one that LangChain gives to embeddings that have none of their own."""
    return getattr(getattr(embeddings, method), "__func__", None) is getattr(Embeddings, method)
