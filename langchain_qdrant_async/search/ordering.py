"""Ways to go through documents without a query: by a field, and by chance. Pure: no I/O, no clock."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from langchain_qdrant_async.checks import is_whole, shortened
from langchain_qdrant_async.document.paths import to_path
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.filters.scalars import to_bound
from langchain_qdrant_async.proto import points
from langchain_qdrant_async.search.search import Asked, Fields, Search


@dataclass(frozen=True, slots=True)
class Ordered:
    """All points that have a number or a date in a field, in its order; one with several of them by its first.

    The field needs a payload index of the kind `integer`, `float` or `datetime`. Scores mean nothing.

    Source: https://qdrant.tech/documentation/concepts/points/#order-points-by-payload-key

    Raises:
        InvalidInput: `start_from` has no order.
    """

    field: str
    """Named as in a filter."""
    descending: bool = False
    """Whether the greatest, or latest, come first."""
    start_from: float | str | dt.date | None = None
    """The first value that is wanted: a number, a date, a datetime or its ISO text. Integers from 2^53 on count as
    64-bit floats here, though not in the order. None: from the first on."""

    def __post_init__(self) -> None:
        to_path(self.field if isinstance(self.field, str) else "", where="Ordered")
        if self.start_from is not None:
            to_bound(self.start_from, "Ordered.start_from")

    async def asked(self, fields: Fields, search: Search) -> Asked:  # noqa: ARG002  a ranking is asked so
        """The order alone."""
        return Asked(points.Query(order_by=self.order_by(fields.layout.metadata_key)))

    def order_by(self, metadata_key: str | None) -> points.OrderBy:
        """The order as requests have it."""
        return points.OrderBy(
            key=to_path(self.field, metadata_key, where="Ordered"),
            direction=points.Direction.Desc if self.descending else points.Direction.Asc,
            start_from=None if self.start_from is None else _start(to_bound(self.start_from, "Ordered.start_from")),
        )


@dataclass(frozen=True, slots=True)
class Sampled:
    """Points by chance. Scores mean nothing."""

    async def asked(self, fields: Fields, search: Search) -> Asked:  # noqa: ARG002  a ranking is asked so
        """Chance alone."""
        return Asked(points.Query(sample=points.Sample.Random))


def ordered(given: object) -> Ordered:
    """An order, of a field's name too.

    Raises:
        InvalidInput: it is none.
    """
    if isinstance(given, Ordered):
        return given
    if not isinstance(given, str):
        raise InvalidInput(f"order_by is a metadata field, or Ordered(field, ...), not {shortened(given)}")
    return Ordered(given)


def started_at(value: points.OrderValue) -> points.StartFrom:
    """Where to go on after a point with that value."""
    if value.HasField("int"):
        return points.StartFrom(integer=value.int)
    return points.StartFrom(float=value.float)


def _start(bound: Any) -> points.StartFrom:
    if isinstance(bound, dt.datetime):
        return points.StartFrom(datetime=bound.isoformat())
    return points.StartFrom(integer=bound) if is_whole(bound) else points.StartFrom(float=bound)
