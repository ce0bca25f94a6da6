"""Reads that may take long, a piece at a time: between two pieces others are served, and a caller's time may be up."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from itertools import islice
from time import perf_counter
from typing import Any, TypeAlias, TypeVar

import qdrant_edge as edge

from langchain_qdrant_async.engine.convert.filters import from_filter, joined
from langchain_qdrant_async.engine.convert.ids import PointId, from_point_id, ordered
from langchain_qdrant_async.engine.convert.orders import from_order
from langchain_qdrant_async.engine.convert.selectors import payload_selector, vectors_selector
from langchain_qdrant_async.engine.operations.aggregation import badness
from langchain_qdrant_async.engine.operations.effort import PIECE_S, check_effort, pieces_of
from langchain_qdrant_async.engine.operations.queries import cut, from_query_points, limit_of, root_filter
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
    inner = root_filter(request, catalog)
    hits = yield from _by_pieces(
        request,
        catalog,
        amount,
        lambda piece: shard.engine.query(from_query_points(request, catalog, joined(inner, piece))),
    )
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
    counts: list[int] = yield from _by_pieces(
        request,
        catalog,
        amount,
        lambda piece: [shard.engine.count(edge.CountRequest(exact=True, filter=joined(inner, piece)))],
    )
    return sum(counts)


def scrolled(request: points.ScrollPoints, catalog: Catalog) -> Steps[tuple[list[edge.Record], PointId | None]]:
    """A page of points, and where the next one begins."""
    shard, limit = catalog.shard(request.collection_name), limit_of(request)
    amount = min(pieces_of(request, shard), max(1, _MOST_RECORDS // limit))
    inner = from_filter(request.filter) if request.HasField("filter") else None
    if amount == 1:
        return shard.engine.scroll(_scroll(request, limit, inner))  # type: ignore[return-value]
    records: list[edge.Record] = yield from _by_pieces(
        request,
        catalog,
        amount,
        lambda piece: shard.engine.scroll(_scroll(request, limit + 1, joined(inner, piece)))[0],
    )
    records.sort(key=_order_of(request))
    following = records[limit].id if len(records) > limit else None
    return records[:limit], following  # type: ignore[return-value]


def _order_of(request: points.ScrollPoints) -> Any:
    if not request.HasField("order_by"):
        return lambda record: ordered(record.id)
    sign = -1.0 if request.order_by.direction == points.Desc else 1.0
    return lambda record: sign * (record.order_value or 0)


def _scroll(request: points.ScrollPoints, limit: int, selected: edge.Filter | None) -> edge.ScrollRequest:
    return edge.ScrollRequest(
        offset=from_point_id(request.offset) if request.HasField("offset") else None,
        limit=limit,
        filter=selected,
        with_payload=payload_selector(request, default=True),
        with_vector=vectors_selector(request.with_vectors),
        order_by=from_order(request.order_by) if request.HasField("order_by") else None,
    )


def _by_pieces(request: Any, catalog: Catalog, amount: int, ask: Callable[[Any], Iterable[T]]) -> Steps[list[T]]:
    """What is found piece by piece; others are served after each.

    Raises:
        Refusal: the collection has gone between two of them.
    """
    shard: Shard | None = catalog.find(request.collection_name)
    results: list[T] = []
    slices = _slices(amount)
    total, index = next(slices)
    while True:
        if catalog.find(request.collection_name) is not shard:
            raise absent_collection(request.collection_name)
        began = perf_counter()
        results += ask(edge.SliceCondition(total, index))  # type: ignore[attr-defined]
        took_s = perf_counter() - began
        yield
        try:
            total, index = slices.send(took_s)
        except StopIteration:
            return results


def _slices(amount: int) -> Generator[tuple[int, int], float, None]:
    """Divisors and remainders of the points' hashes, which together are all; each is sent the seconds that it took.

    As long as it takes too little, a slice is asked for that is as large as all before: an estimate that was much too
    high costs a few calls more.
    """
    total = 2 ** (amount - 1).bit_length()
    took_s = yield total, 0
    while total > 1 and took_s < PIECE_S:
        took_s += yield total, total // 2
        total //= 2
    for index in range(1, total):
        yield total, index
