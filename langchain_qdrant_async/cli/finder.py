"""What `search` searches with: the searches of a store without the rest of it, which takes a second to import."""

from __future__ import annotations

from langchain_core.embeddings import Embeddings

from langchain_qdrant_async.collection.handle import Handle
from langchain_qdrant_async.collection.plan import CollectionPlan
from langchain_qdrant_async.document.layout import Layout
from langchain_qdrant_async.embedding.async_model import ModelThreads
from langchain_qdrant_async.store.reader import Reader
from langchain_qdrant_async.store.retrieval import Retrieval
from langchain_qdrant_async.store.searching import Searching
from langchain_qdrant_async.transport.connection import Connection


class Finder(Searching):
    """Finds documents in a collection that exists."""

    def __init__(self, connection: Connection, collection: str, vector_name: str, embedding: Embeddings) -> None:
        """Say where; no I/O.

        Args:
            connection: stays its user's to close.
            collection: its name, or an alias.
            vector_name: the vector that is compared.
            embedding: the model that made it.
        """
        self.layout = Layout(vector_name=vector_name)
        self.relevance_score_fn = None
        self._retrieval = Retrieval(own=vector_name)
        plan = CollectionPlan(collection, self.layout, create=False)
        self._collection = Handle(connection, plan, embedding, ModelThreads())
        self._reader = Reader(connection, self._collection, self.layout)
