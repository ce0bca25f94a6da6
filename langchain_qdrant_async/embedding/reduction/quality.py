"""What a reduction keeps, measured on vectors that it was not fitted on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from langchain_qdrant_async.embedding.matrix import Matrix

_QUESTIONS = 200
"""Vectors that search for their neighbours, at most."""
_NEIGHBOURS = 10


@dataclass(frozen=True)
class Quality:
    """What a reduction keeps."""

    samples: int
    """Vectors it was measured on."""
    explained_variance: float
    """The share of their variance that lies in the kept directions, 0 to 1."""
    overlap_at_10: float
    """The share of a vector's ten nearest that are also among its ten nearest after the reduction, 0 to 1.

    Partial whitening changes neighbours on purpose, mostly for the better, so 1 is not the aim.
    """


def explained_variance(vectors: Matrix, directions: NDArray[np.floating]) -> float:
    """The share of the vectors' variance that lies in the space that the columns of `directions` span."""
    basis, _ = np.linalg.qr(directions.astype(np.float64))
    deviations = vectors - vectors.mean(axis=0, dtype=np.float64)
    total = float((deviations**2).sum())
    return float(((deviations @ basis) ** 2).sum()) / total if total > 0 else 1.0


def overlap(full: Matrix, reduced: Matrix) -> float:
    """The mean share of common neighbours, by cosine, of evenly spaced vectors among all the others."""
    step = -(-len(full) // _QUESTIONS)
    questions = np.arange(0, len(full), step)
    before, after = _neighbours(full, questions), _neighbours(reduced, questions)
    common = [len(np.intersect1d(one, other)) for one, other in zip(before, after, strict=True)]
    return sum(common) / before.size


def _neighbours(vectors: Matrix, questions: NDArray[np.intp]) -> NDArray[np.intp]:
    units = unit(vectors)
    similarity = units[questions] @ units.T
    similarity[np.arange(len(questions)), questions] = -np.inf
    count = min(_NEIGHBOURS, len(vectors) - 1)
    nearest: NDArray[np.intp] = np.argpartition(-similarity, count - 1, axis=1)[:, :count]
    return nearest


def unit(vectors: Matrix) -> Matrix:
    """Rows of length 1; a row of zeros stays one. Scaled first, since squares of tiny numbers vanish in float32."""
    rows = _over(vectors, np.abs(vectors).max(axis=1, keepdims=True))
    return _over(rows, np.linalg.norm(rows, axis=1, keepdims=True))


def _over(vectors: Matrix, scales: Matrix) -> Matrix:
    quotient: Matrix = np.divide(vectors, scales, out=np.zeros_like(vectors), where=scales > 0)
    return quotient
