"""The searches of a store with langchain-qdrant's positions and default values."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Sequence
from typing import Any, Literal, ParamSpec, TypeAlias, TypedDict, TypeVar, Unpack

from langchain_core.documents import Document

from langchain_qdrant_async.checks import is_number
from langchain_qdrant_async.compat.keywords import named
from langchain_qdrant_async.document.vectors import AnyVector
from langchain_qdrant_async.filters import FilterInput
from langchain_qdrant_async.proto import points
from langchain_qdrant_async.search.mode import RetrievalMode, mode_of
from langchain_qdrant_async.search.search import Consistency, SearchOptions, ShardKeys
from langchain_qdrant_async.store.searching import Searching
from langchain_qdrant_async.store.variants import Async, blocking, check_call, documents_only

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")

Mode: TypeAlias = RetrievalMode | Literal["dense", "sparse", "hybrid", "multivector"]
_RRF = points.Query(fusion=points.Fusion.RRF)
"""How langchain-qdrant merges unless it is told otherwise."""


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
            named(method.__name__.removeprefix("a"), order[1:], args, kwargs)
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
