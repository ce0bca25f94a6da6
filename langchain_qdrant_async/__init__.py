"""The natively async LangChain vector store for Qdrant, over gRPC, with or without a server.

Names are resolved on first use (PEP 562), so that the engine process and the command line start without LangChain.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_qdrant_async.collection.collections import Collections
    from langchain_qdrant_async.collection.field import Distance, VectorField
    from langchain_qdrant_async.collection.inference import ServerEncoder
    from langchain_qdrant_async.collection.info import CollectionInfo, VectorInfo
    from langchain_qdrant_async.collection.reindex import Drift, Reindexed
    from langchain_qdrant_async.collection.spec import CollectionSpec, Hnsw, ScalarQuantization
    from langchain_qdrant_async.document.layout import Layout
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
    from langchain_qdrant_async.retrievers.search_tool import search_tool
    from langchain_qdrant_async.retrievers.self_query import self_query_retriever
    from langchain_qdrant_async.retrievers.translator import QdrantTranslator
    from langchain_qdrant_async.search.fusion import Dbsf, Rrf, WeightedSum
    from langchain_qdrant_async.search.mode import RetrievalMode
    from langchain_qdrant_async.search.ranking import Branch, Diverse, Fused, Nearest, Rescored
    from langchain_qdrant_async.search.search import (
        Asked,
        Fields,
        Ranking,
        Search,
        SearchOptions,
        TextSearchOptions,
    )
    from langchain_qdrant_async.store.metadata_schema import MetadataField, MetadataSchema
    from langchain_qdrant_async.store.vector_store import AsyncQdrantVectorStore
    from langchain_qdrant_async.transport.connection import Connection
    from langchain_qdrant_async.transport.policy import Policy, Retry, RetryEvent
    from langchain_qdrant_async.transport.target import Embedded, Remote

_HOME = {
    "AlreadyExists": "errors",
    "Asked": "search.search",
    "AsyncQdrantVectorStore": "store.vector_store",
    "Branch": "search.ranking",
    "CollectionInfo": "collection.info",
    "CollectionMismatch": "errors",
    "CollectionSpec": "collection.spec",
    "Collections": "collection.collections",
    "Connection": "transport.connection",
    "ConnectionClosed": "errors",
    "Dbsf": "search.fusion",
    "DeadlineExceeded": "errors",
    "Distance": "collection.field",
    "Diverse": "search.ranking",
    "Drift": "collection.reindex",
    "Embedded": "transport.target",
    "EmbeddingError": "errors",
    "EngineError": "errors",
    "Fields": "search.search",
    "Fused": "search.ranking",
    "Hnsw": "collection.spec",
    "InvalidFilter": "errors",
    "InvalidId": "errors",
    "InvalidInput": "errors",
    "InvalidPayload": "errors",
    "InvalidRequest": "errors",
    "InvalidVector": "errors",
    "Layout": "document.layout",
    "MetadataField": "store.metadata_schema",
    "MetadataSchema": "store.metadata_schema",
    "Nearest": "search.ranking",
    "NotFound": "errors",
    "PartialWrite": "errors",
    "PermissionDenied": "errors",
    "Policy": "transport.policy",
    "QdrantStoreError": "errors",
    "QdrantTranslator": "retrievers.translator",
    "Ranking": "search.search",
    "RateLimited": "errors",
    "ReducedEmbeddings": "embedding",
    "Reduction": "embedding",
    "Reindexed": "collection.reindex",
    "Remote": "transport.target",
    "Rescored": "search.ranking",
    "RetrievalMode": "search.mode",
    "Retry": "transport.policy",
    "RetryEvent": "transport.policy",
    "RpcError": "errors",
    "Rrf": "search.fusion",
    "ScalarQuantization": "collection.spec",
    "Search": "search.search",
    "ServerEncoder": "collection.inference",
    "SearchOptions": "search.search",
    "SentenceTransformerEmbeddings": "embedding",
    "TextSearchOptions": "search.search",
    "Unauthenticated": "errors",
    "Unavailable": "errors",
    "Unimplemented": "errors",
    "VectorField": "collection.field",
    "VectorInfo": "collection.info",
    "WeightedSum": "search.fusion",
    "search_tool": "retrievers.search_tool",
    "self_query_retriever": "retrievers.self_query",
}

__all__ = [
    "AlreadyExists",
    "Asked",
    "AsyncQdrantVectorStore",
    "Branch",
    "CollectionInfo",
    "CollectionMismatch",
    "CollectionSpec",
    "Collections",
    "Connection",
    "ConnectionClosed",
    "Dbsf",
    "DeadlineExceeded",
    "Distance",
    "Diverse",
    "Drift",
    "Embedded",
    "EmbeddingError",
    "EngineError",
    "Fields",
    "Fused",
    "Hnsw",
    "InvalidFilter",
    "InvalidId",
    "InvalidInput",
    "InvalidPayload",
    "InvalidRequest",
    "InvalidVector",
    "Layout",
    "MetadataField",
    "MetadataSchema",
    "Nearest",
    "NotFound",
    "PartialWrite",
    "PermissionDenied",
    "Policy",
    "QdrantStoreError",
    "QdrantTranslator",
    "Ranking",
    "RateLimited",
    "ReducedEmbeddings",
    "Reduction",
    "Reindexed",
    "Remote",
    "Rescored",
    "RetrievalMode",
    "Retry",
    "RetryEvent",
    "RpcError",
    "Rrf",
    "ScalarQuantization",
    "Search",
    "SearchOptions",
    "SentenceTransformerEmbeddings",
    "ServerEncoder",
    "TextSearchOptions",
    "Unauthenticated",
    "Unavailable",
    "Unimplemented",
    "VectorField",
    "VectorInfo",
    "WeightedSum",
    "search_tool",
    "self_query_retriever",
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
