"""langchain-qdrant's names, with its keywords, positions and default values: moving over is a changed import.

What it has and this package has not yet is refused by name.
"""

from langchain_qdrant_async.compat.client import target_of_client as target_of_client
from langchain_qdrant_async.compat.sparse import FastEmbedSparse as FastEmbedSparse
from langchain_qdrant_async.compat.store import QdrantVectorStore as QdrantVectorStore
from langchain_qdrant_async.embedding.sparse.sparse import SparseEmbeddings as SparseEmbeddings
from langchain_qdrant_async.embedding.sparse.sparse import SparseVector as SparseVector
from langchain_qdrant_async.errors import QdrantStoreError
from langchain_qdrant_async.search.mode import RetrievalMode as RetrievalMode

QdrantVectorStoreError = QdrantStoreError
"""langchain-qdrant's name for the errors of a store."""
