"""What a fit needs to know of a corpus, gathered batch by batch: the corpus itself need not fit in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from langchain_qdrant_async.embedding.matrix import Matrix
from langchain_qdrant_async.errors import InvalidInput

Square: TypeAlias = NDArray[np.float64]
"""float64: (size, size)."""

HELD_OUT_ROWS = 1000
"""Rows kept aside at most, to measure a fit on what it has not seen."""
_HELD_OUT_SHARE = 5
"""At first every fifth row is kept aside; more rarely as the corpus grows."""


@dataclass(frozen=True, eq=False)
class Spread:
    """How vectors are spread: the sums that principal components are made of."""

    count: int
    """Vectors."""
    total: NDArray[np.float64]
    """Their sum, (size,)."""
    second: Square
    """The sum of their outer products, not centred, (size, size)."""

    @classmethod
    def of(cls, vectors: Matrix) -> Spread:
        """Of these vectors, in float64: squares in float32 lose the small directions."""
        exact = vectors.astype(np.float64)
        return cls(len(exact), exact.sum(axis=0), exact.T @ exact)

    def __add__(self, other: Spread) -> Spread:
        return Spread(self.count + other.count, self.total + other.total, self.second + other.second)

    def __sub__(self, other: Spread) -> Spread:
        return Spread(self.count - other.count, self.total - other.total, self.second - other.second)

    def moment(self) -> Square:
        """The mean outer product, not centred."""
        return self.second / self.count

    def covariance(self) -> Square:
        """The mean outer product of the deviations from the mean."""
        mean = self.total / self.count
        return self.moment() - np.outer(mean, mean)


class Moments:
    """Gathers vectors for a fit. Memory: size x size numbers and at most 1,000 vectors, however many are added."""

    def __init__(self) -> None:
        """Nothing seen."""
        self.spread: Spread | None = None
        self._stride = _HELD_OUT_SHARE
        self._held: list[Matrix] = []

    @property
    def count(self) -> int:
        """Vectors seen."""
        return 0 if self.spread is None else self.spread.count

    def add(self, vectors: Matrix) -> None:
        """See more vectors, (n, size). In which batches they come makes no difference but rounding.

        Raises:
            InvalidInput: they have another size than those before.
        """
        if not len(vectors):
            return
        if self.spread is not None and vectors.shape[1] != len(self.spread.total):
            raise InvalidInput(
                f"a batch of vectors of {vectors.shape[1]} numbers came after batches of {len(self.spread.total)}; "
                "fit on the vectors of one model"
            )
        self._hold(vectors)
        added = Spread.of(vectors)
        self.spread = added if self.spread is None else self.spread + added

    def held_out(self) -> Matrix:
        """The rows kept aside: evenly spaced, at most a fifth of all."""
        held: Matrix = np.concatenate(self._held) if self._held else np.empty((0, 0), np.float32)
        return held

    def _hold(self, vectors: Matrix) -> None:
        start = -self.count % self._stride
        picked = vectors[start :: self._stride]
        if len(picked):
            self._held.append(np.array(picked, dtype=np.float32))
        while sum(map(len, self._held)) > HELD_OUT_ROWS:
            self._held = [self.held_out()[::2]]
            self._stride *= 2
