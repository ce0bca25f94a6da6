"""What a model gave, as one checked float32 matrix: a row per text."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from langchain_qdrant_async.errors import EmbeddingError, InvalidInput

Matrix: TypeAlias = NDArray[np.float32]
"""float32, a row per text: (texts, size)."""
Vector: TypeAlias = NDArray[np.float32]
"""float32: (size,)."""
Rows: TypeAlias = Sequence[Sequence[float] | NDArray[np.float32]] | NDArray[np.float32]
"""What LangChain calls embeddings, or the same as an array."""


def check_count(rows: Rows, count: int, source: str) -> None:
    """One row for each text.

    Raises:
        EmbeddingError: More rows, or fewer.
    """
    if not hasattr(rows, "__len__"):
        raise EmbeddingError(f"{source} gave something that is not a list of vectors: {type(rows).__name__}.")
    if len(rows) != count:
        raise EmbeddingError(f"{source} gave {len(rows)} vectors for {count} texts; it must give one for each.")


def as_matrix(rows: Rows, count: int, source: str, *, first: int = 0) -> Matrix:
    """The rows as a matrix of their own, never a view of what was given.

    Args:
        rows: What the model gave.
        count: How many texts it was given.
        source: The model's name, for the messages.
        first: Which text the first row belongs to, for the messages.

    Raises:
        EmbeddingError: Another number of rows, rows of different sizes, or something that is not a finite number.
    """
    check_count(rows, count, source)
    _check_even(rows, source)
    matrix = _to_float32(rows, source)
    _check_finite(matrix, source, first)
    return matrix


def as_vector(row: Sequence[float] | Vector, source: str) -> Vector:
    """One row as a vector of its own, never a view of what was given.

    Raises:
        EmbeddingError: as `as_matrix`.
    """
    vector: Vector = as_matrix([row], 1, source)[0]
    return vector


def _check_even(rows: Rows, source: str) -> None:
    if isinstance(rows, np.ndarray):
        return
    try:
        sizes = sorted({len(row) for row in rows})
    except TypeError:
        raise EmbeddingError(f"{source} gave something that is not a list of vectors.") from None
    if len(sizes) > 1:
        raise EmbeddingError(
            f"{source} gave vectors of different sizes in one answer, {sizes[0]} and {sizes[-1]}; "
            "a model must keep to one size."
        )


def _to_float32(rows: Rows, source: str) -> Matrix:
    try:
        with np.errstate(over="ignore"):
            matrix = np.array(rows, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise EmbeddingError(f"{source} gave something that is not a number: {error}") from error
    if matrix.ndim != 2 or matrix.shape[1] == 0:
        raise EmbeddingError(f"{source} gave an array of shape {matrix.shape}; it must be (texts, size).")
    return matrix


def _check_finite(matrix: Matrix, source: str, first: int) -> None:
    if np.isfinite(matrix).all():
        return
    row, column = np.argwhere(~np.isfinite(matrix))[0]
    raise EmbeddingError(
        f"{source} gave {matrix[row, column]} as component {column} of the vector of text {first + row}; "
        "every component must be a finite number. A half-precision model may have overflowed: try dtype='float32'."
    )


def check_texts(texts: Sequence[str]) -> list[str]:
    """The texts as a list of the caller's strings.

    Raises:
        InvalidInput: A single string instead of several, or something that is not a string.
    """
    if isinstance(texts, str):
        raise InvalidInput("A list of texts is needed and one string was given: use [text], or embed_query(text).")
    listed = list(texts)
    for position, text in enumerate(listed):
        if not isinstance(text, str):
            raise InvalidInput(f"Text {position} is a {type(text).__name__}; only strings can be embedded.")
    return listed


def check_text(text: str) -> str:
    """The text itself.

    Raises:
        InvalidInput: Not a string.
    """
    if not isinstance(text, str):
        raise InvalidInput(f"The text is a {type(text).__name__}; only strings can be embedded.")
    return text


SLICE_ROWS = 64
"""Rows that a loop converts in one go: below a millisecond for vectors of 1,536 numbers."""


def as_list(vector: Vector) -> list[float]:
    """The vector as LangChain wants it."""
    numbers: list[float] = vector.tolist()
    return numbers


def as_lists(matrix: Matrix) -> list[list[float]]:
    """The rows as LangChain wants them."""
    rows: list[list[float]] = matrix.tolist()
    return rows


async def to_lists(matrix: Matrix) -> list[list[float]]:
    """As `as_lists`, a slice at a time: 5,000 rows of 384 in one go would stall the loop for 50 ms."""
    rows: list[list[float]] = []
    for start in range(0, len(matrix), SLICE_ROWS):
        rows += as_lists(matrix[start : start + SLICE_ROWS])
        await asyncio.sleep(0)
    return rows
