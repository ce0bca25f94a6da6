"""Builders of Qdrant's conditions, so that the operators read as what they mean."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_qdrant_async.filters.scalars import Scalar
from langchain_qdrant_async.proto import common

EXACT = 2**53
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
        return _match(key, common.Match(keyword=value))
    if isinstance(value, bool):
        return _match(key, common.Match(boolean=value))
    if isinstance(value, int) and abs(value) >= EXACT:
        return _match(key, common.Match(integer=value))
    return within(key, common.Range(gte=value, lte=value))


def among(key: str, values: Sequence[Scalar]) -> common.Condition:
    """The field, or an element of it, equals one of the values."""
    words = list(dict.fromkeys(value for value in values if isinstance(value, str)))
    rest = [equal(key, value) for value in values if not isinstance(value, str)]
    if not words:
        return some(rest)
    return some([_match(key, common.Match(keywords=common.RepeatedStrings(strings=words))), *rest])


def within(key: str, bounds: common.Range) -> common.Condition:
    """The field, or an element of it, is a number within the bounds."""
    return common.Condition(field=common.FieldCondition(key=key, range=bounds))


def present(key: str) -> common.Condition:
    """The field is there. Qdrant calls null and [] empty too: null is told apart here, [] cannot be."""
    empty = common.Condition(is_empty=common.IsEmptyCondition(key=key))
    return some([none([empty]), equal(key, None)])


def _is_everything(condition: common.Condition) -> bool:
    """Whether it is a filter without a condition. Leaving these out shows whether a filter selects anything at all."""
    return condition.HasField("filter") and not condition.filter.ByteSize()


def _match(key: str, match: common.Match) -> common.Condition:
    return common.Condition(field=common.FieldCondition(key=key, match=match))
