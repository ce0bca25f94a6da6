"""What a collection keeps of its first texts for the encoders of its fields: the average length, for BM25."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from langchain_qdrant_async.checks import spread
from langchain_qdrant_async.collection.field import VectorField
from langchain_qdrant_async.document.values import from_value, to_value
from langchain_qdrant_async.proto import json

_LEARNED_KEY = "langchain_qdrant_async_learned"
"""Where in the metadata of a collection it stands, by field."""

SAMPLE = 1_000
"""Texts that are looked at, evenly spread over those of the first write."""


async def learn(fields: Mapping[str, VectorField], texts: Sequence[str]) -> dict[str, json.Value]:
    """What encoders learn from the first texts of a collection, as its metadata; nothing where none learns."""
    sample = spread(texts, SAMPLE)
    learned: dict[str, Any] = {}
    for name, field in fields.items():
        learn_from = getattr(field.encoder, "learn", None)
        if learn_from is not None and (found := await learn_from(sample)):
            learned[name] = found
    return {_LEARNED_KEY: to_value(learned, _LEARNED_KEY)} if learned else {}


def with_learned(field: VectorField, metadata: Mapping[str, json.Value]) -> VectorField:
    """The field, whose encoder has what the collection keeps for it."""
    if field.encoder is None or _LEARNED_KEY not in metadata or not hasattr(field.encoder, "with_learned"):
        return field
    kept = from_value(metadata[_LEARNED_KEY])
    found = kept.get(field.name) if isinstance(kept, dict) else None
    return replace(field, encoder=field.encoder.with_learned(found)) if isinstance(found, dict) else field
