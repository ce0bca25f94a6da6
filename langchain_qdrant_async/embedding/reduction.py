"""How a vector of many numbers becomes one of few: a linear map, kept as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from langchain_qdrant_async.embedding.matrix import Matrix
from langchain_qdrant_async.errors import EmbeddingError, InvalidInput

Kind: TypeAlias = Literal["identity", "truncation", "random-projection", "principal-components"]


@dataclass(frozen=True, eq=False)
class Reduction:
    """A map from vectors of `source_dimension` numbers to vectors of `dimension`.

    What comes out has length 1, unless the map is the identity.

    Attributes:
        kind: How the map was chosen.
        source_dimension: Numbers in.
        dimension: Numbers out.
        matrix: (source_dimension, dimension), or None where the first `dimension` numbers are kept as they are.
    """

    kind: Kind
    source_dimension: int
    dimension: int
    matrix: Matrix | None = None

    def __post_init__(self) -> None:
        """Refuse sizes that cannot be."""
        if not 1 <= self.dimension <= self.source_dimension:
            raise InvalidInput(
                f"{self.source_dimension} numbers cannot be reduced to {self.dimension}: "
                f"choose a dimension from 1 to {self.source_dimension}."
            )

    @classmethod
    def identity(cls, dimension: int) -> Reduction:
        """For models that give the wanted size already."""
        return cls("identity", dimension, dimension)

    @classmethod
    def truncation(cls, source_dimension: int, dimension: int) -> Reduction:
        """The first numbers: for Matryoshka models, which are trained to put the most important ones first.

        Source: Kusupati et al., Matryoshka Representation Learning, 2022.
        """
        return cls("truncation", source_dimension, dimension)

    @classmethod
    def random_projection(cls, source_dimension: int, dimension: int, *, seed: int = 0) -> Reduction:
        """Random orthogonal directions: for when there is nothing to fit on. Keeps distances about as they are.

        Source: Johnson and Lindenstrauss, 1984.
        """
        gauss = np.random.RandomState(seed).standard_normal((source_dimension, dimension))  # the stream numpy froze
        directions, upper = np.linalg.qr(gauss)
        return cls(
            "random-projection", source_dimension, dimension, (directions * np.sign(np.diag(upper))).astype(np.float32)
        )

    def apply(self, vectors: Matrix) -> Matrix:
        """Reduce each row: (n, source_dimension) -> (n, dimension). What was given is not changed.

        Raises:
            EmbeddingError: The rows have another size.
        """
        if vectors.shape[1] != self.source_dimension:
            raise EmbeddingError(
                f"The model gave vectors of {vectors.shape[1]} numbers and this {self.kind} was made for "
                f"{self.source_dimension}: use the model that it was made for, or make another reduction."
            )
        if self.kind == "identity":
            return vectors.copy()
        return _unit(vectors[:, : self.dimension] if self.matrix is None else vectors @ self.matrix)


def _unit(vectors: Matrix) -> Matrix:
    """Rows of length 1; a row of zeros stays one."""
    lengths: Matrix = np.linalg.norm(vectors, axis=1, keepdims=True)
    rows: Matrix = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return rows
