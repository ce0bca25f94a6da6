"""The hits of grouped queries, by group.

Source: `lib/shard/src/grouping/aggregator.rs` and `lib/shard/src/query/mod.rs` (`query_result_order`) of Qdrant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import qdrant_edge as edge

from langchain_qdrant_async.engine.convert.ids import PointId, ordered
from langchain_qdrant_async.engine.operations.paths import values_at
from langchain_qdrant_async.engine.shards.shard import Shard
from langchain_qdrant_async.proto import points

GroupKey = int | str
Badness = Callable[[edge.ScoredPoint], Any]
"""What to sort hits by, the best first."""

_LARGEST_KEY = 2**64 - 1


class Groups:
    """The hits so far, by group.

    Attributes:
        path: the field that groups.
        limit: how many groups are wanted.
        size: how many hits of each.
    """

    def __init__(self, path: str, limit: int, size: int, badness: Badness) -> None:
        """Begin without hits.

        Args:
            path: the field that groups.
            limit: how many groups are wanted.
            size: how many hits of each.
            badness: what to sort hits by.
        """
        self.path, self.limit, self.size = path, limit, size
        self._badness = badness
        self._hits: dict[GroupKey, dict[PointId, edge.ScoredPoint]] = {}

    def add(self, hits: Iterable[edge.ScoredPoint]) -> None:
        """A point belongs to a group for each string or integer at the path; with anything else there, to none."""
        for hit in hits:
            keys = list(values_at(hit.payload or {}, self.path))
            for key in keys if all(map(_is_key, keys)) else ():
                self._hits.setdefault(key, {})[hit.id] = hit  # type: ignore[index]

    @property
    def ids(self) -> list[PointId]:
        """The points of all groups."""
        return list(dict.fromkeys(point_id for hits in self._hits.values() for point_id in hits))

    @property
    def full(self) -> list[GroupKey]:
        """The groups that need no more hits."""
        return [key for key, hits in self._hits.items() if len(hits) >= self.size]

    @property
    def unfilled(self) -> list[GroupKey]:
        """Those of the best groups that need more hits."""
        return [key for key, hits in self.best() if len(hits) < self.size]

    @property
    def complete(self) -> bool:
        """Whether there are enough groups, and the best are full."""
        return sum(len(hits) >= self.size for _, hits in self.best()) >= self.limit

    def best(self) -> list[tuple[GroupKey, list[edge.ScoredPoint]]]:
        """The best groups, the best first, each with its best hits."""
        groups = [(key, sorted(hits.values(), key=self._badness)[: self.size]) for key, hits in self._hits.items()]
        return sorted(groups, key=lambda group: self._badness(group[1][0]))[: self.limit]


def _is_key(value: Any) -> bool:
    """Whether a value names a group; True is no 1 here."""
    return type(value) is str or (type(value) is int and value <= _LARGEST_KEY)


def badness(request: points.QueryPointGroups | points.QueryPoints, shard: Shard) -> Badness:
    """What to sort the hits of a query by, the best first."""
    kind = request.query.WhichOneof("variant")
    if kind in _UNORDERED:
        return lambda _: 0.0
    if kind is None:
        return lambda hit: ordered(hit.id)
    if kind == "order_by":
        sign = -1.0 if request.query.order_by.direction == points.Desc else 1.0
        return lambda hit: sign * (hit.order_value or 0)
    sign = 1.0 if _is_by_distance(request.query) and _is_distance(shard, request.using) else -1.0
    return lambda hit: sign * hit.score


_UNORDERED = frozenset(("sample", "nearest_with_mmr"))
"""Queries whose hits stay as they come."""


def _is_distance(shard: Shard, name: str) -> bool:
    shape = shard.schema.get(name)
    return shape is not None and shape.is_distance


def _is_by_distance(query: points.Query) -> bool:
    """Whether the scores are those of plain nearest neighbours."""
    if query.HasField("recommend"):
        return query.recommend.strategy not in {points.BestScore, points.SumScores}
    return query.HasField("nearest")
