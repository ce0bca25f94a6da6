"""What the vectors of a collection have to look like, and whether one does.

The checks come first because the engine forgives nothing: a ragged multivector or a sparse vector of unequal halves
panics it, and the operation stays in its log, which then cannot be replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, overload

import qdrant_edge as edge

from langchain_qdrant_async.engine.status import Refusal, invalid_field, wrong_input
from langchain_qdrant_async.proto import collections

Multi = list[list[float]]


class Sparse(NamedTuple):
    """A sparse vector that has not been checked yet."""

    indices: list[int]
    """Which components are not zero."""
    values: list[float]
    """What they are."""


RawVector = list[float] | Multi | Sparse
EngineVector = list[float] | Multi | edge.SparseVector


@dataclass(frozen=True, slots=True)
class Shape:
    """What a vector of a collection has to look like."""

    kind: Literal["dense", "multi", "sparse"]
    """Its structure."""
    size: int = 0
    """Its dimension; 0 for sparse ones."""
    is_distance: bool = False
    """Whether the best score is the smallest."""


Schema = Mapping[str, Shape]


def schema_of(params: collections.CollectionParams) -> dict[str, Shape]:
    """The vectors of a collection by name; the unnamed one is `""`."""
    shapes = {name: _shape(vector) for name, vector in dense_params(params.vectors_config).items()}
    return shapes | dict.fromkeys(params.sparse_vectors_config.map, Shape("sparse"))


@overload
def dense_params(config: collections.VectorsConfig) -> dict[str, collections.VectorParams]: ...
@overload
def dense_params(config: collections.VectorsConfigDiff) -> dict[str, collections.VectorParamsDiff]: ...
def dense_params(config: collections.VectorsConfig | collections.VectorsConfigDiff) -> dict[str, Any]:
    """The dense vectors and multivectors that a configuration or a change names; the unnamed one is `""`."""
    named: dict[str, Any] = dict(config.params_map.map)
    if config.HasField("params"):
        named[""] = config.params
    return named


def _shape(params: collections.VectorParams) -> Shape:
    is_distance = params.distance in {collections.Euclid, collections.Manhattan}
    return Shape("multi" if params.HasField("multivector_config") else "dense", params.size, is_distance)


def checked(name: str, raw: RawVector, schema: Schema, *, named: bool = False) -> EngineVector:
    """The vector as the engine takes it.

    Args:
        name: which vector of the collection it is meant for.
        raw: the vector.
        schema: the collection's vectors.
        named: whether the server would name the vector in a complaint about its size.
    """
    shape = schema.get(name)
    if shape is None:
        raise unknown_vector(name)
    suffix = f" for vector '{name}'" if named else ""
    return _CHECKS[shape.kind](raw, shape.size, suffix)


def unknown_vector(name: str) -> Refusal:
    """A vector name that the collection does not have."""
    return wrong_input(f"Not existing vector name error: {name}")


def _checked_dense(raw: RawVector, size: int, suffix: str) -> EngineVector:
    if isinstance(raw, Sparse):
        raise _mixed()
    if raw and isinstance(raw[0], list):
        raise _multi()
    _check_size(len(raw), size, suffix)
    return raw


def _checked_multi(raw: RawVector, size: int, suffix: str) -> EngineVector:
    if isinstance(raw, Sparse):
        raise _mixed()
    if not raw:
        raise invalid_field("data", "multi vector must not be empty")
    rows = _as_rows(raw)
    for row in rows:
        if len(row) != size:
            raise _wrong_row(rows, size, suffix)
    return rows


def _wrong_row(rows: Multi, size: int, suffix: str) -> Refusal:
    """What a server finds wrong first: rows that do not fit each other, then those that do not fit the collection."""
    lengths = [len(row) for row in rows]
    if 0 in lengths:
        return invalid_field("data", "all vectors must be non-empty")
    odd = next((length for length in lengths if length != lengths[0]), None)
    if odd is not None:
        return invalid_field("data", f"all vectors must have the same dimension, found vector with dimension {odd}")
    return _wrong_size(lengths[0], size, suffix)


def _as_rows(raw: Any) -> Multi:
    """A single vector stands for a multivector of one row, as on the server."""
    return raw if isinstance(raw[0], list) else [raw]


def _checked_sparse(raw: RawVector, _size: int, _suffix: str) -> EngineVector:
    if not isinstance(raw, Sparse):
        raise _multi() if raw and isinstance(raw[0], list) else _mixed()
    if len(raw.indices) != len(raw.values):
        raise invalid_field("values", "Validation error: must be the same length as indices [{}]")
    if len(set(raw.indices)) != len(raw.indices):
        raise invalid_field("indices", "Validation error: must be unique [{}]")
    return edge.SparseVector(raw.indices, raw.values)


def _check_size(found: int, expected: int, suffix: str) -> None:
    if found != expected:
        raise _wrong_size(found, expected, suffix)


def _wrong_size(found: int, expected: int, suffix: str) -> Refusal:
    return wrong_input(f"Vector dimension error: expected dim: {expected}, got {found}{suffix}")


def _multi() -> Refusal:
    return wrong_input("Conversion between multi and regular vectors failed")


def _mixed() -> Refusal:
    return wrong_input("Conversion between sparse and regular vectors failed")


_CHECKS: dict[str, Callable[[RawVector, int, str], EngineVector]] = {
    "dense": _checked_dense,
    "multi": _checked_multi,
    "sparse": _checked_sparse,
}
