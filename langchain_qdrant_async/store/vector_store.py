"""The LangChain vector store: what it is made of, and the ways to make one."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Self, Unpack

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore

from langchain_qdrant_async.collection.collections import Collections
from langchain_qdrant_async.collection.field import Distance
from langchain_qdrant_async.collection.handle import Handle
from langchain_qdrant_async.collection.plan import CollectionPlan
from langchain_qdrant_async.collection.spec import CollectionSpec
from langchain_qdrant_async.document.ids import GivenId
from langchain_qdrant_async.document.record import items_of
from langchain_qdrant_async.embedding.async_model import THREADS, ModelThreads
from langchain_qdrant_async.filters import FilterInput
from langchain_qdrant_async.runtime.blocking import closing, run
from langchain_qdrant_async.runtime.closing import Closing
from langchain_qdrant_async.search.mode import RetrievalMode
from langchain_qdrant_async.search.search import TextSearchOptions
from langchain_qdrant_async.store.describing import Describing
from langchain_qdrant_async.store.exploring import Exploring
from langchain_qdrant_async.store.indexing import Indexing
from langchain_qdrant_async.store.making import checked_embedding, plan_of
from langchain_qdrant_async.store.options import (
    DocumentsOptions,
    ExistingOptions,
    RetrieverOptions,
    StoreOptions,
    check_options,
)
from langchain_qdrant_async.store.reader import Reader
from langchain_qdrant_async.store.rebuilding import Rebuilding
from langchain_qdrant_async.store.retrieval import SPARSE_VECTOR_NAME, retrieving
from langchain_qdrant_async.store.retriever import Retriever, check_retriever
from langchain_qdrant_async.store.scoping import Scoping
from langchain_qdrant_async.store.updating import Updating
from langchain_qdrant_async.store.variants import blocking, strict
from langchain_qdrant_async.store.writer import Writer
from langchain_qdrant_async.store.writing import BATCH_SIZE, Writing
from langchain_qdrant_async.transport.connection import Connection
from langchain_qdrant_async.transport.options import ConnectionOptions, connection_of
from langchain_qdrant_async.transport.scoped import ScopedConnection, whole_of
from langchain_qdrant_async.transport.target import Target


class AsyncQdrantVectorStore(  # type: ignore[misc]  # LangChain's `**kwargs` are spelled out
    Closing, Exploring, Describing, Writing, Updating, Indexing, Rebuilding, Scoping, VectorStore
):
    """Documents in a Qdrant collection, found by meaning and by filter, without ever blocking the event loop.

    Every `a…` method is a coroutine over Qdrant's gRPC stubs and awaits the embedding's own `aembed_…`; its blocking
    twin is derived from it, and works from any thread, from inside a running loop, and without one.

    Attributes:
        collection_name: the collection, or an alias of it.
        layout: where a document stands in a point.
        connection: the connection, for everything that the store does not do itself.
    """

    def __init__(
        self,
        client: Connection | Target,
        collection_name: str | None = None,
        embedding: Embeddings | None = None,
        *,
        spec: CollectionSpec | None = None,
        vector_name: str | None = None,
        content_payload_key: str | None = None,
        metadata_payload_key: str | None = "",
        distance: Distance | str | None = None,
        retrieval_mode: RetrievalMode | str = RetrievalMode.DENSE,
        sparse_embedding: Any = None,
        sparse_vector_name: str = SPARSE_VECTOR_NAME,
        relevance_score_fn: Callable[[float], float] | None = None,
        create_if_missing: bool = True,
        validate_collection_config: bool = True,
        validate_embeddings: bool = True,
        model_threads: int = THREADS,
    ) -> None:
        """Say where the documents are; no I/O happens here.

        Args:
            client: a connection, which stays yours to close; or what a `Connection` is made of, which the store closes.
            collection_name: the collection, or an alias; not needed beside a spec.
            embedding: what turns text into vectors; None allows the methods that take vectors only.
            spec: what the collection is to be: made so by the first write, compared when it exists. None: as it is
                found, and made to fit the first vectors.
            vector_name: the vector that is used; by default the spec's, or Qdrant's default vector.
            content_payload_key: payload key of the text, by default the spec's, or `page_content`.
            metadata_payload_key: payload key of the metadata, by default the spec's, or `metadata`; None: every other
                key of the payload is metadata.
            distance: how vectors are compared; by default the spec's, or as it is found, cosine for a new collection.
            retrieval_mode: by which vectors a text is searched unless the call says otherwise: `"dense"`, `"sparse"`,
                `"hybrid"`, or `"multivector"`.
            sparse_embedding: what turns text into sparse vectors, for sparse and hybrid retrieval: `Bm25Embeddings()`,
                langchain-qdrant's or fastembed's. Every document is written with its sparse vector then.
            sparse_vector_name: the vector that holds them.
            relevance_score_fn: from a score to a relevance between 0 and 1, for scores that have no bounds.
            create_if_missing: whether the first write makes a collection that is not there. When it may not, using a
                collection that is not there is a `NotFound`; when it may, such a collection reads as an empty one.
            validate_collection_config: whether a collection that exists is compared with what was asked for.
            validate_embeddings: whether the model that a collection was made with is compared with the embedding's; the
                size of the vectors and the reduction always are.
            model_threads: calls at once of an embedding that has no async methods of its own; more of them wait.

        Raises:
            InvalidInput: the arguments contradict each other.
        """
        self._owns_connection = not isinstance(client, Connection)
        self.connection = client if isinstance(client, Connection) else Connection(client)
        self.embedding = checked_embedding(embedding)
        self._threads = ModelThreads(model_threads)
        plan = plan_of(collection_name, spec, vector_name, content_payload_key, metadata_payload_key, distance)
        plan = replace(
            plan, create=create_if_missing, validate=validate_collection_config, same_model=validate_embeddings
        )
        self.sparse_embeddings, self.sparse_vector_name = sparse_embedding, sparse_vector_name
        self._specified = spec is not None
        self.relevance_score_fn = relevance_score_fn
        self._model_threads = model_threads
        self._use(plan, retrieval_mode)

    def _use(self, plan: CollectionPlan, retrieval_mode: object) -> None:
        """Have the parts that a plan is carried out with."""
        name = self.sparse_vector_name
        plan, self._retrieval = retrieving(plan, retrieval_mode, self.sparse_embeddings, name, self._threads)
        self.layout = plan.layout
        own = None if plan.layout.vector_name == name else self.embedding
        self._collection = Handle(whole_of(self.connection), plan, own, self._threads)
        self._reader = Reader(self.connection, self._collection, self.layout)
        self._writer = Writer(self.connection, self._collection)

    def __reduce__(self) -> tuple[object, ...]:
        """Its settings: a copy, or what is unpickled, has a connection of its own."""
        layout, plan = self.layout, self._collection.plan
        settings = {
            "spec": plan.spec if self._specified else None,
            "vector_name": layout.vector_name,
            "content_payload_key": layout.content_key,
            "metadata_payload_key": layout.metadata_key,
            "distance": plan.distance,
            "retrieval_mode": self._retrieval.mode,
            "sparse_embedding": self.sparse_embeddings,
            "sparse_vector_name": self.sparse_vector_name,
            "relevance_score_fn": self.relevance_score_fn,
            "create_if_missing": plan.create,
            "validate_collection_config": plan.validate,
            "validate_embeddings": plan.same_model,
            "model_threads": self._model_threads,
        }
        arguments = (self.connection, plan.name, self.embedding)
        return _made_anew, (type(self), arguments, settings, self._owns_connection)

    def __repr__(self) -> str:
        return f"AsyncQdrantVectorStore({self.connection!r}, {self.collection_name!r})"

    def as_retriever(self, **kwargs: Unpack[RetrieverOptions]) -> Retriever:  # type: ignore[override]
        """A retriever: LangChain's, with more kinds of search; what a search takes goes into `search_kwargs`.

        Raises:
            InvalidInput: a keyword that the retriever has no field for, which LangChain would drop: a filter, too; or a
                kind of search lacks what it needs.
        """
        check_retriever(kwargs)
        options: dict[str, Any] = {**kwargs, "tags": [*(kwargs.get("tags") or ()), *self._get_retriever_tags()]}
        return Retriever(vectorstore=self, **options)

    @property
    def retrieval_mode(self) -> RetrievalMode:
        """By which vectors a text is searched unless a call says otherwise."""
        return self._retrieval.mode

    @property
    def collection_name(self) -> str:
        """The collection, or an alias of it."""
        return self._collection.plan.name

    @property
    def client(self) -> Connection:
        """The connection, by langchain-qdrant's name for it."""
        return self.connection

    @property
    def embeddings(self) -> Embeddings | None:
        """What turns text into this collection's vectors: with its reduction, once the collection has been used."""
        known = self._collection.current
        return self.embedding if known is None else known.embedding

    @property
    def vector_name(self) -> str:
        """The vector that is used; the default vector has the empty name."""
        return self.layout.vector_name

    @property
    def content_payload_key(self) -> str:
        """Payload key of the text."""
        return self.layout.content_key

    @property
    def metadata_payload_key(self) -> str | None:
        """Payload key of the metadata."""
        return self.layout.metadata_key

    @property
    def distance(self) -> Distance:
        """How vectors are compared, as far as is known yet."""
        return self._collection.distance

    async def aclose(self) -> None:
        """Close the connection when the store made it itself; one that was passed in stays open.

        Of a scoped store: nothing, since it shares everything with the store that it was made of.
        """
        if isinstance(self.connection, ScopedConnection):
            return
        self._threads.close(wait=False)
        if self._owns_connection:
            await self.connection.aclose()

    @closing(aclose)
    def close(self) -> None:
        """Blocking twin of `aclose`."""

    @classmethod
    async def afrom_texts(  # type: ignore[override]
        cls,
        texts: Iterable[str],
        embedding: Embeddings,
        metadatas: Iterable[Mapping[str, Any] | None] | None = None,
        ids: Iterable[GivenId | None] | None = None,
        collection_name: str | None = None,
        location: str | None = None,
        *,
        force_recreate: bool = False,
        batch_size: int = BATCH_SIZE,
        **options: Unpack[StoreOptions],
    ) -> Self:
        """Connect, make the collection if need be, and add texts.

        Args:
            texts: as for `aadd_texts`.
            embedding: what turns text into vectors.
            metadatas: as for `aadd_texts`.
            ids: as for `aadd_texts`.
            collection_name: the collection; without one, and without a spec, a new name is made up.
            location: where Qdrant is, as one of the options.
            force_recreate: whether to drop a collection of that name first.
            batch_size: as for `aadd_texts`.
            **options: where Qdrant is (`connection`, `url`, `host`, `path`, `api_key` …) and the keywords of the
                constructor, see `StoreOptions`.

        Returns:
            A store, which closes its connection with `aclose()` unless `connection` was passed in.
        """
        items = items_of(texts, metadatas, ids)
        if collection_name is None and options.get("spec") is None:
            collection_name = uuid.uuid4().hex
        store = cls._connected(embedding, collection_name, {"location": location, **options})
        try:
            if force_recreate:
                await Collections(store.connection).drop(store.collection_name)
            await store._add_texts(items, batch_size)  # noqa: SLF001  its own class
        except BaseException:
            await store.aclose()
            raise
        return store

    @classmethod
    async def afrom_existing_collection(
        cls, collection_name: str, embedding: Embeddings | None = None, **options: Unpack[ExistingOptions]
    ) -> Self:
        """Connect to a collection that exists, and check that it fits.

        Args:
            collection_name: the collection, or an alias.
            embedding: what turns text into vectors.
            **options: as for `afrom_texts`.

        Raises:
            NotFound: there is no such collection.
            CollectionMismatch: it is not as asked for.
        """
        store = cls._connected(embedding, collection_name, {"create_if_missing": False, **options})
        try:
            await store._collection.for_reading()  # noqa: SLF001  its own class
        except BaseException:
            await store.aclose()
            raise
        return store

    @classmethod
    def _connected(cls, embedding: Embeddings | None, collection_name: str | None, options: Mapping[str, Any]) -> Self:
        check_options(cls, options)
        where = {name: value for name, value in options.items() if name in ConnectionOptions.__annotations__}
        rest = {name: value for name, value in options.items() if name not in where}
        connection, owned = connection_of(ConnectionOptions(**where))  # type: ignore[typeddict-item]
        store = cls(connection, collection_name, embedding, **rest)
        store._owns_connection = owned
        return store

    @classmethod
    def from_texts(  # type: ignore[override]
        cls,
        texts: Iterable[str],
        embedding: Embeddings,
        metadatas: Iterable[Mapping[str, Any] | None] | None = None,
        ids: Iterable[GivenId | None] | None = None,
        collection_name: str | None = None,
        location: str | None = None,
        *,
        force_recreate: bool = False,
        batch_size: int = BATCH_SIZE,
        **options: Unpack[StoreOptions],
    ) -> Self:
        """Blocking twin of `afrom_texts`."""
        how: dict[str, Any] = {"force_recreate": force_recreate, "batch_size": batch_size, **options}
        return run(cls.afrom_texts(texts, embedding, metadatas, ids, collection_name, location, **how))

    @classmethod
    async def afrom_documents(  # type: ignore[override]  # LangChain's `**kwargs` are spelled out
        cls, documents: Iterable[Document], embedding: Embeddings, **options: Unpack[DocumentsOptions]
    ) -> Self:
        """As `afrom_texts`, for documents, whose ids are theirs unless `ids` are given.

        Args:
            documents: any iterable.
            embedding: what turns text into vectors.
            **options: the other keywords of `afrom_texts`.
        """
        return await super().afrom_documents(list(documents), embedding, **options)

    @classmethod
    def from_documents(  # type: ignore[override]
        cls, documents: Iterable[Document], embedding: Embeddings, **options: Unpack[DocumentsOptions]
    ) -> Self:
        """Blocking twin of `afrom_documents`."""
        return super().from_documents(list(documents), embedding, **options)

    @classmethod
    def from_existing_collection(
        cls, collection_name: str, embedding: Embeddings | None = None, **options: Unpack[ExistingOptions]
    ) -> Self:
        """Blocking twin of `afrom_existing_collection`."""
        return run(cls.afrom_existing_collection(collection_name, embedding, **options))

    @strict
    async def asimilarity_search_with_relevance_scores(  # type: ignore[override]
        self, query: str, k: int = 4, filter: FilterInput = None, **options: Unpack[TextSearchOptions]
    ) -> list[tuple[Document, float]]:
        """As `asimilarity_search_with_score`, with relevances from 0 to 1; `score_threshold` is the least of them."""
        return await super().asimilarity_search_with_relevance_scores(query, k, filter=filter, **options)

    @blocking(asimilarity_search_with_relevance_scores)
    def similarity_search_with_relevance_scores(self) -> Any:  # type: ignore[override]
        """Blocking twin of `asimilarity_search_with_relevance_scores`."""


def _made_anew(
    cls: type[AsyncQdrantVectorStore],
    arguments: tuple[Any, ...],
    settings: dict[str, Any],
    owns_connection: bool,  # noqa: FBT001  pickle gives positions
) -> AsyncQdrantVectorStore:
    store = cls(*arguments, **settings)
    store._owns_connection = owns_connection
    return store
