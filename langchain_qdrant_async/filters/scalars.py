"""The values that a filter may compare with."""

from __future__ import annotations

import datetime as dt
import math
import uuid
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from langchain_qdrant_async.errors import InvalidFilter

Scalar: TypeAlias = str | bool | int | float | None

_INT64 = 2**63

_PLAIN: list[tuple[type | tuple[type, ...], Callable[[Any], Scalar]]] = [
    (str, str.__str__),
    ((bool, np.bool_), bool),
    ((int, np.integer), int),
    ((float, np.floating), float),
]

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
    for types, plain in _PLAIN:
        if isinstance(value, types):
            return _checked(plain(value), where)
    hint = next((hint for types, hint in _HINTS if isinstance(value, types)), "")
    raise InvalidFilter(
        f"{where} compares with a {type(value).__name__}: a value is None, a bool, an int, a float or a str"
        + (f"; {hint}" if hint else "")
    )


def to_number(value: object, where: str) -> int | float:
    """A value as an int or a float.

    Raises:
        InvalidFilter: anything else, a bool too; see also `to_scalar`.
    """
    scalar = to_scalar(value, where)
    if isinstance(scalar, bool) or not isinstance(scalar, (int, float)):
        raise InvalidFilter(f"{where} compares with {scalar!r}: only an int or a float has an order")
    return scalar


def _checked(scalar: Scalar, where: str) -> Scalar:
    if isinstance(scalar, str) and any("\ud800" <= character <= "\udfff" for character in scalar):
        raise InvalidFilter(f"{where} is not valid Unicode: {scalar!r} holds half of a surrogate pair")
    if isinstance(scalar, int) and not -_INT64 <= scalar < _INT64:
        raise InvalidFilter(f"{where} is {scalar}: integers must fit 64 bits. Write a float")
    if isinstance(scalar, float) and not math.isfinite(scalar):
        raise InvalidFilter(f"{where} is {scalar}, which no stored number equals or compares with: leave it out")
    return scalar
