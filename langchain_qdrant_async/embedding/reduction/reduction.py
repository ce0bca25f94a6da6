"""How a vector of many numbers becomes one of few: a linear map, kept as data."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from langchain_qdrant_async.arrays import is_matrix, to_floats
from langchain_qdrant_async.embedding.matrix import Matrix
from langchain_qdrant_async.embedding.reduction.archive import stored_arrays
from langchain_qdrant_async.embedding.reduction.components import EXPONENT, partial_whitening, random_directions
from langchain_qdrant_async.embedding.reduction.moments import Moments, Spread
from langchain_qdrant_async.embedding.reduction.quality import Quality, explained_variance, overlap, unit
from langchain_qdrant_async.errors import EmbeddingError, InvalidInput

Kind: TypeAlias = Literal["identity", "truncation", "random-projection", "principal-components"]

_FORMAT = 1
"""Of the stored bytes."""
_SMALLEST_SAMPLE = 20
"""Vectors held out below which a measured quality would be noise."""


@dataclass(frozen=True, eq=False)
class Reduction:
    """A map from vectors of `source_dimension` numbers to vectors of `dimension`.

    What comes out has length 1, unless the map is the identity.
    """

    kind: Kind
    """How the map was chosen."""
    source_dimension: int
    """Numbers in."""
    dimension: int
    """Numbers out."""
    matrix: Matrix | None = None
    """float32 (source_dimension, dimension), or None where the first `dimension` numbers are kept as they are."""
    samples: int = 0
    """Vectors that it was fitted on."""
    quality: Quality | None = None
    """What it keeps, if it was fitted on enough vectors to tell."""
    seed: int = 0
    """Of a random projection."""

    def __post_init__(self) -> None:
        """Refuse sizes that cannot be."""
        if not 1 <= self.dimension <= self.source_dimension:
            raise InvalidInput(
                f"{self.source_dimension} numbers cannot be reduced to {self.dimension}: "
                f"choose a dimension from 1 to {self.source_dimension}"
            )
        if self.matrix is not None and self.matrix.shape != (self.source_dimension, self.dimension):
            raise InvalidInput(f"the matrix has shape {self.matrix.shape}, not {self.source_dimension, self.dimension}")

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

        Source: Johnson and Lindenstrauss, Extensions of Lipschitz Mappings into a Hilbert Space, 1984.
        """
        cls("random-projection", source_dimension, dimension)  # refuses sizes that cannot be
        matrix = random_directions(source_dimension, dimension, seed).astype(np.float32)
        return cls("random-projection", source_dimension, dimension, matrix, seed=seed)

    @classmethod
    def fit(
        cls, vectors: Matrix | Iterable[Matrix] | Moments, dimension: int = 100, *, exponent: float = EXPONENT
    ) -> Reduction:
        """Principal components with partial whitening, fitted on a corpus's own vectors.

        Some hundred vectors are enough to be useful and a few thousand for all of it; 10,000 x 384 take below 2 s of
        CPU. The same vectors give the same reduction, in whatever batches they come, to rounding: batches, processors
        and numbers of threads add up in another order. So fit once and hand the reduction on, as a collection does.

        Args:
            vectors: one matrix (n, size), or batches of them, read once; or what `Moments` gathered.
            dimension: numbers to keep.
            exponent: how far to whiten, 0 to 1.

        Raises:
            InvalidInput: no vectors, vectors of several sizes or smaller than `dimension`, or numbers that are not
                finite.
        """
        moments = vectors if isinstance(vectors, Moments) else _gather(vectors)
        spread = moments.spread
        if spread is None:
            raise InvalidInput("there is nothing to fit a reduction on: give some vectors, or use random_projection")
        if not np.isfinite(spread.second).all():
            raise InvalidInput("a vector to fit on has a component that is not a finite number")
        size = len(spread.total)
        cls("principal-components", size, dimension)  # refuses sizes that cannot be
        matrix = partial_whitening(spread, dimension, exponent)
        quality = _measure(spread, moments.held_out(), dimension, exponent)
        return cls("principal-components", size, dimension, matrix, spread.count, quality)

    def apply(self, vectors: Matrix) -> Matrix:
        """Reduce each row: (n, source_dimension) -> (n, dimension). What was given is not changed.

        Raises:
            EmbeddingError: the rows have another size.
        """
        vectors = to_floats(vectors)
        if not is_matrix(vectors, self.source_dimension):
            raise EmbeddingError(
                f"the model gave vectors of {vectors.shape[-1]} numbers and this {self.kind} was made for "
                f"{self.source_dimension}: use the model that it was made for, or make another reduction"
            )
        if self.kind == "identity":
            return vectors.copy()
        return unit(vectors[:, : self.dimension] if self.matrix is None else vectors @ self.matrix)

    def explained_variance(self, vectors: Matrix) -> float:
        """The share of these vectors' variance that the reduction keeps, 0 to 1.

        Far below `quality.explained_variance` means that the texts have drifted from those it was fitted on.
        """
        if self.matrix is None:
            return explained_variance(vectors, np.eye(self.source_dimension, self.dimension))
        return explained_variance(vectors, self.matrix)

    @property
    def fingerprint(self) -> str:
        """The same for the same map, on any machine: the kind, the sizes and a hash of what was fitted."""
        recipe = f"{self.kind}:{self.source_dimension}-{self.dimension}"
        if self.kind == "random-projection":
            return f"{recipe}:{self.seed}"
        if self.matrix is None:
            return recipe
        return f"{recipe}:{hashlib.sha256(self.matrix.astype('<f4').tobytes()).hexdigest()[:16]}"

    def to_bytes(self) -> bytes:
        """Everything, as the bytes of an .npz file: about 150 kB for 384 to 100. The same map gives the same bytes."""
        facts = {
            "format": _FORMAT,
            "kind": self.kind,
            "source_dimension": self.source_dimension,
            "dimension": self.dimension,
            "samples": self.samples,
            "quality": None if self.quality is None else asdict(self.quality),
            "seed": self.seed,
            "fingerprint": self.fingerprint,
        }
        buffer = io.BytesIO()
        matrix = np.empty((0, 0), "<f4") if self.matrix is None else self.matrix.astype("<f4")
        np.savez(buffer, facts=np.frombuffer(json.dumps(facts).encode(), np.uint8), matrix=matrix)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Reduction:
        """What `to_bytes` gave.

        Raises:
            InvalidInput: not such bytes, damaged ones, or ones that a newer version wrote.
        """
        try:
            facts, matrix = stored_arrays(content, ("facts", "matrix"))
            return _restore(json.loads(facts.tobytes()), matrix.astype(np.float32))
        except InvalidInput:
            raise
        except Exception as error:  # damaged bytes fail in as many ways as numpy and zipfile have steps
            reason = str(error)[:200]
            raise InvalidInput(f"these {len(content)} bytes are not a stored reduction: {reason}") from error

    def save(self, path: str | Path) -> None:
        """Write it to a file of exactly that name."""
        Path(path).write_bytes(self.to_bytes())

    @classmethod
    def load(cls, path: str | Path) -> Reduction:
        """Read what `save` wrote. Raises as `from_bytes` does."""
        return cls.from_bytes(Path(path).read_bytes())

    def __repr__(self) -> str:
        return f"Reduction({self.fingerprint!r}, samples={self.samples}, quality={self.quality})"


def _gather(vectors: Matrix | Iterable[Matrix]) -> Moments:
    moments = Moments()
    for batch in [vectors] if isinstance(vectors, np.ndarray) else vectors:
        moments.add(np.atleast_2d(np.asarray(batch, dtype=np.float32)))
    return moments


def _measure(spread: Spread, held: Matrix, dimension: int, exponent: float) -> Quality | None:
    """By a fit on all but the held-out vectors; the fit that is used has seen all."""
    if len(held) < _SMALLEST_SAMPLE:
        return None
    matrix = partial_whitening(spread - Spread.of(held), dimension, exponent)
    return Quality(len(held), explained_variance(held, matrix), overlap(held, unit(held @ matrix)))


def _restore(facts: dict[str, Any], matrix: Matrix) -> Reduction:
    if facts["format"] != _FORMAT or facts["kind"] not in get_args(Kind):
        raise InvalidInput(
            f"the stored reduction has format {facts['format']}, kind {facts['kind']!r}: upgrade to use it"
        )
    reduction = Reduction(
        kind=facts["kind"],
        source_dimension=facts["source_dimension"],
        dimension=facts["dimension"],
        matrix=matrix if matrix.size else None,
        samples=facts["samples"],
        quality=None if facts["quality"] is None else Quality(**facts["quality"]),
        seed=facts["seed"],
    )
    if reduction.fingerprint != facts["fingerprint"]:
        raise InvalidInput("the stored reduction is damaged: its matrix does not have the hash that was stored with it")
    return reduction
