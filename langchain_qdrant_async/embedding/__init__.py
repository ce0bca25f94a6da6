"""Text -> the numbers that a collection holds: models, their sharing, and the reduction to one size."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_qdrant_async.embedding.array_embeddings import ArrayEmbeddings as ArrayEmbeddings
    from langchain_qdrant_async.embedding.cache import EmbeddingCache as EmbeddingCache
    from langchain_qdrant_async.embedding.encoder import DenseEncoder as DenseEncoder
    from langchain_qdrant_async.embedding.encoder import Encoder as Encoder
    from langchain_qdrant_async.embedding.encoder import MultiEncoder as MultiEncoder
    from langchain_qdrant_async.embedding.encoder import SparseEncoder as SparseEncoder
    from langchain_qdrant_async.embedding.fingerprint import fingerprint_of as fingerprint_of
    from langchain_qdrant_async.embedding.models.sentence_transformer import (
        SentenceTransformerEmbeddings as SentenceTransformerEmbeddings,
    )
    from langchain_qdrant_async.embedding.reduction.moments import Moments as Moments
    from langchain_qdrant_async.embedding.reduction.quality import Quality as Quality
    from langchain_qdrant_async.embedding.reduction.reduced import ReducedEmbeddings as ReducedEmbeddings
    from langchain_qdrant_async.embedding.reduction.reduction import Reduction as Reduction
    from langchain_qdrant_async.embedding.sparse.bm25 import Bm25Embeddings as Bm25Embeddings
    from langchain_qdrant_async.embedding.sparse.fastembed import FastEmbedSparseEmbeddings as FastEmbedSparseEmbeddings
    from langchain_qdrant_async.embedding.sparse.sparse import SparseEmbeddings as SparseEmbeddings
    from langchain_qdrant_async.embedding.sparse.sparse import SparseVector as SparseVector
    from langchain_qdrant_async.embedding.sparse.splade import SpladeEmbeddings as SpladeEmbeddings

_HOMES = {
    "ArrayEmbeddings": "array_embeddings",
    "Bm25Embeddings": "sparse.bm25",
    "DenseEncoder": "encoder",
    "EmbeddingCache": "cache",
    "Encoder": "encoder",
    "FastEmbedSparseEmbeddings": "sparse.fastembed",
    "Moments": "reduction.moments",
    "MultiEncoder": "encoder",
    "Quality": "reduction.quality",
    "ReducedEmbeddings": "reduction.reduced",
    "Reduction": "reduction.reduction",
    "SentenceTransformerEmbeddings": "models.sentence_transformer",
    "SparseEmbeddings": "sparse.sparse",
    "SparseEncoder": "encoder",
    "SparseVector": "sparse.sparse",
    "SpladeEmbeddings": "sparse.splade",
    "fingerprint_of": "fingerprint",
}

__all__ = [
    "ArrayEmbeddings",
    "Bm25Embeddings",
    "DenseEncoder",
    "EmbeddingCache",
    "Encoder",
    "FastEmbedSparseEmbeddings",
    "Moments",
    "MultiEncoder",
    "Quality",
    "ReducedEmbeddings",
    "Reduction",
    "SentenceTransformerEmbeddings",
    "SparseEmbeddings",
    "SparseEncoder",
    "SparseVector",
    "SpladeEmbeddings",
    "fingerprint_of",
]


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
