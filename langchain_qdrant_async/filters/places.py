"""Operators on places: fields that hold `{"lon": degrees, "lat": degrees}`, or a list of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_qdrant_async.checks import is_number, shortened
from langchain_qdrant_async.errors import InvalidFilter
from langchain_qdrant_async.proto import common

_PLACE = "{'lon': degrees, 'lat': degrees}"


def near(path: str, operand: Any, where: str) -> common.Condition:
    """The place is within a radius, in metres, of another."""
    center, radius = _parts(operand, ("center", "radius"), where)
    if not _is_finite(radius) or radius < 0:
        raise InvalidFilter(f"{where}.radius is {shortened(radius)}: give metres, 0 or more")
    circle = common.GeoRadius(center=to_place(center, f"{where}.center"), radius=radius)
    return common.Condition(field=common.FieldCondition(key=path, geo_radius=circle))


def in_box(path: str, operand: Any, where: str) -> common.Condition:
    """The place is in a box between two corners."""
    top_left, bottom_right = _parts(operand, ("top_left", "bottom_right"), where)
    box = common.GeoBoundingBox(
        top_left=to_place(top_left, f"{where}.top_left"), bottom_right=to_place(bottom_right, f"{where}.bottom_right")
    )
    return common.Condition(field=common.FieldCondition(key=path, geo_bounding_box=box))


def in_polygon(path: str, operand: Any, where: str) -> common.Condition:
    """The place is inside a polygon, and in none of its holes."""
    if _is_list(operand):
        operand = {"exterior": operand}
    if not isinstance(operand, Mapping) or "exterior" not in operand or operand.keys() - {"exterior", "interiors"}:
        raise InvalidFilter(f"{where} is {shortened(operand)}: give a list of places, or 'exterior' and 'interiors'")
    holes = operand.get("interiors") or []
    if not _is_list(holes):
        raise InvalidFilter(f"{where}.interiors is a {type(holes).__name__}: give a list of lines")
    shape = common.GeoPolygon(
        exterior=_line(operand["exterior"], f"{where}.exterior"),
        interiors=[_line(each, f"{where}.interiors[{position}]") for position, each in enumerate(holes)],
    )
    return common.Condition(field=common.FieldCondition(key=path, geo_polygon=shape))


def _line(given: Any, where: str) -> common.GeoLineString:
    """A closed line; one that is open is closed."""
    if not _is_list(given) or len(given) < 3:
        raise InvalidFilter(f"{where} is no line: give a list of at least three places")
    places = [to_place(each, f"{where}[{position}]") for position, each in enumerate(given)]
    closed = places if places[0] == places[-1] else [*places, places[0]]
    return common.GeoLineString(points=closed)


def to_place(given: Any, where: str) -> common.GeoPoint:
    """A place as Qdrant's message.

    Raises:
        InvalidFilter: it is none.
    """
    if isinstance(given, Mapping) and given.keys() == {"lon", "lat"}:
        longitude, latitude = given["lon"], given["lat"]
    elif _is_list(given) and len(given) == 2:
        longitude, latitude = given
    else:
        raise InvalidFilter(f"{where} is {shortened(given)}: a place is {_PLACE}, or [longitude, latitude]")
    if not _is_finite(longitude) or not _is_finite(latitude) or abs(longitude) > 180 or abs(latitude) > 90:
        raise InvalidFilter(
            f"{where} is {shortened(given)}: longitudes go from -180 to 180 degrees, latitudes from -90 to 90"
        )
    return common.GeoPoint(lon=longitude, lat=latitude)


def _parts(operand: Any, names: tuple[str, str], where: str) -> tuple[Any, Any]:
    if not isinstance(operand, Mapping) or operand.keys() != set(names):
        raise InvalidFilter(f"{where} is {shortened(operand)}: give {{{names[0]!r}: ..., {names[1]!r}: ...}}")
    return operand[names[0]], operand[names[1]]


def _is_list(given: Any) -> bool:
    return isinstance(given, Sequence) and not isinstance(given, str | bytes)


def _is_finite(given: Any) -> bool:
    return is_number(given) and math.isfinite(given)
