"""Checks of what a caller gave, each in one place."""

from __future__ import annotations

import math

import numpy as np

from langchain_qdrant_async.errors import InvalidInput

MOST_SECONDS = 1e8
"""Three years: gRPC takes a deadline that is too far away for one that has passed."""


def is_number(value: object) -> bool:
    """Whether it is a number that can be compared: no boolean, not NaN."""
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def check_seconds(name: str, value: object) -> float:
    """A time span, which may be infinite, as gRPC can take it.

    Raises:
        InvalidInput: it is no number above 0.
    """
    if not isinstance(value, int | float) or not is_number(value) or value <= 0:
        raise InvalidInput(f"{name} must be above 0 seconds, not {value!r}")
    return min(value, MOST_SECONDS)


MOST = 2**31
"""What no count comes near; every field of Qdrant's messages holds it."""


def whole_number(name: str, value: object, *, at_least: int) -> int:
    """The value, when it is a whole number that is large enough, numpy's among them.

    Raises:
        InvalidInput: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < at_least:
        raise InvalidInput(f"{name} must be a whole number, {at_least} or more, not {value!r}")
    if value >= MOST:
        raise InvalidInput(f"{name} must be below {MOST:,}, not {value!r}")
    return int(value)
