"""Embeddings for tests: small, deterministic, and honest about who called them."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings


class WordEmbeddings(Embeddings):
    """Every word has a direction of its own: texts that share words are near. Async methods are true coroutines.

    Attributes:
        calls: how often each method was called.
    """

    def __init__(self, size: int = 100) -> None:
        self.size = size
        self.calls: Counter[str] = Counter()

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.calls["embed_documents"] += 1
        return [self._vector(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        self.calls["embed_query"] += 1
        return self._vector(text)

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        self.calls["aembed_documents"] += 1
        await asyncio.sleep(0)
        return [self._vector(text) for text in texts]

    async def aembed_query(self, text: str) -> list[float]:
        self.calls["aembed_query"] += 1
        await asyncio.sleep(0)
        return self._vector(text)

    def _vector(self, text: str) -> list[float]:
        vector = np.sum([self._word(word) for word in text.lower().split()] or [np.ones(self.size)], axis=0)
        return [float(x) for x in vector / np.linalg.norm(vector)]

    def _word(self, word: str) -> Any:
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
        return np.random.default_rng(seed).standard_normal(self.size)


class TableEmbeddings(Embeddings):
    """Vectors by text, for tests that need to know the geometry."""

    def __init__(self, table: dict[str, list[float]]) -> None:
        self.table = table

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.table[text] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return self.table[text]

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        return self.embed_documents(texts)

    async def aembed_query(self, text: str) -> list[float]:
        return self.embed_query(text)
