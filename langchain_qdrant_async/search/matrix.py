"""How near the documents of a sample are to each other. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from langchain_core.documents import Document

from langchain_qdrant_async.checks import whole_number
from langchain_qdrant_async.document.vectors import Floats
from langchain_qdrant_async.proto import points


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """The nearest neighbours of each document of a sample, within the sample.

    Entry `i` says that `documents[rows[i]]` and `documents[columns[i]]` have the score `scores[i]`.
    """

    documents: list[Document]
    """The sample."""
    rows: np.ndarray
    """Positions in `documents`, shape (n,)."""
    columns: np.ndarray
    """Positions in `documents`, shape (n,)."""
    scores: Floats
    """As Qdrant scores, shape (n,): a distance for Euclid and Manhattan."""

    def dense(self, missing: float = np.nan) -> Floats:
        """All pairs, shape (documents, documents): `missing` where two are none of each other's nearest."""
        size = len(self.documents)
        square = np.full((size, size), missing, np.float32)
        square[self.rows, self.columns] = self.scores
        return square


def search_matrix_points(sample: int, limit: int) -> points.SearchMatrixPoints:
    """A sample and its nearest neighbours, of a collection, a vector and a filter that are yet to be named.

    Raises:
        InvalidInput: a number is no whole number, or too small.
    """
    return points.SearchMatrixPoints(
        sample=whole_number("sample", sample, at_least=2), limit=whole_number("k", limit, at_least=1)
    )


def matrix(found: points.SearchMatrixOffsets, documents: Sequence[Document | None]) -> Matrix:
    """The answer, with the documents of its ids; those that were deleted meanwhile are left out."""
    there = [at for at, each in enumerate(documents) if each is not None]
    place = np.full(len(documents) + 1, -1)
    place[there] = np.arange(len(there))
    rows, columns = (place[np.array(each, np.int64)] for each in (found.offsets_row, found.offsets_col))
    kept = (rows >= 0) & (columns >= 0)
    scores = np.array(found.scores, np.float32)
    return Matrix([each for each in documents if each is not None], rows[kept], columns[kept], scores[kept])
