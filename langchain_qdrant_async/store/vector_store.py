"""The LangChain vector store: its constructor, and the ways to make one."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Self

from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore

from langchain_qdrant_async.checks import whole_number
from langchain_qdrant_async.collection.collections import Collections
from langchain_qdrant_async.collection.handle import LazyCollection, Opened
from langchain_qdrant_async.collection.origin import reduced_of
from langchain_qdrant_async.collection.plan import CollectionPlan
from langchain_qdrant_async.collection.reindex import Drift, Progress, Reindexed, begin, release, sample_texts
from langchain_qdrant_async.collection.sources import FIT_SAMPLE
from langchain_qdrant_async.collection.spec import CollectionSpec, Distance, distance_of
from langchain_qdrant_async.document.ids import GivenId
from langchain_qdrant_async.document.layout import Layout
from langchain_qdrant_async.document.record import documents_of
from langchain_qdrant_async.embedding.calls import Calls
from langchain_qdrant_async.embedding.reduction.reduced import ReducedEmbeddings
from langchain_qdrant_async.errors import CollectionMismatch, InvalidInput, NotFound
from langchain_qdrant_async.runtime.blocking import blocking, run
from langchain_qdrant_async.runtime.closing import Closing
from langchain_qdrant_async.store.reader import Reader
from langchain_qdrant_async.store.searching import Searching
from langchain_qdrant_async.store.writing import BATCH_SIZE, Writing
from langchain_qdrant_async.transport.connection import Connection
from langchain_qdrant_async.transport.options import ConnectionOptions, connection_of
from langchain_qdrant_async.transport.target import Target


class AsyncQdrantVectorStore(Closing, Searching, Writing, VectorStore):  # type: ignore[misc]  # LangChain's `**kwargs` are spelled out
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
        relevance_score_fn: Callable[[float], float] | None = None,
        create_if_missing: bool = True,
        validate_collection_config: bool = True,
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
            relevance_score_fn: from a score to a relevance between 0 and 1, for scores that have no bounds.
            create_if_missing: whether the first write makes a collection that is not there. When it may not, using a
                collection that is not there is a `NotFound`; when it may, such a collection reads as an empty one.
            validate_collection_config: whether a collection that exists is compared with what was asked for.

        Raises:
            InvalidInput: the arguments contradict each other.
        """
        self._owns_connection = not isinstance(client, Connection)
        self.connection = client if isinstance(client, Connection) else Connection(client)
        self.embedding = _checked_embedding(embedding)
        self._calls = Calls()
        self.layout = _layout(spec, vector_name, content_payload_key, metadata_payload_key)
        plan = CollectionPlan(
            name=_name(collection_name, spec),
            layout=self.layout,
            spec=spec,
            distance=_distance(spec, distance),
            create=create_if_missing,
            validate=validate_collection_config,
        )
        self._collection = LazyCollection(self.connection, plan, self.embedding, self._calls)
        self._reader = Reader(self.connection, self._collection, self.layout)
        self.relevance_score_fn = relevance_score_fn

    def __repr__(self) -> str:
        return f"AsyncQdrantVectorStore({self.connection!r}, {self.collection_name!r})"

    @property
    def client(self) -> Connection:
        """The connection, by langchain-qdrant's name for it."""
        return self.connection

    @property
    def embeddings(self) -> Embeddings | None:
        """What turns text into this collection's vectors: with its reduction, once the collection has been used."""
        opened = self._collection.current
        return self.embedding if opened is None else opened.embedding

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
        """Close the connection when the store made it itself; one that was passed in stays open."""
        self._calls.close(wait=False)
        if self._owns_connection:
            await self.connection.aclose()

    close = blocking(aclose)

    async def areindex(
        self,
        embedding: Embeddings | None = None,
        *,
        alias: str | None = None,
        into: str | None = None,
        keep_old: bool = False,
        on_progress: Progress | None = None,
    ) -> Reindexed:
        """Build the collection anew for another model or reduction, and switch an alias to it in one step.

        Readers never see an empty or a mixed collection: they go on with the old one until the alias moves, and those
        who still use it then follow when it is dropped. What stores write, change and delete meanwhile, here and in
        other processes, is taken over, also in the moment of the switch. Run it in a task of its own to go on working
        beside it. It keeps some 150 bytes for each document in memory.

        Args:
            embedding: what makes the new vectors; None: the same model with a reduction fitted on today's documents.
            alias: what is to mean the new collection, by default the name that this store uses. That must not be the
                name of a collection, which cannot be switched; make an alias with `Collections.alias` and use that.
            into: the new collection's name; one that a reindexing of the same collection has begun is continued.
            keep_old: whether to keep the old collection; one that this store names by its own name is always kept.
            on_progress: called with the documents looked at so far, and all.

        Returns:
            What was done. This store uses the new collection from now on.

        Raises:
            InvalidInput: there is no alias to switch, nothing to build from, or a collection that would be lost.
            CollectionMismatch: another reindexing of the same collection is under way, or was faster.
        """
        self._collection.doubt()
        source = await self._collection.for_reading()
        if source is None:
            raise InvalidInput(f"collection {self.collection_name!r} has no documents to build another from")
        alias = self._switchable(alias, source)
        if alias in await Collections(self.connection).names():
            raise InvalidInput(f"{alias!r} is the name of a collection, which cannot become an alias: choose another")
        named_by_alias = source.name != self.collection_name
        embedding = embedding or await self._refitted(source)
        try:
            copy = await begin(self.connection, source, self.layout, embedding, self._calls, into)
            documents, passes = await copy.catch_up(on_progress)
            await copy.switch(alias, expected=source.name if named_by_alias else None)
        except NotFound as error:
            raise CollectionMismatch(
                f"{source.name!r} is gone: it was dropped, or replaced by another reindexing, while it was being copied"
            ) from error
        self._use(alias, embedding)
        await copy.settle()
        if named_by_alias and not keep_old:
            await Collections(self.connection).drop(source.name)
        else:
            await release(self.connection, source.name)
        return Reindexed(alias, copy.target.name, source.name, documents, passes)

    async def adrift(self, sample: int = 500) -> Drift:
        """How well the collection's reduction fits the documents of today, beside what it kept when it was fitted.

        Embeds a random sample of the stored texts once more. A share of explained variance that has fallen far says
        that the texts have changed their subject: time for `areindex`.

        Raises:
            InvalidInput: the collection has no reduction, or fewer than two documents.
        """
        sample = whole_number("sample", sample, at_least=2)
        opened = await self._collection.for_reading()
        reduced = None if opened is None else reduced_of(opened.embedding)
        if opened is None or reduced is None or reduced.reduction is None:
            raise InvalidInput(f"collection {self.collection_name!r} has no reduction that could drift")
        texts = await sample_texts(self.connection, opened.name, self.layout.content_key, sample)
        return Drift(fitted=reduced.reduction.quality, now=await reduced.ameasure(texts))

    def _switchable(self, alias: str | None, source: Opened) -> str:
        if alias is None and source.name == self.collection_name:
            raise InvalidInput(
                f"{source.name!r} is a collection, not an alias, so its readers cannot be switched at once: "
                "pass alias=..., or make an alias with Collections(connection).alias(alias, collection) and open stores"
                " by that"
            )
        return alias or self.collection_name

    async def _refitted(self, source: Opened) -> ReducedEmbeddings:
        reduced = reduced_of(source.embedding)
        if reduced is None or reduced.reduction is None:
            raise InvalidInput("without a reduction there is nothing to fit anew: pass the embedding to change to")
        fresh = ReducedEmbeddings(reduced.embeddings, reduced.dimension)
        if reduced.reduction.matrix is not None and reduced.reduction.source_dimension == reduced.dimension:
            texts = await sample_texts(self.connection, source.name, self.layout.content_key, FIT_SAMPLE)
            return fresh.with_reduction(await fresh.afitted(texts))  # by default a model of this size is left alone
        return fresh

    def _use(self, name: str, embedding: Embeddings) -> None:
        self.embedding = embedding
        plan = replace(self._collection.plan, name=name, spec=None)
        self._collection = LazyCollection(self.connection, plan, embedding, self._calls)
        self._reader = Reader(self.connection, self._collection, self.layout)

    @classmethod
    async def afrom_texts(
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
        **options: Any,
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
            **options: where Qdrant is (`ConnectionOptions`: `connection`, `location`, `url`, `host`, `path`, `api_key`)
                and the keywords of the constructor.

        Returns:
            A store, which closes its connection with `aclose()` unless `connection` was passed in.
        """
        documents = documents_of(texts, metadatas, ids)
        if collection_name is None and options.get("spec") is None:
            collection_name = uuid.uuid4().hex
        store = cls._connected(embedding, collection_name, {"location": location, **options})
        try:
            if force_recreate:
                await Collections(store.connection).drop(store.collection_name)
            await store.aadd_texts(documents.texts, documents.metadatas, documents.ids, batch_size=batch_size)
        except BaseException:
            await store.aclose()
            raise
        return store

    @classmethod
    async def afrom_existing_collection(
        cls, collection_name: str, embedding: Embeddings | None = None, **options: Any
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
        where = {name: value for name, value in options.items() if name in ConnectionOptions.__annotations__}
        rest = {name: value for name, value in options.items() if name not in where}
        connection, owned = connection_of(ConnectionOptions(**where))  # type: ignore[typeddict-item]
        store = cls(connection, collection_name, embedding, **rest)
        store._owns_connection = owned
        return store

    reindex = blocking(areindex)
    drift = blocking(adrift)

    @classmethod
    def from_texts(
        cls,
        texts: Iterable[str],
        embedding: Embeddings,
        metadatas: Iterable[Mapping[str, Any] | None] | None = None,
        ids: Iterable[GivenId | None] | None = None,
        collection_name: str | None = None,
        location: str | None = None,
        **options: Any,
    ) -> Self:
        """Blocking twin of `afrom_texts`."""
        return run(cls.afrom_texts(texts, embedding, metadatas, ids, collection_name, location, **options))

    @classmethod
    def from_existing_collection(
        cls, collection_name: str, embedding: Embeddings | None = None, **options: Any
    ) -> Self:
        """Blocking twin of `afrom_existing_collection`."""
        return run(cls.afrom_existing_collection(collection_name, embedding, **options))


def _checked_embedding(embedding: Embeddings | None) -> Embeddings | None:
    if embedding is None or (hasattr(embedding, "aembed_documents") and hasattr(embedding, "aembed_query")):
        return embedding
    raise InvalidInput(
        f"embedding must be a LangChain Embeddings, not {type(embedding).__name__}; "
        "SentenceTransformerEmbeddings wraps a sentence-transformers model"
    )


def _name(collection_name: str | None, spec: CollectionSpec | None) -> str:
    name = collection_name or (spec.name if spec else None)
    if not isinstance(name, str):
        raise InvalidInput("a store needs a collection_name or a spec")
    if spec is not None and spec.name != name:
        raise InvalidInput(f"collection_name is {name!r} and the spec is for {spec.name!r}: give one of them")
    return name


def _layout(
    spec: CollectionSpec | None, vector_name: str | None, content_key: str | None, metadata_key: str | None
) -> Layout:
    base = spec.layout if spec else Layout()
    layout = Layout(
        content_key=base.content_key if content_key is None else content_key,
        metadata_key=base.metadata_key if metadata_key == "" else metadata_key,
        vector_name=base.vector_name if vector_name is None else vector_name,
    )
    if spec is not None and layout != spec.layout:
        raise InvalidInput(
            f"the keywords ask for {layout} and the spec for {spec.layout}: give the layout in the spec alone"
        )
    return layout


def _distance(spec: CollectionSpec | None, distance: Distance | str | None) -> Distance | None:
    given = None if distance is None else distance_of(distance)
    if spec is not None and given not in {None, spec.distance}:
        raise InvalidInput(f"distance is {given!r} and the spec's is {spec.distance!r}: give it in the spec alone")
    return spec.distance if spec else given
