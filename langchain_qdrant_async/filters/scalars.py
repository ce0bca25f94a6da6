"""The values that a filter may compare with."""

from __future__ import annotations

import datetime as dt
import math
import uuid

from langchain_qdrant_async.checks import INT64, Scalar, check_unicode, is_number
from langchain_qdrant_async.document.jsonable import Unstorable, jsonable
from langchain_qdrant_async.errors import InvalidFilter

_HINTS: list[tuple[type | tuple[type, ...], str]] = [
    ((list, tuple, set, frozenset), "for any of several values write {'$in': [...]}"),
    ((dt.date, dt.time), "compare with what the metadata holds, for example .isoformat()"),
    (uuid.UUID, "compare with what the metadata holds, for example str(...)"),
]


def to_scalar(value: object, where: str) -> Scalar:
    """A value as a plain None, bool, int, float or str.

    Raises:
        InvalidFilter: another type, NaN or infinity, an integer outside 64 bits, text that is not valid Unicode.
    """
    if value is None:
        return None
    form = _form(value)
    if isinstance(form, str | bool | int | float):
        return _checked(form, where)
    hint = next((hint for types, hint in _HINTS if isinstance(value, types)), "")
    raise InvalidFilter(
        f"{where} compares with a {type(value).__name__}: a value is None, a bool, an int, a float or a str"
        + (f"; {hint}" if hint else "")
    )


def _form(value: object) -> object:
    """The value as a payload holds it, so that a filter compares with what was stored; None if none can hold it."""
    try:
        return jsonable(value)
    except Unstorable:
        return None


def to_number(value: object, where: str) -> int | float:
    """A value as an int or a float.

    Raises:
        InvalidFilter: anything else, a bool too; see also `to_scalar`.
    """
    scalar = to_scalar(value, where)
    if not is_number(scalar):
        raise InvalidFilter(f"{where} compares with {scalar!r}: only an int or a float has an order")
    return scalar


def _checked(scalar: Scalar, where: str) -> Scalar:
    if isinstance(scalar, str):
        return check_unicode(where, scalar, InvalidFilter)
    if isinstance(scalar, int) and scalar not in INT64:
        raise InvalidFilter(f"{where} is {scalar}: integers must fit 64 bits. Write a float")
    if isinstance(scalar, float) and not math.isfinite(scalar):
        raise InvalidFilter(f"{where} is {scalar}, which no stored number equals or compares with: leave it out")
    return scalar
