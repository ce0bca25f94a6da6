"""The reading half of the store: documents by meaning, by filter, by id."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from langchain_core.documents import Document

from langchain_qdrant_async.collection.collection import Collection as Opened
from langchain_qdrant_async.document.ids import GivenId, identify, to_texts
from langchain_qdrant_async.document.message import get_points, read_consistency
from langchain_qdrant_async.document.vectors import DenseInput, Floats, packed, to_array
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.filters import FilterInput
from langchain_qdrant_async.proto import points
from langchain_qdrant_async.runtime.blocking import blocking
from langchain_qdrant_async.search.hit import document, scored_documents
from langchain_qdrant_async.search.message import mmr_query_points, query_points, search_params
from langchain_qdrant_async.search.search import Consistency, Diversity, Search
from langchain_qdrant_async.store.context import StoreContext


class Searching(StoreContext):
    """Finding documents."""

    async def aget_by_ids(
        self,
        ids: Iterable[GivenId],
        /,
        *,
        consistency: Consistency | None = None,
        timeout: float | None = None,
    ) -> list[Document]:
        """Documents by id, in the order asked for; ids that do not exist are left out.

        Raises:
            InvalidId: an id that cannot be one.
        """
        identities = {each.point_id: each for each in map(identify, to_texts(ids))}
        wanted = [each.message for each in identities.values()]
        agreed = read_consistency(consistency)

        async def ask(opened: Opened) -> points.GetResponse:
            request = get_points(opened.name, wanted, agreed)
            return cast("points.GetResponse", await self.connection.points.Get(request, timeout=timeout))

        response = await self._ask(ask, timeout) if wanted else None
        found = [] if response is None else response.result
        documents = {point.id.uuid or point.id.num: document(point, self.layout) for point in found}
        return [documents[point_id] for point_id in identities if point_id in documents]

    async def asimilarity_search(
        self,
        query: str,
        k: int = 4,
        filter: FilterInput = None,
        search_params: object = None,
        offset: int = 0,
        score_threshold: float | None = None,
        consistency: Consistency | None = None,
        *,
        timeout: float | None = None,
    ) -> list[Document]:
        """The documents nearest in meaning to a query, best first.

        Args:
            query: the text to search for.
            k: how many documents.
            filter: which documents may be found: `{"lang": "en", "year": {"$gte": 2020}}`.
            search_params: how the index is searched, a `SearchParams` of qdrant-client, gRPC or REST.
            offset: how many of the best to leave out.
            score_threshold: worst score to return, as Qdrant scores: an upper bound for Euclid and Manhattan.
            consistency: how many replicas must agree: a number, `"all"`, `"majority"`, `"quorum"`.
            timeout: seconds that the call may take, with embedding, looking the collection up, and retries.

        Raises:
            InvalidInput: before anything was sent.
            DeadlineExceeded: it took longer.
        """
        found = await self.asimilarity_search_with_score(
            query, k, filter, search_params, offset, score_threshold, consistency, timeout=timeout
        )
        return [each for each, _ in found]

    async def asimilarity_search_with_score(
        self,
        query: str,
        k: int = 4,
        filter: FilterInput = None,
        search_params: object = None,
        offset: int = 0,
        score_threshold: float | None = None,
        consistency: Consistency | None = None,
        *,
        timeout: float | None = None,
    ) -> list[tuple[Document, float]]:
        """As `asimilarity_search`, with Qdrant's score: higher is nearer, lower for Euclid and Manhattan."""
        search = self._search(k, filter, search_params, offset, score_threshold, consistency)
        return await self._nearest(self._checked_query(query), search, timeout)

    async def asimilarity_search_by_vector(
        self,
        embedding: DenseInput,
        k: int = 4,
        filter: FilterInput = None,
        search_params: object = None,
        offset: int = 0,
        score_threshold: float | None = None,
        consistency: Consistency | None = None,
        *,
        timeout: float | None = None,
    ) -> list[Document]:
        """As `asimilarity_search`, for a vector.

        Raises:
            InvalidVector: its size is not the collection's, or a component is not finite.
        """
        found = await self.asimilarity_search_with_score_by_vector(
            embedding, k, filter, search_params, offset, score_threshold, consistency, timeout=timeout
        )
        return [each for each, _ in found]

    async def asimilarity_search_with_score_by_vector(
        self,
        embedding: DenseInput,
        k: int = 4,
        filter: FilterInput = None,
        search_params: object = None,
        offset: int = 0,
        score_threshold: float | None = None,
        consistency: Consistency | None = None,
        *,
        timeout: float | None = None,
    ) -> list[tuple[Document, float]]:
        """As `asimilarity_search_with_score`, for a vector."""
        search = self._search(k, filter, search_params, offset, score_threshold, consistency)
        return await self._nearest(to_array(embedding), search, timeout)

    async def amax_marginal_relevance_search(
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
        timeout: float | None = None,
    ) -> list[Document]:
        """Documents near a query and unlike each other, chosen on the server.

        Args:
            query: the text to search for.
            k: how many documents.
            fetch_k: how many candidates to choose them from.
            lambda_mult: 1 for the nearest ones whatever they repeat, 0 for the most unlike each other.
            filter: which documents may be found.
            search_params: how the index is searched.
            score_threshold: worst score of a candidate.
            consistency: how many replicas must agree.
            timeout: seconds that the call may take, retries included.
        """
        search = self._search(k, filter, search_params, 0, score_threshold, consistency)
        diversity = Diversity(fetch_k, lambda_mult)
        found = await self._diverse(self._checked_query(query), search, diversity, timeout)
        return [each for each, _ in found]

    async def amax_marginal_relevance_search_by_vector(
        self,
        embedding: DenseInput,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: FilterInput = None,
        search_params: object = None,
        score_threshold: float | None = None,
        consistency: Consistency | None = None,
        *,
        timeout: float | None = None,
    ) -> list[Document]:
        """As `amax_marginal_relevance_search`, for a vector."""
        found = await self.amax_marginal_relevance_search_with_score_by_vector(
            embedding, k, fetch_k, lambda_mult, filter, search_params, score_threshold, consistency, timeout=timeout
        )
        return [each for each, _ in found]

    async def amax_marginal_relevance_search_with_score_by_vector(
        self,
        embedding: DenseInput,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: FilterInput = None,
        search_params: object = None,
        score_threshold: float | None = None,
        consistency: Consistency | None = None,
        *,
        timeout: float | None = None,
    ) -> list[tuple[Document, float]]:
        """As `amax_marginal_relevance_search_by_vector`, with each document's score against the vector."""
        search = self._search(k, filter, search_params, 0, score_threshold, consistency)
        return await self._diverse(to_array(embedding), search, Diversity(fetch_k, lambda_mult), timeout)

    def _search(
        self,
        k: int,
        filter: FilterInput,
        params: object,
        offset: int,
        score_threshold: float | None,
        consistency: Consistency | None,
    ) -> Search:
        return Search(
            k=k,
            filter=self._filter(filter),
            params=search_params(params),
            offset=offset,
            score_threshold=score_threshold,
            consistency=read_consistency(consistency),
        )

    def _checked_query(self, query: str) -> str:
        if not isinstance(query, str):
            raise InvalidInput(f"a query is a string, not {type(query).__name__}; search by vector with …_by_vector")
        self._required_embedding()
        return query

    async def _nearest(
        self, query: str | Floats, search: Search, timeout_s: float | None
    ) -> list[tuple[Document, float]]:
        async def ask(opened: Opened) -> list[tuple[Document, float]]:
            vector = await self._vector(query, opened)
            return await self._found(query_points(opened.name, vector, search, self.layout), timeout_s)

        return await self._ask(ask, timeout_s) or []

    async def _diverse(
        self, query: str | Floats, search: Search, diversity: Diversity, timeout_s: float | None
    ) -> list[tuple[Document, float]]:
        async def ask(opened: Opened) -> list[tuple[Document, float]]:
            vector = await self._vector(query, opened)
            return await self._found(mmr_query_points(opened.name, vector, search, self.layout, diversity), timeout_s)

        return await self._ask(ask, timeout_s) or []

    async def _vector(self, query: str | Floats, opened: Opened) -> points.DenseVector:
        """The query's vector, by the embedding that fits the collection unless it is one already."""
        if isinstance(query, str):
            embedding = self._required_embedding(opened)
            assert opened.field.encoder is not None
            row = await opened.field.encoder.query(query)
        else:
            row = query
        self._check_size(len(row), opened)
        return packed(row)

    async def _found(self, request: points.QueryPoints, timeout_s: float | None) -> list[tuple[Document, float]]:
        response = await self.connection.points.Query(request, timeout=timeout_s)
        return scored_documents(response.result, self.layout)

    get_by_ids = blocking(aget_by_ids)
    similarity_search = blocking(asimilarity_search)
    similarity_search_with_score = blocking(asimilarity_search_with_score)
    similarity_search_by_vector = blocking(asimilarity_search_by_vector)
    similarity_search_with_score_by_vector = blocking(asimilarity_search_with_score_by_vector)
    max_marginal_relevance_search = blocking(amax_marginal_relevance_search)
    max_marginal_relevance_search_by_vector = blocking(amax_marginal_relevance_search_by_vector)
    max_marginal_relevance_search_with_score_by_vector = blocking(amax_marginal_relevance_search_with_score_by_vector)
