"""langchain-qdrant's names, with its keywords, positions and default values: moving over is a changed import.

What it has and this package has not yet is refused by name.
"""

from __future__ import annotations

import enum
import uuid
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, ClassVar, Self, cast

from langchain_core.embeddings import Embeddings

from langchain_qdrant_async.collection.collections import Collections
from langchain_qdrant_async.collection.field import Distance
from langchain_qdrant_async.errors import InvalidInput, QdrantStoreError
from langchain_qdrant_async.runtime.blocking import blocking, run
from langchain_qdrant_async.store.vector_store import AsyncQdrantVectorStore
from langchain_qdrant_async.transport.connection import Connection
from langchain_qdrant_async.transport.options import ConnectionOptions
from langchain_qdrant_async.transport.target import GRPC_PORT, Remote, Target

QdrantVectorStoreError = QdrantStoreError
"""langchain-qdrant's name for the errors of a store."""


class RetrievalMode(str, enum.Enum):
    """How documents are found; of these the store does the first."""

    DENSE = "dense"
    SPARSE = "sparse"
    HYBRID = "hybrid"


_LAYOUT = ("distance", "content_payload_key", "metadata_payload_key", "vector_name")
_CLIENT = ("url", "port", "grpc_port", "prefer_grpc", "https", "api_key", "prefix", "timeout", "host", "path")
_VALIDATE = ("validate_embeddings", "validate_collection_config")
_MAKE = ("collection_create_options", "vector_params", "sparse_vector_params")
_FROM_TEXTS = (
    *("texts", "embedding", "metadatas", "ids", "collection_name", "location", *_CLIENT, *_LAYOUT),
    *("retrieval_mode", "sparse_embedding", "sparse_vector_name", *_MAKE, "batch_size", "force_recreate", *_VALIDATE),
)
_FROM_EXISTING = (
    *("collection_name", "embedding", "retrieval_mode", "location", *_CLIENT, *_LAYOUT),
    *("sparse_vector_name", "sparse_embedding", *_VALIDATE),
)
_RARE = ("filter", "search_params", "offset", "score_threshold", "consistency", "hybrid_fusion")
_RARE_DIVERSE = ("fetch_k", "lambda_mult", "filter", "search_params", "score_threshold", "consistency")
_DROPPED = {
    "check_compatibility", "sparse_vector_name", "prefer_grpc", "port", "pool_size", "local_inference_batch_size",
    "force_disable_check_same_thread",
}  # fmt: skip
"""What has no meaning here: nothing speaks REST, and no client of qdrant-client is made."""

_UNSAID: Mapping[str, Sequence[object]] = {
    "retrieval_mode": (RetrievalMode.DENSE, None),
    "sparse_embedding": (None,),
    "sparse_vector_params": (None, {}),
    "hybrid_fusion": (None,),
    "vector_params": (None, {}),
    "collection_create_options": (None, {}),
    "prefix": (None, ""),
    "grpc_options": (None, {}),
    "headers": (None, {}),
    "metadata": (None, {}),
    "auth_token_provider": (None,),
    "cloud_inference": (False, None),
}
"""Values of what is not here that ask for nothing."""

_ADVICE = {
    "vector_params": "say what the collection is to be by spec=CollectionSpec(...)",
    "collection_create_options": "say what the collection is to be by spec=CollectionSpec(...)",
    "grpc_options": "make the channels yourself: Connection(..., dial=...)",
}


class QdrantVectorStore(AsyncQdrantVectorStore):
    """`AsyncQdrantVectorStore` as langchain-qdrant's `QdrantVectorStore` is called."""

    CONTENT_KEY: ClassVar[str] = "page_content"
    METADATA_KEY: ClassVar[str] = "metadata"
    VECTOR_NAME: ClassVar[str] = ""
    SPARSE_VECTOR_NAME: ClassVar[str] = "langchain-sparse"

    retrieval_mode = RetrievalMode.DENSE
    sparse_vector_name = SPARSE_VECTOR_NAME

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
        **options: Any,
    ) -> None:
        """Say where the documents are; no I/O happens here.

        Args:
            client: a `QdrantClient` or `AsyncQdrantClient`, of which the address and the key are taken; or what
                `AsyncQdrantVectorStore` takes.
            collection_name: the collection.
            embedding: what turns text into vectors.
            retrieval_mode: dense.
            vector_name: the vector that is used.
            content_payload_key: payload key of the text.
            metadata_payload_key: payload key of the metadata.
            distance: how vectors are compared.
            sparse_embedding: None; it is not taken yet.
            sparse_vector_name: not used.
            validate_embeddings: whether the collection's model is compared with the embedding's.
            validate_collection_config: whether a collection that exists is compared with what was asked for.
            **options: further keywords of `AsyncQdrantVectorStore`.

        Raises:
            InvalidInput: something that is not here yet, or a client that cannot be used.
        """
        _known({"retrieval_mode": retrieval_mode, "sparse_embedding": sparse_embedding})
        super().__init__(
            target_of_client(client),
            collection_name,
            embedding,
            vector_name=vector_name,
            content_payload_key=content_payload_key,
            metadata_payload_key=metadata_payload_key,
            distance=None if options.get("spec") is not None and distance == Distance.COSINE else distance,
            validate_embeddings=validate_embeddings,
            validate_collection_config=validate_collection_config,
            **options,
        )
        self.sparse_vector_name = sparse_vector_name

    @classmethod
    async def afrom_texts(cls, *args: Any, **options: Any) -> Self:
        """`AsyncQdrantVectorStore.afrom_texts` with langchain-qdrant's keywords, in its order."""
        said = _known(_named("from_texts", _FROM_TEXTS, args, options))
        return await super().afrom_texts(**_somewhere(said))

    @classmethod
    async def afrom_existing_collection(cls, *args: Any, **options: Any) -> Self:
        """`AsyncQdrantVectorStore.afrom_existing_collection` with langchain-qdrant's keywords, in its order."""
        said = _known(_named("from_existing_collection", _FROM_EXISTING, args, options))
        return await super().afrom_existing_collection(**_somewhere(said))

    @classmethod
    def from_texts(cls, *args: Any, **options: Any) -> Self:
        """Blocking twin of `afrom_texts`."""
        return run(cls.afrom_texts(*args, **options))

    @classmethod
    def from_existing_collection(cls, *args: Any, **options: Any) -> Self:
        """Blocking twin of `afrom_existing_collection`."""
        return run(cls.afrom_existing_collection(*args, **options))

    @classmethod
    def construct_instance(cls, *args: Any, **options: Any) -> Self:
        """A store, as langchain-qdrant's method makes one; the collection is made by the first write.

        Args:
            *args: as langchain-qdrant takes them, `embedding` first.
            **options: the same by name; `client_options` says where Qdrant is.
        """
        order = (
            *("embedding", "retrieval_mode", "sparse_embedding", "client_options", "collection_name", *_LAYOUT),
            *("sparse_vector_name", "force_recreate", *_MAKE, *_VALIDATE),
        )
        said = _named("construct_instance", order, args, options)
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
        InvalidInput: a client in local mode, or one with something that cannot be taken over.
    """
    if not type(client).__module__.startswith("qdrant_client"):
        return cast("Connection | Target", client)
    remote = getattr(client, "_client", client)
    if not hasattr(remote, "_host"):
        raise InvalidInput(
            "a client in qdrant-client's local mode holds its data in this process: pass ':memory:' or a new folder"
            " instead, which start the embedded engine, and add the documents again"
        )
    options = {name: value for name, value in remote._grpc_options.items() if "user_agent" not in name}  # noqa: SLF001
    taken = {"prefix": remote._prefix, "grpc_options": options}  # noqa: SLF001  it says it nowhere else
    _known({**taken, "auth_token_provider": remote._auth_token_provider, "headers": _headers(remote)})  # noqa: SLF001
    host = f"[{remote._host.strip('[]')}]" if ":" in remote._host else remote._host  # noqa: SLF001
    scheme = "https" if remote._https else "http"  # noqa: SLF001
    return Remote(f"{scheme}://{host}:{remote._grpc_port}", api_key=remote._api_key)  # noqa: SLF001


def _headers(remote: Any) -> dict[str, str]:
    """Headers that a user gave to a client."""
    own = {"user-agent", "api-key"}
    return {name: value for name, value in remote._rest_headers.items() if name.lower() not in own}  # noqa: SLF001


def _known(said: Mapping[str, Any]) -> dict[str, Any]:
    """What was said, without what asks for nothing here.

    Raises:
        InvalidInput: something that is not here yet.
    """
    for name, unsaid in _UNSAID.items():
        if name in said and said[name] not in unsaid:
            advice = _ADVICE.get(name, "leave it out, or go on with langchain-qdrant for this")
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


def _moved(name: str, order: Sequence[str]) -> Callable[..., Coroutine[Any, Any, Any]]:
    """A search of the store that takes langchain-qdrant's positions."""
    inherited = getattr(AsyncQdrantVectorStore, name)

    async def search(self: QdrantVectorStore, *args: Any, **options: Any) -> Any:
        return await inherited(self, **_known(_named(name.removeprefix("a"), order, args, options)))

    search.__name__, search.__doc__ = name, inherited.__doc__
    search.__qualname__ = f"QdrantVectorStore.{name}"
    return search


def _take_positions() -> None:
    """Give the store its searches."""
    for kind, rare in (("similarity_search", _RARE), ("max_marginal_relevance_search", _RARE_DIVERSE)):
        for suffix in ("", "_with_score", "_by_vector", "_with_score_by_vector"):
            asked = "embedding" if suffix.endswith("by_vector") else "query"
            method = _moved(f"a{kind}{suffix}", (asked, "k", *rare))
            setattr(QdrantVectorStore, f"a{kind}{suffix}", method)
            setattr(QdrantVectorStore, f"{kind}{suffix}", blocking(method))


_take_positions()
