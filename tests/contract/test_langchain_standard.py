"""LangChain's own suite for vector stores, sync and async, over the real gRPC socket."""

from __future__ import annotations

import pytest
from langchain_core.vectorstores import VectorStore
from langchain_tests.integration_tests.vectorstores import VectorStoreIntegrationTests

from langchain_qdrant_async import AsyncQdrantVectorStore, Connection


class TestAsyncQdrantVectorStore(VectorStoreIntegrationTests):
    """25 tests; none is left out or overridden."""

    @pytest.fixture
    def vectorstore(self, connection: Connection, collection_name: str) -> VectorStore:
        """An empty store, built outside the loop that uses it."""
        return AsyncQdrantVectorStore(connection, collection_name, self.get_embeddings())
