"""What a payload can hold, which is JSON: the one place where a value of another type becomes such a one.

A value is stored as pydantic's `to_jsonable_python` makes it, so as langchain-qdrant and qdrant-client store it: dates
and times as ISO text, UUIDs, decimals and paths as text, an enum as its value, sets as lists, dataclasses and models as
dictionaries. Beside it numpy's arrays and scalars have a form here. Everything that reads a value on its way into a
payload (its message, its exact floats, its empty lists) reads the form that is made here, and filters compare with it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import math
import os
from collections import deque
from collections.abc import Callable, Iterator, KeysView, Mapping, ValuesView
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from langchain_qdrant_async.checks import INT64, plain_type, shortened

_FORMS: list[tuple[type | tuple[type, ...], Callable[[Any], Any]]] = [
    (Mapping, dict),
    ((list, tuple, set, frozenset, deque, Iterator), list),
    (enum.Enum, lambda value: value.value),
    (np.ndarray, lambda value: _rows(value)),  # noqa: PLW0108  it stands below
    ((np.datetime64, np.timedelta64), lambda value: _moment(value)),  # noqa: PLW0108  as above
    (os.PathLike, os.fspath),
]
"""How values become a dict, a list or a scalar; what is inside follows by itself. Others are for pydantic."""

_HINTS: list[tuple[type | tuple[type, ...], str]] = [
    ((bytes, bytearray), "it is not UTF-8: store text, for example base64"),
    (memoryview, "store text, for example base64"),
    ((range, KeysView, ValuesView), "store list(...)"),
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
    """What is stored for a value of another type: plain text, a plain number, or one level of a dict or a list.

    Raises:
        Unstorable: it has no such form.
    """
    plain = None if isinstance(value, np.timedelta64) else plain_type(value)  # which numpy takes for an integer
    if plain is not None:
        return plain(value)
    for types, convert in _FORMS:
        if isinstance(value, types):
            return convert(value)
    return _parts(value) if _is_plain_dataclass(value) else _as_pydantic_makes_it(value)


def json_key(key: object) -> str:
    """A dictionary's key as plain text.

    Raises:
        Unstorable: it has no such form.
    """
    if isinstance(key, str):
        return str.__str__(key)
    plain = plain_type(key)
    try:
        (text,) = to_jsonable_python({key if plain is None else plain(key): None})
    except (TypeError, ValueError, RecursionError):
        raise Unstorable(
            f"has the key {key!r} of type {type(key).__name__}, which has no text of its own. Store str({key!r})"
        ) from None
    return str(text)


def json_int(value: int) -> int:
    """An int that Qdrant can hold.

    Raises:
        Unstorable: it takes more than 64 bits.
    """
    if value in INT64:
        return value
    raise Unstorable(f"is {shortened(value)}: integers must fit 64 bits. Store it as text, or as a float")


def json_float(value: float) -> float:
    """A float that JSON can hold.

    Raises:
        Unstorable: it is NaN or infinite.
    """
    if math.isfinite(value):
        return value
    raise Unstorable(f"is {value}: NaN and infinity cannot be stored. Store None, or leave the key out")


def _rows(array: NDArray[Any]) -> Any:
    """The numbers as lists; of moments one level, for numpy makes integers of nanoseconds."""
    if array.dtype.kind not in "mM":
        return array.tolist()
    return list(array) if array.ndim else array[()]


def _moment(value: np.datetime64 | np.timedelta64) -> dt.date | dt.timedelta | None:
    """In the microseconds of Python's own types; NaT is None.

    Raises:
        Unstorable: it lies outside of them, or has no unit of time.
    """
    kind = value.dtype.kind
    unit = f"{kind}8[D]" if value.dtype.str.endswith("[D]") and kind == "M" else f"{kind}8[us]"
    try:
        moment: dt.date | dt.timedelta | int | None = value.astype(unit).item()
    except (TypeError, ValueError):
        moment = 0
    if isinstance(moment, int):
        raise Unstorable(f"is {value!r}, which no date of Python's can be: store its text, or a number")
    return moment


def _is_plain_dataclass(value: object) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type) and not _is_pydantics(value)


def _is_pydantics(value: object) -> bool:
    return isinstance(value, BaseModel) or hasattr(value, "__pydantic_serializer__")


def _parts(value: Any) -> dict[str, Any]:
    """One level of a dataclass or a model."""
    if isinstance(value, BaseModel):
        return dict(value)
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _as_pydantic_makes_it(value: object) -> Any:
    """What pydantic makes; a part of a model that it does not know is looked at by itself, so that its path is known.

    Raises:
        Unstorable: pydantic does not know it, or a serialiser of the user's fails.
    """
    try:
        return to_jsonable_python(value)
    except Exception as error:
        if _is_pydantics(value) and not isinstance(value, type):
            return _parts(value)
        raise Unstorable(_reason(value)) from error


def _reason(value: object) -> str:
    hint = next((hint for types, hint in _HINTS if isinstance(value, types)), "store a dict of its parts, or its text")
    return (
        f"is of type {type(value).__name__}, which a payload cannot hold: {hint}. It holds None, bool, int, float, str,"
        " lists and dictionaries, and what pydantic makes such ones of"
    )
