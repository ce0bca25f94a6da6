"""Documents without a query: how many there are, which values their fields have, and all of them in turn."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, TypeAlias, Unpack, cast

from langchain_core.documents import Document

from langchain_qdrant_async.checks import whole_number
from langchain_qdrant_async.collection.collection import Collection
from langchain_qdrant_async.collection.limits import at_most
from langchain_qdrant_async.document.layout import Layout
from langchain_qdrant_async.document.paths import to_path
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.filters import FilterInput, to_filter
from langchain_qdrant_async.proto import common, points
from langchain_qdrant_async.runtime.blocking import run
from langchain_qdrant_async.runtime.turns import together
from langchain_qdrant_async.search.hit import document
from langchain_qdrant_async.search.message import payload_selector
from langchain_qdrant_async.search.ordering import Ordered, ordered
from langchain_qdrant_async.search.params import payload_fields, vectors_selector
from langchain_qdrant_async.store.options import ReadOptions, ScrollOptions, reading
from langchain_qdrant_async.store.pages import ByField, ById, Cursor, scroll_of, slice_of
from langchain_qdrant_async.store.reader import Reader
from langchain_qdrant_async.store.variants import blocking, strict
from langchain_qdrant_async.transport.connection import Connection

_PAGE = 256
"""Documents that are asked for at once."""

_Pages: TypeAlias = tuple[Cursor, points.ScrollPoints]
"""How far a scroll has come, and what it asks for."""


class Browsing:
    """Reading without a query."""

    connection: Connection
    layout: Layout
    _reader: Reader

    @strict
    async def acount(self, filter: FilterInput = None, *, exact: bool = True, **options: Unpack[ReadOptions]) -> int:
        """How many documents there are, or how many a filter selects.

        Args:
            filter: which documents; None: all.
            exact: whether they are counted; else Qdrant estimates, which is quicker.
            **options: the rare ones, see `ReadOptions`.
        """
        chosen, timeout = self._chosen(filter), options.get("timeout")
        said = reading(options, ReadOptions)

        async def count(collection: Collection) -> points.CountResponse:
            request = points.CountPoints(
                collection_name=collection.name, filter=collection.without_origin(chosen), exact=exact, **said
            )
            return cast("points.CountResponse", await self.connection.points.Count(request, timeout=timeout))

        return (await self._reader.answered(count, points.CountResponse(), timeout)).result.count

    @strict
    async def afacet(
        self,
        field: str,
        k: int = 10,
        filter: FilterInput = None,
        *,
        exact: bool = False,
        **options: Unpack[ReadOptions],
    ) -> list[tuple[str | int | bool, int]]:
        """The values that a metadata field has most often, and how many documents have each.

        Args:
            field: named as in a filter; it needs a payload index of its kind (keyword, integer, bool, uuid).
            k: how many values.
            filter: of which documents; None: all.
            exact: whether documents are counted exactly.
            **options: the rare ones, see `ReadOptions`.

        Raises:
            InvalidRequest: the field has no such index.
        """
        key, chosen = to_path(field, self.layout.metadata_key, where="afacet"), self._chosen(filter)
        limit, timeout = whole_number("k", k, at_least=1), options.get("timeout")
        said = reading(options, ReadOptions)

        async def facet(collection: Collection) -> points.FacetResponse:
            selected = collection.without_origin(chosen)
            request = points.FacetCounts(
                collection_name=collection.name, key=key, limit=limit, filter=selected, exact=exact, **said
            )
            return cast("points.FacetResponse", await self.connection.points.Facet(request, timeout=timeout))

        found = await self._reader.answered(facet, points.FacetResponse(), timeout)
        return [(getattr(hit.value, str(hit.value.WhichOneof("variant"))), hit.count) for hit in found.hits]

    async def ascroll(
        self,
        filter: FilterInput = None,
        *,
        batch_size: int = _PAGE,
        order_by: str | Ordered | None = None,
        slices: int = 1,
        **options: Unpack[ScrollOptions],
    ) -> AsyncIterator[Document]:
        """All documents, or those that a filter selects.

        In the order of Qdrant's ids, or of a field. What is written meanwhile may be among them or not. Nothing is left
        open when the iteration ends early.

        Args:
            filter: which documents; None: all.
            batch_size: how many are asked for at once.
            order_by: a metadata field with numbers or dates, which needs a payload index, or `Ordered(field,
                descending=True, start_from=...)`. Documents without a value there do not come, and those that come are
                remembered by their ids until the end.
            slices: into how many parts the ids are divided, of which a page each is asked for at the same time; a
                server needs to be 1.19 or newer for more than one.
            **options: the rare ones, see `ScrollOptions`.

        Yields:
            A document after the other, each once.
        """
        pages = self._pages(filter, batch_size, order_by, slices, options)
        while pages:
            for found in await self._turned(pages, options.get("timeout")):
                for each in found:
                    yield each

    def scroll(
        self,
        filter: FilterInput = None,
        *,
        batch_size: int = _PAGE,
        order_by: str | Ordered | None = None,
        slices: int = 1,
        **options: Unpack[ScrollOptions],
    ) -> Iterator[Document]:
        """Blocking twin of `ascroll`."""
        pages = self._pages(filter, batch_size, order_by, slices, options)
        while pages:
            for found in run(self._turned(pages, options.get("timeout"))):
                yield from found

    def _pages(
        self,
        filter: FilterInput,
        batch_size: int,
        order_by: str | Ordered | None,
        slices: int,
        options: ScrollOptions,
    ) -> list[_Pages]:
        """What asks for the first pages, one for each slice."""
        chosen, count = self._chosen(filter), whole_number("slices", slices, at_least=1)
        if order_by is not None and count > 1:
            raise InvalidInput("slices have no order among them: give order_by or slices")
        request = points.ScrollPoints(
            limit=whole_number("batch_size", batch_size, at_least=1),
            with_payload=payload_selector(payload_fields(options.get("with_payload", True)), self.layout),
            with_vectors=vectors_selector(options.get("with_vectors", False)),
            **reading(options, ScrollOptions),
        )
        order = None if order_by is None else ordered(order_by).order_by(self.layout.metadata_key)
        parts = [chosen] if count == 1 else [slice_of(chosen, each, count) for each in range(count)]
        return [(ById() if order is None else ByField(order), scroll_of(request, part)) for part in parts]

    async def _turned(self, pages: list[_Pages], timeout: float | None) -> list[list[Document]]:
        """The documents of the next page of each; those that have come to their end are taken out."""
        found = await together(self._page(*each, timeout) for each in pages)
        pages[:] = [each for each in pages if each[0].more]
        return found

    async def _page(self, cursor: Cursor, request: points.ScrollPoints, timeout: float | None) -> list[Document]:
        async def ask(collection: Collection) -> tuple[points.ScrollPoints, points.ScrollResponse]:
            page = scroll_of(request, collection.without_origin(request.filter if request.HasField("filter") else None))
            page.collection_name = collection.name
            cursor.ask(page)
            page.limit = at_most(page.limit, collection.info.limits.read)
            answer = await self.connection.points.Scroll(page, timeout=timeout)
            return page, cast("points.ScrollResponse", answer)

        page, answer = await self._reader.answered(ask, (request, points.ScrollResponse()), timeout)
        return [document(each, self.layout) for each in cursor.take(page, answer)]

    def _chosen(self, filter: FilterInput) -> common.Filter | None:
        return to_filter(filter, metadata_key=self.layout.metadata_key)

    @blocking(acount)
    def count(self) -> Any:
        """Blocking twin of `acount`."""

    @blocking(afacet)
    def facet(self) -> Any:
        """Blocking twin of `afacet`."""
