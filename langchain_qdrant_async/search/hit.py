"""What a search found -> documents and scores. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.documents import Document

from langchain_qdrant_async.document.ids import from_point_id
from langchain_qdrant_async.document.layout import Layout
from langchain_qdrant_async.document.payload import from_payload
from langchain_qdrant_async.document.vectors import Sparse, from_vectors_output
from langchain_qdrant_async.proto import points

_VECTORS_KEY = "_vectors"
"""Where a document that was asked for with its vectors has them, in its metadata, by field."""


@dataclass(frozen=True, slots=True)
class Group:
    """The best documents that have one value in a field."""

    key: str | int
    """The value."""
    hits: list[tuple[Document, float]]
    """Some of those documents, best first, each with its score."""

    @property
    def documents(self) -> list[Document]:
        """The documents without their scores."""
        return [each for each, _ in self.hits]


def groups(found: Iterable[points.PointGroup], layout: Layout) -> list[Group]:
    """The groups of an answer, the one with the best document first."""
    return [Group(_key(each.id), scored_documents(each.hits, layout)) for each in found]


def _key(group: points.GroupId) -> str | int:
    return getattr(group, str(group.WhichOneof("kind")))  # type: ignore[no-any-return]


def document(point: points.ScoredPoint | points.RetrievedPoint, layout: Layout) -> Document:
    """The document of a point, with its id as the caller gave it and its metadata exactly as given."""
    content = from_payload(point.payload, content_key=layout.content_key, metadata_key=layout.metadata_key)
    metadata = content.metadata
    if layout.origin is not None:
        metadata = metadata | {"_id": point.id.uuid or point.id.num, "_collection_name": layout.origin}
    if point.HasField("vectors"):
        metadata = metadata | {_VECTORS_KEY: _listed(from_vectors_output(point.vectors))}
    return Document(id=content.original_id or from_point_id(point.id), page_content=content.text, metadata=metadata)


def _listed(vectors: Mapping[str, Any]) -> dict[str, Any]:
    """Vectors as plain lists, so that a document stays what can be written as JSON."""
    return {
        name: {"indices": [*map(int, each.indices)], "values": [*map(float, each.values)]}
        if isinstance(each, Sparse)
        else each.tolist()
        for name, each in vectors.items()
    }


def scored_documents(found: Iterable[points.ScoredPoint], layout: Layout) -> list[tuple[Document, float]]:
    """Documents with their scores, in the order of the answer."""
    return [(document(point, layout), point.score) for point in found]
