"""Embeddings that can give arrays."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from langchain_qdrant_async.embedding.matrix import Matrix, Vector


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
