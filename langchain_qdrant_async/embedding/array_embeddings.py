"""Embeddings that can give arrays, and the lists that LangChain wants made of them."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol, runtime_checkable

from langchain_core.embeddings import Embeddings

from langchain_qdrant_async.embedding.matrix import Matrix, Vector, as_list, as_lists, to_lists


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


class ArrayBackedEmbeddings(Embeddings):
    """LangChain's methods by those of `ArrayEmbeddings`, which are the ones to write."""

    @abstractmethod
    def embed_documents_array(self, texts: list[str]) -> Matrix:
        """As `embed_documents`, float32 (texts, size)."""

    @abstractmethod
    def embed_query_array(self, text: str) -> Vector:
        """As `embed_query`, float32 (size,)."""

    @abstractmethod
    async def aembed_documents_array(self, texts: list[str]) -> Matrix:
        """As `aembed_documents`, float32 (texts, size)."""

    @abstractmethod
    async def aembed_query_array(self, text: str) -> Vector:
        """As `aembed_query`, float32 (size,)."""

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
