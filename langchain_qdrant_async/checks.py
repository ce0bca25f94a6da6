"""Checks of what a caller gave, each in one place, and cuts of what is too much.

Whoever asks chooses what the value is called in the message, and the error where it may be another than
`InvalidInput`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeGuard, TypeVar

import numpy as np

from langchain_qdrant_async.errors import InvalidInput

T = TypeVar("T")

Scalar: TypeAlias = str | bool | int | float | None
"""What payloads and filters hold at their leaves."""

INT64 = range(-(2**63), 2**63)
"""The integers that Qdrant stores and compares."""

_MOST_SECONDS = 1e8
"""Three years: gRPC takes a deadline that is too far away for one that has passed."""

_END = 2**31
"""What no count comes near; every field of Qdrant's messages holds it."""

_PLAIN: list[tuple[type | tuple[type, ...], Callable[[Any], str | bool | int | float]]] = [
    (str, str.__str__),
    ((bool, np.bool_), bool),
    ((int, np.integer), int),
    ((float, np.floating), float),
]


def is_whole(value: object) -> TypeGuard[int]:
    """Whether it is a whole number, numpy's among them; a boolean is none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a number that can be compared, numpy's among them: no boolean, not NaN."""
    return is_whole(value) or (isinstance(value, float | np.floating) and not math.isnan(value))


def is_float(value: object) -> TypeGuard[float]:
    """Whether it is a number that a 64-bit float can hold."""
    try:
        return is_number(value) and float(value) == float(value)
    except OverflowError:
        return False


def whole_number(
    name: str, value: object, *, at_least: int, at_most: int | None = None, error: type[InvalidInput] = InvalidInput
) -> int:
    """The value as an int, when it is a whole number within the bounds, numpy's among them.

    Raises:
        InvalidInput: it is not.
    """
    if not is_whole(value) or value < at_least or (at_most is not None and value > at_most):
        bounds = f", {at_least} or more" if at_most is None else f" from {at_least} to {at_most:,}"
        raise error(f"{name} must be a whole number{bounds}, not {shortened(value)}")
    if value >= _END:
        raise error(f"{name} must be below {_END:,}, not {shortened(value)}")
    return int(value)


def spread(items: Sequence[T], most: int) -> Sequence[T]:
    """At most so many of the items, evenly spread over them."""
    return items[:: max(1, -(-len(items) // most))]


def shortened(value: object) -> str:
    """How a value reads in a message: a long one is cut, and an integer may have too many digits for text."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  a repr of the caller's own
        text = f"a {type(value).__name__} that has no text"
    return text if len(text) <= 100 else f"{text[:60]}… ({len(text):,} characters)"


def check_seconds(name: str, value: object) -> float:
    """A time span, which may be infinite, as gRPC can take it.

    Raises:
        InvalidInput: it is no number above 0.
    """
    if not is_float(value) or value <= 0:
        raise InvalidInput(f"{name} must be above 0 seconds, not {shortened(value)}")
    return min(float(value), _MOST_SECONDS)


def is_unicode(text: str) -> bool:
    """Whether it is valid Unicode: no half of a surrogate pair, which no message can carry."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_unicode(name: str, text: str, error: type[InvalidInput]) -> str:
    """The text, when it is valid Unicode.

    Raises:
        error: it is not.
    """
    if not is_unicode(text):
        raise error(f"{name} is not valid Unicode: {text!r} holds half of a surrogate pair")
    return text


def plain_type(value: object) -> Callable[[Any], str | bool | int | float] | None:
    """What makes a plain str, bool, int or float of the value: of a subclass or numpy's; None if it is nothing such."""
    return next((plain for types, plain in _PLAIN if isinstance(value, types)), None)
