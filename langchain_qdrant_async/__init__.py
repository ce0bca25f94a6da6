"""The natively async LangChain vector store for Qdrant, over gRPC, with or without a server.

Names are resolved on first use (PEP 562), so that the engine process and the command line start without LangChain.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_qdrant_async.collection import Collections
    from langchain_qdrant_async.config import (
        CollectionSpec,
        Distance,
        Embedded,
        Hnsw,
        Layout,
        Policy,
        Remote,
        Retry,
        ScalarQuantization,
    )
    from langchain_qdrant_async.connection import Connection
    from langchain_qdrant_async.embedding import ReducedEmbeddings, Reduction, SentenceTransformerEmbeddings
    from langchain_qdrant_async.errors import (
        AlreadyExists,
        CollectionMismatch,
        ConnectionClosed,
        DeadlineExceeded,
        EmbeddingError,
        EngineError,
        InvalidFilter,
        InvalidId,
        InvalidInput,
        InvalidPayload,
        InvalidRequest,
        InvalidVector,
        NotFound,
        PartialWrite,
        PermissionDenied,
        QdrantStoreError,
        RateLimited,
        RpcError,
        Unauthenticated,
        Unavailable,
        Unimplemented,
    )
    from langchain_qdrant_async.reindex import Drift, Reindexed
    from langchain_qdrant_async.responses import CollectionInfo, VectorInfo
    from langchain_qdrant_async.store import AsyncQdrantVectorStore

_HOME = {
    "AlreadyExists": "errors",
    "AsyncQdrantVectorStore": "store",
    "CollectionInfo": "responses",
    "CollectionMismatch": "errors",
    "CollectionSpec": "config",
    "Collections": "collection",
    "Connection": "connection",
    "ConnectionClosed": "errors",
    "DeadlineExceeded": "errors",
    "Distance": "config",
    "Drift": "reindex",
    "Embedded": "config",
    "EmbeddingError": "errors",
    "EngineError": "errors",
    "Hnsw": "config",
    "InvalidFilter": "errors",
    "InvalidId": "errors",
    "InvalidInput": "errors",
    "InvalidPayload": "errors",
    "InvalidRequest": "errors",
    "InvalidVector": "errors",
    "Layout": "config",
    "NotFound": "errors",
    "PartialWrite": "errors",
    "PermissionDenied": "errors",
    "Policy": "config",
    "QdrantStoreError": "errors",
    "RateLimited": "errors",
    "ReducedEmbeddings": "embedding",
    "Reduction": "embedding",
    "Reindexed": "reindex",
    "Remote": "config",
    "Retry": "config",
    "RpcError": "errors",
    "ScalarQuantization": "config",
    "SentenceTransformerEmbeddings": "embedding",
    "Unauthenticated": "errors",
    "Unavailable": "errors",
    "Unimplemented": "errors",
    "VectorInfo": "responses",
}

__all__ = [
    "AlreadyExists",
    "AsyncQdrantVectorStore",
    "CollectionInfo",
    "CollectionMismatch",
    "CollectionSpec",
    "Collections",
    "Connection",
    "ConnectionClosed",
    "DeadlineExceeded",
    "Distance",
    "Drift",
    "Embedded",
    "EmbeddingError",
    "EngineError",
    "Hnsw",
    "InvalidFilter",
    "InvalidId",
    "InvalidInput",
    "InvalidPayload",
    "InvalidRequest",
    "InvalidVector",
    "Layout",
    "NotFound",
    "PartialWrite",
    "PermissionDenied",
    "Policy",
    "QdrantStoreError",
    "RateLimited",
    "ReducedEmbeddings",
    "Reduction",
    "Reindexed",
    "Remote",
    "Retry",
    "RpcError",
    "ScalarQuantization",
    "SentenceTransformerEmbeddings",
    "Unauthenticated",
    "Unavailable",
    "Unimplemented",
    "VectorInfo",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
