"""What is asked, as one frozen value, and the parts that a way to search is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, TypedDict

from langchain_qdrant_async.checks import check_seconds, is_float, shortened, whole_number
from langchain_qdrant_async.document.layout import Layout
from langchain_qdrant_async.document.vectors import AnyVector
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.proto import common, points
from langchain_qdrant_async.search.mode import RetrievalMode
from langchain_qdrant_async.search.params import (
    payload_fields,
    read_consistency,
    search_params,
    shard_keys,
    vectors_selector,
)

ShardKeys: TypeAlias = str | int | Sequence[str | int] | points.ShardKeySelector
Consistency: TypeAlias = int | Literal["all", "majority", "quorum"] | points.ReadConsistency


class SearchOptions(TypedDict, total=False):
    """The rare keywords that every search takes."""

    search_params: object
    """How the index is searched: a `SearchParams` of qdrant-client, gRPC or REST."""
    offset: int
    """How many of the best to leave out, 0 by default."""
    score_threshold: float | None
    """Worst score to return, as Qdrant scores: an upper bound for Euclid and Manhattan."""
    consistency: Consistency | None
    """How many replicas must agree: a number, `"all"`, `"majority"`, `"quorum"`."""
    shard_key: ShardKeys | None
    """Which shards are asked, in a collection with custom sharding; None: all."""
    with_payload: bool | Sequence[str]
    """Which metadata comes back: all by default, none, or that of the fields named as in a filter."""
    with_vectors: bool | Sequence[str]
    """Which vectors come back, in `Document.metadata["_vectors"]` by field: none by default, all, or those named."""
    timeout: float | None
    """Seconds that the call may take, with embedding, looking the collection up, and retries."""


class TextSearchOptions(SearchOptions, total=False):
    """The rare keywords of a search by text."""

    retrieval_mode: RetrievalMode | Literal["dense", "sparse", "hybrid", "multivector"] | None
    """By which vectors; by default the store's."""
    hybrid_fusion: object
    """How hybrid retrieval merges: a `Fusion`, or a `FusionQuery` or `RrfQuery` of qdrant-client."""
    boost: object
    """What metadata adds to the score: `Recency`, `Proximity`, `Closeness`, `FieldValue`, `When`, or a list of them."""


class Asked(NamedTuple):
    """A ranking as it stands in a request."""

    query: points.Query | None
    """What orders the points; None: nothing does."""
    using: str = ""
    """The vector field that it looks at; the empty name is Qdrant's default vector, and of a fusion."""
    prefetch: Sequence[points.PrefetchQuery] = ()
    """Searches whose points are the only candidates."""
    params: points.SearchParams | None = None
    """How the index is searched unless the search says it."""


class Grouping(NamedTuple):
    """What makes a group of documents."""

    field: str
    """The metadata field whose values they share."""
    size: int
    """How many documents of each."""


class Fields(Protocol):
    """The fields of a collection, as a ranking needs them."""

    def filter(self, given: Any) -> common.Filter | None:
        """A filter as a caller writes it, as Qdrant's.

        Raises:
            InvalidFilter: it cannot be meant.
        """

    @property
    def most(self) -> int | None:
        """How many points the collection gives at once; None: any number."""

    def params(self, field: str) -> points.SearchParams | None:
        """How the index of a vector field is searched well, where that is not how Qdrant does it by itself."""

    def is_distance(self, field: str) -> bool:
        """Whether the score of a vector field is a distance, so that a lower one is nearer."""

    @property
    def layout(self) -> Layout:
        """Where a document stands in a point: what the fields of its metadata lie under."""

    def field_name(self, using: str | None = None) -> str:
        """The name of a vector field; None is the store's own.

        Raises:
            InvalidInput: there is no such field.
        """

    async def vector(self, query: str | AnyVector, using: str | None = None) -> tuple[str, points.VectorInput]:
        """The field's name, and the query as a vector of it.

        Args:
            query: a text, which the field's encoder embeds, or a vector of the field's kind and size.
            using: the field; None is the store's own.

        Raises:
            InvalidInput: there is no such field, or nothing that embeds texts for it.
            InvalidVector: its size is not the field's.
        """


class Ranking(Protocol):
    """A way to search: it has its texts embedded and writes itself into a request."""

    async def asked(self, fields: Fields, search: Search) -> Asked:
        """What it asks of a collection.

        Args:
            fields: the collection's vector fields.
            search: what else is asked, for what depends on it: how many candidates, and which.
        """


@dataclass(frozen=True, slots=True)
class Search:
    """What a search asks for."""

    ranking: Ranking
    """What orders the points."""
    k: int = 4
    """How many points, at least 1."""
    filter: common.Filter | None = None
    """Which points may be found."""
    offset: int = 0
    """How many of the best to leave out."""
    score_threshold: float | None = None
    """Worst score to return: a lower bound, or an upper one for Euclid and Manhattan."""
    params: points.SearchParams | None = None
    """How the index is searched: `hnsw_ef`, `exact`, quantisation."""
    consistency: points.ReadConsistency | None = None
    """How many replicas must agree."""
    timeout_s: float | None = None
    """Seconds that all of it may take; None: the RPC alone has a deadline, the policy's."""
    shards: points.ShardKeySelector | None = None
    """Which shards are asked; None: all."""
    with_payload: bool | tuple[str, ...] = True
    """Which metadata comes back."""
    with_vectors: points.WithVectorsSelector | None = None
    """Which vectors come back."""

    def __post_init__(self) -> None:
        if not hasattr(self.ranking, "asked"):
            raise InvalidInput(f"a ranking is one such as Nearest, Diverse or Fused, not {type(self.ranking).__name__}")
        whole_number("k", self.k, at_least=1)
        whole_number("offset", self.offset, at_least=0)
        given = self.score_threshold
        if given is not None and not is_float(given):
            raise InvalidInput(f"score_threshold must be a number, not {shortened(given)}")
        if self.timeout_s is not None:
            object.__setattr__(self, "timeout_s", check_seconds("timeout", self.timeout_s))

    @property
    def reach(self) -> int:
        """How many of the best points it needs to know: those left out and those returned."""
        return self.offset + self.k

    @classmethod
    def of(cls, ranking: Ranking, k: int, filter: common.Filter | None, options: SearchOptions) -> Search:  # noqa: A002
        """The search that a method was asked for.

        Raises:
            InvalidInput: an argument that cannot be meant.
            TypeError: an option that does not exist.
        """
        if not options:
            return cls(ranking, k, filter)
        if not options.keys() <= _OPTIONS:
            raise TypeError(f"no option of a search: {', '.join(sorted(options.keys() - _OPTIONS))}")
        return cls(
            ranking,
            k,
            filter,
            offset=options.get("offset", 0),
            score_threshold=options.get("score_threshold"),
            params=search_params(options.get("search_params")),
            consistency=read_consistency(options.get("consistency")),
            shards=shard_keys(options.get("shard_key")),
            with_payload=payload_fields(options.get("with_payload", True)),
            with_vectors=vectors_selector(options.get("with_vectors", False)),
            timeout_s=options.get("timeout"),
        )


_OPTIONS = frozenset(SearchOptions.__annotations__)
