"""The writing half of the store: documents in, documents out of the way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from langchain_core.documents import Document

from langchain_qdrant_async.checks import whole_number
from langchain_qdrant_async.collection.collections import ORIGIN_POINT
from langchain_qdrant_async.collection.handle import LazyCollection, Opened
from langchain_qdrant_async.collection.sources import GivenVectors, TextVectors, VectorSource
from langchain_qdrant_async.document.ids import GivenId, identify, to_texts
from langchain_qdrant_async.document.message import (
    Ordering,
    batches,
    check_completed,
    delete_points,
    point_struct,
    upsert_points,
    write_ordering,
)
from langchain_qdrant_async.document.record import Documents, Record, documents_of
from langchain_qdrant_async.document.vectors import Floats, MatrixInput, packed, to_matrix
from langchain_qdrant_async.errors import InvalidInput, InvalidVector, NotFound, PartialWrite
from langchain_qdrant_async.filters import FilterInput
from langchain_qdrant_async.proto import common, points
from langchain_qdrant_async.runtime.blocking import blocking
from langchain_qdrant_async.store.context import StoreContext

T = TypeVar("T")

BATCH_SIZE = 256
"""Documents in one write. Measured: within 20 % of the least CPU per document, and no long pause of the loop."""
BATCH_BYTES = 8 * 2**20
"""Bytes in one write, about: far below what a server refuses, and a fraction of a second on a slow line."""
_SLICE_S = 0.002
"""Seconds of conversion after which other tasks get their turn."""


@dataclass(frozen=True, slots=True)
class _Write:
    """How documents are written."""

    batch_size: int
    ordering: points.WriteOrdering | None
    timeout_s: float | None


class Writing(StoreContext):
    """Adding and deleting documents."""

    async def aadd_texts(
        self,
        texts: Iterable[str],
        metadatas: Iterable[Mapping[str, Any] | None] | None = None,
        ids: Iterable[GivenId | None] | None = None,
        batch_size: int = BATCH_SIZE,
        *,
        ordering: Ordering | None = None,
        timeout: float | None = None,
    ) -> list[str]:
        """Embed texts and write them; an id that exists is overwritten.

        Everything is checked before anything is sent, and ids are made before the first attempt, so a repeated call
        or a retry never duplicates.

        Args:
            texts: any iterable; it is read once.
            metadatas: one dictionary for each text, or None.
            ids: one for each text; None, as a whole or for one text, has one made. Of several with one, the last stays.
            batch_size: documents embedded and written at once.
            ordering: order of writes in a cluster: `"weak"`, `"medium"`, `"strong"`.
            timeout: seconds that each write may take, retries included.

        Returns:
            The ids, in input order and as they were given.

        Raises:
            InvalidInput: before anything was sent.
            PartialWrite: some batches were written before one failed; it names both.
        """
        documents = documents_of(texts, metadatas, ids)
        write = _Write(whole_number("batch_size", batch_size, at_least=1), write_ordering(ordering), timeout)
        embedding = self._required_embedding()
        records = await self._records(documents)
        texts = [record.text for record in records]
        await self._write(records, write, TextVectors(embedding, self._calls, texts, batch_size))
        return documents.ids

    async def aadd_documents(
        self,
        documents: Iterable[Document],
        ids: Iterable[GivenId | None] | None = None,
        *,
        batch_size: int = BATCH_SIZE,
        ordering: Ordering | None = None,
        timeout: float | None = None,
    ) -> list[str]:
        """Embed documents and write them, as `aadd_texts`.

        Args:
            documents: any iterable; it is read once, and not changed.
            ids: instead of the documents' own; a document without an id has one made.
            batch_size: documents embedded and written at once.
            ordering: order of writes in a cluster.
            timeout: seconds that each write may take, retries included.

        Returns:
            The ids, in input order.
        """
        listed = _documents(documents)
        return await self.aadd_texts(
            [each.page_content for each in listed],
            [each.metadata for each in listed],
            [each.id for each in listed] if ids is None else ids,
            batch_size=batch_size,
            ordering=ordering,
            timeout=timeout,
        )

    async def aadd_embeddings(
        self,
        texts: Iterable[str],
        embeddings: MatrixInput,
        metadatas: Iterable[Mapping[str, Any] | None] | None = None,
        ids: Iterable[GivenId | None] | None = None,
        *,
        batch_size: int = BATCH_SIZE,
        ordering: Ordering | None = None,
        timeout: float | None = None,
    ) -> list[str]:
        """Write texts with vectors made elsewhere, as `aadd_texts`.

        Args:
            texts: any iterable.
            embeddings: one vector for each text: lists, or an array of shape (n, dimension).
            metadatas: one dictionary for each text, or None.
            ids: one for each text, or None.
            batch_size: documents written at once.
            ordering: order of writes in a cluster.
            timeout: seconds that each write may take, retries included.

        Raises:
            InvalidVector: their number or size is wrong, or a component is not finite.
        """
        documents = documents_of(texts, metadatas, ids)
        matrix = to_matrix(embeddings)
        if len(matrix) != len(documents.texts):
            raise InvalidVector(f"{len(matrix)} embeddings for {len(documents.texts)} texts: give one for each text")
        write = _Write(whole_number("batch_size", batch_size, at_least=1), write_ordering(ordering), timeout)
        row_of = {identify(text).point_id: row for row, text in enumerate(documents.ids)}
        records = await self._records(documents)
        rows = matrix[[row_of[record.identity.point_id] for record in records]]
        await self._write(records, write, GivenVectors(rows))
        return documents.ids

    async def adelete(
        self,
        ids: Iterable[GivenId] | None = None,
        *,
        filter: FilterInput = None,
        delete_all: bool = False,
        ordering: Ordering | None = None,
        timeout: float | None = None,
    ) -> bool:
        """Delete documents by id, or by filter, or all of them; exactly one of the three.

        Args:
            ids: ids that may or may not exist; an empty list deletes nothing.
            filter: which documents to delete; an empty one is refused.
            delete_all: every document, by an explicit word only. The collection stays.
            ordering: order of writes in a cluster.
            timeout: seconds that the call may take, retries included.

        Returns:
            True: nothing of what was named is there any more.

        Raises:
            InvalidInput: none or several of the three, or an empty filter.
        """
        selector = self._selector(ids, filter, delete_all=delete_all)
        ordered = write_ordering(ordering)

        async def change(opened: Opened) -> None:
            request = delete_points(opened.name, _sparing_origin(selector, opened), ordered)
            check_completed(await self.connection.points.Delete(request, timeout=timeout), "the deletion")

        if selector != []:
            await self._change(change, LazyCollection.for_reading, timeout)
        return True

    def _selector(
        self,
        ids: Iterable[GivenId] | None,
        filter: FilterInput,
        *,
        delete_all: bool,
    ) -> list[common.PointId] | common.Filter:
        if (ids is not None) + (filter is not None) + delete_all != 1:
            raise InvalidInput(
                "say what to delete by exactly one of ids=[...], filter={...} and delete_all=True; nothing was deleted"
            )
        if ids is not None:
            return [identify(text).message for text in to_texts(ids)]
        selected = self._filter(filter)
        if selected is None and not delete_all:
            raise InvalidInput("an empty filter selects every document; pass delete_all=True to delete them all")
        if selected is not None and not selected.ByteSize():
            raise InvalidInput("an empty filter selects every document; pass delete_all=True to delete them all")
        return selected or common.Filter()

    async def _records(self, documents: Documents) -> list[Record]:
        return [record async for record in _paced(documents.records(self.layout))]

    async def _write(self, records: list[Record], write: _Write, source: VectorSource) -> None:
        async def change(opened: Opened) -> None:
            await self._write_to(opened, records, write, source)

        if records:
            await self._change(change, source.open, write.timeout_s)

    async def _change(
        self,
        change: Callable[[Opened], Awaitable[None]],
        opening: Callable[[LazyCollection, float | None], Awaitable[Opened | None]],
        timeout_s: float | None,
    ) -> None:
        """Change the collection that the name means when it is done: all of it again if that is another one by then.

        So a collection that is reindexed or dropped meanwhile costs no document, and a change made twice is one.
        """
        lost = None
        while True:
            self._collection.doubt()
            opened = await opening(self._collection, timeout_s)
            if opened is None:
                return
            try:
                await change(opened)
            except NotFound:
                if opened.name == lost:
                    raise  # the collection is there: something else was not found
                lost = opened.name
            else:
                if not await self._collection.moved(opened, timeout_s):
                    return
            self._collection.forget()

    async def _write_to(self, opened: Opened, records: list[Record], write: _Write, source: VectorSource) -> None:
        written = 0
        try:
            for start in range(0, len(records), write.batch_size):
                positions = range(start, min(start + write.batch_size, len(records)))
                batch = records[positions.start : positions.stop]
                await self._write_batch(opened, batch, await source.rows(positions), write)
                written = positions.stop
        except NotFound:
            raise  # what was written is gone as well
        except Exception as error:
            if not written:
                raise
            raise _partial_write(records, written, error) from error

    async def _write_batch(self, opened: Opened, batch: list[Record], rows: Floats, write: _Write) -> None:
        self._check_size(rows.shape[1], opened)
        structs = [struct async for struct in _paced(self._structs(batch, rows))]
        for part in batches(((each, each.ByteSize()) for each in structs), count=len(structs), size_bytes=BATCH_BYTES):
            await self._upsert(opened, part, write)

    def _structs(self, batch: list[Record], matrix: Floats) -> Iterable[points.PointStruct]:
        for record, row in zip(batch, matrix, strict=True):
            yield point_struct(record.identity.message, packed(row), record.payload, self.layout)

    async def _upsert(self, opened: Opened, part: Sequence[points.PointStruct], write: _Write) -> None:
        request = upsert_points(opened.name, part, write.ordering)
        check_completed(await self.connection.points.Upsert(request, timeout=write.timeout_s), "the write")

    add_texts = blocking(aadd_texts)
    add_documents = blocking(aadd_documents)
    add_embeddings = blocking(aadd_embeddings)
    delete = blocking(adelete)


async def _paced(items: Iterable[T]) -> AsyncIterator[T]:
    """The items, with a turn for other tasks after each slice of time spent on making them."""
    until = time.perf_counter() + _SLICE_S
    for item in items:
        yield item
        if time.perf_counter() > until:
            await asyncio.sleep(0)
            until = time.perf_counter() + _SLICE_S


def _sparing_origin(
    selector: list[common.PointId] | common.Filter, opened: Opened
) -> list[common.PointId] | common.Filter:
    """The selector, without the reserved point that says what made the vectors."""
    if isinstance(selector, list) or opened.origin is None or not opened.origin.in_point:
        return selector
    reserved = common.Condition(has_id=common.HasIdCondition(has_id=[ORIGIN_POINT]))
    return common.Filter(must=[common.Condition(filter=selector)], must_not=[reserved])


def _partial_write(records: list[Record], written: int, error: Exception) -> PartialWrite:
    ids = [record.identity.text for record in records]
    return PartialWrite(
        f"{written} of {len(ids)} documents were written, then: {error}. Write the others again by their ids, which "
        "`unwritten` has; what was written twice is not duplicated",
        written=ids[:written],
        unwritten=ids[written:],
    )


def _documents(documents: Iterable[Document]) -> list[Document]:
    listed = list(documents)
    for position, each in enumerate(listed):
        if not isinstance(each, Document):
            raise InvalidInput(
                f"documents[{position}] must be a Document, not {type(each).__name__}; aadd_texts takes strings"
            )
    return listed
