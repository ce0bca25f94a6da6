"""What writing shares with the store: the connection, the collection, the layout, the model."""

from __future__ import annotations

from langchain_core.embeddings import Embeddings

from langchain_qdrant_async.collection.comparison import check_size
from langchain_qdrant_async.collection.handle import LazyCollection, Opened
from langchain_qdrant_async.document.layout import Layout
from langchain_qdrant_async.embedding.calls import Calls
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.filters import FilterInput, to_filter
from langchain_qdrant_async.proto import common
from langchain_qdrant_async.transport.connection import Connection


class StoreContext:
    """State that the constructor of the store makes, and what writing needs of it."""

    connection: Connection
    layout: Layout
    embedding: Embeddings | None
    _calls: Calls
    _collection: LazyCollection

    @property
    def collection_name(self) -> str:
        """The collection, or an alias of it."""
        return self._collection.plan.name

    def _filter(self, filter: FilterInput) -> common.Filter | None:
        return to_filter(filter, metadata_key=self.layout.metadata_key)

    def _required_embedding(self, opened: Opened | None = None) -> Embeddings:
        embedding = self.embedding if opened is None else opened.embedding
        if embedding is None:
            raise InvalidInput("this store has no embedding: pass one, or use the methods that take vectors")
        return embedding

    def _check_size(self, size: int, opened: Opened) -> None:
        check_size(self.collection_name, size, opened.field.dimension)
