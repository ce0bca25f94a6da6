"""Text -> the numbers that a collection holds: models, their sharing, and the reduction to one size."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_qdrant_async.embedding.reduced import ArrayEmbeddings as ArrayEmbeddings
    from langchain_qdrant_async.embedding.reduced import ReducedEmbeddings as ReducedEmbeddings
    from langchain_qdrant_async.embedding.reduction import Reduction as Reduction
    from langchain_qdrant_async.embedding.sentence_transformer import (
        SentenceTransformerEmbeddings as SentenceTransformerEmbeddings,
    )

_HOMES = {
    "ArrayEmbeddings": "reduced",
    "ReducedEmbeddings": "reduced",
    "Reduction": "reduction",
    "SentenceTransformerEmbeddings": "sentence_transformer",
}

__all__ = ["ArrayEmbeddings", "ReducedEmbeddings", "Reduction", "SentenceTransformerEmbeddings"]


def __getattr__(name: str) -> object:
    """Import a public name when it is asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
