"""The keywords of the ways to make a store, so that a checker, an editor and a call know them all."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypedDict

from langchain_qdrant_async.collection.field import Distance
from langchain_qdrant_async.collection.spec import CollectionSpec
from langchain_qdrant_async.document.ids import GivenId
from langchain_qdrant_async.document.message import Ordering, write_ordering
from langchain_qdrant_async.filters import FilterInput
from langchain_qdrant_async.proto import points
from langchain_qdrant_async.search.mode import RetrievalMode
from langchain_qdrant_async.search.params import read_consistency, shard_keys
from langchain_qdrant_async.search.search import Consistency, ShardKeys
from langchain_qdrant_async.store.variants import meant, options_of
from langchain_qdrant_async.transport.options import ConnectionOptions, ServerOptions


class StoreOptions(ServerOptions, total=False):
    """Where Qdrant is, `location` apart, and the keywords of a store's constructor."""

    spec: CollectionSpec | None
    """What the collection is to be."""
    vector_name: str | None
    """The vector that is used."""
    content_payload_key: str | None
    """Payload key of the text."""
    metadata_payload_key: str | None
    """Payload key of the metadata."""
    distance: Distance | str | None
    """How vectors are compared."""
    retrieval_mode: RetrievalMode | str
    """By which vectors a text is searched."""
    sparse_embedding: Any
    """What turns text into sparse vectors."""
    sparse_vector_name: str
    """The vector that holds them."""
    relevance_score_fn: Callable[[float], float] | None
    """From a score to a relevance between 0 and 1."""
    create_if_missing: bool
    """Whether the first write makes a collection that is not there."""
    validate_collection_config: bool
    """Whether a collection that exists is compared with what was asked for."""
    validate_embeddings: bool
    """Whether the model that a collection was made with is compared with the embedding's."""
    model_threads: int
    """Calls at once of an embedding that has no async methods of its own."""


class ExistingOptions(StoreOptions, ConnectionOptions, total=False):
    """The keywords of `afrom_existing_collection`."""


class DocumentsOptions(ExistingOptions, total=False):
    """The keywords of `afrom_documents`."""

    ids: Iterable[GivenId | None] | None
    """Instead of the documents' own."""
    collection_name: str | None
    """The collection; without one, and without a spec, a new name is made up."""
    force_recreate: bool
    """Whether to drop a collection of that name first."""
    batch_size: int
    """Documents embedded and written at once."""


class ChangeOptions(TypedDict, total=False):
    """The rare keywords of writes."""

    ordering: Ordering | None
    """Order of writes in a cluster: `"weak"`, `"medium"`, `"strong"`."""
    timeout: float | None
    """Seconds that each call may take, retries included."""


class WriteOptions(ChangeOptions, total=False):
    """The rare keywords of what adds documents."""

    update_mode: Literal["upsert", "insert_only", "update_only"]
    """Whether documents may be new and may exist: either by default; `insert_only` leaves those that exist as they are,
    `update_only` writes no new ones. A server needs to be 1.17 or newer, else it takes no notice."""
    update_filter: FilterInput
    """Which documents that exist may be replaced: `{"version": {"$lt": 7}}`; the others stay as they are."""


class ReadOptions(TypedDict, total=False):
    """The rare keywords of reads without a query."""

    consistency: Consistency | None
    """How many replicas must agree."""
    shard_key: ShardKeys | None
    """Which shards are asked; None: all."""
    timeout: float | None
    """Seconds that each call may take, with looking the collection up, and retries."""


class ScrollOptions(ReadOptions, total=False):
    """The rare keywords of `ascroll`."""

    with_payload: bool | Sequence[str]
    """Which metadata comes back, as in a search."""
    with_vectors: bool | Sequence[str]
    """Which vectors come back, as in a search."""


class RetrieverOptions(TypedDict, total=False):
    """The keywords of `as_retriever`."""

    search_type: Literal[
        "similarity",
        "similarity_score_threshold",
        "mmr",
        "grouped",
        "parents",
        "time_weighted",
        "multi_query",
    ]
    """By nearness, by nearness above a threshold, near and unlike each other; the best of each group, the documents of
    the best chunks, the newer the better, or by several wordings."""
    search_kwargs: dict[str, Any]
    """What each search takes: `k`, `filter`, `score_threshold`, `fetch_k`, `lambda_mult` and the rare ones, and what
    its kind needs."""
    tags: list[str] | None
    """Given to callbacks and traces."""
    metadata: dict[str, Any] | None
    """Given to callbacks and traces; not a filter."""
    name: str | None
    """The retriever's name in traces."""


def reading(options: ReadOptions, known: type[ReadOptions]) -> dict[str, Any]:
    """What a request says of replicas and shards.

    Raises:
        TypeError: an option that does not exist.
    """
    _check_known(options, known, "read")
    return {
        "read_consistency": read_consistency(options.get("consistency")),
        "shard_key_selector": shard_keys(options.get("shard_key")),
    }


def changing(
    options: ChangeOptions, known: type[ChangeOptions] = ChangeOptions
) -> tuple[points.WriteOrdering | None, float | None]:
    """The order of writes, and the seconds that each may take.

    Raises:
        TypeError: an option that does not exist.
    """
    _check_known(options, known, "write")
    return write_ordering(options.get("ordering")), options.get("timeout")


def _check_known(options: Mapping[str, object], known: type, what: str) -> None:
    if unknown := sorted(options.keys() - known.__annotations__.keys()):
        raise TypeError(f"no option of a {what}: {', '.join(unknown)}")


def check_options(cls: type, options: Mapping[str, object]) -> None:
    """Nothing, when each of the keywords says where Qdrant is, or is one of a class of stores.

    Raises:
        TypeError: one is not.
    """
    unknown = sorted(options.keys() - ExistingOptions.__annotations__.keys())
    if not unknown:
        return
    known = [*ExistingOptions.__annotations__, *_own(cls)]
    for name in unknown:
        if name not in known:
            raise TypeError(f"{cls.__name__} got an unexpected keyword argument {name!r}: {meant(name, known)}")


def _own(cls: type) -> list[str]:
    """The names of the parameters of a class's constructors, its ancestors' included."""
    makers = [each.__dict__["__init__"] for each in cls.__mro__ if inspect.isfunction(each.__dict__.get("__init__"))]
    return [name for maker in makers for name in (*inspect.signature(maker).parameters, *options_of(maker))]
