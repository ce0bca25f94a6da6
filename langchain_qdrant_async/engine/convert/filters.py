"""Filters on the wire -> the engine's. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import qdrant_edge as edge

from langchain_qdrant_async.engine.convert.ids import from_point_id
from langchain_qdrant_async.engine.status import invalid_field, malformed
from langchain_qdrant_async.proto import common


def from_filter(message: common.Filter) -> edge.Filter:
    """A filter. Groups without conditions restrict nothing, so they are left out."""
    return edge.Filter(
        must=_conditions(message.must),
        should=_conditions(message.should),
        must_not=_conditions(message.must_not),
        min_should=_min_should(message.min_should) if message.HasField("min_should") else None,
    )


def from_condition(message: common.Condition) -> Any:
    """A single condition of any kind."""
    kind = message.WhichOneof("condition_one_of")
    if kind is None:
        raise malformed("Condition is missing")
    return _CONDITIONS[kind](getattr(message, kind))


def excluding(ids: Iterable[Any], inner: edge.Filter | None) -> edge.Filter:
    """What `inner` selects, without the given points."""
    return edge.Filter(must=[inner] if inner else None, must_not=[edge.HasIdCondition(set(ids))])


def among(ids: Iterable[Any], inner: edge.Filter | None = None) -> edge.Filter:
    """What `inner` selects among the given points."""
    return edge.Filter(must=[edge.HasIdCondition(set(ids)), *([inner] if inner else [])])


def _conditions(messages: Iterable[common.Condition]) -> list[Any] | None:
    return [from_condition(message) for message in messages] or None


def _min_should(message: common.MinShould) -> edge.MinShould:
    return edge.MinShould(_conditions(message.conditions) or [], message.min_count)


def _field(message: common.FieldCondition) -> edge.FieldCondition:
    clauses = dict(_clause(field.name, value) for field, value in message.ListFields() if field.name != "key")
    if not clauses:
        raise invalid_field("match", "At least one field condition must be specified")
    return edge.FieldCondition(message.key, **clauses)


def _clause(name: str, value: Any) -> tuple[str, Any]:
    return "range" if name == "datetime_range" else name, _CLAUSES[name](value)


_CONDITIONS: dict[str, Callable[[Any], Any]] = {
    "field": _field,
    "filter": from_filter,
    "has_id": lambda message: edge.HasIdCondition({from_point_id(point_id) for point_id in message.has_id}),
    "is_empty": lambda message: edge.IsEmptyCondition(message.key),
    "is_null": lambda message: edge.IsNullCondition(message.key),
    "has_vector": lambda message: edge.HasVectorCondition(message.has_vector),
    "nested": lambda message: edge.NestedCondition(message.key, from_filter(message.filter)),
    "slice": lambda message: edge.SliceCondition(message.total, message.index),  # type: ignore[attr-defined]
}


def _match(message: common.Match) -> Any:
    kind = message.WhichOneof("match_value")
    if kind is None:
        raise malformed("Match value is missing")
    return _MATCHES[kind](getattr(message, kind))


_MATCHES: dict[str, Callable[[Any], Any]] = {
    "keyword": edge.MatchValue,
    "integer": edge.MatchValue,
    # A Python bool would be taken for an integer: True would match 1, and not true.
    "boolean": lambda value: edge.MatchValue(np.bool_(value)),  # type: ignore[arg-type]
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


def _datetime_range(message: common.DatetimeRange) -> edge.RangeDateTime:
    return edge.RangeDateTime(**{bound: moment.ToJsonString() for bound, moment in _bounds(message).items()})


def geo_point(message: common.GeoPoint) -> edge.GeoPoint:
    """A point on the globe."""
    return edge.GeoPoint(message.lon, message.lat)


def _ring(message: common.GeoLineString) -> list[edge.GeoPoint]:
    return [geo_point(point) for point in message.points]


_CLAUSES: dict[str, Callable[[Any], Any]] = {
    "match": _match,
    "range": lambda message: edge.RangeFloat(**_bounds(message)),
    "datetime_range": _datetime_range,
    "values_count": lambda message: edge.ValuesCount(**_bounds(message)),
    "geo_bounding_box": lambda box: edge.GeoBoundingBox(geo_point(box.top_left), geo_point(box.bottom_right)),
    "geo_radius": lambda circle: edge.GeoRadius(geo_point(circle.center), circle.radius),
    "geo_polygon": lambda polygon: edge.GeoPolygon(
        _ring(polygon.exterior), [_ring(hole) for hole in polygon.interiors]
    ),
    "is_empty": bool,
    "is_null": bool,
}
