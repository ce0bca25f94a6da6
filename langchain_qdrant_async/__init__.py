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
    from langchain_qdrant_async.collection.payload_index import PayloadIndex
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
    from langchain_qdrant_async.filters.plan import ConditionPlan, FilterPlan
    from langchain_qdrant_async.retrievers.chunks import chunks_of
    from langchain_qdrant_async.retrievers.search_tool import search_tool
    from langchain_qdrant_async.retrievers.self_query import self_query_retriever
    from langchain_qdrant_async.retrievers.translator import QdrantTranslator
    from langchain_qdrant_async.search.boosting import Boosted, Closeness, FieldValue, Proximity, Recency, When
    from langchain_qdrant_async.search.examples import Discovered, Feedback, Recommended, Text
    from langchain_qdrant_async.search.fusion import Dbsf, Rrf, WeightedSum
    from langchain_qdrant_async.search.hit import Group
    from langchain_qdrant_async.search.matrix import Matrix
    from langchain_qdrant_async.search.mode import RetrievalMode
    from langchain_qdrant_async.search.ordering import Ordered, Sampled
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
    from langchain_qdrant_async.store.retriever import Retriever
    from langchain_qdrant_async.store.vector_store import AsyncQdrantVectorStore
    from langchain_qdrant_async.transport.connection import Connection
    from langchain_qdrant_async.transport.policy import Policy, Retry, RetryEvent
    from langchain_qdrant_async.transport.target import Embedded, Remote

_HOME = {
    "AlreadyExists": "errors",
    "Asked": "search.search",
    "AsyncQdrantVectorStore": "store.vector_store",
    "Boosted": "search.boosting",
    "Branch": "search.ranking",
    "chunks_of": "retrievers.chunks",
    "Closeness": "search.boosting",
    "CollectionInfo": "collection.info",
    "CollectionMismatch": "errors",
    "Collections": "collection.collections",
    "CollectionSpec": "collection.spec",
    "ConditionPlan": "filters.plan",
    "Connection": "transport.connection",
    "ConnectionClosed": "errors",
    "Dbsf": "search.fusion",
    "DeadlineExceeded": "errors",
    "Discovered": "search.examples",
    "Distance": "collection.field",
    "Diverse": "search.ranking",
    "Drift": "collection.reindex",
    "Embedded": "transport.target",
    "EmbeddingError": "errors",
    "EngineError": "errors",
    "Feedback": "search.examples",
    "Fields": "search.search",
    "FieldValue": "search.boosting",
    "FilterPlan": "filters.plan",
    "Fused": "search.ranking",
    "Group": "search.hit",
    "Hnsw": "collection.spec",
    "InvalidFilter": "errors",
    "InvalidId": "errors",
    "InvalidInput": "errors",
    "InvalidPayload": "errors",
    "InvalidRequest": "errors",
    "InvalidVector": "errors",
    "Layout": "document.layout",
    "Matrix": "search.matrix",
    "MetadataField": "store.metadata_schema",
    "MetadataSchema": "store.metadata_schema",
    "Nearest": "search.ranking",
    "NotFound": "errors",
    "Ordered": "search.ordering",
    "PartialWrite": "errors",
    "PayloadIndex": "collection.payload_index",
    "PermissionDenied": "errors",
    "Policy": "transport.policy",
    "Proximity": "search.boosting",
    "QdrantStoreError": "errors",
    "QdrantTranslator": "retrievers.translator",
    "Ranking": "search.search",
    "RateLimited": "errors",
    "Recency": "search.boosting",
    "Recommended": "search.examples",
    "ReducedEmbeddings": "embedding",
    "Reduction": "embedding",
    "Reindexed": "collection.reindex",
    "Remote": "transport.target",
    "Rescored": "search.ranking",
    "RetrievalMode": "search.mode",
    "Retriever": "store.retriever",
    "Retry": "transport.policy",
    "RetryEvent": "transport.policy",
    "RpcError": "errors",
    "Rrf": "search.fusion",
    "Sampled": "search.ordering",
    "ScalarQuantization": "collection.spec",
    "Search": "search.search",
    "search_tool": "retrievers.search_tool",
    "SearchOptions": "search.search",
    "self_query_retriever": "retrievers.self_query",
    "SentenceTransformerEmbeddings": "embedding",
    "ServerEncoder": "collection.inference",
    "Text": "search.examples",
    "TextSearchOptions": "search.search",
    "Unauthenticated": "errors",
    "Unavailable": "errors",
    "Unimplemented": "errors",
    "VectorField": "collection.field",
    "VectorInfo": "collection.info",
    "WeightedSum": "search.fusion",
    "When": "search.boosting",
}

__all__ = [
    "AlreadyExists",
    "Asked",
    "AsyncQdrantVectorStore",
    "Boosted",
    "Branch",
    "Closeness",
    "CollectionInfo",
    "CollectionMismatch",
    "CollectionSpec",
    "Collections",
    "ConditionPlan",
    "Connection",
    "ConnectionClosed",
    "Dbsf",
    "DeadlineExceeded",
    "Discovered",
    "Distance",
    "Diverse",
    "Drift",
    "Embedded",
    "EmbeddingError",
    "EngineError",
    "Feedback",
    "FieldValue",
    "Fields",
    "FilterPlan",
    "Fused",
    "Group",
    "Hnsw",
    "InvalidFilter",
    "InvalidId",
    "InvalidInput",
    "InvalidPayload",
    "InvalidRequest",
    "InvalidVector",
    "Layout",
    "Matrix",
    "MetadataField",
    "MetadataSchema",
    "Nearest",
    "NotFound",
    "Ordered",
    "PartialWrite",
    "PayloadIndex",
    "PermissionDenied",
    "Policy",
    "Proximity",
    "QdrantStoreError",
    "QdrantTranslator",
    "Ranking",
    "RateLimited",
    "Recency",
    "Recommended",
    "ReducedEmbeddings",
    "Reduction",
    "Reindexed",
    "Remote",
    "Rescored",
    "RetrievalMode",
    "Retriever",
    "Retry",
    "RetryEvent",
    "RpcError",
    "Rrf",
    "Sampled",
    "ScalarQuantization",
    "Search",
    "SearchOptions",
    "SentenceTransformerEmbeddings",
    "ServerEncoder",
    "Text",
    "TextSearchOptions",
    "Unauthenticated",
    "Unavailable",
    "Unimplemented",
    "VectorField",
    "VectorInfo",
    "WeightedSum",
    "When",
    "chunks_of",
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
