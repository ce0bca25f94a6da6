"""Changes documents where they are, without embedding them again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_qdrant_async.collection.collection import Collection
from langchain_qdrant_async.collection.handle import Handle
from langchain_qdrant_async.collection.limits import at_most
from langchain_qdrant_async.collection.settling import Settling
from langchain_qdrant_async.document.change import Change, change_for
from langchain_qdrant_async.document.ids import Identity
from langchain_qdrant_async.document.message import (
    batches,
    check_completed,
    delete_points,
    point_vectors,
    update_batch_points,
    update_point_vectors,
)
from langchain_qdrant_async.proto import common, points
from langchain_qdrant_async.search.examples import naming_examples
from langchain_qdrant_async.store.writer import BATCH_BYTES, Write, partial_write
from langchain_qdrant_async.transport.connection import Connection

_PAGE = 1_000
"""Points whose payload is changed in one call."""


@dataclass(frozen=True, slots=True)
class Changer:
    """Changes the documents of one collection."""

    connection: Connection
    """Over which it is changed."""
    handle: Handle
    """The collection."""

    async def change(
        self, chosen: common.Filter, change: Change, ordering: points.WriteOrdering | None, timeout_s: float | None
    ) -> int:
        """Change the metadata of what a filter selects, page by page in the order of ids; how many documents it was."""
        changed = 0
        async for attempt in Settling(self.handle, timeout_s=timeout_s):
            with attempt as collection:
                changed = 0
                async for page in self._selected(collection, chosen, change.needed, timeout_s):
                    operations = [each for group in _grouped(page, change) for each in group]
                    request = update_batch_points(collection.name, operations, ordering)
                    done = await self.connection.points.UpdateBatch(request, timeout=timeout_s)
                    for each in done.result:
                        check_completed(points.PointsOperationResponse(result=each), "the change")
                    changed += len(page)
        return changed

    async def delete(
        self, chosen: common.Filter, ordering: points.WriteOrdering | None, timeout_s: float | None
    ) -> int:
        """Delete what a filter selects; how many documents it was."""
        counted = 0
        async for attempt in Settling(self.handle, timeout_s=timeout_s):
            with attempt as collection:
                selected = collection.without_origin(chosen) or chosen
                count = points.CountPoints(collection_name=collection.name, filter=selected, exact=True)
                there = (await self.connection.points.Count(count, timeout=timeout_s)).result.count
                counted = max(counted, there)  # a name that moved meanwhile means a copy of the same
                request = delete_points(collection.name, selected, ordering)
                check_completed(await self.connection.points.Delete(request, timeout=timeout_s), "the deletion")
        return counted

    async def update_vectors(
        self, identities: Sequence[Identity], vectors: Sequence[Any], using: str | None, write: Write
    ) -> None:
        """Replace a vector of each of some documents.

        Raises:
            NotFound: one of them is not there; those before it may have been changed.
            PartialWrite: some were changed before another one failed.
        """
        with naming_examples(identities):
            async for attempt in Settling(self.handle, timeout_s=write.timeout_s):
                with attempt as collection:
                    await self._update_vectors(collection, identities, vectors, using, write)

    async def _update_vectors(
        self,
        collection: Collection,
        identities: Sequence[Identity],
        vectors: Sequence[Any],
        using: str | None,
        write: Write,
    ) -> None:
        changed = [
            point_vectors(each.message, *collection.written(vector, using))
            for each, vector in zip(identities, vectors, strict=True)
        ]
        count = at_most(write.batch_size, collection.info.limits.write)
        done = 0
        for part in batches(((each, each.ByteSize()) for each in changed), count=count, size_bytes=BATCH_BYTES):
            request = update_point_vectors(collection.name, part, write.ordering)
            try:
                answer = await self.connection.points.UpdateVectors(request, timeout=write.timeout_s)
                check_completed(answer, "the change")
            except Exception as error:
                if not done:
                    raise
                raise partial_write([each.text for each in identities], done, error) from error
            done += len(part)

    async def _selected(
        self, collection: Collection, chosen: common.Filter, keys: Sequence[str], timeout_s: float | None
    ) -> AsyncIterator[list[points.RetrievedPoint]]:
        """What a filter selects, page by page, each with some keys of its payload."""
        include = points.PayloadIncludeSelector(fields=keys)
        request = points.ScrollPoints(
            collection_name=collection.name,
            filter=collection.without_origin(chosen),
            limit=at_most(_PAGE, collection.info.limits.read),
            with_payload=points.WithPayloadSelector(include=include),
        )
        more = True
        while more:
            page = await self.connection.points.Scroll(request, timeout=timeout_s)
            more = page.HasField("next_page_offset")
            request.offset.CopyFrom(page.next_page_offset)
            if page.result:
                yield list(page.result)


def _grouped(page: Sequence[points.RetrievedPoint], change: Change) -> list[list[points.PointsUpdateOperation]]:
    """What changes the points of a page: those that need the same are changed together."""
    groups: dict[tuple[bytes, ...], tuple[tuple[points.PointsUpdateOperation, ...], list[common.PointId]]] = {}
    for point in page:
        operations = change_for(change, point.payload)
        key = tuple(each.SerializeToString(deterministic=True) for each in operations)
        groups.setdefault(key, (operations, []))[1].append(point.id)
    return [[_of_points(each, ids) for each in operations] for operations, ids in groups.values()]


def _of_points(operation: points.PointsUpdateOperation, ids: Sequence[common.PointId]) -> points.PointsUpdateOperation:
    """The operation on these points; by a filter, since one that was deleted meanwhile would be an error otherwise."""
    named = common.Filter(must=[common.Condition(has_id=common.HasIdCondition(has_id=ids))])
    part = operation.set_payload if operation.HasField("set_payload") else operation.delete_payload
    part.points_selector.filter.CopyFrom(named)
    return operation
