"""What the halves of a store share: the connection, the collection, the layout, the model."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from langchain_core.embeddings import Embeddings

from langchain_qdrant_async.collection import OpenedCollection
from langchain_qdrant_async.config import Layout
from langchain_qdrant_async.connection import Connection
from langchain_qdrant_async.errors import InvalidInput, InvalidVector, NotFound
from langchain_qdrant_async.filters import FilterInput, to_filter
from langchain_qdrant_async.proto import common
from langchain_qdrant_async.responses import VectorInfo

T = TypeVar("T")


class StoreContext:
    """State that the constructor of the store makes, and the checks that reading and writing both need."""

    connection: Connection
    layout: Layout
    embedding: Embeddings | None
    _collection: OpenedCollection

    @property
    def collection_name(self) -> str:
        """The collection, or an alias of it."""
        return self._collection.plan.name

    def _filter(self, filter: FilterInput) -> common.Filter | None:
        return to_filter(filter, metadata_key=self.layout.metadata_key)

    async def _unless_gone(self, call: Awaitable[T]) -> T | None:
        """The answer; None when the collection has been dropped and the next write will make it again."""
        try:
            return await call
        except NotFound:
            self._collection.forget()
            if await self._collection.for_reading() is not None:
                raise  # the collection is there: something else was not found
            return None

    def _required_embedding(self) -> Embeddings:
        if self.embedding is None:
            raise InvalidInput("this store has no embedding: pass one, or use the methods that take vectors")
        return self.embedding

    def _check_size(self, size: int, vector: VectorInfo) -> None:
        if size != vector.dimension:
            name = self.collection_name
            raise InvalidVector(
                f"the vector has {size} numbers, collection {name!r} holds vectors of {vector.dimension}: "
                f"use the model it was made with, or ReducedEmbeddings(model, dimension={vector.dimension})"
            )
