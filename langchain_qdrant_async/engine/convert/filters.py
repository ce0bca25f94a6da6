"""Filters on the wire -> the engine's. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import qdrant_edge as edge

from langchain_qdrant_async.engine.convert.alternatives import merged
from langchain_qdrant_async.engine.convert.ids import from_point_id
from langchain_qdrant_async.engine.convert.sizes import check_siblings, check_size
from langchain_qdrant_async.engine.status import invalid_field, malformed
from langchain_qdrant_async.proto import common


def from_filter(message: common.Filter) -> edge.Filter:
    """A filter. Groups without conditions restrict nothing, so they are left out."""
    check_size(message)
    return _filter(message)


def _filter(message: common.Filter) -> edge.Filter:
    return edge.Filter(
        must=_conditions(message.must),
        should=_conditions(merged(message.should)),
        must_not=_conditions(merged(message.must_not)),
        min_should=_min_should(message.min_should) if message.HasField("min_should") else None,
    )


def from_condition(message: common.Condition) -> Any:
    """A single condition of any kind."""
    check_size(message)
    return _condition(message)


def _condition(message: common.Condition) -> Any:
    kind = message.WhichOneof("condition_one_of")
    if kind is None:
        raise malformed("Condition is missing")
    return _CONDITIONS[kind](getattr(message, kind))


def excluding(ids: Iterable[Any], inner: edge.Filter | None) -> edge.Filter:
    """What `inner` selects, without the given points."""
    return edge.Filter(must=[inner] if inner else None, must_not=[edge.HasIdCondition(set(ids))])


def joined(inner: edge.Filter | None, condition: Any) -> edge.Filter:
    """What `inner` selects, where the condition holds as well."""
    return edge.Filter(must=[condition, *([inner] if inner else [])])


def among(ids: Iterable[Any], inner: edge.Filter | None = None) -> edge.Filter:
    """What `inner` selects among the given points."""
    return edge.Filter(must=[edge.HasIdCondition(set(ids)), *([inner] if inner else [])])


def _conditions(messages: Sequence[common.Condition]) -> list[Any] | None:
    if not messages:
        return None
    check_siblings(messages)
    return [_condition(message) for message in messages]


def _min_should(message: common.MinShould) -> edge.MinShould | None:
    """Of no conditions, the server asks none."""
    conditions = _conditions(message.conditions)
    return edge.MinShould(conditions, message.min_count) if conditions else None


def _nested(message: common.NestedCondition) -> edge.Filter:
    if not message.HasField("filter"):
        raise malformed("Nested condition must have a filter")
    return _filter(message.filter)


def _field(message: common.FieldCondition) -> edge.FieldCondition:
    clauses = dict(_clause(field.name, value) for field, value in message.ListFields() if field.name != "key")
    if not clauses:
        problem = "Validation error: At least one field condition must be specified [{}]"
        raise invalid_field("match", problem, message)
    return edge.FieldCondition(message.key, **clauses)


def _clause(name: str, value: Any) -> tuple[str, Any]:
    return "range" if name == "datetime_range" else name, _CLAUSES[name](value)


_CONDITIONS: dict[str, Callable[[Any], Any]] = {
    "field": _field,
    "filter": _filter,
    "has_id": lambda message: edge.HasIdCondition({from_point_id(point_id) for point_id in message.has_id}),
    "is_empty": lambda message: edge.IsEmptyCondition(message.key),
    "is_null": lambda message: edge.IsNullCondition(message.key),
    "has_vector": lambda message: edge.HasVectorCondition(message.has_vector),
    "nested": lambda message: edge.NestedCondition(message.key, _nested(message)),
    "slice": lambda message: edge.SliceCondition(message.total, message.index),  # type: ignore[attr-defined]
}


def _match(message: common.Match) -> Any:
    kind = message.WhichOneof("match_value")
    if kind is None:
        raise malformed("Malformed Match condition")
    return _MATCHES[kind](getattr(message, kind))


def _boolean(value: bool) -> Any:  # noqa: FBT001
    """A boolean as the engine knows one: Python's would be taken for an integer, so that True matched 1."""
    import numpy as np  # a fifth of an engine's start

    return np.bool_(value)


_MATCHES: dict[str, Callable[[Any], Any]] = {
    "keyword": edge.MatchValue,
    "integer": edge.MatchValue,
    "boolean": lambda value: edge.MatchValue(_boolean(value)),
    "text": edge.MatchText,
    "text_any": edge.MatchTextAny,
    "phrase": edge.MatchPhrase,
    "prefix": edge.MatchPrefix,
    "substring": edge.MatchSubstring,
    "keywords": lambda message: edge.MatchAny(list(message.strings)),
    "integers": lambda message: edge.MatchAny(list(message.integers)),
    "except_keywords": lambda message: edge.MatchExcept(list(message.strings)),
    "except_integers": lambda message: edge.MatchExcept(list(message.integers)),
}

_BOUNDS = ("lt", "gt", "lte", "gte")


def _bounds(message: Any) -> dict[str, Any]:
    return {bound: getattr(message, bound) for bound in _BOUNDS if message.HasField(bound)}


def _range(message: common.Range) -> edge.RangeFloat:
    """A range of numbers. On an indexed field, one whose bound is no number panics the engine, as it does a server."""
    bounds = _bounds(message)
    for bound, number in bounds.items():
        if math.isnan(number):
            raise invalid_field(bound, "value NaN invalid, must be a number", message)
    return edge.RangeFloat(**bounds)


def _datetime_range(message: common.DatetimeRange) -> edge.RangeDateTime:
    return edge.RangeDateTime(**{bound: moment.ToJsonString() for bound, moment in _bounds(message).items()})


def geo_point(message: common.GeoPoint) -> edge.GeoPoint:
    """A point on the globe."""
    return edge.GeoPoint(message.lon, message.lat)


def _ring(message: common.GeoLineString) -> list[edge.GeoPoint]:
    return [geo_point(point) for point in message.points]


def _box(message: common.GeoBoundingBox) -> edge.GeoBoundingBox:
    if not (message.HasField("top_left") and message.HasField("bottom_right")):
        raise malformed("Malformed GeoBoundingBox type")
    return edge.GeoBoundingBox(geo_point(message.top_left), geo_point(message.bottom_right))


def _circle(message: common.GeoRadius) -> edge.GeoRadius:
    if not message.HasField("center"):
        raise malformed("Malformed GeoRadius type")
    return edge.GeoRadius(geo_point(message.center), message.radius)


def _polygon(message: common.GeoPolygon) -> edge.GeoPolygon:
    if not message.HasField("exterior"):
        raise malformed("Malformed GeoPolygon type - field `exterior` is required")
    return edge.GeoPolygon(_ring(message.exterior), [_ring(hole) for hole in message.interiors])


_CLAUSES: dict[str, Callable[[Any], Any]] = {
    "match": _match,
    "range": _range,
    "datetime_range": _datetime_range,
    "values_count": lambda message: edge.ValuesCount(**_bounds(message)),
    "geo_bounding_box": _box,
    "geo_radius": _circle,
    "geo_polygon": _polygon,
    "is_empty": bool,
    "is_null": bool,
}
