"""langchain-qdrant's names, with its keywords, positions and default values: moving over is a changed import.

What it has and this package has not yet is refused by name.
"""

from __future__ import annotations

import enum
import functools
import inspect
import shutil
import tempfile
import uuid
import warnings
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal, ParamSpec, Self, TypeAlias, TypedDict, TypeVar, Unpack, cast

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from pydantic import SecretStr

from langchain_qdrant_async.checks import is_number
from langchain_qdrant_async.collection.collections import Collections
from langchain_qdrant_async.collection.field import Distance
from langchain_qdrant_async.collection.plan import CollectionPlan, Making
from langchain_qdrant_async.collection.spec import CollectionSpec
from langchain_qdrant_async.document.ids import GivenId
from langchain_qdrant_async.document.vectors import AnyVector
from langchain_qdrant_async.errors import InvalidInput, QdrantStoreError
from langchain_qdrant_async.filters import FilterInput
from langchain_qdrant_async.proto import points
from langchain_qdrant_async.runtime.blocking import run
from langchain_qdrant_async.search.mode import RetrievalMode as RetrievalMode  # noqa: PLC0414  a name of langchain-qdrant
from langchain_qdrant_async.search.mode import mode_of
from langchain_qdrant_async.search.search import Consistency, SearchOptions, ShardKeys
from langchain_qdrant_async.store.options import DocumentsOptions, ExistingOptions, StoreOptions
from langchain_qdrant_async.store.reader import Reader
from langchain_qdrant_async.store.searching import Searching
from langchain_qdrant_async.store.variants import Async, blocking, check_call, documents_only
from langchain_qdrant_async.store.vector_store import AsyncQdrantVectorStore
from langchain_qdrant_async.transport.connection import Connection
from langchain_qdrant_async.transport.options import ConnectionOptions
from langchain_qdrant_async.transport.scoped import whole_of
from langchain_qdrant_async.transport.target import GRPC_PORT, Embedded, Remote, Target

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")

QdrantVectorStoreError = QdrantStoreError
"""langchain-qdrant's name for the errors of a store."""


Mode: TypeAlias = RetrievalMode | Literal["dense", "sparse", "hybrid", "multivector"]
_RRF = points.Query(fusion=points.Fusion.RRF)
"""How langchain-qdrant merges unless it is told otherwise."""

_TEMPORARY = Path(tempfile.gettempdir())
_LAYOUT = ("distance", "content_payload_key", "metadata_payload_key", "vector_name")
_CLIENT = ("url", "port", "grpc_port", "prefer_grpc", "https", "api_key", "prefix", "timeout", "host", "path")
_VALIDATE = ("validate_embeddings", "validate_collection_config")
_MAKE = ("collection_create_options", "vector_params", "sparse_vector_params")
_CONSTRUCT = (
    *("embedding", "retrieval_mode", "sparse_embedding", "client_options", "collection_name", *_LAYOUT),
    *("sparse_vector_name", "force_recreate", *_MAKE, *_VALIDATE),
)
_FROM_TEXTS = (
    *("texts", "embedding", "metadatas", "ids", "collection_name", "location", *_CLIENT, *_LAYOUT),
    *("retrieval_mode", "sparse_embedding", "sparse_vector_name", *_MAKE, "batch_size", "force_recreate", *_VALIDATE),
)
_FROM_EXISTING = (
    *("collection_name", "embedding", "retrieval_mode", "location", *_CLIENT, *_LAYOUT),
    *("sparse_vector_name", "sparse_embedding", *_VALIDATE),
)
_DROPPED = {
    "check_compatibility", "prefer_grpc", "port", "pool_size", "local_inference_batch_size",
    "force_disable_check_same_thread",
}  # fmt: skip
"""What has no meaning here: nothing speaks REST, and no client of qdrant-client is made."""

_UNSAID: Mapping[str, Sequence[object]] = {
    "prefix": (None, ""),
    "metadata": (None, {}),
    "auth_token_provider": (None,),
    "cloud_inference": (False, None),
}
"""Values of what is not here that ask for nothing."""


class Rest(TypedDict, total=False):
    """The keywords of searches that langchain-qdrant's have not."""

    shard_key: ShardKeys | None
    """Which shards are asked."""
    with_payload: bool | Sequence[str]
    """Which metadata comes back."""
    with_vectors: bool | Sequence[str]
    """Which vectors come back."""
    timeout: float | None
    """Seconds that the call may take."""


class TextRest(Rest, total=False):
    """The same of searches by text."""

    retrieval_mode: Mode | None
    """By which vectors; by default the store's."""
    boost: object
    """What metadata adds to the score."""


class FurtherOptions(TypedDict, total=False):
    """The keywords of `AsyncQdrantVectorStore` that langchain-qdrant's constructor has not."""

    spec: CollectionSpec | None
    """What the collection is to be."""
    relevance_score_fn: Callable[[float], float] | None
    """From a score to a relevance between 0 and 1."""
    create_if_missing: bool
    """Whether the first write makes a collection that is not there."""
    model_threads: int
    """Calls at once of an embedding that has no async methods of its own."""
    collection_create_options: Mapping[str, Any] | None
    """What else a collection is made with, as `CollectionSpec.options`."""
    vector_params: Mapping[str, Any] | None
    """What else its vector is made with, as `VectorField.options`."""
    sparse_vector_params: Mapping[str, Any] | None
    """What else its sparse vector is made with, as `VectorField.options`."""


class MovedOptions(StoreOptions, total=False):
    """langchain-qdrant's keywords and this package's; of what is not here yet there may be the value of nothing."""

    prefix: str | None
    """Nothing here speaks REST."""
    check_compatibility: bool
    """Not used, as no client of qdrant-client is made; nor are those that follow."""
    pool_size: int | None
    """Not used."""
    local_inference_batch_size: int | None
    """Not used."""
    force_disable_check_same_thread: bool
    """Not used."""
    auth_token_provider: None
    """Not taken yet."""
    cloud_inference: bool
    """Not taken yet."""
    metadata: Mapping[str, Any] | None
    """Of a collection; not taken yet."""


class TextsOptions(MovedOptions, total=False):
    """The keywords of `afrom_texts`."""

    batch_size: int
    """Documents embedded and written at once."""
    force_recreate: bool
    """Whether to drop a collection of that name first."""
    collection_create_options: Mapping[str, Any] | None
    """What else a collection is made with, as `CollectionSpec.options`."""
    vector_params: Mapping[str, Any] | None
    """What else its vector is made with, as `VectorField.options`."""
    sparse_vector_params: Mapping[str, Any] | None
    """What else its sparse vector is made with, as `VectorField.options`."""


class MovedExistingOptions(MovedOptions, ExistingOptions, total=False):
    """The keywords of `afrom_existing_collection`."""


class MovedDocumentsOptions(TextsOptions, DocumentsOptions, total=False):
    """The keywords of `afrom_documents`."""


class ConstructOptions(TextsOptions, total=False):
    """The keywords of `construct_instance`."""

    client_options: Mapping[str, Any] | None
    """Where Qdrant is."""
    collection_name: str | None
    """The collection; without one a new name is made up."""


def _moved(method: Async[S, P, T]) -> Async[S, P, T]:
    """The method itself; what it cannot take by position is refused by name."""
    order = [
        name for name, each in inspect.signature(method).parameters.items() if each.kind is each.POSITIONAL_OR_KEYWORD
    ]

    @functools.wraps(method)
    async def search(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(self, *args, **kwargs)
        except TypeError:
            _named(method.__name__.removeprefix("a"), order[1:], args, kwargs)
            check_call(method, (self, *args), kwargs)
            raise

    return search


class MovedSearching(Searching):
    """The searches of the store, with langchain-qdrant's positions."""

    @_moved
    async def asimilarity_search_with_score(
        self,
        query: str,
        k: int = 4,
        filter: FilterInput = None,
        search_params: object = None,
        offset: int = 0,
        score_threshold: float | None = None,
        consistency: Consistency | None = None,
        hybrid_fusion: object = None,
        **rest: Unpack[TextRest],
    ) -> list[tuple[Document, float]]:
        """`AsyncQdrantVectorStore.asimilarity_search_with_score` with langchain-qdrant's positions."""
        rare = _rare(search_params, offset, score_threshold, consistency)
        options: Any = {**rare, **self._fusion(hybrid_fusion, rest), **rest}
        return await super().asimilarity_search_with_score(query, k, filter, **options)

    def _fusion(self, given: object, rest: TextRest) -> dict[str, object]:
        """How hybrid retrieval merges: by ranks, as there, unless the call says otherwise."""
        mode = mode_of(rest.get("retrieval_mode") or self._retrieval.mode)
        return {"hybrid_fusion": given or _RRF} if mode is RetrievalMode.HYBRID or given is not None else {}

    @_moved
    async def asimilarity_search_with_score_by_vector(
        self,
        embedding: AnyVector,
        k: int = 4,
        filter: FilterInput = None,
        search_params: object = None,
        offset: int = 0,
        score_threshold: float | None = None,
        consistency: Consistency | None = None,
        hybrid_fusion: object = None,  # noqa: ARG002  a vector is searched by itself, as there
        **rest: Unpack[Rest],
    ) -> list[tuple[Document, float]]:
        """`AsyncQdrantVectorStore.asimilarity_search_with_score_by_vector` with langchain-qdrant's positions."""
        options: Any = {**_rare(search_params, offset, score_threshold, consistency), **rest}
        return await super().asimilarity_search_with_score_by_vector(embedding, k, filter, **options)

    @_moved
    async def amax_marginal_relevance_search_with_score(
        self,
        query: str,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: FilterInput = None,
        search_params: object = None,
        score_threshold: float | None = None,
        consistency: Consistency | None = None,
        *,
        offset: int = 0,
        hybrid_fusion: object = None,
        **rest: Unpack[TextRest],
    ) -> list[tuple[Document, float]]:
        """`AsyncQdrantVectorStore.amax_marginal_relevance_search_with_score` with langchain-qdrant's positions."""
        rare = _rare(search_params, offset, score_threshold, consistency)
        options: Any = {**rare, **self._fusion(hybrid_fusion, rest), **rest}
        return await super().amax_marginal_relevance_search_with_score(
            query, k, fetch_k, _turned(lambda_mult), filter, **options
        )

    @_moved
    async def amax_marginal_relevance_search_with_score_by_vector(
        self,
        embedding: AnyVector,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: FilterInput = None,
        search_params: object = None,
        score_threshold: float | None = None,
        consistency: Consistency | None = None,
        *,
        offset: int = 0,
        **rest: Unpack[Rest],
    ) -> list[tuple[Document, float]]:
        """`AsyncQdrantVectorStore.amax_marginal_relevance_search_with_score_by_vector` in langchain-qdrant's order."""
        options: Any = {**_rare(search_params, offset, score_threshold, consistency), **rest}
        return await super().amax_marginal_relevance_search_with_score_by_vector(
            embedding, k, fetch_k, _turned(lambda_mult), filter, **options
        )

    @documents_only(asimilarity_search_with_score)
    async def asimilarity_search(self) -> Any:
        """As `asimilarity_search_with_score`, without the scores."""

    @documents_only(asimilarity_search_with_score_by_vector)
    async def asimilarity_search_by_vector(self) -> Any:
        """As `asimilarity_search_with_score_by_vector`, without the scores."""

    @documents_only(amax_marginal_relevance_search_with_score)
    async def amax_marginal_relevance_search(self) -> Any:
        """As `amax_marginal_relevance_search_with_score`, without the scores."""

    @documents_only(amax_marginal_relevance_search_with_score_by_vector)
    async def amax_marginal_relevance_search_by_vector(self) -> Any:
        """As `amax_marginal_relevance_search_with_score_by_vector`, without the scores."""

    @blocking(asimilarity_search)
    def similarity_search(self) -> Any:
        """Blocking twin of `asimilarity_search`."""

    @blocking(asimilarity_search_with_score)
    def similarity_search_with_score(self) -> Any:
        """Blocking twin of `asimilarity_search_with_score`."""

    @blocking(asimilarity_search_by_vector)
    def similarity_search_by_vector(self) -> Any:
        """Blocking twin of `asimilarity_search_by_vector`."""

    @blocking(asimilarity_search_with_score_by_vector)
    def similarity_search_with_score_by_vector(self) -> Any:
        """Blocking twin of `asimilarity_search_with_score_by_vector`."""

    @blocking(amax_marginal_relevance_search)
    def max_marginal_relevance_search(self) -> Any:
        """Blocking twin of `amax_marginal_relevance_search`."""

    @blocking(amax_marginal_relevance_search_with_score)
    def max_marginal_relevance_search_with_score(self) -> Any:
        """Blocking twin of `amax_marginal_relevance_search_with_score`."""

    @blocking(amax_marginal_relevance_search_by_vector)
    def max_marginal_relevance_search_by_vector(self) -> Any:
        """Blocking twin of `amax_marginal_relevance_search_by_vector`."""

    @blocking(amax_marginal_relevance_search_with_score_by_vector)
    def max_marginal_relevance_search_with_score_by_vector(self) -> Any:
        """Blocking twin of `amax_marginal_relevance_search_with_score_by_vector`."""


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
        self._making, self._client = _making(further), _remote_client(client)
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
        """
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
        said = _known(_named("from_texts", _FROM_TEXTS, args, options))
        return await super().afrom_texts(**_somewhere(said))

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
        said = _known(_named("from_existing_collection", _FROM_EXISTING, args, options))
        return await super().afrom_existing_collection(**_somewhere(said))

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
        said = _named("construct_instance", _CONSTRUCT, (embedding, *more), options)
        said = _somewhere(_known({**(said.pop("client_options", None) or {}), **said}))
        recreate = said.pop("force_recreate", False)
        name = said.pop("collection_name", None) or uuid.uuid4().hex
        store = cls._connected(said.pop("embedding", None), name, said)
        if recreate:
            run(Collections(store.connection).drop(name))
        return store


def target_of_client(client: Any) -> Connection | Target:
    """What a client of qdrant-client is connected to; anything else as it is.

    Raises:
        InvalidInput: a client in local mode that has points, or one with something that cannot be taken over.
    """
    if not type(client).__module__.startswith("qdrant_client"):
        return cast("Connection | Target", client)
    remote = getattr(client, "_client", client)
    if not hasattr(remote, "_host"):
        return _embedded(remote)
    _known({"prefix": remote._prefix, "auth_token_provider": remote._auth_token_provider})  # noqa: SLF001
    options = {name: value for name, value in remote._grpc_options.items() if "user_agent" not in name}  # noqa: SLF001
    headers = {name.lower(): value for name, value in remote._grpc_headers}  # noqa: SLF001
    key = headers.pop("api-key", None)
    host = f"[{remote._host.strip('[]')}]" if ":" in remote._host else remote._host  # noqa: SLF001
    scheme = "https" if remote._https else "http"  # noqa: SLF001
    address = f"{scheme}://{host}:{remote._grpc_port}"  # noqa: SLF001
    return Remote(address, api_key=key, headers=headers, grpc_options=options)


def _remote_client(client: Any) -> Any:
    """The client itself, if it is one of qdrant-client that speaks to a server."""
    return client if hasattr(getattr(client, "_client", client), "_grpc_port") else None


def client_for(connection: Connection) -> Any:
    """A `QdrantClient` for what a connection is connected to, over gRPC; it opens the connection for that."""
    from qdrant_client import QdrantClient

    target = whole_of(connection).target
    scheme, _, path = run(connection.located()).partition(":")
    where: dict[str, Any] = {"host": scheme, "grpc_port": path}  # which make `unix:/…` together
    if isinstance(target, Remote):
        key = target.api_key.get_secret_value() if isinstance(target.api_key, SecretStr) else None
        where = {"host": target.host, "grpc_port": target.port, "https": target.secure, "api_key": key}
        certificates = {"root_certificates": target.root_certificates} if target.root_certificates else {}
        where |= {"grpc_options": {**target.grpc_options, **certificates}, "metadata": dict(target.headers)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a key that is sent in the clear the connection has warned already
        return QdrantClient(**where, prefer_grpc=True, check_compatibility=False)


def _embedded(local: Any) -> Embedded:
    """A folder for the embedded engine in place of qdrant-client's local mode, for as long as the client lives.

    Stores over one client share it. It is in the client's own folder, if it has one.
    """
    if held := [name for name, each in local.collections.items() if len(each.ids)]:
        raise InvalidInput(
            f"this client is in qdrant-client's local mode and has points in {', '.join(map(repr, held))}, which only"
            " it can read: add the documents again by this package, over ':memory:', a folder, or a client without any"
        )
    if local.persistent:
        return Embedded(Path(local.location) / "embedded")
    if local not in _folders:
        _folders[local] = _TEMPORARY / f"langchain-qdrant-async-client-{uuid.uuid4().hex}"
        weakref.finalize(local, shutil.rmtree, _folders[local], ignore_errors=True)
    return Embedded(_folders[local])


_folders: weakref.WeakKeyDictionary[Any, Path] = weakref.WeakKeyDictionary()
"""The folders that stand for clients in memory."""


def _known(said: Mapping[str, Any]) -> dict[str, Any]:
    """What was said, without what asks for nothing here.

    Raises:
        InvalidInput: something that is not here yet.
    """
    for name, unsaid in _UNSAID.items():
        if name in said and said[name] not in unsaid:
            advice = "leave it out, or go on with langchain-qdrant for this"
            value = said[name].value if isinstance(said[name], enum.Enum) else "…"
            raise InvalidInput(f"{name}={value} is not here yet: {advice}")
    left_out = _DROPPED | _UNSAID.keys()
    return {name: value for name, value in said.items() if name not in left_out}


def _somewhere(said: dict[str, Any]) -> dict[str, Any]:
    """Where Qdrant is, as langchain-qdrant says it: its default ports mean nothing, and nothing is this machine."""
    if said.get("grpc_port") == GRPC_PORT:
        del said["grpc_port"]
    unsaid = {name for name in ConnectionOptions.__annotations__ if name in said and said[name] is None}
    said = {name: value for name, value in said.items() if name not in unsaid}
    if not {"connection", "location", "url", "host", "path"} & said.keys():
        said["url"] = f"http://localhost:{GRPC_PORT}"
    return said


def _making(options: dict[str, Any]) -> Making:
    """What a collection is made with, taken out of the options.

    Raises:
        InvalidInput: there is a spec as well, or Qdrant has no such parameter.
    """
    said = [dict(options.pop(name, None) or {}) for name in _MAKE]
    if any(said) and options.get("spec") is not None:
        raise InvalidInput(f"a spec says how the collection is made: say there what is in {', '.join(_MAKE)}")
    return Making(*said)


def _turned(lambda_mult: Any) -> Any:
    """`lambda_mult` as LangChain means it: langchain-qdrant gives it to Qdrant as the diversity, which is its opposite.

    Source: `max_marginal_relevance_search_with_score_by_vector` of langchain-qdrant 1.1.0.
    """
    return 1 - lambda_mult if is_number(lambda_mult) else lambda_mult  # what is no number is refused by its own name


def _rare(
    search_params: object,
    offset: int,
    score_threshold: float | None,
    consistency: Consistency | None,
) -> SearchOptions:
    return {
        "search_params": search_params,
        "offset": offset,
        "score_threshold": score_threshold,
        "consistency": consistency,
    }


def _named(method: str, order: Sequence[str], args: Sequence[Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """All arguments by their names.

    Raises:
        InvalidInput: there are too many, or one comes twice.
    """
    if len(args) > len(order):
        raise InvalidInput(f"{method} takes at most {len(order)} arguments by position, not {len(args)}")
    placed = dict(zip(order, args, strict=False))
    if twice := sorted(placed.keys() & options.keys()):
        raise InvalidInput(f"{method} got {', '.join(twice)} twice, by position and by name")
    return {**placed, **options}
