"""The store as langchain-qdrant's is called."""

from __future__ import annotations

import uuid
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self, Unpack

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

from langchain_qdrant_async.collection.collections import Collections
from langchain_qdrant_async.collection.field import Distance
from langchain_qdrant_async.collection.plan import CollectionPlan
from langchain_qdrant_async.compat.client import client_for, remote_client, target_of_client
from langchain_qdrant_async.compat.keywords import (
    CONSTRUCT,
    FROM_EXISTING,
    FROM_TEXTS,
    ConstructOptions,
    FurtherOptions,
    MovedDocumentsOptions,
    MovedExistingOptions,
    TextsOptions,
    known,
    making,
    named,
    somewhere,
)
from langchain_qdrant_async.compat.searches import MovedSearching
from langchain_qdrant_async.document.ids import GivenId
from langchain_qdrant_async.runtime.blocking import run
from langchain_qdrant_async.search.mode import RetrievalMode, mode_of
from langchain_qdrant_async.store.reader import Reader
from langchain_qdrant_async.store.vector_store import AsyncQdrantVectorStore
from langchain_qdrant_async.transport.scoped import check_whole


class QdrantVectorStore(MovedSearching, AsyncQdrantVectorStore):  # type: ignore[misc]
    """`AsyncQdrantVectorStore` as langchain-qdrant's `QdrantVectorStore` is called."""

    CONTENT_KEY: ClassVar[str] = "page_content"
    METADATA_KEY: ClassVar[str] = "metadata"
    VECTOR_NAME: ClassVar[str] = ""
    SPARSE_VECTOR_NAME: ClassVar[str] = "langchain-sparse"

    def __init__(
        self,
        client: Any,
        collection_name: str | None = None,
        embedding: Embeddings | None = None,
        retrieval_mode: RetrievalMode | str = RetrievalMode.DENSE,
        vector_name: str = VECTOR_NAME,
        content_payload_key: str = CONTENT_KEY,
        metadata_payload_key: str | None = METADATA_KEY,
        distance: Any = Distance.COSINE,
        sparse_embedding: Any = None,
        sparse_vector_name: str = SPARSE_VECTOR_NAME,
        validate_embeddings: bool = True,
        validate_collection_config: bool = True,
        **options: Unpack[FurtherOptions],
    ) -> None:
        """Say where the documents are; no I/O happens here.

        Args:
            client: a `QdrantClient` or `AsyncQdrantClient`, of which the address and the key are taken; or what
                `AsyncQdrantVectorStore` takes.
            collection_name: the collection.
            embedding: what turns text into vectors.
            retrieval_mode: by which vectors a text is searched.
            vector_name: the vector that is used.
            content_payload_key: payload key of the text.
            metadata_payload_key: payload key of the metadata.
            distance: how vectors are compared.
            sparse_embedding: what turns text into sparse vectors; used in sparse and hybrid retrieval alone.
            sparse_vector_name: the vector that holds them.
            validate_embeddings: whether the collection's model is compared with the embedding's.
            validate_collection_config: whether a collection that exists is compared with what was asked for.
            **options: further keywords of `AsyncQdrantVectorStore`, see `FurtherOptions`.

        Raises:
            InvalidInput: something that is not here yet, or a client that cannot be used.
        """
        further: Any = dict(options)
        self._making, self._client = making(further), remote_client(client)
        super().__init__(
            target_of_client(client),
            collection_name,
            embedding,
            vector_name=vector_name,
            content_payload_key=content_payload_key,
            metadata_payload_key=metadata_payload_key,
            distance=None if options.get("spec") is not None and distance == Distance.COSINE else distance,
            retrieval_mode=retrieval_mode,
            sparse_embedding=None if mode_of(retrieval_mode) is RetrievalMode.DENSE else sparse_embedding,
            sparse_vector_name=sparse_vector_name,
            validate_embeddings=validate_embeddings,
            validate_collection_config=validate_collection_config,
            **further,
        )

    def _use(self, plan: CollectionPlan, retrieval_mode: object) -> None:
        super()._use(replace(plan, making=self._making), retrieval_mode)
        self.layout = replace(self.layout, origin=plan.name)
        self._reader = Reader(self.connection, self._collection, self.layout)

    @property
    def client(self) -> Any:
        """A client of qdrant-client for the same Qdrant: the one that was given, or one that is made when asked for.

        Making it starts the embedded engine, if that is what the store uses; it is closed with the store.

        Raises:
            InvalidInput: the store is scoped, and a client would not be.
        """
        check_whole(self.connection, "a client of qdrant-client")
        if self._client is None:
            self._client = client_for(self.connection)
            weakref.finalize(self, self._client.close)
        return self._client

    @classmethod
    async def afrom_texts(  # type: ignore[override]
        cls,
        texts: Iterable[str],
        embedding: Embeddings | None = None,
        metadatas: Iterable[Mapping[str, Any] | None] | None = None,
        ids: Iterable[GivenId | None] | None = None,
        collection_name: str | None = None,
        location: str | None = None,
        *more: Any,
        **options: Unpack[TextsOptions],
    ) -> Self:
        """`AsyncQdrantVectorStore.afrom_texts` with langchain-qdrant's keywords, in its order."""
        args = (texts, embedding, metadatas, ids, collection_name, location, *more)
        said = known(named("from_texts", FROM_TEXTS, args, options))
        return await super().afrom_texts(**somewhere(said))

    @classmethod
    async def afrom_existing_collection(
        cls,
        collection_name: str,
        embedding: Embeddings | None = None,
        *more: Any,
        **options: Unpack[MovedExistingOptions],
    ) -> Self:
        """`AsyncQdrantVectorStore.afrom_existing_collection` with langchain-qdrant's keywords, in its order."""
        args = (collection_name, embedding, *more)
        said = known(named("from_existing_collection", FROM_EXISTING, args, options))
        return await super().afrom_existing_collection(**somewhere(said))

    @classmethod
    def from_texts(  # type: ignore[override]
        cls,
        texts: Iterable[str],
        embedding: Embeddings | None = None,
        metadatas: Iterable[Mapping[str, Any] | None] | None = None,
        ids: Iterable[GivenId | None] | None = None,
        collection_name: str | None = None,
        location: str | None = None,
        *more: Any,
        **options: Unpack[TextsOptions],
    ) -> Self:
        """Blocking twin of `afrom_texts`."""
        return run(cls.afrom_texts(texts, embedding, metadatas, ids, collection_name, location, *more, **options))

    @classmethod
    def from_existing_collection(
        cls,
        collection_name: str,
        embedding: Embeddings | None = None,
        *more: Any,
        **options: Unpack[MovedExistingOptions],
    ) -> Self:
        """Blocking twin of `afrom_existing_collection`."""
        return run(cls.afrom_existing_collection(collection_name, embedding, *more, **options))

    @classmethod
    async def afrom_documents(  # type: ignore[override]
        cls, documents: Iterable[Document], embedding: Embeddings, **options: Unpack[MovedDocumentsOptions]
    ) -> Self:
        """As `afrom_texts`, for documents, whose ids are theirs unless `ids` are given."""
        how: Any = options
        return await super().afrom_documents(documents, embedding, **how)

    @classmethod
    def from_documents(  # type: ignore[override]
        cls, documents: Iterable[Document], embedding: Embeddings, **options: Unpack[MovedDocumentsOptions]
    ) -> Self:
        """Blocking twin of `afrom_documents`."""
        how: Any = options
        return super().from_documents(documents, embedding, **how)

    @classmethod
    def construct_instance(
        cls, embedding: Embeddings | None = None, *more: Any, **options: Unpack[ConstructOptions]
    ) -> Self:
        """A store, as langchain-qdrant's method makes one; the collection is made by the first write.

        Args:
            embedding: what turns text into vectors.
            *more: as langchain-qdrant takes them, `retrieval_mode` first.
            **options: the same by name; `client_options` says where Qdrant is.
        """
        said = named("construct_instance", CONSTRUCT, (embedding, *more), options)
        said = somewhere(known({**(said.pop("client_options", None) or {}), **said}))
        recreate = said.pop("force_recreate", False)
        name = said.pop("collection_name", None) or uuid.uuid4().hex
        store = cls._connected(said.pop("embedding", None), name, said)
        if recreate:
            run(Collections(store.connection).drop(name))
        return store
