"""What a payload can hold, which is JSON: the one place where a value of another type becomes such a one.

For a new payload type add a line to `_FORMS`; everything that reads a value on its way into a payload (its message, its
exact floats, its empty lists) reads the form that is made here, and filters compare with it.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import math
import os
import uuid
from collections.abc import Callable, Iterator, KeysView, Mapping, ValuesView
from typing import Any

import numpy as np

from langchain_qdrant_async.checks import INT64, plain_type

_FORMS: list[tuple[type | tuple[type, ...], Callable[[Any], Any]]] = [
    (Mapping, dict),
    ((list, tuple), list),
]
"""How values become a dict, a list or a scalar; what is inside follows by itself."""

_HINTS: list[tuple[type | tuple[type, ...], str]] = [
    ((dt.date, dt.time), "store .isoformat()"),
    (dt.timedelta, "store .total_seconds()"),
    (decimal.Decimal, "store float(...) or str(...)"),
    ((bytes, bytearray, memoryview), "store text, for example base64"),
    ((set, frozenset), "store sorted(...) or list(...)"),
    (np.ndarray, "store .tolist()"),
    ((uuid.UUID, os.PathLike), "store str(...)"),
    (enum.Enum, "store .value"),
    ((Iterator, range, KeysView, ValuesView), "store list(...)"),
]


class Unstorable(Exception):
    """A value that a payload cannot hold. The path to it grows as it passes the containers around it."""

    def __init__(self, reason: str) -> None:
        """Nothing is around it yet."""
        super().__init__(reason)
        self.reason = reason
        self._steps: list[str] = []

    def passed(self, step: str) -> None:
        """Remember one container more."""
        self._steps.append(step)

    @property
    def path(self) -> str:
        """The steps to the value, the outermost first; long ones are cut in the middle."""
        steps = self._steps[::-1]
        return "".join(steps if len(steps) <= 8 else [*steps[:4], "…", *steps[-2:]])


def jsonable(value: object) -> Any:
    """The dict, list, str, bool, int or float that is stored for a value of another type, such as a numpy scalar.

    Raises:
        Unstorable: it has no such form.
    """
    plain = plain_type(value)
    if plain is not None:
        return plain(value)
    for types, convert in _FORMS:
        if isinstance(value, types):
            return convert(value)
    raise Unstorable(_type_reason(value))


def json_key(key: object) -> str:
    """A dictionary's key as plain text.

    Raises:
        Unstorable: it is not text.
    """
    if isinstance(key, str):
        return str.__str__(key)
    raise Unstorable(f"has the key {key!r} of type {type(key).__name__}: keys must be strings. Store str({key!r})")


def json_int(value: int) -> int:
    """An int that Qdrant can hold.

    Raises:
        Unstorable: it takes more than 64 bits.
    """
    if value in INT64:
        return value
    raise Unstorable(f"is {value}: integers must fit 64 bits. Store it as text, or as a float")


def json_float(value: float) -> float:
    """A float that JSON can hold.

    Raises:
        Unstorable: it is NaN or infinite.
    """
    if math.isfinite(value):
        return value
    raise Unstorable(f"is {value}: NaN and infinity cannot be stored. Store None, or leave the key out")


def _type_reason(value: object) -> str:
    hint = next((hint for types, hint in _HINTS if isinstance(value, types)), "store a dict of its parts, or its text")
    return (
        f"is of type {type(value).__name__}, which a payload cannot hold: {hint}."
        " It holds None, bool, int, float, str, and lists and dictionaries of these"
    )
