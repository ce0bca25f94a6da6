"""A collection as it is beside what was asked for. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterator

from langchain_qdrant_async.collection.field import Kind, VectorField
from langchain_qdrant_async.collection.info import CollectionInfo
from langchain_qdrant_async.collection.payload_index import PayloadIndex, payload_index_of
from langchain_qdrant_async.collection.spec import CollectionSpec
from langchain_qdrant_async.document.paths import to_path
from langchain_qdrant_async.errors import CollectionMismatch, InvalidVector


def compare(spec: CollectionSpec, info: CollectionInfo) -> None:
    """Nothing, when the collection has every vector field of the spec.

    Raises:
        CollectionMismatch: a field is missing, or of another kind, size or distance. The message says both sides.
    """
    there = [(field_of(info, each.name, each.kind), each) for each in spec.fields.values()]
    differences = [text for theirs, ours in there for text in _differences(theirs, ours)]
    if differences:
        raise CollectionMismatch(
            f"collection {spec.name!r} exists with {' and '.join(differences)}: change the spec or the name"
        )


def field_of(info: CollectionInfo, name: str, kind: Kind = "dense") -> VectorField:
    """The vector field of that name.

    Raises:
        CollectionMismatch: the collection has no such field, or one of another kind.
    """
    found = info.fields.get(name)
    if found is None:
        there = ", ".join(map(str, info.fields.values())) or "no vector"
        raise CollectionMismatch(
            f"collection {info.name!r} has {there} where {VectorField(name, kind)} was asked for: pass another"
            " vector_name"
        )
    if found.kind == "multi" and kind == "dense":
        raise CollectionMismatch(
            f"{VectorField(name)} of collection {info.name!r} is a multivector; one for each document is needed"
        )
    if found.kind != kind:
        raise CollectionMismatch(f"{VectorField(name)} of collection {info.name!r} is {found.kind}, not {kind}")
    return found


def missing_indexes(spec: CollectionSpec, info: CollectionInfo) -> dict[str, PayloadIndex]:
    """The payload indexes that the collection lacks, by metadata field.

    Raises:
        CollectionMismatch: it has one of another kind.
    """
    paths = {name: to_path(name, metadata_key=spec.layout.metadata_key) for name in spec.payload_indexes}
    wanted = {name: payload_index_of(index) for name, index in spec.payload_indexes.items()}
    for name, index in wanted.items():
        theirs = info.payload_indexes.get(paths[name], index.kind)
        if theirs != index.kind:
            raise CollectionMismatch(
                f"collection {info.name!r} indexes {name!r} as {theirs} where {index.kind} was asked for: change the "
                "spec, or index it anew with Collections.index"
            )
    return {name: index for name, index in wanted.items() if paths[name] not in info.payload_indexes}


def check_size(name: str, size: int, field: VectorField) -> None:
    """Nothing, when vectors of `size` numbers go into that field of a collection.

    Raises:
        InvalidVector: they do not.
    """
    if size != field.size:
        raise InvalidVector(
            f"the vector has {size} numbers, collection {name!r} holds vectors of {field.size}: "
            f"use the model it was made with, or ReducedEmbeddings(model, dimension={field.size})"
        )


def _differences(theirs: VectorField, ours: VectorField) -> Iterator[str]:
    where = f" of {ours}" if ours.name else ""
    if theirs.size != ours.size:
        yield f"dimension {theirs.size}{where} where {ours.size} was asked for"
    if theirs.distance != ours.distance:
        yield f"distance {theirs.distance.value}{where} where {ours.distance.value} was asked for"
