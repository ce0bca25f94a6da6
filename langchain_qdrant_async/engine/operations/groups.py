"""Queries whose hits are grouped by a payload field, composed of several plain queries.

First up to five queries look for enough groups, each leaving out what is complete; then up to five more fill the
groups that are not. Payloads and vectors are read at the end, for the points that are returned.

Source: `lib/shard/src/grouping/{driver,aggregator}.rs` of Qdrant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import qdrant_edge as edge

from langchain_qdrant_async.engine.convert.fields import given
from langchain_qdrant_async.engine.convert.hits import hydrated_point, retrieved_point
from langchain_qdrant_async.engine.convert.ids import PointId, from_point_id, to_point_id
from langchain_qdrant_async.engine.convert.selectors import payload_selector, vectors_selector
from langchain_qdrant_async.engine.operations.paths import values_at
from langchain_qdrant_async.engine.operations.queries import from_query_points, limit_of
from langchain_qdrant_async.engine.shards.catalog import Catalog
from langchain_qdrant_async.engine.shards.shard import Shard
from langchain_qdrant_async.engine.status import Refusal, invalid_field
from langchain_qdrant_async.proto import common, points

_GroupKey = int | str

_ROUNDS = 5
_DEFAULT_GROUP_SIZE = 3
_DEFAULT_PREFETCH_LIMIT = 10


def query_groups(request: points.QueryPointGroups, catalog: Catalog) -> list[points.PointGroup]:
    """The best groups, the best first, each with its best hits."""
    shard = catalog.shard(request.collection_name)
    found = _Groups(request.group_by, limit_of(request), _group_size(request), _badness(request, shard))
    search = _search(request, shard, catalog, found)
    _collect(found, search)
    if not found.complete:
        _fill(found, search)
    return _Answer(request, shard, catalog).groups(found)


class _Groups:
    """The hits so far, by group."""

    def __init__(self, path: str, limit: int, size: int, badness: Callable[[edge.ScoredPoint], float]) -> None:
        self.limit, self.size = limit, size
        self.path = path
        self._badness = badness
        self._hits: dict[_GroupKey, dict[PointId, edge.ScoredPoint]] = {}

    def add(self, hits: Iterable[edge.ScoredPoint]) -> None:
        """A point belongs to a group for each string or integer at the path; others are ignored."""
        for hit in hits:
            for key in values_at(hit.payload or {}, self.path):
                if type(key) in {int, str}:
                    self._hits.setdefault(key, {})[hit.id] = hit  # type: ignore[index]

    @property
    def ids(self) -> list[PointId]:
        return list(dict.fromkeys(point_id for hits in self._hits.values() for point_id in hits))

    @property
    def full(self) -> list[_GroupKey]:
        return [key for key, hits in self._hits.items() if len(hits) >= self.size]

    @property
    def unfilled(self) -> list[_GroupKey]:
        return [key for key, hits in self.best() if len(hits) < self.size]

    @property
    def complete(self) -> bool:
        return sum(len(hits) >= self.size for _, hits in self.best()) >= self.limit

    def best(self) -> list[tuple[_GroupKey, list[edge.ScoredPoint]]]:
        groups = [(key, sorted(hits.values(), key=self._badness)[: self.size]) for key, hits in self._hits.items()]
        return sorted(groups, key=lambda group: self._badness(group[1][0]))[: self.limit]


_Search = Callable[[Sequence[common.Condition], Sequence[common.Condition]], list[edge.ScoredPoint]]


def _search(request: points.QueryPointGroups, shard: Shard, catalog: Catalog, found: _Groups) -> _Search:
    """A plain query for the same points, with more conditions."""
    source = _source(request, found)

    def search(must: Sequence[common.Condition], must_not: Sequence[common.Condition]) -> list[edge.ScoredPoint]:
        query = points.QueryPoints()
        query.CopyFrom(source)
        query.filter.must.extend(must)
        seen = common.HasIdCondition(has_id=map(to_point_id, found.ids))
        query.filter.must_not.extend([*must_not, common.Condition(has_id=seen)])
        return shard.engine.query(from_query_points(query, catalog))

    return search


_SHARED = ("collection_name", "query", "using", "params", "score_threshold", "lookup_from")


def _source(request: points.QueryPointGroups, found: _Groups) -> points.QueryPoints:
    query = points.QueryPoints(**{name: value for name, value in given(request).items() if name in _SHARED})
    query.prefetch.extend(_enlarged(prefetch, found.size) for prefetch in request.prefetch)
    query.limit = found.limit * found.size
    query.with_payload.include.fields.append(request.group_by)
    if request.HasField("filter"):
        query.filter.must.append(common.Condition(filter=request.filter))
    query.filter.must_not.append(common.Condition(is_empty=common.IsEmptyCondition(key=request.group_by)))
    return query


def _enlarged(prefetch: points.PrefetchQuery, factor: int) -> points.PrefetchQuery:
    larger = points.PrefetchQuery()
    larger.CopyFrom(prefetch)
    larger.limit = limit_of(prefetch, _DEFAULT_PREFETCH_LIMIT) * factor
    del larger.prefetch[:]
    larger.prefetch.extend(_enlarged(inner, factor) for inner in prefetch.prefetch)
    return larger


def _collect(found: _Groups, search: _Search) -> None:
    for _ in range(_ROUNDS):
        hits = search([], _any_of(found.full, found.path))
        found.add(hits)
        if not hits or found.complete:
            return


def _fill(found: _Groups, search: _Search) -> None:
    for _ in range(_ROUNDS):
        wanted = common.Filter(should=_any_of(found.unfilled, found.path))
        hits = search([common.Condition(filter=wanted)], []) if found.unfilled else []
        found.add(hits)
        if not hits or found.complete:
            return


def _any_of(keys: Sequence[_GroupKey], path: str) -> list[common.Condition]:
    words = [key for key in keys if isinstance(key, str)]
    numbers = [key for key in keys if isinstance(key, int)]
    matches = []
    if words:
        matches.append(common.Match(keywords=common.RepeatedStrings(strings=words)))
    if numbers:
        matches.append(common.Match(integers=common.RepeatedIntegers(integers=numbers)))
    return [common.Condition(field=common.FieldCondition(key=path, match=match)) for match in matches]


class _Answer:
    """Groups as a response has them."""

    def __init__(self, request: points.QueryPointGroups, shard: Shard, catalog: Catalog) -> None:
        self._request, self._shard, self._catalog = request, shard, catalog

    def groups(self, found: _Groups) -> list[points.PointGroup]:
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

    def _looked_up(self, keys: list[_GroupKey]) -> dict[_GroupKey, points.RetrievedPoint]:
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
        with_payload=payload_selector(selectors.with_payload, default=payload),
        with_vector=vectors_selector(selectors.with_vectors),
    )
    return {record.id: record for record in records}


def _as_id(key: _GroupKey) -> PointId | None:
    try:
        return from_point_id(common.PointId(uuid=key) if isinstance(key, str) else common.PointId(num=key))
    except (Refusal, ValueError):
        return None


def _group_id(key: _GroupKey) -> points.GroupId:
    if isinstance(key, str):
        return points.GroupId(string_value=key)
    return points.GroupId(unsigned_value=key) if key >= 0 else points.GroupId(integer_value=key)


def _group_size(request: points.QueryPointGroups) -> int:
    if not request.HasField("group_size"):
        return _DEFAULT_GROUP_SIZE
    if request.group_size == 0:
        raise invalid_field("group_size", "value 0 invalid, must be 1 or larger")
    return request.group_size


def _badness(request: points.QueryPointGroups, shard: Shard) -> Callable[[edge.ScoredPoint], float]:
    """What to sort hits by, the best first."""
    if request.query.HasField("order_by"):
        sign = -1.0 if request.query.order_by.direction == points.Desc else 1.0
        return lambda hit: sign * (hit.order_value or 0)
    sign = 1.0 if _is_by_distance(request.query) and _is_distance(shard, request.using) else -1.0
    return lambda hit: sign * hit.score


def _is_distance(shard: Shard, name: str) -> bool:
    shape = shard.schema.get(name)
    return shape is not None and shape.is_distance


def _is_by_distance(query: points.Query) -> bool:
    """Whether the scores are those of plain nearest neighbours."""
    if query.HasField("recommend"):
        return query.recommend.strategy == points.AverageVector
    return query.HasField("nearest") or query.HasField("nearest_with_mmr")
