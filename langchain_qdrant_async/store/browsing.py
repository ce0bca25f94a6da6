"""Documents without a query: how many there are, which values their fields have, and all of them in turn."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, TypedDict, Unpack, cast

from langchain_core.documents import Document

from langchain_qdrant_async.checks import whole_number
from langchain_qdrant_async.collection.collection import Collection
from langchain_qdrant_async.document.layout import Layout
from langchain_qdrant_async.document.paths import to_path
from langchain_qdrant_async.filters import FilterInput, to_filter
from langchain_qdrant_async.proto import common, points
from langchain_qdrant_async.runtime.blocking import run
from langchain_qdrant_async.search.hit import document
from langchain_qdrant_async.search.message import payload_selector
from langchain_qdrant_async.search.params import payload_fields, read_consistency, shard_keys, vectors_selector
from langchain_qdrant_async.search.search import Consistency, ShardKeys
from langchain_qdrant_async.store.reader import Reader
from langchain_qdrant_async.store.variants import blocking, strict
from langchain_qdrant_async.transport.connection import Connection

_PAGE = 256
"""Documents that are asked for at once."""


class ReadOptions(TypedDict, total=False):
    """The rare keywords of reads without a query."""

    consistency: Consistency | None
    """How many replicas must agree."""
    shard_key: ShardKeys | None
    """Which shards are asked; None: all."""
    timeout: float | None
    """Seconds that each call may take, with looking the collection up, and retries."""


class ScrollOptions(ReadOptions, total=False):
    """The rare keywords of `ascroll`."""

    with_payload: bool | Sequence[str]
    """Which metadata comes back, as in a search."""
    with_vectors: bool | Sequence[str]
    """Which vectors come back, as in a search."""


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
        said = _said(options, ReadOptions)

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
        said = _said(options, ReadOptions)

        async def facet(collection: Collection) -> points.FacetResponse:
            selected = collection.without_origin(chosen)
            request = points.FacetCounts(
                collection_name=collection.name, key=key, limit=limit, filter=selected, exact=exact, **said
            )
            return cast("points.FacetResponse", await self.connection.points.Facet(request, timeout=timeout))

        found = await self._reader.answered(facet, points.FacetResponse(), timeout)
        return [(getattr(hit.value, str(hit.value.WhichOneof("variant"))), hit.count) for hit in found.hits]

    async def ascroll(
        self, filter: FilterInput = None, *, batch_size: int = _PAGE, **options: Unpack[ScrollOptions]
    ) -> AsyncIterator[Document]:
        """All documents, or those that a filter selects, in the order of Qdrant's ids.

        What is written meanwhile may be among them or not. Nothing is left open when the iteration ends early.

        Args:
            filter: which documents; None: all.
            batch_size: how many are asked for at once.
            **options: the rare ones, see `ScrollOptions`.

        Yields:
            A document after the other, each once.
        """
        request, timeout = self._scroll(filter, batch_size, options), options.get("timeout")
        more = True
        while more:
            found, more = await self._page(request, timeout)
            for each in found:
                yield each

    def scroll(
        self, filter: FilterInput = None, *, batch_size: int = _PAGE, **options: Unpack[ScrollOptions]
    ) -> Iterator[Document]:
        """Blocking twin of `ascroll`."""
        request, timeout = self._scroll(filter, batch_size, options), options.get("timeout")
        more = True
        while more:
            found, more = run(self._page(request, timeout))
            yield from found

    def _scroll(self, filter: FilterInput, batch_size: int, options: ScrollOptions) -> points.ScrollPoints:
        """The request for the first page."""
        return points.ScrollPoints(
            filter=self._chosen(filter),
            limit=whole_number("batch_size", batch_size, at_least=1),
            with_payload=payload_selector(payload_fields(options.get("with_payload", True)), self.layout),
            with_vectors=vectors_selector(options.get("with_vectors", False)),
            **_said(options, ScrollOptions),
        )

    async def _page(self, request: points.ScrollPoints, timeout: float | None) -> tuple[list[Document], bool]:
        """The documents of a page, and whether there are more; the request then asks for the next."""

        async def ask(collection: Collection) -> points.ScrollResponse:
            page = points.ScrollPoints()
            page.CopyFrom(request)
            page.collection_name = collection.name
            most = collection.info.limits.read
            page.limit = page.limit if most is None else min(page.limit, most)
            if (selected := collection.without_origin(request.filter)) is not None:
                page.filter.CopyFrom(selected)
            return cast("points.ScrollResponse", await self.connection.points.Scroll(page, timeout=timeout))

        response = await self._reader.answered(ask, points.ScrollResponse(), timeout)
        more = response.HasField("next_page_offset")
        request.offset.CopyFrom(response.next_page_offset)
        return [document(each, self.layout) for each in response.result], more

    def _chosen(self, filter: FilterInput) -> common.Filter | None:
        return to_filter(filter, metadata_key=self.layout.metadata_key)

    @blocking(acount)
    def count(self) -> Any:
        """Blocking twin of `acount`."""

    @blocking(afacet)
    def facet(self) -> Any:
        """Blocking twin of `afacet`."""


def _said(options: ReadOptions, known: type[ReadOptions]) -> dict[str, Any]:
    """What a request says of replicas and shards.

    Raises:
        TypeError: an option that does not exist.
    """
    if unknown := sorted(options.keys() - known.__annotations__.keys()):
        raise TypeError(f"no option of a read: {', '.join(unknown)}")
    return {
        "read_consistency": read_consistency(options.get("consistency")),
        "shard_key_selector": shard_keys(options.get("shard_key")),
    }
