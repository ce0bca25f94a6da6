"""The reader of a store: a search or ids in, documents out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar, cast

import grpc
from langchain_core.documents import Document

from langchain_qdrant_async.checks import check_seconds
from langchain_qdrant_async.collection.collection import Collection
from langchain_qdrant_async.collection.field import Distance
from langchain_qdrant_async.collection.handle import Handle
from langchain_qdrant_async.collection.limits import at_most
from langchain_qdrant_async.document.ids import Identity, from_point_id
from langchain_qdrant_async.document.layout import Layout
from langchain_qdrant_async.document.message import get_points
from langchain_qdrant_async.errors import DeadlineExceeded, InvalidRequest, InvalidVector, NotFound, RpcError
from langchain_qdrant_async.filters.indexed import match_indexed
from langchain_qdrant_async.proto import common, points
from langchain_qdrant_async.runtime.turns import together
from langchain_qdrant_async.search.examples import naming_examples
from langchain_qdrant_async.search.hit import Group, document, groups, scored_documents
from langchain_qdrant_async.search.message import (
    is_divisible,
    page_of,
    query_batch_points,
    query_point_groups,
    query_points,
)
from langchain_qdrant_async.search.search import Grouping, Search
from langchain_qdrant_async.transport.connection import Connection

T = TypeVar("T")

_BATCH = 64
"""Searches in one call."""

_OUTDATED = (NotFound, InvalidRequest, InvalidVector)
"""What may be wrong because the collection is no longer what it was."""


class Reader:
    """Asks the collection that a store's name means.

    A collection that is not there yet reads as an empty one. One that was dropped since it was found, or an alias that
    means another one now, is found anew.
    """

    def __init__(self, connection: Connection, handle: Handle, layout: Layout) -> None:
        """Say whom to ask; no I/O."""
        self._connection = connection
        self._handle = handle
        self._layout = layout

    @property
    def distance(self) -> Distance:
        """How vectors are compared, as far as is known yet."""
        return self._handle.distance

    async def found(self, search: Search) -> list[tuple[Document, float]]:
        """The documents that a search finds, best first, each with its score.

        Raises:
            DeadlineExceeded: all of it, with embedding and opening, took longer than was allowed.
        """
        with naming_examples(search.ranking):
            response = await self.answered(partial(self._query, search), points.QueryResponse(), search.timeout_s)
        return scored_documents(response.result[: search.k], self._layout)

    async def grouped(self, search: Search, grouping: Grouping) -> list[Group]:
        """The groups that a search finds, the one with the best document first."""
        ranked = replace(search, k=search.k * grouping.size)  # what is merged must reach as many documents

        async def ask(collection: Collection) -> points.QueryGroupsResponse:
            asked = await search.ranking.asked(collection, ranked)
            request = query_point_groups(collection.name, search, asked, grouping, self._layout)
            match_indexed(request, collection.info.integer_indexes)
            return cast(
                "points.QueryGroupsResponse",
                await self._connection.points.QueryGroups(request, timeout=search.timeout_s),
            )

        with naming_examples(search.ranking):
            response = await self.answered(ask, points.QueryGroupsResponse(), search.timeout_s)
        return groups(response.result.groups, self._layout)

    async def each_found(self, searches: Sequence[Search]) -> list[list[tuple[Document, float]]]:
        """What each of some searches finds, in their order. They differ in what is asked and how far alone.

        Their texts are embedded at the same time, and they go in as few calls as hold them.
        """
        timeout_s = searches[0].timeout_s

        async def ask(collection: Collection) -> list[points.BatchResult]:
            requests = await together(self._request(each, collection) for each in searches)
            most = collection.info.limits.read
            if most is not None and any(each.limit > most for each in requests):
                alone = await together(self._asked(each, most, timeout_s) for each in requests)
                return [points.BatchResult(result=each.result) for each in alone]
            size = at_most(_BATCH, collection.info.limits.searches)
            parts = [requests[start : start + size] for start in range(0, len(requests), size)]
            batches = [query_batch_points(collection.name, part) for part in parts]
            answers = await together(self._connection.points.QueryBatch(each, timeout=timeout_s) for each in batches)
            return [result for each in answers for result in each.result]

        with naming_examples([each.ranking for each in searches]):
            results = await self.answered(ask, [points.BatchResult()] * len(searches), timeout_s)
        return [
            scored_documents(each.result[: search.k], self._layout)
            for search, each in zip(searches, results, strict=True)
        ]

    async def by_ids(
        self,
        identities: Sequence[Identity],
        consistency: points.ReadConsistency | None = None,
        timeout_s: float | None = None,
    ) -> list[Document]:
        """The documents of these ids that exist, in this order.

        Raises:
            DeadlineExceeded: all of it, with opening, took longer than was allowed.
        """
        timeout_s = None if timeout_s is None else check_seconds("timeout", timeout_s)
        ids = [each.message for each in identities]

        async def get(collection: Collection) -> points.GetResponse:
            request = get_points(collection.name, ids, consistency)
            return cast("points.GetResponse", await self._connection.points.Get(request, timeout=timeout_s))

        response = await self.answered(get, points.GetResponse(), timeout_s)
        documents = {point.id.uuid or point.id.num: document(point, self._layout) for point in response.result}
        return [documents[each.point_id] for each in identities if each.point_id in documents]

    async def by_point_ids(
        self, ids: Sequence[common.PointId], timeout_s: float | None = None
    ) -> list[Document | None]:
        """The documents of what Qdrant's ids name, in this order; None where there is none."""

        async def get(collection: Collection) -> points.GetResponse:
            request = get_points(collection.name, ids)
            return cast("points.GetResponse", await self._connection.points.Get(request, timeout=timeout_s))

        response = await self.answered(get, points.GetResponse(), timeout_s) if ids else points.GetResponse()
        documents = {from_point_id(point.id): document(point, self._layout) for point in response.result}
        return [documents.get(from_point_id(each)) for each in ids]

    async def answered(
        self, ask: Callable[[Collection], Awaitable[T]], nothing: T, timeout_s: float | None = None
    ) -> T:
        """What asking the collection gives, which is found anew when it is no longer the one that was known.

        Args:
            ask: asks a collection; called again when it was another one.
            nothing: the answer of a collection that is not there.
            timeout_s: seconds that all of it may take.

        Raises:
            DeadlineExceeded: all of it, with embedding and opening, took longer than was allowed.
        """
        answer = self._in_rounds(ask, nothing, timeout_s)
        return await (answer if timeout_s is None else self._in_time(answer, timeout_s))

    async def _in_rounds(self, ask: Callable[[Collection], Awaitable[T]], nothing: T, timeout_s: float | None) -> T:
        collection, rounds = await self._handle.for_reading(timeout_s), 0
        while collection is not None:
            try:
                return await ask(collection)
            except _OUTDATED as error:
                rounds += 1
                collection = await self._found_since(collection, error, rounds, timeout_s)
        return nothing

    async def _query(self, search: Search, collection: Collection) -> points.QueryResponse:
        request = await self._request(search, collection)
        return await self._asked(request, collection.info.limits.read, search.timeout_s)

    async def _request(self, search: Search, collection: Collection) -> points.QueryPoints:
        request = query_points(collection.name, search, await search.ranking.asked(collection, search), self._layout)
        return match_indexed(request, collection.info.integer_indexes)

    async def _asked(
        self, request: points.QueryPoints, most: int | None, timeout_s: float | None
    ) -> points.QueryResponse:
        """The answer, in pages where the collection gives only so many points at once."""
        if most is not None and request.limit > most and is_divisible(request):
            return await self._paged(request, most, timeout_s)
        return cast("points.QueryResponse", await self._connection.points.Query(request, timeout=timeout_s))

    async def _paged(self, request: points.QueryPoints, most: int, timeout_s: float | None) -> points.QueryResponse:
        found: list[points.ScoredPoint] = []
        page, missing, known = request, request.offset + request.limit, found
        while missing:
            page = page_of(page, known, min(most, missing))
            response = await self._connection.points.Query(page, timeout=timeout_s)
            known = list(response.result)
            found += known
            missing = missing - len(known) if len(known) == page.limit else 0
        return points.QueryResponse(result=found[request.offset :])

    async def _found_since(
        self, known: Collection, error: RpcError | InvalidVector, rounds: int, timeout_s: float | None
    ) -> Collection | None:
        """What the name means by now, when the error may be because that is another collection than the one known."""
        if not await self._handle.is_outdated(known, error, rounds, timeout_s):
            raise error
        return await self._handle.for_reading(timeout_s)

    async def _in_time(self, answer: Awaitable[T], timeout_s: float) -> T:
        try:
            async with asyncio.timeout(timeout_s):
                return await answer
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"no answer from collection {self._handle.plan.name!r} at {self._connection.address} within"
                f" {timeout_s:g} s, embedding included: pass a longer timeout",
                code=grpc.StatusCode.DEADLINE_EXCEEDED,
            ) from error
