"""Where a document stands in a point."""

from __future__ import annotations

from dataclasses import dataclass

from langchain_qdrant_async.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a document stands in a point. The defaults are langchain-qdrant's, so either reads what the other wrote."""

    content_key: str = "page_content"
    """Payload key of the text."""
    metadata_key: str | None = "metadata"
    """Payload key of the metadata; None: every other key of the payload is metadata."""
    vector_name: str = ""
    """Name of the vector; the empty name is Qdrant's default vector."""

    def __post_init__(self) -> None:
        if not self.content_key or self.metadata_key in {"", self.content_key}:
            raise InvalidInput("Layout needs two different payload keys that are not empty, or metadata_key=None")
