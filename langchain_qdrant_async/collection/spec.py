"""What a collection is to be: frozen, validated when made. Change one with `dataclasses.replace`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from langchain_qdrant_async.checks import check_unicode, whole_number
from langchain_qdrant_async.collection.field import LARGEST, Distance, VectorField, distance_of
from langchain_qdrant_async.collection.options import collection_options
from langchain_qdrant_async.collection.payload_index import IndexInput, payload_index_of
from langchain_qdrant_async.document.layout import Layout
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.proto import collections


@dataclass(frozen=True, slots=True)
class Hnsw:
    """Parameters of the HNSW graph; None leaves the server's own."""

    m: int | None = None
    """Edges per node (server: 16)."""
    ef_construct: int | None = None
    """Candidates considered while building (server: 100)."""
    full_scan_threshold: int | None = None
    """Kilobytes of vectors below which a segment is scanned instead (server: 10,000)."""
    on_disk: bool | None = None
    """Whether the graph stays on disk."""

    def __post_init__(self) -> None:
        for name, value in (
            ("m", self.m),
            ("ef_construct", self.ef_construct),
            ("full_scan_threshold", self.full_scan_threshold),
        ):
            if value is not None:
                object.__setattr__(self, name, whole_number(f"Hnsw.{name}", value, at_least=0))


@dataclass(frozen=True, slots=True)
class ScalarQuantization:
    """Each component of a vector in 8 bits instead of 32."""

    quantile: float | None = None
    """Share of the components that keeps full resolution, 0.5 to 1; None: all of them."""
    always_ram: bool | None = None
    """Whether the quantised vectors stay in memory whatever else is on disk."""

    def __post_init__(self) -> None:
        if self.quantile is not None and not 0.5 <= self.quantile <= 1:
            raise InvalidInput(f"ScalarQuantization.quantile must be between 0.5 and 1, not {self.quantile!r}")


@dataclass(frozen=True, slots=True)
class CollectionSpec:
    """What a collection is to be. It is made so when it does not exist, and compared when it does."""

    name: str
    """The collection's name."""
    dimension: int = 100
    """Numbers in a vector, 1 to 65,536."""
    distance: Distance = Distance.COSINE
    """How vectors are compared."""
    quantization: ScalarQuantization | collections.QuantizationConfig | None = dataclasses.field(
        default_factory=ScalarQuantization
    )
    """Int8 scalar by default; None for none; Qdrant's own message for the other kinds."""
    hnsw: Hnsw = dataclasses.field(default_factory=Hnsw)
    """Parameters of the index."""
    payload_indexes: Mapping[str, IndexInput] = dataclasses.field(default_factory=dict)
    """Index by metadata field, named as in a filter: `{"lang": "keyword", "text": PayloadIndex("text", …)}`. Of an
    existing collection the kind is compared, and indexes that it lacks are made."""
    layout: Layout = dataclasses.field(default_factory=Layout)
    """Where a document stands in a point."""
    vectors_on_disk: bool | None = None
    """Whether the original vectors stay on disk; None: the server decides."""
    vectors: Sequence[VectorField] = ()
    """Vector fields beside the one that `dimension`, `distance` and `layout.vector_name` describe; one of that name
    stands in its place."""
    strict_mode: collections.StrictModeConfig | None = None
    """What it refuses to do, as Qdrant's own message; None: nothing, or as the server is configured."""
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """What else Qdrant is told when it is made, by the names of its `CreateCollection`: `{"shard_number": 3,
    "replication_factor": 2, "sharding_method": "custom", "on_disk_payload": True}`. An existing one is not compared."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise InvalidInput(f"a collection needs a name, not {self.name!r}")
        check_unicode("the collection's name", self.name, InvalidInput)
        dimension = whole_number("CollectionSpec.dimension", self.dimension, at_least=1, at_most=LARGEST)
        object.__setattr__(self, "dimension", dimension)
        object.__setattr__(self, "distance", distance_of(self.distance))
        object.__setattr__(self, "vectors", tuple(self.vectors))
        if len({each.name for each in self.vectors}) != len(self.vectors):
            raise InvalidInput("two vector fields have one name: give each its own")
        collection_options(self.options)
        object.__setattr__(self, "payload_indexes", MappingProxyType(dict(self.payload_indexes)))
        for name, index in self.payload_indexes.items():
            try:
                payload_index_of(index)
            except InvalidInput as error:
                raise InvalidInput(f"payload index {name!r}: {error}") from error

    def __reduce__(self) -> tuple[object, ...]:
        values = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        return _spec, (values | {"payload_indexes": dict(self.payload_indexes)},)

    @property
    def fields(self) -> Mapping[str, VectorField]:
        """All vector fields by their names, the store's own among them."""
        named = {each.name: each for each in self.vectors}
        return named if self.layout.vector_name in named else {self.layout.vector_name: self._own(), **named}

    @property
    def field(self) -> VectorField:
        """The store's own vector field."""
        return self.fields[self.layout.vector_name]

    def _own(self) -> VectorField:
        return VectorField(
            self.layout.vector_name, size=self.dimension, distance=self.distance, on_disk=self.vectors_on_disk
        )


def _spec(values: dict[str, Any]) -> CollectionSpec:
    return CollectionSpec(**values)
