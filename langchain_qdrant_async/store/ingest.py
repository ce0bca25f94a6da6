"""Documents on their way in, row by row: embedded for each field of the collection, and encoded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from typing import Any

from langchain_qdrant_async.collection.collection import Collection
from langchain_qdrant_async.collection.comparison import check_size
from langchain_qdrant_async.collection.field import VectorField
from langchain_qdrant_async.document.message import point_struct
from langchain_qdrant_async.document.record import Record
from langchain_qdrant_async.embedding.matrix import check_count
from langchain_qdrant_async.proto import points
from langchain_qdrant_async.runtime.turns import in_turns, together


async def structs_of(
    collection: Collection, batch: Sequence[Record], kept: MutableMapping[str | int, Any]
) -> list[points.PointStruct]:
    """The points of some records, in order; the vectors of all fields are made at the same time.

    Args:
        collection: where they go.
        batch: the records.
        kept: vectors of the collection's own field that were made before, by point id; what is used is taken out.

    Raises:
        EmbeddingError: a model failed.
        InvalidVector: a vector has another size than its field.
    """
    fields = [each for each in collection.fields.values() if _is_written(each, collection, batch)]
    rows = await together(_rows(collection, each, batch, kept) for each in fields)
    return [struct async for struct in in_turns(_structs(batch, fields, rows))]


def _is_written(field: VectorField, collection: Collection, batch: Sequence[Record]) -> bool:
    return field is collection.field or field.encoder is not None or field.name in batch[0].vectors


async def _rows(
    collection: Collection, field: VectorField, batch: Sequence[Record], kept: MutableMapping[str | int, Any]
) -> Sequence[Any]:
    """What the field holds of each record: given, kept, or made of its text now."""
    name = field.name
    rows: list[Any] = [each.vectors.get(name) for each in batch]
    if kept and field is collection.field:
        rows = [kept.pop(each.identity.point_id, None) for each in batch]
    texts = [each.text for each, row in zip(batch, rows, strict=True) if row is None]
    if texts:
        made = iter(await _made(field, texts))
        rows = [next(made) if row is None else row for row in rows]
    if field.kind == "dense" and not isinstance(rows[0], points.Document):
        check_size(collection.name, len(rows[0]), field)
    return rows


async def _made(field: VectorField, texts: list[str]) -> Iterable[Any]:
    encoder = field.filled_by()
    rows = await encoder.documents(texts)
    check_count(rows, len(texts), type(encoder).__name__)
    return rows


def _structs(
    batch: Sequence[Record], fields: Sequence[VectorField], rows: Sequence[Sequence[Any]]
) -> Iterator[points.PointStruct]:
    for record, *vectors in zip(batch, *rows, strict=True):
        written = {field.name: field.message(vector) for field, vector in zip(fields, vectors, strict=True)}
        yield point_struct(record.identity.message, written, record.payload)
