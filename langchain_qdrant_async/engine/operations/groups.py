"""Queries whose hits are grouped by a payload field, composed of several plain queries.

First up to five queries look for enough groups, each leaving out what is complete; then up to five more fill the
groups that are not. Payloads and vectors are read at the end, for the points that are returned.

Source: `lib/shard/src/grouping/{mod,driver}.rs` of Qdrant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qdrant_edge as edge

from langchain_qdrant_async.engine.convert.alternatives import any_of, except_of
from langchain_qdrant_async.engine.convert.fields import given
from langchain_qdrant_async.engine.convert.hits import hydrated_point, retrieved_point
from langchain_qdrant_async.engine.convert.ids import PointId, from_point_id, to_point_id
from langchain_qdrant_async.engine.convert.selectors import payload_selector, vectors_selector
from langchain_qdrant_async.engine.operations.aggregation import GroupKey, Groups, badness
from langchain_qdrant_async.engine.operations.queries import limit_of
from langchain_qdrant_async.engine.operations.reads import Steps
from langchain_qdrant_async.engine.operations.reads import found as hits_of
from langchain_qdrant_async.engine.shards.catalog import Catalog
from langchain_qdrant_async.engine.shards.shard import Shard
from langchain_qdrant_async.engine.status import Refusal, invalid_field
from langchain_qdrant_async.proto import common, points

_ROUNDS = 5
_DEFAULT_GROUP_SIZE = 3
_DEFAULT_PREFETCH_LIMIT = 10
_MOST_CANDIDATES = 2**31 - 1
"""What no local collection reaches, and every limit of the engine can hold."""


def query_groups(request: points.QueryPointGroups, catalog: Catalog) -> Steps[list[points.PointGroup]]:
    """The best groups, the best first, each with its best hits."""
    shard = catalog.shard(request.collection_name)
    found = Groups(request.group_by, limit_of(request), group_size_of(request), badness(request, shard))
    search = _search(request, catalog, found)
    yield from _collect(found, search)
    if not found.complete:
        yield from _fill(found, search)
    return _Answer(request, shard, catalog).groups(found)


_Search = Callable[[Sequence[common.Condition]], Steps[list[edge.ScoredPoint]]]


def _search(request: points.QueryPointGroups, catalog: Catalog, found: Groups) -> _Search:
    """A plain query for the same points, with more conditions."""
    source = _source(request, found)

    def search(must: Sequence[common.Condition]) -> Steps[list[edge.ScoredPoint]]:
        query = points.QueryPoints()
        query.CopyFrom(source)
        query.filter.must.extend(must)
        seen = common.HasIdCondition(has_id=map(to_point_id, found.ids))
        query.filter.must_not.append(common.Condition(has_id=seen))
        return (yield from hits_of(query, catalog))

    return search


_SHARED = ("collection_name", "query", "using", "params", "score_threshold", "lookup_from")


def _source(request: points.QueryPointGroups, found: Groups) -> points.QueryPoints:
    query = points.QueryPoints(**{name: value for name, value in given(request).items() if name in _SHARED})
    query.prefetch.extend(_enlarged(prefetch, found.size) for prefetch in request.prefetch)
    query.limit = min(found.limit * found.size, _MOST_CANDIDATES)
    query.with_payload.include.fields.append(request.group_by.removesuffix("[]"))
    if request.HasField("filter"):
        query.filter.must.append(common.Condition(filter=request.filter))
    query.filter.must_not.append(common.Condition(is_empty=common.IsEmptyCondition(key=request.group_by)))
    return query


def _enlarged(prefetch: points.PrefetchQuery, factor: int) -> points.PrefetchQuery:
    larger = points.PrefetchQuery()
    larger.CopyFrom(prefetch)
    larger.limit = min(limit_of(prefetch, _DEFAULT_PREFETCH_LIMIT) * factor, _MOST_CANDIDATES)
    del larger.prefetch[:]
    larger.prefetch.extend(_enlarged(inner, factor) for inner in prefetch.prefetch)
    return larger


def _collect(found: Groups, search: _Search) -> Steps[None]:
    """Look for enough groups. What is only in full ones is left out; a point of one that is not full comes along."""
    for _ in range(_ROUNDS):
        hits = yield from search(_conditions(found.full, found.path, except_of))
        found.add(hits)
        if not hits or found.complete:
            return
        yield


def _fill(found: Groups, search: _Search) -> Steps[None]:
    for _ in range(_ROUNDS):
        hits = yield from search(_conditions(found.unfilled, found.path, any_of))
        found.add(hits)
        if not hits or found.complete:
            return
        yield


def _conditions(keys: Sequence[GroupKey], path: str, build: Callable[[str, Any], common.Condition]) -> list[Any]:
    """One condition for the words and one for the integers that the engine can match."""
    words = [key for key in keys if isinstance(key, str)]
    numbers = [key for key in keys if isinstance(key, int) and key <= _LARGEST_INTEGER]
    return [build(path, kind) for kind in (numbers, words) if kind]


_LARGEST_INTEGER = 2**63 - 1


class _Answer:
    """Groups as a response has them."""

    def __init__(self, request: points.QueryPointGroups, shard: Shard, catalog: Catalog) -> None:
        self._request, self._shard, self._catalog = request, shard, catalog

    def groups(self, found: Groups) -> list[points.PointGroup]:
        groups = found.best()
        ids = dict.fromkeys(hit.id for _, hits in groups for hit in hits)
        records = _by_id(self._shard, list(ids), self._request, payload=False)
        looked_up = self._looked_up([key for key, _ in groups])
        return [
            points.PointGroup(
                id=_group_id(key),
                hits=[hydrated_point(hit, records[hit.id]) for hit in hits],
                lookup=looked_up.get(key),
            )
            for key, hits in groups
        ]

    def _looked_up(self, keys: list[GroupKey]) -> dict[GroupKey, points.RetrievedPoint]:
        """The points of another collection whose ids are the groups' values."""
        if not self._request.HasField("with_lookup"):
            return {}
        lookup = self._request.with_lookup
        ids = {key: point_id for key in keys if (point_id := _as_id(key)) is not None}
        records = _by_id(self._catalog.lookup(lookup.collection), list(ids.values()), lookup, payload=True)
        return {key: retrieved_point(records[point_id]) for key, point_id in ids.items() if point_id in records}


def _by_id(shard: Shard, ids: list[Any], selectors: Any, *, payload: bool) -> dict[Any, edge.Record]:
    records = shard.engine.retrieve(
        ids,
        with_payload=payload_selector(selectors, default=payload),
        with_vector=vectors_selector(selectors.with_vectors),
    )
    return {record.id: record for record in records}


def _as_id(key: GroupKey) -> PointId | None:
    try:
        return from_point_id(common.PointId(uuid=key) if isinstance(key, str) else common.PointId(num=key))
    except (Refusal, ValueError):
        return None


def _group_id(key: GroupKey) -> points.GroupId:
    if isinstance(key, str):
        return points.GroupId(string_value=key)
    return points.GroupId(unsigned_value=key) if key >= 0 else points.GroupId(integer_value=key)


def group_size_of(request: points.QueryPointGroups) -> int:
    """How many hits a group may have."""
    if not request.HasField("group_size"):
        return _DEFAULT_GROUP_SIZE
    if request.group_size == 0:
        raise invalid_field("group_size", "value 0 invalid, must be 1 or larger")
    return request.group_size
