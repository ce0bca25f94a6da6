"""The reading half of the store: documents by meaning, by filter, by id."""

from __future__ import annotations

from collections.abc import Iterable

from langchain_core.documents import Document

from langchain_qdrant_async.blocking import blocking
from langchain_qdrant_async.context import StoreContext
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.filters import FilterInput
from langchain_qdrant_async.ids import GivenId, identify, to_texts
from langchain_qdrant_async.proto import points
from langchain_qdrant_async.requests import (
    Consistency,
    Search,
    get_points,
    mmr_query_points,
    query_points,
    read_consistency,
    search_params,
)
from langchain_qdrant_async.responses import document, scored_documents
from langchain_qdrant_async.vectors import DenseInput, packed, to_array


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
        if not identities or await self._collection.for_reading(timeout) is None:
            return []
        wanted = [each.message for each in identities.values()]
        request = get_points(self.collection_name, wanted, read_consistency(consistency))
        response = await self._unless_gone(self.connection.points.Get(request, timeout=timeout))
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
            timeout: seconds that the call may take, retries included.

        Raises:
            InvalidInput: before anything was sent.
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
        return await self._nearest(await self._embed_query(query), search, timeout)

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
        return await self._nearest(embedding, search, timeout)

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
        vector = await self._embed_query(query)
        found = await self._diverse(vector, search, fetch_k=fetch_k, lambda_mult=lambda_mult, timeout_s=timeout)
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
        return await self._diverse(embedding, search, fetch_k=fetch_k, lambda_mult=lambda_mult, timeout_s=timeout)

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

    async def _nearest(
        self, vector: DenseInput, search: Search, timeout_s: float | None
    ) -> list[tuple[Document, float]]:
        message = await self._query_vector(vector, timeout_s)
        if message is None:
            return []
        return await self._query(query_points(self.collection_name, message, search, self.layout), timeout_s)

    async def _diverse(
        self, vector: DenseInput, search: Search, *, fetch_k: int, lambda_mult: float, timeout_s: float | None
    ) -> list[tuple[Document, float]]:
        row = to_array(vector)
        request = mmr_query_points(
            self.collection_name, packed(row), search, self.layout, fetch_k=fetch_k, lambda_mult=lambda_mult
        )
        if await self._query_vector(row, timeout_s) is None:
            return []
        return await self._query(request, timeout_s)

    async def _query_vector(self, vector: DenseInput, timeout_s: float | None) -> points.DenseVector | None:
        """The vector as a message, checked against the collection; None when there is no collection yet."""
        row = to_array(vector)
        known = await self._collection.for_reading(timeout_s)
        if known is None:
            return None
        self._check_size(len(row), known)
        return packed(row)

    async def _query(self, request: points.QueryPoints, timeout_s: float | None) -> list[tuple[Document, float]]:
        response = await self._unless_gone(self.connection.points.Query(request, timeout=timeout_s))
        return [] if response is None else scored_documents(response.result, self.layout)

    async def _embed_query(self, query: str) -> DenseInput:
        if not isinstance(query, str):
            raise InvalidInput(f"a query is a string, not {type(query).__name__}; search by vector with …_by_vector")
        return await self._required_embedding().aembed_query(query)

    get_by_ids = blocking(aget_by_ids)
    similarity_search = blocking(asimilarity_search)
    similarity_search_with_score = blocking(asimilarity_search_with_score)
    similarity_search_by_vector = blocking(asimilarity_search_by_vector)
    similarity_search_with_score_by_vector = blocking(asimilarity_search_with_score_by_vector)
    max_marginal_relevance_search = blocking(amax_marginal_relevance_search)
    max_marginal_relevance_search_by_vector = blocking(amax_marginal_relevance_search_by_vector)
    max_marginal_relevance_search_with_score_by_vector = blocking(amax_marginal_relevance_search_with_score_by_vector)
