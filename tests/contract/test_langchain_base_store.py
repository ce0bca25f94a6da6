"""LangChain's own suites for key-value stores, sync and async, over the embedding cache."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from langchain_core.stores import BaseStore
from langchain_tests.integration_tests import BaseStoreAsyncTests, BaseStoreSyncTests

from langchain_qdrant_async.embedding import EmbeddingCache
from tests.embeddings import WordEmbeddings


class Values:
    """What both suites ask for."""

    @pytest.fixture
    def three_values(self) -> tuple[list[float], list[float], list[float]]:
        """Vectors that float32 holds exactly."""
        return [1.0, 0.5], [2.0, -0.25], [3.0, 0.0]


class TestEmbeddingCacheSync(Values, BaseStoreSyncTests[list[float]]):
    """None is left out or overridden."""

    @pytest.fixture
    def kv_store(self, tmp_path: Path) -> Iterator[BaseStore[str, list[float]]]:
        """An empty cache."""
        with EmbeddingCache(tmp_path / "vectors.db", WordEmbeddings()) as cache:
            yield cache


class TestEmbeddingCacheAsync(Values, BaseStoreAsyncTests[list[float]]):
    """None is left out or overridden."""

    @pytest.fixture
    def kv_store(self, tmp_path: Path) -> Iterator[BaseStore[str, list[float]]]:
        """An empty cache, built outside the loop that uses it."""
        with EmbeddingCache(tmp_path / "vectors.db", WordEmbeddings()) as cache:
            yield cache
