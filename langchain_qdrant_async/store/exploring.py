"""Finding documents otherwise than by one query: by examples, in groups, several searches at once, by chance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Unpack

from langchain_core.documents import Document

from langchain_qdrant_async.checks import whole_number
from langchain_qdrant_async.collection.collection import Collection
from langchain_qdrant_async.document.paths import to_path
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.filters import FilterInput, to_filter
from langchain_qdrant_async.proto import points
from langchain_qdrant_async.search.examples import Discovered, Example, Recommended, Strategy
from langchain_qdrant_async.search.hit import Group
from langchain_qdrant_async.search.matrix import Matrix, matrix, search_matrix_points
from langchain_qdrant_async.search.ordering import Sampled
from langchain_qdrant_async.search.search import Grouping, Ranking, SearchOptions, TextSearchOptions
from langchain_qdrant_async.store.options import ReadOptions, reading
from langchain_qdrant_async.store.searching import Searching
from langchain_qdrant_async.store.variants import blocking, documents_only, strict
from langchain_qdrant_async.transport.connection import Connection


class Exploring(Searching):
    """Finding documents by examples, in groups, several searches at once, by chance, and how they are to each other."""

    connection: Connection

    @strict
    async def arecommend_with_score(
        self,
        positive: Sequence[Example] = (),
        negative: Sequence[Example] = (),
        k: int = 4,
        filter: FilterInput = None,
        *,
        strategy: Strategy = "average_vector",
        using: str | None = None,
        **options: Unpack[SearchOptions],
    ) -> list[tuple[Document, float]]:
        """The documents that are like some examples and unlike others, best first, each with its score.

        Documents that are examples by their id are not among them.

        Args:
            positive: what to be like: ids, documents, `Text("…")` or vectors.
            negative: what to be unlike.
            k: how many documents.
            filter: which documents may be found.
            strategy: by the average of the examples, by the nearest of them (`best_score`), or by the sum of the
                similarities (`sum_scores`). See `Recommended`.
            using: the vector field; None is the store's own.
            **options: the rare ones, see `SearchOptions`.

        Raises:
            InvalidInput: before anything was sent.
            NotFound: there is no document with the id of an example.
        """
        ranking = Recommended(positive, negative, strategy, using)
        return await self._reader.found(self._search(ranking, k, filter, options))

    @strict
    async def adiscover_with_score(
        self,
        target: Example | None = None,
        context: Sequence[tuple[Example, Example]] = (),
        k: int = 4,
        filter: FilterInput = None,
        *,
        using: str | None = None,
        **options: Unpack[SearchOptions],
    ) -> list[tuple[Document, float]]:
        """The documents near a target, within what pairs of examples tell, best first, each with its score.

        Args:
            target: what to be near: an id, a document, `Text("…")` or a vector; None: the pairs alone tell.
            context: pairs of an example to be nearer to, and one to be farther from.
            k: how many documents.
            filter: which documents may be found.
            using: the vector field; None is the store's own.
            **options: the rare ones, see `SearchOptions`.

        Raises:
            InvalidInput: before anything was sent.
            NotFound: there is no document with the id of an example.
        """
        ranking = Discovered(target, context, using)
        return await self._reader.found(self._search(ranking, k, filter, options))

    @strict
    async def asimilarity_search_grouped(
        self,
        query: str | Ranking,
        group_by: str,
        k: int = 4,
        group_size: int = 3,
        filter: FilterInput = None,
        **options: Unpack[TextSearchOptions],
    ) -> list[Group]:
        """The best documents of the best groups: the best chunks of each source, say, so that none crowds out others.

        Args:
            query: the text to search for, or any ranking.
            group_by: the metadata field that tells the groups apart, of text or whole numbers. Documents without it are
                in no group; one with a list in it is in the group of each element.
            k: how many groups.
            group_size: how many documents of each, at most.
            filter: which documents may be found.
            **options: the rare ones, see `TextSearchOptions`; there is no `offset` of groups.

        Returns:
            The groups, the one with the best document first.
        """
        if options.get("offset"):
            raise InvalidInput("groups have no offset: ask for more of them with k")
        size = whole_number("group_size", group_size, at_least=1)
        to_path(group_by if isinstance(group_by, str) else "", where="group_by")
        ranking = self._rankings([query], options)[0]
        return await self._reader.grouped(self._search(ranking, k, filter, options), Grouping(group_by, size))

    @strict
    async def aquery_batch(
        self,
        queries: Iterable[str | Ranking],
        k: int = 4,
        filter: FilterInput | Sequence[FilterInput] = None,
        **options: Unpack[TextSearchOptions],
    ) -> list[list[tuple[Document, float]]]:
        """What each of several queries finds, in one call: the texts are embedded at the same time and sent together.

        Args:
            queries: texts, or rankings of any kind.
            k: how many documents for each.
            filter: which documents may be found; a list: one filter for each query.
            **options: the rare ones, see `TextSearchOptions`, for all of them.

        Returns:
            A list for each query, in their order, as `asimilarity_search_with_score` gives it.
        """
        if isinstance(queries, str) or not isinstance(queries, Iterable):
            raise InvalidInput(f"queries must be a list of texts and rankings, not one {type(queries).__name__}")
        listed = list(queries)
        filters = filter if isinstance(filter, list | tuple) else [filter] * len(listed)
        if len(filters) != len(listed):
            raise InvalidInput(f"{len(filters)} filters for {len(listed)} queries: give one for each, or one for all")
        rankings = self._rankings(listed, options)
        searches = [self._search(each, k, chosen, options) for each, chosen in zip(rankings, filters, strict=True)]
        return await self._reader.each_found(searches) if searches else []

    @strict
    async def asample(self, k: int = 4, filter: FilterInput = None, **options: Unpack[SearchOptions]) -> list[Document]:
        """Documents by chance, other ones each time.

        Args:
            k: how many; fewer if there are not as many.
            filter: which documents may be among them.
            **options: the rare ones, see `SearchOptions`.
        """
        found = await self._reader.found(self._search(Sampled(), k, filter, options))
        return [each for each, _ in found]

    @strict
    async def adistance_matrix(
        self,
        sample: int = 100,
        k: int = 10,
        filter: FilterInput = None,
        *,
        using: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Matrix:
        """How near documents are to each other, of a sample by chance: for clusters, maps and duplicates.

        Args:
            sample: how many documents.
            k: how many of the nearest others for each.
            filter: of which documents the sample is taken.
            using: the vector field; None is the store's own.
            **options: the rare ones, see `ReadOptions`.
        """
        request, timeout = search_matrix_points(sample, k), options.get("timeout")
        chosen = to_filter(filter, metadata_key=self.layout.metadata_key)
        request.MergeFrom(points.SearchMatrixPoints(**reading(options, ReadOptions)))

        async def ask(collection: Collection) -> Matrix:
            asked = points.SearchMatrixPoints(filter=collection.without_origin(chosen))
            asked.MergeFrom(request)
            asked.collection_name, asked.using = collection.name, collection.field_name(using)
            found = await self.connection.points.SearchMatrixOffsets(asked, timeout=timeout)
            return matrix(found.result, await self._reader.by_point_ids(found.result.ids, timeout))

        return await self._reader.answered(ask, matrix(points.SearchMatrixOffsets(), []), timeout)

    def ranking(self, query: str, retrieval_mode: Any = None, hybrid_fusion: Any = None, boost: Any = None) -> Ranking:
        """What a search for a text would be ranked by: to be merged, rescored or grouped with others. No I/O.

        Args:
            query: the text.
            retrieval_mode: by which vectors; by default the store's.
            hybrid_fusion: how hybrid retrieval merges.
            boost: what metadata adds to the score.
        """
        told: TextSearchOptions = {"retrieval_mode": retrieval_mode, "hybrid_fusion": hybrid_fusion, "boost": boost}
        return self._ranking(query, told)

    def _rankings(self, queries: Sequence[str | Ranking], options: TextSearchOptions) -> list[Ranking]:
        """Texts as the options say, which are taken out of them; rankings as they are."""
        texts = [each for each in queries if not hasattr(each, "asked")]
        told = self._told(texts, options)
        return [self._retrieval.ranking(each, told) if isinstance(each, str) else each for each in queries]

    @documents_only(arecommend_with_score)
    async def arecommend(self) -> Any:
        """As `arecommend_with_score`, without the scores."""

    @documents_only(adiscover_with_score)
    async def adiscover(self) -> Any:
        """As `adiscover_with_score`, without the scores."""

    @blocking(arecommend_with_score)
    def recommend_with_score(self) -> Any:
        """Blocking twin of `arecommend_with_score`."""

    @blocking(adiscover_with_score)
    def discover_with_score(self) -> Any:
        """Blocking twin of `adiscover_with_score`."""

    @blocking(arecommend)
    def recommend(self) -> Any:
        """Blocking twin of `arecommend`."""

    @blocking(adiscover)
    def discover(self) -> Any:
        """Blocking twin of `adiscover`."""

    @blocking(asimilarity_search_grouped)
    def similarity_search_grouped(self) -> Any:
        """Blocking twin of `asimilarity_search_grouped`."""

    @blocking(aquery_batch)
    def query_batch(self) -> Any:
        """Blocking twin of `aquery_batch`."""

    @blocking(asample)
    def sample(self) -> Any:
        """Blocking twin of `asample`."""

    @blocking(adistance_matrix)
    def distance_matrix(self) -> Any:
        """Blocking twin of `adistance_matrix`."""
