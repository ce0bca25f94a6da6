"""Where a document stands in a point, and every payload key that the store itself keeps."""

from __future__ import annotations

from dataclasses import dataclass

from langchain_qdrant_async.errors import InvalidInput

CONTENT_KEY = "page_content"
"""Holds the text, unless a layout says otherwise. As in langchain-qdrant."""

METADATA_KEY = "metadata"
"""Holds the metadata, unless a layout says otherwise. As in langchain-qdrant."""

ORIGINAL_ID_KEY = "_original_id"
"""Holds the caller's id when the point id reads differently. It stands beside the metadata, never in it."""

EMPTY_LISTS_KEY = "_empty_lists"
"""Lists the paths to empty lists in the metadata: Qdrant's filters take them for missing."""

EXACT_FLOATS_KEY = "_exact_floats"
"""Holds the floats which Qdrant would give back otherwise: `[[text, step, step, …], …]`."""

CLAIM_KEY = "_claim"
"""Holds, for a moment at the end of a reindexing, who is about to replace the point: see `reindex`."""

TENANT_KEY = "_tenant"
"""Holds whose document it is, in a store that was scoped to a tenant without naming a field."""

PRIVATE_KEYS = (ORIGINAL_ID_KEY, EMPTY_LISTS_KEY, EXACT_FLOATS_KEY, CLAIM_KEY, TENANT_KEY)
"""Payload keys of the store itself, which are never part of the metadata."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a document stands in a point. The defaults are langchain-qdrant's, so either reads what the other wrote."""

    content_key: str = CONTENT_KEY
    """Payload key of the text."""
    metadata_key: str | None = METADATA_KEY
    """Payload key of the metadata; None: every other key of the payload is metadata."""
    vector_name: str = ""
    """Name of the vector; the empty name is Qdrant's default vector."""
    origin: str | None = None
    """The collection's name, if documents are to have it, and the id of their point, in their metadata, as
    langchain-qdrant's have: under `_collection_name` and `_id`."""

    def __post_init__(self) -> None:
        if not self.content_key or self.metadata_key in {"", self.content_key}:
            raise InvalidInput("Layout needs two different payload keys that are not empty, or metadata_key=None")
