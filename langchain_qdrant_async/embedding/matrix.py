"""What a model gave, as one checked float32 matrix, a row for each text; and as the lists that LangChain wants."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TypeAlias

from langchain_qdrant_async.arrays import Floats, is_matrix, is_vector, not_finite, to_floats
from langchain_qdrant_async.errors import EmbeddingError

Matrix: TypeAlias = Floats
"""float32, a row for each text: (texts, size)."""
Vector: TypeAlias = Floats
"""float32: (size,)."""
Rows: TypeAlias = Sequence[Sequence[float] | Vector] | Matrix
"""What LangChain calls embeddings, or the same as an array."""

SLICE_ROWS = 64
"""Rows that a loop converts in one go: below a millisecond for vectors of 1,536 numbers."""


def check_count(rows: Sequence[object] | Matrix, count: int, source: str) -> None:
    """Nothing, when there is one row for each text.

    Raises:
        EmbeddingError: there are more rows, or fewer.
    """
    if not hasattr(rows, "__len__"):
        raise EmbeddingError(f"{source} gave something that is not a list of vectors: {type(rows).__name__}")
    if len(rows) != count:
        raise EmbeddingError(f"{source} gave {len(rows)} vectors for {count} texts; it must give one for each")


def as_matrix(rows: Rows, count: int, source: str, *, first: int = 0) -> Matrix:
    """The rows as a matrix of their own, never a view of what was given.

    Args:
        rows: what the model gave.
        count: how many texts it was given.
        source: the model's name, for the messages.
        first: which text the first row belongs to, for the messages.

    Raises:
        EmbeddingError: another number of rows, rows of different sizes, or something that is not a finite number.
    """
    check_count(rows, count, source)
    matrix = _converted(rows, source)
    _check_finite(matrix, source, first)
    return matrix


def as_vector(row: Sequence[float] | Vector, source: str) -> Vector:
    """One row as a vector of its own, never a view of what was given.

    Raises:
        EmbeddingError: as `as_matrix`.
    """
    try:
        vector = to_floats(row, own=True)
    except (TypeError, ValueError):
        vector = to_floats([])
    if is_vector(vector) and not_finite(vector) is None:
        return vector
    refused: Vector = as_matrix([row], 1, source)[0]  # which says what is wrong
    return refused


def check_one_size(sizes: set[int], source: str) -> None:
    """Nothing, when all the vectors of an answer have one size.

    Raises:
        EmbeddingError: they have several.
    """
    if len(sizes) > 1:
        raise EmbeddingError(
            f"{source} gave vectors of different sizes in one answer, {min(sizes)} and {max(sizes)};"
            " a model must keep to one size"
        )


def _converted(rows: Rows, source: str) -> Matrix:
    try:
        matrix = to_floats(rows, own=True)
    except (TypeError, ValueError) as error:
        check_one_size(_sizes(rows, source), source)
        raise EmbeddingError(f"{source} gave something that is not a number: {error}") from error
    if not is_matrix(matrix):
        _sizes(rows, source)
        raise EmbeddingError(f"{source} gave an array of shape {matrix.shape}; it must be (texts, size)")
    return matrix


def _sizes(rows: Rows, source: str) -> set[int]:
    try:
        return {len(row) for row in rows}
    except TypeError:
        raise EmbeddingError(f"{source} gave something that is not a list of vectors") from None


def _check_finite(matrix: Matrix, source: str, first: int) -> None:
    place = not_finite(matrix)
    if place is not None:
        raise EmbeddingError(
            f"{source} gave {matrix[place]} as component {place[1]} of the vector of text {first + place[0]}; every"
            " component must be a finite number. A half-precision model may have overflowed: try dtype='float32'"
        )


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
