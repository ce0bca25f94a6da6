"""Which model made a vector: enough to tell two apart, and never a secret."""

from __future__ import annotations

from typing import Any, TypeAlias

from langchain_core.embeddings import Embeddings

Fingerprint: TypeAlias = dict[str, Any]
"""JSON: strings, numbers, booleans, None and dictionaries of them."""

_TELLING = (
    "model",
    "model_name",
    "model_id",
    "deployment",
    "dimensions",
    "dimension",
    "output_dimensionality",
    "size",
    "truncate_dim",
    "normalize",
    "query_instruction",
    "embed_instruction",
    "task_type",
)
"""Attributes by which LangChain's integrations say which model they are. A list of what may be read: an unknown
attribute could hold a key."""


def fingerprint_of(embeddings: Embeddings) -> Fingerprint:
    """By the embeddings' own `fingerprint` if they have one, else by their class and the attributes that tell models.

    A cache has the fingerprint of what it caches.
    """
    own = getattr(embeddings, "fingerprint", None)
    if isinstance(own, dict):
        return own
    inner = getattr(embeddings, "underlying_embeddings", None)
    if isinstance(inner, Embeddings):
        return fingerprint_of(inner)
    return {"class": type(embeddings).__qualname__, **_telling(embeddings)}


def _telling(embeddings: Embeddings) -> Fingerprint:
    values = {name: getattr(embeddings, name, None) for name in _TELLING}
    return {name: value for name, value in values.items() if isinstance(value, str | int | float)}
