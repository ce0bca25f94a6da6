"""Writes on the wire -> operations of the engine.

Each function checks its whole request before the engine sees any of it, so that the log only ever holds operations
that succeed. The requests of `UpdateBatch` have the same fields as those of the single RPCs, so one function
serves both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import qdrant_edge as edge

from langchain_qdrant_async.engine.convert.fields import member
from langchain_qdrant_async.engine.convert.filters import among, from_filter
from langchain_qdrant_async.engine.convert.ids import PointId, distinct, from_point_id
from langchain_qdrant_async.engine.convert.schema import Schema, unknown_vector
from langchain_qdrant_async.engine.convert.values import from_payload
from langchain_qdrant_async.engine.convert.vectors import NamedVectors, from_vectors
from langchain_qdrant_async.engine.operations.effort import check_selection
from langchain_qdrant_async.engine.shards.shard import Shard
from langchain_qdrant_async.engine.status import absent_point, invalid_field, malformed
from langchain_qdrant_async.proto import points

Write = Callable[[Shard, Any], None]

_MOST_IDS = 32
"""How many points one operation may change. A kill inside a flush leaves a state that is ahead of the log: there the
engine changes 32 points at a time, and ends the operation after those among which one has gone.

Decision: docs/decisions/0410-operations-of-32-points.md."""


_MOST_POINTS = 1_024
"""How many points of an upsert exist as objects of the engine at once: each takes 2 kB, even if it has 24 bytes."""


def upsert(shard: Shard, request: Any) -> None:
    """Insert or replace points. A point given twice counts as last given."""
    if len(request.points) > _MOST_POINTS:
        return _upsert_in_parts(shard, request)
    given = dict(_point(message, shard.schema) for message in request.points)
    _upsert(shard, [given[point_id] for point_id in _admitted(shard, given, request)])
    return None


def _upsert_in_parts(shard: Shard, request: Any) -> None:
    """Check every point before one is written; then convert them again, some at a time."""
    last = {_point(message, shard.schema)[0]: position for position, message in enumerate(request.points)}
    admitted = _admitted(shard, last, request)
    shard.check_room(len(admitted))
    for start in range(0, len(admitted), _MOST_POINTS):
        part = admitted[start : start + _MOST_POINTS]
        _upsert(shard, [_point(request.points[last[point_id]], shard.schema)[1] for point_id in part])


def _upsert(shard: Shard, given: list[edge.Point]) -> None:
    if given:
        shard.update(edge.UpdateOperation.upsert_points(given), changed=len(given))


def delete(shard: Shard, request: Any) -> None:
    """Remove points; absent ones are no error."""
    if not request.HasField("points"):
        raise malformed("PointSelector is missing")
    ids: list[Any] = [*_selected(shard, request.points)]
    if ids:
        shard.update(edge.UpdateOperation.delete_points(ids), deleted=len(ids))


def set_payload(shard: Shard, request: Any) -> None:
    """Merge fields into the payload, or into the object at `key`."""
    payload = from_payload(request.payload)
    key = request.key if request.HasField("key") else None
    _change(shard, request, lambda ids: edge.UpdateOperation.set_payload(ids, payload, key))


def overwrite_payload(shard: Shard, request: Any) -> None:
    """Replace the whole payload. Like the server, the engine ignores `key` here."""
    payload = from_payload(request.payload)
    _change(shard, request, lambda ids: edge.UpdateOperation.overwrite_payload(ids, payload, None))


def delete_payload(shard: Shard, request: Any) -> None:
    """Remove fields from the payload."""
    keys = list(request.keys)
    _change(shard, request, lambda ids: edge.UpdateOperation.delete_payload(ids, keys))


def clear_payload(shard: Shard, request: Any) -> None:
    """Remove the whole payload."""
    if not request.HasField("points"):
        raise malformed("PointSelector is missing")
    _apply(shard, _selected(shard, request.points), edge.UpdateOperation.clear_payload)


def update_vectors(shard: Shard, request: Any) -> None:
    """Replace some vectors of points and keep the others."""
    vectors = dict(_point_vectors(message, shard.schema) for message in request.points)
    ids: list[PointId] = list(vectors)
    if request.HasField("update_filter"):
        ids = shard.select(among(ids, from_filter(request.update_filter)))
    _apply(
        shard,
        ids,
        lambda present: edge.UpdateOperation.update_vectors([edge.PointVectors(i, vectors[i]) for i in present]),
    )


def delete_vectors(shard: Shard, request: Any) -> None:
    """Remove some vectors of points."""
    names = list(request.vectors.names)
    if not names:
        raise invalid_field("vector_names", "must specify vector names to delete")
    for name in names:
        if name not in shard.schema:
            raise unknown_vector(name)
    _change(shard, request, lambda ids: edge.UpdateOperation.delete_vectors(ids, names))


def from_batch(operation: points.PointsUpdateOperation) -> tuple[Write, Any]:
    """The write that one element of an `UpdateBatch` asks for, and its request."""
    kind = operation.WhichOneof("operation")
    if kind is None:
        raise malformed("Operation is missing")
    request = getattr(operation, kind)
    if kind in _DEPRECATED:
        request = points.DeletePoints(points=request)
    return _BATCH[kind], request


_BATCH: dict[str, Write] = {
    "upsert": upsert,
    "delete_points": delete,
    "delete_deprecated": delete,
    "set_payload": set_payload,
    "overwrite_payload": overwrite_payload,
    "delete_payload": delete_payload,
    "clear_payload": clear_payload,
    "clear_payload_deprecated": clear_payload,
    "update_vectors": update_vectors,
    "delete_vectors": delete_vectors,
}
_DEPRECATED = {"delete_deprecated", "clear_payload_deprecated"}


def _point(message: points.PointStruct, schema: Schema) -> tuple[PointId, edge.Point]:
    if not message.HasField("id"):
        raise malformed("Empty ID is not allowed")
    if not message.HasField("vectors"):
        raise malformed("Expected some vectors")
    point_id = from_point_id(message.id)
    return point_id, edge.Point(point_id, from_vectors(message.vectors, schema), from_payload(message.payload))


def _point_vectors(message: points.PointVectors, schema: Schema) -> tuple[PointId, NamedVectors]:
    if not message.HasField("id"):
        raise malformed("Empty ID is not allowed")
    if not message.HasField("vectors"):
        raise malformed("Expected some vectors")
    return from_point_id(message.id), from_vectors(message.vectors, schema)


def _admitted(shard: Shard, given: Mapping[PointId, object], request: Any) -> list[PointId]:
    """The points that a conditional upsert lets through: an existing one only if the filter selects it."""
    conditional = request.HasField("update_filter")
    if not conditional and request.update_mode == points.Upsert:
        return list(given)
    present = set(shard.present(list(given)))
    replaceable = set(shard.select(among(present, from_filter(request.update_filter)))) if conditional else present
    new = given.keys() - present
    modes: dict[int, set[PointId]] = {
        points.Upsert: new | replaceable,
        points.InsertOnly: new,
        points.UpdateOnly: replaceable,
    }
    allowed = member(modes, request.update_mode, "update mode")
    return [point_id for point_id in given if point_id in allowed]


def _change(shard: Shard, request: Any, operation: Callable[[list[Any]], edge.UpdateOperation]) -> None:
    if not request.HasField("points_selector"):
        raise malformed("points_selector is expected")
    _apply(shard, _selected(shard, request.points_selector), operation)


def _apply(shard: Shard, ids: list[PointId], operation: Callable[[list[Any]], edge.UpdateOperation]) -> None:
    """Change those of the points that exist, then complain of the first that does not, as the server does."""
    present = shard.present(ids)
    for start in range(0, len(present), _MOST_IDS):
        part = present[start : start + _MOST_IDS]
        shard.update(operation(part), changed=len(part))
    known = set(present)
    for point_id in ids:
        if point_id not in known:
            raise absent_point(point_id)


def _selected(shard: Shard, selector: points.PointsSelector) -> list[PointId]:
    match selector.WhichOneof("points_selector_one_of"):
        case "points":
            return distinct(selector.points.ids)
        case "filter":
            check_selection(selector, shard)
            return shard.select(from_filter(selector.filter))
        case _:
            raise malformed("Malformed PointsSelector type")
