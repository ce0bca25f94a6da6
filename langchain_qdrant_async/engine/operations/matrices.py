"""Distances between points of a sample, composed of a random query and one query for each point.

Source: `lib/collection/src/collection/distance_matrix.rs` of Qdrant.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import qdrant_edge as edge

from langchain_qdrant_async.engine.convert.filters import among, from_filter
from langchain_qdrant_async.engine.convert.ids import PointId, ordered, to_point_id
from langchain_qdrant_async.engine.convert.vectors import named_vectors
from langchain_qdrant_async.engine.operations.effort import check_effort
from langchain_qdrant_async.engine.operations.reads import Steps
from langchain_qdrant_async.engine.shards.shard import Shard
from langchain_qdrant_async.engine.status import bad_request, invalid_field, wrong_input
from langchain_qdrant_async.proto import points

_DEFAULT_SAMPLE = 10
_DEFAULT_NEIGHBOURS = 3
_AT_ONCE = 100
"""Searches in one call of the engine."""
_MOST_SAMPLED = 2000
"""Each sampled point is a search among all of the sample."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """A sample, and the nearest of it to each of its points."""

    ids: Sequence[PointId]
    """The sample, in order."""
    nearest: Sequence[Sequence[edge.ScoredPoint]]
    """For each of them, the best first."""

    def pairs(self) -> points.SearchMatrixPairs:
        """Two ids and a score for each entry."""
        return points.SearchMatrixPairs(
            pairs=[
                points.SearchMatrixPair(a=to_point_id(point_id), b=_id(hit), score=hit.score)
                for point_id, hits in zip(self.ids, self.nearest, strict=True)
                for hit in hits
            ]
        )

    def offsets(self) -> points.SearchMatrixOffsets:
        """The ids once, and for each entry where they stand among them."""
        place = {point_id: offset for offset, point_id in enumerate(self.ids)}
        entries = [(row, hit) for row, hits in enumerate(self.nearest) for hit in hits]
        return points.SearchMatrixOffsets(
            ids=map(to_point_id, self.ids),
            offsets_row=[row for row, _ in entries],
            offsets_col=[place[hit.id] for _, hit in entries],  # type: ignore[index]
            scores=[hit.score for _, hit in entries],
        )


def matrix_of(request: points.SearchMatrixPoints, shard: Shard) -> Steps[Matrix]:
    """The distances that a request asks for; of fewer than two points there are none."""
    sample, neighbours = sizes_of(request)
    if request.using not in shard.schema:
        raise wrong_input(f"Vector with name {request.using} is not configured in this collection")
    if sample > _MOST_SAMPLED:
        raise bad_request(f"the embedded engine compares at most {_MOST_SAMPLED} points with each other")
    check_effort(request, shard)
    vectors = _sampled(request, shard, sample)
    if len(vectors) < 2:
        return Matrix([], [])
    return Matrix(list(vectors), (yield from _nearest(vectors, request.using, shard, min(neighbours, len(vectors)))))


def sizes_of(request: points.SearchMatrixPoints) -> tuple[int, int]:
    """How many points are sampled, and how many neighbours each may have."""
    return _at_least(request, "sample", _DEFAULT_SAMPLE, 2), _at_least(request, "limit", _DEFAULT_NEIGHBOURS, 1)


def _at_least(request: Any, field: str, default: int, least: int) -> int:
    value: int = getattr(request, field) if request.HasField(field) else default
    if value < least:
        raise invalid_field(field, f"value {value} invalid, must be {least} or larger")
    return value


def _sampled(request: points.SearchMatrixPoints, shard: Shard, sample: int) -> dict[PointId, Any]:
    """The vectors of random points that have one, by id and in the order of the ids."""
    conditions: list[Any] = [edge.HasVectorCondition(request.using)]
    if request.HasField("filter"):
        conditions.append(from_filter(request.filter))
    found = shard.engine.query(
        edge.QueryRequest(
            limit=sample,
            query=edge.Sample.Random,
            filter=edge.Filter(must=conditions),
            with_vector=[request.using],
            with_payload=False,
        )
    )
    vectors: dict[Any, Any] = {hit.id: named_vectors(hit.vector)[request.using] for hit in found}
    return {point_id: vectors[point_id] for point_id in sorted(vectors, key=ordered)}


def _nearest(vectors: dict[PointId, Any], using: str, shard: Shard, limit: int) -> Steps[list[list[edge.ScoredPoint]]]:
    condition = among(vectors)
    queries = [
        edge.QueryRequest(
            limit=limit + 1,
            query=edge.Query.Nearest(vector, using),
            filter=condition,
            with_vector=False,
            with_payload=False,
        )
        for vector in vectors.values()
    ]
    found: list[list[edge.ScoredPoint]] = []
    for start in range(0, len(queries), _AT_ONCE):
        found += shard.engine.query_batch(edge.QueryBatchRequest(queries[start : start + _AT_ONCE]))
        yield
    return [_others(hits, point_id, limit) for point_id, hits in zip(vectors, found, strict=True)]


def _others(hits: Iterable[edge.ScoredPoint], point_id: PointId, limit: int) -> list[edge.ScoredPoint]:
    """The hits without the point itself, which need not be the best."""
    return [hit for hit in hits if hit.id != point_id][:limit]


def _id(hit: edge.ScoredPoint) -> Any:
    return to_point_id(hit.id)  # type: ignore[arg-type]
