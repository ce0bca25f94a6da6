"""Builders of Qdrant's conditions, so that the operators read as what they mean."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias, TypeGuard

from google.protobuf import timestamp_pb2

from langchain_qdrant_async.checks import Scalar
from langchain_qdrant_async.document.floats import between
from langchain_qdrant_async.document.layout import EMPTY_LISTS_KEY
from langchain_qdrant_async.filters.number_tree import FAN_OUT, number_tree
from langchain_qdrant_async.proto import common

Side: TypeAlias = Literal["gt", "gte", "lt", "lte"]

_EXACT = 2**53
"""From here on a double cannot tell neighbouring integers apart, and Qdrant's Range compares doubles."""


def every(conditions: Sequence[common.Condition]) -> common.Condition:
    """True where all are; where there are none, everywhere."""
    selective = [condition for condition in conditions if not _is_everything(condition)]
    if len(selective) == 1:
        return selective[0]
    return common.Condition(filter=common.Filter(must=selective))


def some(conditions: Sequence[common.Condition]) -> common.Condition:
    """True where at least one is; where there are none, nowhere."""
    if not conditions:
        return none([every([])])  # an empty `should` would be true
    if any(map(_is_everything, conditions)):
        return every([])
    if len(conditions) == 1:
        return conditions[0]
    return common.Condition(filter=common.Filter(should=conditions))


def none(conditions: Sequence[common.Condition]) -> common.Condition:
    """True where none is; where there are none, everywhere."""
    return common.Condition(filter=common.Filter(must_not=conditions))


def equal(key: str, value: Scalar) -> common.Condition:
    """The field, or an element of it, equals the value; None is a stored null.

    A number is a range of one point, because Match finds the integer 1 but not a stored 1.0. An integer that a double
    cannot hold exactly is matched as an integer.
    """
    if value is None:
        return common.Condition(is_null=common.IsNullCondition(key=key))
    if isinstance(value, str):
        return matched(key, common.Match(keyword=value))
    if isinstance(value, bool):
        return matched(key, common.Match(boolean=value))
    if _is_exact(value):
        return matched(key, common.Match(integer=value))
    low, high = between(value)
    return within(key, common.Range(gte=low, lte=high))


def among(key: str, values: Sequence[Scalar]) -> common.Condition:
    """The field, or an element of it, equals one of the values."""
    kinds = set(map(type, values))
    if kinds == {str}:
        return _among_words(key, dict.fromkeys(values))  # type: ignore[arg-type]
    if kinds <= {int, float}:
        return some(_among_numbers(key, values))  # type: ignore[arg-type]
    words = dict.fromkeys(value for value in values if isinstance(value, str))
    numbers = [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    others = [equal(key, value) for value in (None, False, True) if any(value is each for each in values)]
    if words:
        others.append(_among_words(key, words))
    return some([*others, *_among_numbers(key, numbers)])


def _among_words(key: str, words: Iterable[str]) -> common.Condition:
    """In place: each message around them would copy them all."""
    condition = common.Condition()
    condition.field.key = key
    condition.field.match.keywords.strings.extend(words)
    return condition


def _among_numbers(key: str, numbers: Sequence[float]) -> list[common.Condition]:
    exact = list(dict.fromkeys(filter(_is_exact, numbers)))
    floats = (number for number in numbers if not _is_exact(number)) if exact else numbers
    points = sorted(set(map(float, floats)))
    conditions = [matched(key, common.Match(integers=common.RepeatedIntegers(integers=exact)))] if exact else []
    if len(points) > FAN_OUT:
        return [*conditions, number_tree(key, points)]
    return [*conditions, *(equal(key, point) for point in points)]


def within(key: str, bounds: common.Range) -> common.Condition:
    """The field, or an element of it, is a number within the bounds."""
    return common.Condition(field=common.FieldCondition(key=key, range=bounds))


_SIDES = {"gt": 1, "gte": 0, "lt": 0, "lte": 1}
"""Which of the two floats that a number may be stored as is the bound."""


def bounded(key: str, side: Side, bound: float | dt.datetime) -> common.Condition:
    """The field, or an element of it, is a number on that side of the bound, or a moment."""
    if not isinstance(bound, dt.datetime):
        return within(key, common.Range(**{side: between(bound)[_SIDES[side]]}))
    moment = timestamp_pb2.Timestamp()
    moment.FromDatetime(bound)
    moments = common.DatetimeRange(**{side: moment})
    return common.Condition(field=common.FieldCondition(key=key, datetime_range=moments))


def having_ids(ids: Sequence[common.PointId]) -> common.Condition:
    """The point is one of these; of none, nowhere."""
    return common.Condition(has_id=common.HasIdCondition(has_id=ids)) if ids else some([])


def present(key: str) -> common.Condition:
    """The field is there. Qdrant calls null and [] empty too: one has a condition, the other a payload key."""
    empty = common.Condition(is_empty=common.IsEmptyCondition(key=key))
    return some([none([empty]), equal(key, None), equal(EMPTY_LISTS_KEY, key)])


def _is_exact(number: float) -> TypeGuard[int]:
    return isinstance(number, int) and abs(number) >= _EXACT


def _is_everything(condition: common.Condition) -> bool:
    """Whether it is a filter without a condition. Leaving these out shows whether a filter selects anything at all."""
    return condition.HasField("filter") and not condition.filter.ListFields()


def empty(key: str) -> common.Condition:
    """The field is missing, null, or a list of nothing."""
    return common.Condition(is_empty=common.IsEmptyCondition(key=key))


def counted(key: str, at_least: int, at_most: int | None) -> common.Condition:
    """The field has so many values: a list its elements, anything else is one."""
    count = common.ValuesCount(gte=at_least, lte=at_most)
    return common.Condition(field=common.FieldCondition(key=key, values_count=count))


def between_moments(key: str, first: dt.datetime, last: dt.datetime) -> common.Condition:
    """The field, or an element of it, is a moment from one to the other, both included."""
    start, end = timestamp_pb2.Timestamp(), timestamp_pb2.Timestamp()
    start.FromDatetime(first)
    end.FromDatetime(last)
    moments = common.DatetimeRange(gte=start, lte=end)
    return common.Condition(field=common.FieldCondition(key=key, datetime_range=moments))


def inside(key: str, chosen: common.Filter) -> common.Condition:
    """An element of the list is a dictionary that the filter selects."""
    return common.Condition(nested=common.NestedCondition(key=key, filter=chosen))


def having_vector(name: str) -> common.Condition:
    """The point has a vector of that name."""
    return common.Condition(has_vector=common.HasVectorCondition(has_vector=name))


def at_least(count: int, conditions: Sequence[common.Condition]) -> common.Condition:
    """True where so many are."""
    if count > len(conditions):
        return some([])
    return common.Condition(filter=common.Filter(min_should=common.MinShould(conditions=conditions, min_count=count)))


def matched(key: str, match: common.Match) -> common.Condition:
    """The field, or an element of it, matches."""
    return common.Condition(field=common.FieldCondition(key=key, match=match))
