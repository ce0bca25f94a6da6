"""Calls of any LangChain embeddings; gives way to `encoder`."""

from __future__ import annotations

from langchain_core.embeddings import Embeddings

from langchain_qdrant_async.embedding.async_model import AsyncModel, ModelThreads
from langchain_qdrant_async.embedding.matrix import Rows, Vector


class Calls(ModelThreads):
    """The async half of any embeddings, for callers that have no encoder yet."""

    async def documents(self, embeddings: Embeddings, texts: list[str]) -> Rows:
        """A row for each text."""
        rows: Rows = await AsyncModel(embeddings, self).documents(texts)
        return rows

    async def query(self, embeddings: Embeddings, text: str) -> list[float] | Vector:
        """The query's row."""
        row: list[float] | Vector = await AsyncModel(embeddings, self).query(text)
        return row
