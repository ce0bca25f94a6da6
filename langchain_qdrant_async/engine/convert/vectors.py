"""Vectors on the wire <-> in the engine, checked against the collection that they are meant for.

The checks come first because the engine forgives nothing: a ragged multivector or a sparse vector of unequal halves
panics it, and the operation stays in its log, which then cannot be replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import qdrant_edge as edge

from langchain_qdrant_async.engine.status import Refusal, invalid_field, malformed, unimplemented, wrong_input
from langchain_qdrant_async.proto import collections, points

Dense = list[float]
Multi = list[list[float]]


class Sparse(NamedTuple):
    """A sparse vector that has not been checked yet."""

    indices: list[int]
    values: list[float]


RawVector = Dense | Multi | Sparse
EngineVector = Dense | Multi | edge.SparseVector
NamedVectors = dict[str, EngineVector]


@dataclass(frozen=True, slots=True)
class Shape:
    """What a vector of a collection has to look like.

    Attributes:
        kind: its structure.
        size: its dimension; 0 for sparse ones.
        is_distance: whether the best score is the smallest.
    """

    kind: Literal["dense", "multi", "sparse"]
    size: int = 0
    is_distance: bool = False


Schema = Mapping[str, Shape]


def schema_of(params: collections.CollectionParams) -> dict[str, Shape]:
    """The vectors of a collection by name; the unnamed one is `""`."""
    config = params.vectors_config
    dense = dict(config.params_map.map)
    if config.HasField("params"):
        dense[""] = config.params
    shapes = {name: _shape(vector) for name, vector in dense.items()}
    return shapes | dict.fromkeys(params.sparse_vectors_config.map, Shape("sparse"))


def _shape(params: collections.VectorParams) -> Shape:
    is_distance = params.distance in {collections.Euclid, collections.Manhattan}
    return Shape("multi" if params.HasField("multivector_config") else "dense", params.size, is_distance)


def from_vectors(message: points.Vectors, schema: Schema) -> NamedVectors:
    """The vectors of one point, checked.

    Source: an unnamed vector may not be sparse, `lib/api/src/conversions/vectors.rs` of Qdrant.
    """
    match message.WhichOneof("vectors_options"):
        case "vector":
            raw = from_vector(message.vector)
            if isinstance(raw, Sparse):
                raise malformed("Sparse vector must be named")
            return {"": checked("", raw, schema)}
        case "vectors":
            return {
                name: checked(name, from_vector(vector), schema, named=True)
                for name, vector in message.vectors.vectors.items()
            }
        case _:
            raise malformed("No Vector Provided")


def from_vector(message: points.Vector) -> RawVector:
    """A vector as written, in its present or its deprecated form."""
    kind = message.WhichOneof("vector")
    return _deprecated(message) if kind is None else _READERS[kind](getattr(message, kind))


def from_vector_input(message: points.VectorInput) -> RawVector:
    """A query vector that is not a point id."""
    kind = message.WhichOneof("variant")
    if kind is None:
        raise malformed("VectorInput variant is missing")
    return _READERS[kind](getattr(message, kind))


def _deprecated(message: points.Vector) -> RawVector:
    if message.HasField("indices"):
        return Sparse(list(message.indices.data), list(message.data))
    if message.HasField("vectors_count"):
        return _rows(list(message.data), message.vectors_count)
    return list(message.data)


def _rows(data: list[float], count: int) -> Multi:
    if count == 0 or len(data) % count:
        raise malformed(
            "Unable to convert to multi-dense vector: Data length is not divisible by vectors count. "
            f"Data length: {len(data)}, vectors count: {count}"
        )
    size = len(data) // count
    return [data[start : start + size] for start in range(0, len(data), size)]


def _inference(message: Any) -> RawVector:
    raise unimplemented(f"Inference model {message.model!r} is not available in the embedded service")


_READERS: dict[str, Callable[[Any], RawVector]] = {
    "dense": lambda dense: dense.data[:],
    "sparse": lambda sparse: Sparse(sparse.indices[:], sparse.values[:]),
    "multi_dense": lambda multi: [row.data[:] for row in multi.vectors],
    "document": _inference,
    "image": _inference,
    "object": _inference,
}


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
        raise wrong_input("Conversion between multi and regular vectors failed")
    _check_size(len(raw), size, suffix)
    return raw


def _checked_multi(raw: RawVector, size: int, suffix: str) -> EngineVector:
    if isinstance(raw, Sparse):
        raise _mixed()
    if not raw:
        raise invalid_field("data", "multi vector must not be empty")
    rows = _as_rows(raw)
    for row in rows:
        _check_size(len(row), size, suffix)
    return rows


def _as_rows(raw: Any) -> Multi:
    """A single vector stands for a multivector of one row, as on the server."""
    return raw if isinstance(raw[0], list) else [raw]


def _checked_sparse(raw: RawVector, _size: int, _suffix: str) -> EngineVector:
    if not isinstance(raw, Sparse):
        raise _mixed()
    if len(raw.indices) != len(raw.values):
        raise invalid_field("values", "must be the same length as indices")
    if len(set(raw.indices)) != len(raw.indices):
        raise invalid_field("indices", "must be unique")
    return edge.SparseVector(raw.indices, raw.values)


def _check_size(found: int, expected: int, suffix: str) -> None:
    if found != expected:
        raise wrong_input(f"Vector dimension error: expected dim: {expected}, got {found}{suffix}")


def _mixed() -> Refusal:
    return wrong_input("Conversion between sparse and regular vectors failed")


_CHECKS: dict[str, Callable[[RawVector, int, str], EngineVector]] = {
    "dense": _checked_dense,
    "multi": _checked_multi,
    "sparse": _checked_sparse,
}


def named_vectors(vectors: Any) -> NamedVectors:
    """The engine's vectors by name; it gives a lone unnamed vector without its name."""
    if vectors is None:
        return {}
    return vectors if isinstance(vectors, dict) else {"": vectors}


def fill_vectors(target: points.VectorsOutput, vectors: Any) -> None:
    """Write a point's vectors into a message; a lone unnamed vector goes without its name, as from the server."""
    named = named_vectors(vectors)
    if list(named) == [""]:
        _fill(target.vector, named[""])
    else:
        target.vectors.SetInParent()
        for name, vector in named.items():
            _fill(target.vectors.vectors[name], vector)


def _fill(target: points.VectorOutput, vector: Any) -> None:
    if isinstance(vector, edge.SparseVector):
        target.sparse.indices.extend(vector.indices)
        target.sparse.values.extend(vector.values)
        target.sparse.SetInParent()
    elif vector and isinstance(vector[0], list):
        target.multi_dense.vectors.extend(points.DenseVector(data=row) for row in vector)
    else:
        target.dense.data.extend(vector)
