"""Writes documents to a collection and deletes them from it, until the collection that its name means has it all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_qdrant_async.collection.collection import Collection
from langchain_qdrant_async.collection.first_write import FirstWrite
from langchain_qdrant_async.collection.handle import Handle
from langchain_qdrant_async.collection.limits import at_most
from langchain_qdrant_async.collection.settling import Settling
from langchain_qdrant_async.document.message import batches, check_completed, delete_points, upsert_points
from langchain_qdrant_async.document.record import Record
from langchain_qdrant_async.errors import NotFound, PartialWrite, QdrantStoreError
from langchain_qdrant_async.proto import common, points
from langchain_qdrant_async.store.ingest import structs_of
from langchain_qdrant_async.transport.connection import Connection

BATCH_BYTES = 8 * 2**20
"""Bytes in one write, about: far below what a server refuses, and a fraction of a second on a slow line."""


@dataclass(frozen=True, slots=True)
class Write:
    """How documents are written."""

    batch_size: int
    """Documents embedded and written at once."""
    ordering: points.WriteOrdering | None
    """Order of writes in a cluster."""
    timeout_s: float | None
    """Seconds that each call may take, retries included."""
    mode: points.UpdateMode.ValueType | None = None
    """Whether documents may be new, or exist; None: either."""
    only: common.Filter | None = None
    """Which of the documents that exist may be replaced; None: all."""


class Writer:
    """Changes one collection."""

    def __init__(self, connection: Connection, handle: Handle) -> None:
        """Write over a connection; no I/O."""
        self._connection = connection
        self._handle = handle

    async def write(self, records: Sequence[Record], write: Write) -> None:
        """Write records, into a collection made for them if there is none.

        Raises:
            PartialWrite: some were written before one failed; it names both.
            QdrantStoreError: none was written. It, too, has all ids, as `unwritten`.
        """
        if not records:
            return
        try:
            await self._write_settled(records, write)
        except PartialWrite:
            raise
        except QdrantStoreError as error:
            error.written, error.unwritten = [], [record.identity.text for record in records]
            raise

    async def _write_settled(self, records: Sequence[Record], write: Write) -> None:
        first = _first_write(records, self._handle, write)
        async for attempt in Settling(self._handle, first, write.timeout_s):
            with attempt as collection:
                kept = {records[at].identity.point_id: row for at, row in first.kept(collection).items()}
                await self._write_to(collection, records, kept, write)

    async def delete(
        self,
        selector: Sequence[common.PointId] | common.Filter,
        ordering: points.WriteOrdering | None,
        timeout_s: float | None,
    ) -> None:
        """Delete what is selected; a collection that is not there has nothing of it."""
        async for attempt in Settling(self._handle, timeout_s=timeout_s):
            with attempt as collection:
                request = delete_points(collection.name, _sparing_origin(selector, collection), ordering)
                check_completed(await self._connection.points.Delete(request, timeout=timeout_s), "the deletion")

    async def _write_to(
        self, collection: Collection, records: Sequence[Record], kept: dict[str | int, Any], write: Write
    ) -> None:
        written = 0
        try:
            for start in range(0, len(records), write.batch_size):
                structs = await structs_of(collection, records[start : start + write.batch_size], kept)
                async for count in self._upserted(collection, structs, write):
                    written += count
        except NotFound:
            raise  # what was written is gone as well
        except Exception as error:
            if not written:
                raise
            raise partial_write([each.identity.text for each in records], written, error) from error

    async def _upserted(
        self, collection: Collection, structs: Sequence[points.PointStruct], write: Write
    ) -> AsyncIterator[int]:
        """Write points, and say how many more are written after each message."""
        sized = ((each, each.ByteSize()) for each in structs)
        count = at_most(len(structs), collection.info.limits.write)
        for part in batches(sized, count=count, size_bytes=BATCH_BYTES):
            request = upsert_points(collection.name, part, write.ordering, only=write.only, mode=write.mode)
            check_completed(await self._connection.points.Upsert(request, timeout=write.timeout_s), "the write")
            yield len(part)


def _first_write(records: Sequence[Record], handle: Handle, write: Write) -> FirstWrite:
    given = records[0].vectors.get(handle.plan.layout.vector_name)
    texts = [each.text for each in records]
    if given is None:
        return FirstWrite(texts, handle.encoder, first=write.batch_size)
    return FirstWrite(texts, None, first=0, size=len(given))


def _sparing_origin(
    selector: Sequence[common.PointId] | common.Filter, collection: Collection
) -> Sequence[common.PointId] | common.Filter:
    if isinstance(selector, common.Filter):
        return collection.without_origin(selector) or selector
    return selector


def partial_write(ids: Sequence[str], written: int, error: Exception) -> PartialWrite:
    """The error of a write that was cut off after so many of these documents."""
    return PartialWrite(
        f"{written} of {len(ids)} documents were written, then: {error}. Write the others again by their ids, which "
        "`unwritten` has; what was written twice is not duplicated",
        written=ids[:written],
        unwritten=ids[written:],
    )
