"""The reading half of the store: documents by meaning, by filter, by id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Unpack

from langchain_core.documents import Document

from langchain_qdrant_async.collection.handle import Handle
from langchain_qdrant_async.document.ids import GivenId, identify, to_texts
from langchain_qdrant_async.document.layout import Layout
from langchain_qdrant_async.document.vectors import AnyVector
from langchain_qdrant_async.errors import InvalidInput, InvalidVector
from langchain_qdrant_async.filters import FilterInput, to_filter
from langchain_qdrant_async.search.params import read_consistency
from langchain_qdrant_async.search.ranking import Diverse, Nearest
from langchain_qdrant_async.search.search import Consistency, Ranking, Search, SearchOptions, TextSearchOptions
from langchain_qdrant_async.store.reader import Reader
from langchain_qdrant_async.store.relevance import relevance_of
from langchain_qdrant_async.store.retrieval import Retrieval, Told
from langchain_qdrant_async.store.variants import blocking, documents_only, strict


class Searching:
    """Finding documents: each method says one `Search`, and the reader answers it."""

    layout: Layout
    relevance_score_fn: Callable[[float], float] | None
    _collection: Handle
    _reader: Reader
    _retrieval: Retrieval

    async def aget_by_ids(
        self,
        ids: Iterable[GivenId],
        /,
        *,
        consistency: Consistency | None = None,
        timeout: float | None = None,
    ) -> list[Document]:
        """Documents by id, in the order asked for; ids that do not exist are left out.

        Args:
            ids: any iterable.
            consistency: how many replicas must agree, as in a search.
            timeout: seconds that the call may take, with looking the collection up, and retries.

        Raises:
            InvalidId: an id that cannot be one.
        """
        identities = {each.point_id: each for each in map(identify, to_texts(ids))}
        agreed = read_consistency(consistency)
        return await self._reader.by_ids(list(identities.values()), agreed, timeout) if identities else []

    @strict
    async def asearch_by(
        self, ranking: Ranking, k: int = 4, filter: FilterInput = None, **options: Unpack[SearchOptions]
    ) -> list[tuple[Document, float]]:
        """The documents that any ranking finds, best first, each with its score.

        Args:
            ranking: a way to search: `Nearest`, `Diverse`, `Fused` of several, or a class of your own.
            k: how many documents.
            filter: which documents may be found: `{"lang": "en", "year": {"$gte": 2020}}`.
            **options: the rare ones, see `SearchOptions`.

        Raises:
            InvalidInput: before anything was sent.
            DeadlineExceeded: it took longer.
        """
        return await self._reader.found(self._search(ranking, k, filter, options))

    @strict
    async def asimilarity_search_with_score(
        self, query: str, k: int = 4, filter: FilterInput = None, **options: Unpack[TextSearchOptions]
    ) -> list[tuple[Document, float]]:
        """The documents nearest to a query, best first, each with Qdrant's score.

        By the vectors of the store's `retrieval_mode`, or of the call's. A higher score is nearer; for Euclid and
        Manhattan a lower one. The score of hybrid retrieval is the fusion's, see `Fused`, that of boosted retrieval the
        sum, see `Boosted`, and so is `score_threshold`.

        Args:
            query: the text to search for.
            k: how many documents.
            filter: which documents may be found: `{"lang": "en", "year": {"$gte": 2020}}`.
            **options: the rare ones, see `TextSearchOptions`.

        Raises:
            InvalidInput: before anything was sent.
            DeadlineExceeded: it took longer.
        """
        ranking = self._ranking(query, options)
        return await self._reader.found(self._search(ranking, k, filter, options))

    @strict
    async def asimilarity_search_with_score_by_vector(
        self, embedding: AnyVector, k: int = 4, filter: FilterInput = None, **options: Unpack[SearchOptions]
    ) -> list[tuple[Document, float]]:
        """As `asimilarity_search_with_score`, for a vector.

        Raises:
            InvalidVector: its size is not the collection's, or a component is not finite.
        """
        ranking = Nearest(_vector(embedding))
        return await self._reader.found(self._search(ranking, k, filter, options))

    @strict
    async def amax_marginal_relevance_search_with_score(
        self,
        query: str,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: FilterInput = None,
        **options: Unpack[TextSearchOptions],
    ) -> list[tuple[Document, float]]:
        """Documents near a query and unlike each other, chosen on the server, each with its score against the query.

        In hybrid retrieval they are chosen, by meaning, of what both vectors find.

        Args:
            query: the text to search for.
            k: how many documents.
            fetch_k: how many candidates to choose them from.
            lambda_mult: 1 for the nearest ones whatever they repeat, 0 for the most unlike each other.
            filter: which documents may be found.
            **options: the rare ones, see `TextSearchOptions`; `score_threshold` is of a candidate.
        """
        ranking = self._retrieval.diverse(query, fetch_k, lambda_mult, self._told([query], options))
        return await self._reader.found(self._search(ranking, k, filter, options))

    @strict
    async def amax_marginal_relevance_search_with_score_by_vector(
        self,
        embedding: AnyVector,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: FilterInput = None,
        **options: Unpack[SearchOptions],
    ) -> list[tuple[Document, float]]:
        """As `amax_marginal_relevance_search_with_score`, for a vector."""
        ranking = Diverse(_vector(embedding), fetch_k, lambda_mult)
        return await self._reader.found(self._search(ranking, k, filter, options))

    @strict
    async def _asimilarity_search_with_relevance_scores(
        self, query: str, k: int = 4, filter: FilterInput = None, **options: Unpack[TextSearchOptions]
    ) -> list[tuple[Document, float]]:
        """What LangChain's `asimilarity_search_with_relevance_scores` compares with a threshold."""
        if self.relevance_score_fn is None:
            self._retrieval.check_scored(Told.of(options.copy()))
        found = await self.asimilarity_search_with_score(query, k, filter, **options)
        if not found:
            return []
        if self.relevance_score_fn is None:
            await self._collection.refresh(options.get("timeout"))
        relevance = self._select_relevance_score_fn()
        return [(each, relevance(score)) for each, score in found]

    def _select_relevance_score_fn(self) -> Callable[[float], float]:
        return self.relevance_score_fn or relevance_of(self._reader.distance)

    def _search(self, ranking: Ranking, k: int, filter: FilterInput, options: SearchOptions) -> Search:
        return Search.of(ranking, k, to_filter(filter, metadata_key=self.layout.metadata_key), options)

    def _ranking(self, query: str, options: TextSearchOptions) -> Ranking:
        """By what a text is searched; takes what says it out of the options."""
        return self._retrieval.ranking(query, self._told([query], options))

    def _told(self, texts: Sequence[object], options: TextSearchOptions) -> Told:
        """What is said of searching for some texts, taken out of the options."""
        told = Told.of(options)
        for each in texts:
            if not isinstance(each, str):
                raise InvalidInput(f"a query is a string, not {type(each).__name__}; search by vector with …_by_vector")
        if texts and self._retrieval.uses_own(told):
            self._collection.check_embeds()
        return told

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

    @blocking(aget_by_ids)
    def get_by_ids(self) -> Any:
        """Blocking twin of `aget_by_ids`."""

    @blocking(asearch_by)
    def search_by(self) -> Any:
        """Blocking twin of `asearch_by`."""

    @blocking(asimilarity_search)
    def similarity_search(self) -> Any:
        """Blocking twin of `asimilarity_search`."""

    @blocking(asimilarity_search_with_score)
    def similarity_search_with_score(self) -> Any:
        """Blocking twin of `asimilarity_search_with_score`."""

    @blocking(_asimilarity_search_with_relevance_scores)
    def _similarity_search_with_relevance_scores(self) -> Any:
        """Blocking twin of `_asimilarity_search_with_relevance_scores`."""

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


def _vector(embedding: AnyVector) -> AnyVector:
    """What is to be a vector; a ranking would take a string for a text."""
    if isinstance(embedding, str):
        raise InvalidVector("a vector is a row of numbers, not str; search by text with asimilarity_search")
    return embedding
