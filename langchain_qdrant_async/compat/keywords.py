"""langchain-qdrant's keywords of a store: their order, what asks for nothing, and what is refused by name."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

from langchain_qdrant_async.collection.plan import Making
from langchain_qdrant_async.collection.spec import CollectionSpec
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.store.options import DocumentsOptions, ExistingOptions, StoreOptions
from langchain_qdrant_async.transport.options import ConnectionOptions
from langchain_qdrant_async.transport.target import GRPC_PORT

_LAYOUT = ("distance", "content_payload_key", "metadata_payload_key", "vector_name")
_CLIENT = ("url", "port", "grpc_port", "prefer_grpc", "https", "api_key", "prefix", "timeout", "host", "path")
_VALIDATE = ("validate_embeddings", "validate_collection_config")
_MAKE = ("collection_create_options", "vector_params", "sparse_vector_params")
CONSTRUCT = (
    *("embedding", "retrieval_mode", "sparse_embedding", "client_options", "collection_name", *_LAYOUT),
    *("sparse_vector_name", "force_recreate", *_MAKE, *_VALIDATE),
)
FROM_TEXTS = (
    *("texts", "embedding", "metadatas", "ids", "collection_name", "location", *_CLIENT, *_LAYOUT),
    *("retrieval_mode", "sparse_embedding", "sparse_vector_name", *_MAKE, "batch_size", "force_recreate", *_VALIDATE),
)
FROM_EXISTING = (
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


def known(said: Mapping[str, Any]) -> dict[str, Any]:
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


def somewhere(said: dict[str, Any]) -> dict[str, Any]:
    """Where Qdrant is, as langchain-qdrant says it: its default ports mean nothing, and nothing is this machine."""
    if said.get("grpc_port") == GRPC_PORT:
        del said["grpc_port"]
    unsaid = {name for name in ConnectionOptions.__annotations__ if name in said and said[name] is None}
    said = {name: value for name, value in said.items() if name not in unsaid}
    if not {"connection", "location", "url", "host", "path"} & said.keys():
        said["url"] = f"http://localhost:{GRPC_PORT}"
    return said


def making(options: dict[str, Any]) -> Making:
    """What a collection is made with, taken out of the options.

    Raises:
        InvalidInput: there is a spec as well, or Qdrant has no such parameter.
    """
    said = [dict(options.pop(name, None) or {}) for name in _MAKE]
    if any(said) and options.get("spec") is not None:
        raise InvalidInput(f"a spec says how the collection is made: say there what is in {', '.join(_MAKE)}")
    return Making(*said)


def named(method: str, order: Sequence[str], args: Sequence[Any], options: Mapping[str, Any]) -> dict[str, Any]:
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
