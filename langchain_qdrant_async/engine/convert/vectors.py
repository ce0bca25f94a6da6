"""Vectors on the wire <-> in the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qdrant_edge as edge

from langchain_qdrant_async.engine.convert.inference import document_vector, query_vector
from langchain_qdrant_async.engine.convert.schema import EngineVector, Multi, RawVector, Schema, Sparse, checked
from langchain_qdrant_async.engine.status import InvalidField, malformed, unimplemented
from langchain_qdrant_async.proto import points

NamedVectors = dict[str, EngineVector]


def from_vectors(message: points.Vectors, schema: Schema) -> NamedVectors:
    """The vectors of one point, checked."""
    try:
        return _from_vectors(message, schema)
    except InvalidField as refusal:
        first = next(iter(message.vectors.vectors.values()), message.vector)  # all have the same path
        raise refusal.of(first) from None


def _from_vectors(message: points.Vectors, schema: Schema) -> NamedVectors:
    """The vectors of one point.

    Source: an unnamed vector may not be sparse, `lib/api/src/conversions/vectors.rs` of Qdrant.
    """
    match message.WhichOneof("vectors_options"):
        case "vector":
            raw = _from_vector(message.vector)
            if isinstance(raw, Sparse):
                raise malformed("Sparse vector must be named")
            return {"": checked("", raw, schema)}
        case "vectors":
            return {
                name: checked(name, _from_vector(vector), schema, named=True)
                for name, vector in message.vectors.vectors.items()
            }
        case _:
            raise malformed("No Vector Provided")


def _from_vector(message: points.Vector) -> RawVector:
    """A vector as written, in its present or its deprecated form."""
    kind = message.WhichOneof("vector")
    return _deprecated(message) if kind is None else _READERS[kind](getattr(message, kind))


def from_vector_input(message: points.VectorInput) -> RawVector:
    """A query vector that is not a point id."""
    kind = message.WhichOneof("variant")
    if kind is None:
        raise malformed("VectorInput variant is missing")
    if kind == "document":
        return query_vector(message.document)
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
    "document": document_vector,
    "image": _inference,
    "object": _inference,
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
