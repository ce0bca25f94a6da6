"""What a document's metadata adds to its score: how new it is, how near, how popular.

Pure, but for the clock, which is read by a `Recency` that is not told the moment.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from langchain_qdrant_async.checks import is_float, shortened, whole_number
from langchain_qdrant_async.document.paths import to_path
from langchain_qdrant_async.document.values import to_value
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.filters.places import to_place
from langchain_qdrant_async.filters.scalars import to_bound
from langchain_qdrant_async.proto import common, points
from langchain_qdrant_async.search.ranking import among, check_ranking, depth
from langchain_qdrant_async.search.search import Asked, Fields, Ranking, Search

Shape: TypeAlias = Literal["exp", "gauss", "linear"]
_SHAPES = {"exp": "exp_decay", "gauss": "gauss_decay", "linear": "lin_decay"}
_LONG_AGO = "1900-01-01T00:00:00Z"
"""The date of a document that has none."""


class Term(NamedTuple):
    """A part of a formula."""

    expression: points.Expression
    """What is added."""
    defaults: Mapping[str, Any] = MappingProxyType({})
    """Values of payload keys, for documents that lack them."""


class Boost(Protocol):
    """What is added to a score."""

    def term(self, fields: Fields) -> Term:
        """As a formula has it.

        Args:
            fields: of the collection.
        """


@dataclass(frozen=True, slots=True)
class Recency:
    """`weight` for what is of this moment, half of it for what is a half-life older or newer, and so on.

    A document without a date in the field is taken for very old.

    Raises:
        InvalidInput: a number out of its range, or no moment.
    """

    field: str
    """A metadata field that holds a date: a datetime, or its ISO text."""
    half_life: dt.timedelta | float
    """A time span, or seconds."""
    weight: float = 1.0
    """What the newest get."""
    now: str | dt.date | None = None
    """The moment from which it is counted; None: that of the search."""

    def __post_init__(self) -> None:
        _field(self)
        _number("Recency.half_life", _seconds(self.half_life), above=0)
        _number("Recency.weight", self.weight)
        if self.now is not None:
            _moment(self.now)

    def term(self, fields: Fields) -> Term:
        """An exponential decay with the distance in time."""
        path = to_path(self.field, fields.layout.metadata_key, where="Recency")
        now = dt.datetime.now(dt.UTC) if self.now is None else _moment(self.now)
        x, target = points.Expression(datetime_key=path), points.Expression(datetime=now.isoformat())
        decay = _decay("exp", x, _seconds(self.half_life), 0.5, target)
        return Term(_weighted(self.weight, decay), {path: _LONG_AGO})


@dataclass(frozen=True, slots=True)
class Proximity:
    """`weight` for what is at a place, `midpoint` of it for what is so many metres away, and less farther away.

    A document without a place in the field is taken for one on the other side of the earth.

    Raises:
        InvalidInput: a number out of its range, or no place.
    """

    field: str
    """A metadata field that holds places: `{"lon": degrees, "lat": degrees}`."""
    place: Any
    """Such a place, or `[longitude, latitude]`."""
    scale: float
    """Metres."""
    weight: float = 1.0
    """What is added at the place itself."""
    midpoint: float = 0.5
    """The share of it at `scale`."""
    shape: Shape = "gauss"
    """How it falls."""

    def __post_init__(self) -> None:
        _field(self)
        to_place(self.place, "Proximity.place")
        _check_decay(self)

    def term(self, fields: Fields) -> Term:
        """A decay with the distance in metres."""
        path = to_path(self.field, fields.layout.metadata_key, where="Proximity")
        origin = to_place(self.place, "Proximity.place")
        distance = points.Expression(geo_distance=points.GeoDistance(origin=origin, to=path))
        decay = _decay(self.shape, distance, self.scale, self.midpoint)
        return Term(_weighted(self.weight, decay), {path: _antipode(origin)})


@dataclass(frozen=True, slots=True)
class Closeness:
    """`weight` for what has a number in a field, `midpoint` of it for what is so far from it, and less farther away.

    Raises:
        InvalidInput: a number out of its range.
    """

    field: str
    """A metadata field that holds numbers."""
    target: float
    """The number that is best."""
    scale: float
    """How far from it `midpoint` of the weight is left."""
    weight: float = 1.0
    """What is added at the number itself."""
    midpoint: float = 0.5
    """The share of it at `scale`."""
    shape: Shape = "gauss"
    """How it falls."""
    default: float | None = None
    """The number of a document that has none; None: it gets nothing."""

    def __post_init__(self) -> None:
        _field(self)
        _number("Closeness.target", self.target)
        _check_decay(self)
        if self.default is not None:
            _number("Closeness.default", self.default)

    def term(self, fields: Fields) -> Term:
        """A decay with the difference."""
        path = to_path(self.field, fields.layout.metadata_key, where="Closeness")
        decay = _decay(self.shape, points.Expression(variable=path), self.scale, self.midpoint, _constant(self.target))
        far = self.target + 1e6 * self.scale if self.default is None else self.default
        return Term(_weighted(self.weight, decay), {path: float(far)})


@dataclass(frozen=True, slots=True)
class FieldValue:
    """`weight` times the number in a field.

    Raises:
        InvalidInput: a weight that is no number.
    """

    field: str
    """A metadata field that holds numbers."""
    weight: float = 1.0
    """What each counts."""
    default: float = 0.0
    """The number of a document that has none."""

    def __post_init__(self) -> None:
        _field(self)
        _number("FieldValue.weight", self.weight)
        _number("FieldValue.default", self.default)

    def term(self, fields: Fields) -> Term:
        """The number, weighted."""
        path = to_path(self.field, fields.layout.metadata_key, where="FieldValue")
        return Term(_weighted(self.weight, points.Expression(variable=path)), {path: float(self.default)})


@dataclass(frozen=True, slots=True)
class When:
    """`weight` for what a filter selects, nothing for the others.

    Raises:
        InvalidInput: a weight that is no number.
    """

    filter: Any
    """As in a search."""
    weight: float = 1.0
    """What is added."""

    def __post_init__(self) -> None:
        _number("When.weight", self.weight)

    def term(self, fields: Fields) -> Term:
        """The condition, weighted."""
        chosen = fields.filter(self.filter) or common.Filter()
        return Term(_weighted(self.weight, points.Expression(condition=common.Condition(filter=chosen))))


@dataclass(frozen=True, slots=True, eq=False)
class Boosted:
    """The candidates of a ranking by their score and what their metadata adds to it, on the server.

    The score is `score + boosts`; of what is compared by distance it is `boosts - distance`, so that a higher one is
    better in any case. `score_threshold` is of that.

    Source: https://qdrant.tech/documentation/concepts/search-relevance/#score-boosting

    Raises:
        InvalidInput: no ranking, or something that is no boost.
    """

    ranking: Ranking
    """What finds the candidates."""
    by: Sequence[Boost] | Boost
    """What is added: `Recency`, `Proximity`, `Closeness`, `FieldValue`, `When`, one or several."""
    multiply: bool = False
    """Whether the boosts are shares of the score, `score * (1 + boosts)`, for scores that have no known scale."""
    limit: int | None = None
    """How many candidates; never fewer than are to be returned. None: 200."""

    def __post_init__(self) -> None:
        check_ranking(self.ranking)
        object.__setattr__(self, "by", boosts_of(self.by))
        if self.limit is not None:
            whole_number("limit", self.limit, at_least=1)

    async def asked(self, fields: Fields, search: Search) -> Asked:
        """A formula over the candidates."""
        found = await among(self.ranking, depth(self.limit, fields, search), fields, search, higher=True)
        terms = [each.term(fields) for each in self.by]  # type: ignore[union-attr]
        score, added = points.Expression(variable="$score"), [each.expression for each in terms]
        expression = _product(score, _sum(_constant(1.0), *added)) if self.multiply else _sum(score, *added)
        formula = points.Formula(expression=expression)
        for each in terms:
            for path, value in each.defaults.items():
                formula.defaults[path].CopyFrom(to_value(value))
        return Asked(points.Query(formula=formula), prefetch=[found])


def boosts_of(given: Any) -> tuple[Boost, ...]:
    """One boost or several, as several.

    Raises:
        InvalidInput: something that is none.
    """
    listed = tuple(given) if isinstance(given, list | tuple) else (given,)
    for each in listed:
        if not hasattr(each, "term"):
            raise InvalidInput(
                f"a boost is one of Recency, Proximity, Closeness, FieldValue and When, not {shortened(each)}"
            )
    if not listed:
        raise InvalidInput("a boost is missing: give one of Recency, Proximity, Closeness, FieldValue and When")
    return listed


def _decay(
    shape: str, x: points.Expression, scale: float, midpoint: float, target: points.Expression | None = None
) -> points.Expression:
    params = points.DecayParamsExpression(x=x, target=target, scale=scale, midpoint=midpoint)
    shaped: dict[str, Any] = {_SHAPES[shape]: params}
    return points.Expression(**shaped)


def _sum(*parts: points.Expression) -> points.Expression:
    return points.Expression(sum=points.SumExpression(sum=parts))


def _product(*parts: points.Expression) -> points.Expression:
    return points.Expression(mult=points.MultExpression(mult=parts))


def _constant(value: float) -> points.Expression:
    return points.Expression(constant=value)


def _weighted(weight: float, expression: points.Expression) -> points.Expression:
    return _product(_constant(weight), expression)


def _antipode(place: common.GeoPoint) -> dict[str, float]:
    return {"lon": place.lon - 180 if place.lon > 0 else place.lon + 180, "lat": -place.lat}


def _field(boost: Any) -> None:
    name = type(boost).__name__
    if not isinstance(boost.field, str):
        raise InvalidInput(f"{name}.field must be the name of a metadata field, not {shortened(boost.field)}")
    to_path(boost.field, where=name)


def _check_decay(boost: Any) -> None:
    name = type(boost).__name__
    _number(f"{name}.scale", boost.scale, above=0)
    _number(f"{name}.weight", boost.weight)
    _number(f"{name}.midpoint", boost.midpoint, above=0)
    if boost.midpoint >= 1:
        raise InvalidInput(f"{name}.midpoint must be between 0 and 1, not {boost.midpoint}")
    if not isinstance(boost.shape, str) or boost.shape not in _SHAPES:
        raise InvalidInput(f"{name}.shape must be one of {', '.join(_SHAPES)}, not {shortened(boost.shape)}")


def _number(name: str, given: Any, *, above: float | None = None) -> None:
    if not is_float(given) or abs(given) == float("inf") or (above is not None and given <= above):
        limit = "" if above is None else f" above {above:g}"
        raise InvalidInput(f"{name} must be a number{limit}, not {shortened(given)}")


def _seconds(span: Any) -> Any:
    return span.total_seconds() if isinstance(span, dt.timedelta) else span


def _moment(given: Any) -> dt.datetime:
    bound = to_bound(given, "Recency.now")
    if not isinstance(bound, dt.datetime):
        raise InvalidInput(f"Recency.now must be a date, a datetime or its ISO text, not {shortened(given)}")
    return bound
