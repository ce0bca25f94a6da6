"""Reads that may take long, a piece at a time: between two pieces others are served, and a caller's time may be up."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from typing import Any, TypeAlias, TypeVar

import qdrant_edge as edge

from langchain_qdrant_async.engine.convert.filters import from_filter, joined
from langchain_qdrant_async.engine.convert.ids import PointId, from_point_id, ordered
from langchain_qdrant_async.engine.convert.orders import from_order
from langchain_qdrant_async.engine.convert.selectors import payload_selector, vectors_selector
from langchain_qdrant_async.engine.operations.aggregation import badness
from langchain_qdrant_async.engine.operations.effort import check_effort, pieces_of
from langchain_qdrant_async.engine.operations.queries import cut, from_query_points, limit_of
from langchain_qdrant_async.engine.shards.catalog import Catalog
from langchain_qdrant_async.engine.shards.shard import Shard
from langchain_qdrant_async.engine.status import absent_collection
from langchain_qdrant_async.proto import points

T = TypeVar("T")
Steps: TypeAlias = Generator[None, None, T]
"""Work that can be interrupted wherever it yields; what it returns is the result."""

_MOST_RECORDS = 100_000
"""Points that all pieces of a scroll may find together."""
_AT_ONCE = 16
"""Queries of a batch in one call of the engine."""
_WHOLE = frozenset(("sample", "nearest_with_mmr", "fusion", "rrf", "formula", "text"))
"""Queries whose hits depend on each other, or on all points."""


def found(request: points.QueryPoints, catalog: Catalog) -> Steps[list[edge.ScoredPoint]]:
    """The hits of one query."""
    shard = catalog.shard(request.collection_name)
    if request.prefetch or request.query.WhichOneof("variant") in _WHOLE:
        check_effort(request, shard)
        amount = 1
    else:
        amount = pieces_of(request, shard)
    if amount == 1:
        hits: list[edge.ScoredPoint] = shard.engine.query(from_query_points(request, catalog))
        return list(islice(hits, cut(request), None))
    hits = []
    for piece in _pieces(request, catalog, amount):
        hits += shard.engine.query(from_query_points(request, catalog, piece))
        yield
    return sorted(hits, key=badness(request, shard))[request.offset :][: limit_of(request)]


def found_in_batch(requests: Iterable[points.QueryPoints], catalog: Catalog) -> Steps[list[list[edge.ScoredPoint]]]:
    """The hits of several queries of one collection."""
    results: list[list[edge.ScoredPoint]] = []
    waiting: list[points.QueryPoints] = []
    for request in requests:
        if pieces_of(request, catalog.shard(request.collection_name)) == 1:
            waiting.append(request)
        else:
            results += yield from _together(waiting, catalog)
            waiting = []
            results.append((yield from found(request, catalog)))
    return results + (yield from _together(waiting, catalog))


def _together(requests: list[points.QueryPoints], catalog: Catalog) -> Steps[list[list[edge.ScoredPoint]]]:
    results: list[list[edge.ScoredPoint]] = []
    for start in range(0, len(requests), _AT_ONCE):
        if start:
            yield
        part = requests[start : start + _AT_ONCE]
        queries = [from_query_points(request, catalog) for request in part]
        hits = catalog.shard(part[0].collection_name).engine.query_batch(edge.QueryBatchRequest(queries))
        results += [list(islice(each, cut(request), None)) for each, request in zip(hits, part, strict=True)]
    return results


def counted(request: points.CountPoints, catalog: Catalog) -> Steps[int]:
    """How many points a filter selects."""
    shard = catalog.shard(request.collection_name)
    exact = request.exact if request.HasField("exact") else True
    inner = from_filter(request.filter) if request.HasField("filter") else None
    amount = pieces_of(request, shard) if exact else 1
    if amount == 1:
        return shard.engine.count(edge.CountRequest(exact=exact, filter=inner))
    count = 0
    for piece in _pieces(request, catalog, amount):
        count += shard.engine.count(edge.CountRequest(exact=True, filter=joined(inner, piece)))
        yield
    return count


def scrolled(request: points.ScrollPoints, catalog: Catalog) -> Steps[tuple[list[edge.Record], PointId | None]]:
    """A page of points, and where the next one begins."""
    shard, limit = catalog.shard(request.collection_name), limit_of(request)
    amount = min(pieces_of(request, shard), max(1, _MOST_RECORDS // limit))
    if amount == 1:
        return shard.engine.scroll(_scroll(request, limit))  # type: ignore[return-value]
    records: list[edge.Record] = []
    for piece in _pieces(request, catalog, amount):
        records += shard.engine.scroll(_scroll(request, limit + 1, piece))[0]
        yield
    records.sort(key=_order_of(request))
    following = records[limit].id if len(records) > limit else None
    return records[:limit], following  # type: ignore[return-value]


def _order_of(request: points.ScrollPoints) -> Any:
    if not request.HasField("order_by"):
        return lambda record: ordered(record.id)
    sign = -1.0 if request.order_by.direction == points.Desc else 1.0
    return lambda record: sign * (record.order_value or 0)


def _scroll(request: points.ScrollPoints, limit: int, piece: Any = None) -> edge.ScrollRequest:
    inner = from_filter(request.filter) if request.HasField("filter") else None
    return edge.ScrollRequest(
        offset=from_point_id(request.offset) if request.HasField("offset") else None,
        limit=limit,
        filter=inner if piece is None else joined(inner, piece),
        with_payload=payload_selector(request, default=True),
        with_vector=vectors_selector(request.with_vectors),
        order_by=from_order(request.order_by) if request.HasField("order_by") else None,
    )


def _pieces(request: Any, catalog: Catalog, amount: int) -> Iterator[Any]:
    """Conditions that divide the points of a collection; it may have gone between two of them.

    Raises:
        Refusal: it has.
    """
    shard: Shard | None = catalog.find(request.collection_name)
    for index in range(amount):
        if catalog.find(request.collection_name) is not shard:
            raise absent_collection(request.collection_name)
        yield edge.SliceCondition(amount, index)  # type: ignore[attr-defined]
