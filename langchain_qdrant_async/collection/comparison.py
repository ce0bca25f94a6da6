"""A collection as it is beside what was asked for. Pure: no I/O, no clock."""

from __future__ import annotations

from langchain_qdrant_async.collection.info import CollectionInfo, VectorInfo
from langchain_qdrant_async.collection.spec import CollectionSpec
from langchain_qdrant_async.errors import (
    CollectionMismatch,
    InvalidVector,
)


def check_size(name: str, size: int, dimension: int) -> None:
    """Nothing, when vectors of `size` numbers go into a collection of `dimension`.

    Raises:
        InvalidVector: they do not.
    """
    if size != dimension:
        raise InvalidVector(
            f"the vector has {size} numbers, collection {name!r} holds vectors of {dimension}: "
            f"use the model it was made with, or ReducedEmbeddings(model, dimension={dimension})"
        )


def compare(spec: CollectionSpec, info: CollectionInfo) -> VectorInfo:
    """The vector of the collection that the spec means.

    Raises:
        CollectionMismatch: vector name, size or distance differ. The message says both sides.
    """
    vector = vector_of(info, spec.layout.vector_name)
    differences = [
        f"{what} {theirs} where {ours} was asked for"
        for what, theirs, ours in (
            ("dimension", vector.dimension, spec.dimension),
            ("distance", vector.distance.value, spec.distance.value),
        )
        if theirs != ours
    ]
    if differences:
        raise CollectionMismatch(
            f"collection {spec.name!r} exists with {' and '.join(differences)}: change the spec or the name"
        )
    return vector


def vector_of(info: CollectionInfo, vector_name: str) -> VectorInfo:
    """The vector of that name.

    Raises:
        CollectionMismatch: the collection has no such vector, or has many of it in a point.
    """
    vector = info.vectors.get(vector_name)
    if vector is None:
        there = ", ".join(_shown(name) for name in info.vectors) or "no dense vector"
        raise CollectionMismatch(
            f"collection {info.name!r} has {there} where {_shown(vector_name)} was asked for: pass another vector_name"
        )
    if vector.multivector:
        raise CollectionMismatch(
            f"{_shown(vector_name)} of collection {info.name!r} is a multivector; one for each document is needed"
        )
    return vector


def _shown(vector_name: str) -> str:
    return f"the vector {vector_name!r}" if vector_name else "the default (unnamed) vector"
