"""What the documents' metadata looks like: its fields, their kinds and their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from langchain_qdrant_async.checks import whole_number
from langchain_qdrant_async.collection.collection import Collection
from langchain_qdrant_async.collection.collections import Collections
from langchain_qdrant_async.errors import InvalidRequest, Unimplemented
from langchain_qdrant_async.filters import FilterInput
from langchain_qdrant_async.runtime.turns import together
from langchain_qdrant_async.store.browsing import Browsing
from langchain_qdrant_async.store.metadata_schema import (
    MetadataSchema,
    Values,
    indexed_fields,
    metadata_schema,
    sampled,
)
from langchain_qdrant_async.store.options import ReadOptions, ScrollOptions
from langchain_qdrant_async.store.variants import blocking, strict
from langchain_qdrant_async.transport.scoped import whole_of

_COUNTED = {"keyword", "integer", "bool", "uuid"}
"""The kinds of payload index whose values Qdrant counts."""


class Describing(Browsing):
    """Saying what there is to filter by."""

    @strict
    async def ametadata_schema(
        self,
        filter: FilterInput = None,
        *,
        values: int = 10,
        sample: int = 100,
        descriptions: Mapping[str, str] | None = None,
        **options: Unpack[ReadOptions],
    ) -> MetadataSchema:
        """The fields that documents have in their metadata, with their kinds and most frequent values.

        Read from the payload indexes, from the values that Qdrant counts by them, and from some documents. Of a scoped
        store values and documents are the tenant's; indexes are of the whole collection.

        Args:
            filter: of which documents; None: all.
            values: how many values of a field; 0: none.
            sample: how many documents are looked at.
            descriptions: what fields mean, by their names, for the people and models who read it.
            **options: the rare ones, see `ReadOptions`.
        """
        whole_number("values", values, at_least=0)
        whole_number("sample", sample, at_least=1)
        timeout = options.get("timeout")
        indexes = await self._indexes(timeout)
        scrolling: ScrollOptions = {**options}  # type: ignore[typeddict-item]  # what it does not know is refused
        [documents] = await self._turned(self._pages(filter, sample, None, 1, scrolling), timeout)
        counted = [name for name, kind in indexes.items() if kind in _COUNTED and values]
        found = await together(self._values(name, values, filter, options) for name in counted)
        samples = sampled(each.metadata for each in documents)
        return metadata_schema(indexes, dict(zip(counted, found, strict=True)), samples, descriptions or {}, values)

    async def _indexes(self, timeout: float | None) -> dict[str, str]:
        """The kinds of the payload indexes by field, as they are at this moment; nothing without a collection."""
        described = Collections(whole_of(self.connection)).describe

        async def look(collection: Collection) -> Mapping[str, str]:
            return (await described(collection.name, timeout=timeout)).payload_indexes

        nothing: Mapping[str, str] = {}
        return indexed_fields(await self._reader.answered(look, nothing, timeout), self.layout)

    async def _values(self, field: str, count: int, filter: FilterInput, options: ReadOptions) -> Values:
        """The most frequent values of an indexed field; nothing where Qdrant cannot count by the index it has."""
        try:
            found = await self.afacet(field, count + 1, filter, **options)
        except (InvalidRequest, Unimplemented):
            return Values()
        return Values(tuple(value for value, _ in found[:count]), complete=len(found) <= count)

    @blocking(ametadata_schema)
    def metadata_schema(self) -> Any:
        """Blocking twin of `ametadata_schema`."""
