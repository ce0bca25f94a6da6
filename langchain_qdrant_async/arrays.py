"""Float vectors and matrices: their type, shape and finiteness, each checked once.

What is wrong with an array is for its reader to say: who made it, and what to do.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]
"""float32, little-endian, C-contiguous."""

FLOAT32 = np.dtype("<f4")
"""Little-endian whatever the host: these bytes go to the wire as they are."""


def to_floats(numbers: object, *, own: bool = False) -> Floats:
    """The numbers as float32; those that are too large become infinite.

    Args:
        numbers: an array, or rows as lists.
        own: whether it must be a copy, and never a view of what was given.

    Raises:
        TypeError: something is not a number.
        ValueError: something is not a number, or the rows have several sizes.
    """
    convert = np.array if own else np.asarray
    with np.errstate(over="ignore"):
        return convert(numbers, FLOAT32, order="C")


def is_numeric(array: NDArray[Any]) -> bool:
    """Whether it holds real numbers, and neither booleans nor text."""
    return array.dtype.kind in "fiu"


def is_vector(array: NDArray[Any], size: int | None = None) -> bool:
    """Whether it is one row of that many numbers, at least one; None: however many."""
    return array.ndim == 1 and len(array) > 0 and size in {None, len(array)}


def is_matrix(array: NDArray[Any], size: int | None = None) -> bool:
    """Whether it is rows of that many numbers each, at least one; None: however many."""
    return array.ndim == 2 and array.shape[1] > 0 and size in {None, array.shape[1]}


def not_finite(floats: Floats) -> tuple[int, ...] | None:
    """Where the first component stands that is infinite or NaN; None if there is none."""
    if np.isfinite(floats).all():
        return None
    return tuple(int(axis[0]) for axis in np.nonzero(~np.isfinite(floats)))
