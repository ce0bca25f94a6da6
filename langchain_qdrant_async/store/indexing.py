"""Payload indexes of the collection, and what a filter has of them."""

from __future__ import annotations

from typing import Any, cast

from langchain_qdrant_async.collection.collection import Collection
from langchain_qdrant_async.collection.collections import Collections
from langchain_qdrant_async.collection.payload_index import IndexInput, create_field_index, payload_index_of
from langchain_qdrant_async.document.layout import Layout
from langchain_qdrant_async.document.message import check_completed
from langchain_qdrant_async.document.paths import to_path
from langchain_qdrant_async.errors import NotFound
from langchain_qdrant_async.filters import FilterInput, to_filter
from langchain_qdrant_async.filters.plan import FilterPlan, filter_plan
from langchain_qdrant_async.proto import points
from langchain_qdrant_async.store.reader import Reader
from langchain_qdrant_async.store.variants import blocking, strict
from langchain_qdrant_async.transport.connection import Connection
from langchain_qdrant_async.transport.scoped import whole_of


class Indexing:
    """Making and dropping payload indexes, and explaining filters by them."""

    connection: Connection
    layout: Layout
    _reader: Reader

    @strict
    async def acreate_index(self, field: str, index: IndexInput = "keyword", *, timeout: float | None = None) -> None:
        """Index a metadata field, so that filters on it need not read each document; done when it returns.

        An index that is there already is made as this one says.

        Args:
            field: named as in a filter: `"lang"`, `"author.name"`.
            index: what the field holds, `"keyword"`, `"integer"`, `"float"`, `"bool"`, `"datetime"`, `"text"`, `"geo"`,
                `"uuid"`; a `PayloadIndex` with parameters; or qdrant-client's parameters.
            timeout: seconds that the call may take.

        Raises:
            InvalidInput: no such kind or parameter, before anything was sent.
            NotFound: the collection is not there; let its spec say `payload_indexes`, and they are made with it.
        """
        key, wanted = to_path(field, self.layout.metadata_key, where="acreate_index"), payload_index_of(index)

        async def create(collection: Collection) -> bool:
            request = create_field_index(collection.name, key, wanted)
            answer = await self.connection.points.CreateFieldIndex(request, timeout=timeout)
            check_completed(answer, f"the index of {key!r}")
            return True

        await self._in_there(create, timeout)

    @strict
    async def adelete_index(self, field: str, *, timeout: float | None = None) -> None:
        """Drop the index of a metadata field; one that is not there is no error.

        Args:
            field: named as in a filter.
            timeout: seconds that the call may take.

        Raises:
            NotFound: the collection is not there.
        """
        key = to_path(field, self.layout.metadata_key, where="adelete_index")

        async def drop(collection: Collection) -> bool:
            request = points.DeleteFieldIndexCollection(collection_name=collection.name, field_name=key, wait=True)
            answer = await self.connection.points.DeleteFieldIndex(request, timeout=timeout)
            check_completed(answer, f"dropping the index of {key!r}")
            return True

        await self._in_there(drop, timeout)

    @strict
    async def aexplain(self, filter: FilterInput, *, timeout: float | None = None) -> FilterPlan:
        """What a filter asks, condition by condition, and which payload index answers each, as they are at this moment.

        `print` shows it as a list. Of a scoped store the conditions of the scope are left out.

        Args:
            filter: as in a search.
            timeout: seconds that the call may take.

        Raises:
            InvalidFilter: it cannot be understood.
        """
        chosen = to_filter(filter, metadata_key=self.layout.metadata_key)
        described = Collections(whole_of(self.connection)).describe

        async def explain(collection: Collection) -> FilterPlan:
            info = await described(collection.name, timeout=timeout)
            return filter_plan(collection.matching(chosen), info.message.payload_schema)

        return await self._reader.answered(explain, filter_plan(chosen, {}), timeout)

    async def _in_there(self, ask: Any, timeout: float | None) -> None:
        if not await self._reader.answered(ask, nothing=False, timeout_s=timeout):
            import grpc

            name = cast("Any", self).collection_name
            text = f"there is no collection {name!r} yet: CollectionSpec(payload_indexes=...) has them made with it"
            raise NotFound(text, code=grpc.StatusCode.NOT_FOUND)

    @blocking(acreate_index)
    def create_index(self) -> Any:
        """Blocking twin of `acreate_index`."""

    @blocking(adelete_index)
    def delete_index(self) -> Any:
        """Blocking twin of `adelete_index`."""

    @blocking(aexplain)
    def explain(self) -> Any:
        """Blocking twin of `aexplain`."""
