"""What a collection is to be: frozen, validated when made. Change one with `dataclasses.replace`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Literal, get_args

from langchain_qdrant_async.checks import whole_number
from langchain_qdrant_async.document.layout import Layout
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.proto import collections

IndexKind = Literal["keyword", "integer", "float", "bool", "datetime", "text", "geo", "uuid"]


class Distance(str, Enum):
    """How two vectors are compared. The values are those of Qdrant's own models, so either enumeration works."""

    COSINE = "Cosine"
    DOT = "Dot"
    EUCLID = "Euclid"
    MANHATTAN = "Manhattan"


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


INDEX_KINDS: frozenset[str] = frozenset(get_args(IndexKind))
"""The kinds of payload index."""


@dataclass(frozen=True, slots=True)
class CollectionSpec:
    """What a collection is to be. It is made so when it does not exist, and compared when it does."""

    name: str
    """The collection's name."""
    dimension: int = 100
    """Numbers in a vector, 1 to 65,536."""
    distance: Distance = Distance.COSINE
    """How vectors are compared."""
    quantization: ScalarQuantization | collections.QuantizationConfig | None = field(default_factory=ScalarQuantization)
    """Int8 scalar by default; None for none; Qdrant's own message for the other kinds."""
    hnsw: Hnsw = field(default_factory=Hnsw)
    """Parameters of the index."""
    payload_indexes: Mapping[str, IndexKind] = field(default_factory=dict)
    """Kind of index by metadata field, named as in a filter: `{"lang": "keyword"}`."""
    layout: Layout = field(default_factory=Layout)
    """Where a document stands in a point."""
    vectors_on_disk: bool | None = None
    """Whether the original vectors stay on disk; None: the server decides."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise InvalidInput(f"a collection needs a name, not {self.name!r}")
        dimension = whole_number("CollectionSpec.dimension", self.dimension, at_least=1, at_most=65_536)
        object.__setattr__(self, "dimension", dimension)
        object.__setattr__(self, "distance", distance_of(self.distance))
        object.__setattr__(self, "payload_indexes", MappingProxyType(dict(self.payload_indexes)))
        for name, kind in self.payload_indexes.items():
            if kind not in INDEX_KINDS:
                raise InvalidInput(
                    f"payload index {name!r}: no kind {kind!r}; there are {', '.join(sorted(INDEX_KINDS))}"
                )


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
