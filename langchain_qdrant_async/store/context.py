"""What the halves of a store share: the connection, the collection, the layout, the model."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import grpc
from langchain_core.embeddings import Embeddings

from langchain_qdrant_async.checks import check_seconds
from langchain_qdrant_async.collection.collection import Collection as Opened
from langchain_qdrant_async.collection.comparison import check_size
from langchain_qdrant_async.collection.handle import Handle as LazyCollection
from langchain_qdrant_async.document.layout import Layout
from langchain_qdrant_async.errors import DeadlineExceeded, InvalidInput, NotFound
from langchain_qdrant_async.filters import FilterInput, to_filter
from langchain_qdrant_async.proto import common
from langchain_qdrant_async.transport.connection import Connection

T = TypeVar("T")


class StoreContext:
    """State that the constructor of the store makes, and what reading and writing both need."""

    connection: Connection
    layout: Layout
    embedding: Embeddings | None
    _collection: LazyCollection

    @property
    def collection_name(self) -> str:
        """The collection, or an alias of it."""
        return self._collection.plan.name

    def _filter(self, filter: FilterInput) -> common.Filter | None:
        return to_filter(filter, metadata_key=self.layout.metadata_key)

    async def _ask(self, question: Callable[[Opened], Awaitable[T]], timeout_s: float | None) -> T | None:
        """The answer of the collection; None when there is none yet, or none any more that writing would not make.

        A collection that was dropped since it was opened, or an alias that means another one now, is opened anew, once.

        Raises:
            DeadlineExceeded: all of it, with embedding and opening, took longer than was allowed.
        """
        try:
            async with asyncio.timeout(None if timeout_s is None else check_seconds("timeout", timeout_s)):
                return await self._ask_in_time(question, timeout_s)
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"no answer from collection {self.collection_name!r} at {self.connection.address} within {timeout_s:g}"
                " s, embedding included: pass a longer timeout",
                code=grpc.StatusCode.DEADLINE_EXCEEDED,
            ) from error

    async def _ask_in_time(self, question: Callable[[Opened], Awaitable[T]], timeout_s: float | None) -> T | None:
        opened = await self._collection.for_reading(timeout_s)
        if opened is None:
            return None
        try:
            return await question(opened)
        except NotFound:
            self._collection.forget()
            again = await self._collection.for_reading(timeout_s)
            if again is not None and again.name == opened.name:
                raise  # the collection is there: something else was not found
        return None if again is None else await question(again)

    def _required_embedding(self, opened: Opened | None = None) -> Embeddings:
        embedding = self.embedding if opened is None else opened.embedding
        if embedding is None:
            raise InvalidInput("this store has no embedding: pass one, or use the methods that take vectors")
        return embedding

    def _check_size(self, size: int, opened: Opened) -> None:
        check_size(self.collection_name, size, opened.field)
