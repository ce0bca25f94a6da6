"""One vector field of a collection: its name, its kind, its size, how it is compared, and what fills it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal, get_args

from langchain_qdrant_async.checks import whole_number
from langchain_qdrant_async.collection.options import vector_options
from langchain_qdrant_async.document.vectors import packed, to_multi, to_sparse
from langchain_qdrant_async.embedding.encoder import Encoder
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.proto import points

Kind = Literal["dense", "sparse", "multi"]
"""One vector of numbers; a weight for each of some places; a row of vectors for each document (late interaction)."""

LARGEST = 65_536
"""Source: Qdrant's own limit for dense vectors, `VectorParams` in `lib/collection/src/operations/types.rs`."""


class Distance(str, Enum):
    """How two vectors are compared. The values are those of Qdrant's own models, so either enumeration works."""

    COSINE = "Cosine"
    DOT = "Dot"
    EUCLID = "Euclid"
    MANHATTAN = "Manhattan"


@dataclass(frozen=True, slots=True)
class VectorField:
    """One vector that the points of a collection have."""

    name: str = ""
    """Its name; the empty one is Qdrant's default vector."""
    kind: Kind = "dense"
    """What a document has of it."""
    size: int | None = 100
    """Numbers in a vector, 1 to 65,536; a sparse one has none."""
    distance: Distance = Distance.COSINE
    """How two are compared; sparse ones always by their dot product."""
    idf: bool = False
    """Whether Qdrant weighs the places of a sparse vector by how rare they are (BM25 needs it)."""
    on_disk: bool | None = None
    """Whether the original vectors stay on disk; None: the server decides."""
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """What else Qdrant is told when it is made, by the names of its `VectorParams` or `SparseVectorParams`:
    `{"datatype": "float16", "hnsw_config": {"m": 32}}`."""
    encoder: Encoder | None = field(default=None, repr=False, compare=False)
    """What makes it of texts; None: the caller gives it, or for the store's own field its embedding makes it."""

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise InvalidInput(f"no vector of kind {self.kind!r}; there are {', '.join(get_args(Kind))}")
        vector_options(self.kind, self.options)
        if self.kind == "sparse":
            object.__setattr__(self, "size", None)
            object.__setattr__(self, "distance", Distance.DOT)
            return
        object.__setattr__(self, "size", whole_number("VectorField.size", self.size, at_least=1, at_most=LARGEST))
        object.__setattr__(self, "distance", distance_of(self.distance))

    def filled_by(self) -> Encoder:
        """What makes it of texts.

        Raises:
            InvalidInput: nothing does.
        """
        if self.encoder is None:
            raise InvalidInput(f"nothing embeds texts for {self}: give the spec's field an encoder, or give vectors")
        return self.encoder

    def message(self, vector: Any) -> points.Vector:
        """A checked vector of this kind as points are written with; or what Qdrant is to make one of."""
        if isinstance(vector, points.Document):
            return points.Vector(document=vector)
        return _WRITTEN[self.kind](vector)

    def asked(self, vector: Any) -> points.VectorInput:
        """A checked vector of this kind as queries are asked with; or what Qdrant is to make one of."""
        if isinstance(vector, points.Document):
            return points.VectorInput(document=vector)
        return _ASKED[self.kind](vector)

    def __str__(self) -> str:
        shown = f"the vector {self.name!r}" if self.name else "the default (unnamed) vector"
        return shown if self.kind == "dense" else f"{shown} ({self.kind})"


def distance_of(value: object) -> Distance:
    """The distance meant by its name, in either enumeration.

    Raises:
        InvalidInput: there is no such distance.
    """
    try:
        return Distance(value)
    except ValueError:
        names = ", ".join(repr(each.value) for each in Distance)
        raise InvalidInput(f"no distance {value!r}; there are {names}") from None


_WRITTEN: dict[str, Callable[[Any], points.Vector]] = {
    "dense": lambda row: points.Vector(dense=packed(row)),
    "sparse": lambda sparse: points.Vector(sparse=to_sparse(sparse.indices, sparse.values)),
    "multi": lambda rows: points.Vector(multi_dense=to_multi(rows)),
}
_ASKED: dict[str, Callable[[Any], points.VectorInput]] = {
    "dense": lambda row: points.VectorInput(dense=packed(row)),
    "sparse": lambda sparse: points.VectorInput(sparse=to_sparse(sparse.indices, sparse.values)),
    "multi": lambda rows: points.VectorInput(multi_dense=to_multi(rows)),
}
