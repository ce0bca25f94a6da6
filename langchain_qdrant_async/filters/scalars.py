"""The values that a filter may compare with."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Collection
from typing import Any

from langchain_qdrant_async.checks import INT64, Scalar, check_unicode, is_number, is_unicode, shortened
from langchain_qdrant_async.document.jsonable import Unstorable, jsonable
from langchain_qdrant_async.errors import InvalidFilter

_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?")
"""Text that means a day or a moment, as Qdrant reads it too; a number of eight digits does not."""


def to_scalar(value: object, where: str) -> Scalar:
    """A value as the plain None, bool, int, float or str that a payload holds of it: ISO text of a date.

    Raises:
        InvalidFilter: another type, NaN or infinity, an integer outside 64 bits, text that is not valid Unicode.
    """
    if value is None:
        return None
    form = _form(value)
    if isinstance(form, str | bool | int | float):
        return _checked(form, where)
    hint = "; for any of several values write {'$in': [...]}" if isinstance(form, list) else ""
    raise InvalidFilter(
        f"{where} compares with a {type(value).__name__}: a value is None, a bool, an int, a float or a str, or what is"
        f" stored as one, such as a date{hint}"
    )


def are_plain(values: Collection[Any]) -> bool:
    """Whether `to_scalar` gives all of them back as they are: nothing but words and numbers."""
    kinds = set(map(type, values))
    if not kinds <= {str, int, float}:
        return False
    words = values if kinds == {str} else [each for each in values if type(each) is str]
    numbers = values if str not in kinds else [each for each in values if type(each) is not str]
    return is_unicode("".join(words)) and (not numbers or _are_plain_numbers(numbers))


def _are_plain_numbers(values: Collection[Any]) -> bool:
    # Not `in INT64`: whether a range holds a float is found out by counting to it.
    fitting = INT64.start <= min(values) and max(values) < INT64.stop
    return fitting and not any(map(math.isnan, values))


def _form(value: object) -> object:
    """The value as a payload holds it, so that a filter compares with what was stored; None if none can hold it."""
    try:
        form = jsonable(value)
        while not isinstance(form, str | bool | int | float | list | dict | None):
            form = jsonable(form)  # an enum may hold a date
    except Unstorable:
        return None
    return form


def to_bound(value: object, where: str) -> int | float | dt.datetime:
    """A value that has an order: an int or a float, or a moment, of a date, a datetime or the ISO text of one.

    A day is its midnight, and a moment without a time zone is one of UTC, as Qdrant reads what is stored.

    Raises:
        InvalidFilter: anything else, a bool too; see also `to_scalar`.
    """
    scalar = to_scalar(value, where)
    if is_number(scalar):
        return scalar
    moment = to_moment(scalar) if isinstance(scalar, str) else None
    if moment is None:
        raise InvalidFilter(
            f"{where} compares with {scalar!r}: only an int or a float, and a date, a datetime or its ISO text have an"
            " order"
        )
    return moment


def to_moment(text: str) -> dt.datetime | None:
    """The moment that an ISO text means, of a day its midnight, in UTC where it has no zone; None: it means none."""
    try:
        moment = dt.datetime.fromisoformat(text) if _ISO.fullmatch(text) else None
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _checked(scalar: Scalar, where: str) -> Scalar:
    if isinstance(scalar, str):
        return check_unicode(where, scalar, InvalidFilter)
    if isinstance(scalar, int) and scalar not in INT64:
        raise InvalidFilter(f"{where} is {shortened(scalar)}: integers must fit 64 bits. Write a float")
    if isinstance(scalar, float) and not math.isfinite(scalar):
        raise InvalidFilter(f"{where} is {scalar}, which no stored number equals or compares with: leave it out")
    return scalar
