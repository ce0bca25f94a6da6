"""Ways to search, a class for each. Pure: their texts are embedded by the fields of the collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from langchain_qdrant_async.checks import is_number, whole_number
from langchain_qdrant_async.document.vectors import (
    AnyVector,
    DenseInput,
    Floats,
    MatrixInput,
    Sparse,
    to_array,
    to_matrix,
    to_sparse,
)
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.proto import common, points
from langchain_qdrant_async.runtime.turns import together
from langchain_qdrant_async.search.fusion import DEPTH, fusion_of
from langchain_qdrant_async.search.message import prefetch_query
from langchain_qdrant_async.search.params import search_params
from langchain_qdrant_async.search.search import Asked, Fields, Ranking, Search


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """The points nearest to a text or a vector.

    Raises:
        InvalidVector: the vector is none, or not finite.
    """

    query: str | AnyVector
    """A text, which the field's encoder embeds; or a vector: dense, `Sparse`, or several rows for a multivector."""
    using: str | None = None
    """The vector field; None is the store's own."""

    def __post_init__(self) -> None:
        if not isinstance(self.query, str):
            object.__setattr__(self, "query", checked_vector(self.query))

    async def asked(self, fields: Fields, search: Search) -> Asked:  # noqa: ARG002  a ranking is asked so
        """The nearest points of the vector."""
        name, vector = await fields.vector(self.query, self.using)
        return Asked(points.Query(nearest=vector), name, params=fields.params(name))


@dataclass(frozen=True, slots=True, eq=False)
class Diverse:
    """Points near a text or a vector and unlike each other (maximal marginal relevance), chosen by the server.

    LangChain's `lambda_mult` is 1 for the least diversity and 0 for the most; Qdrant's `diversity` is its opposite.

    Source: Qdrant `collection_query.rs`: `lambda = 1 - diversity`.

    Raises:
        InvalidInput: a number out of its range.
        InvalidVector: the vector is none, or not finite.
    """

    query: str | AnyVector
    """A text or a vector, as for `Nearest`."""
    fetch_k: int = 20
    """How many candidates to choose from; never fewer than are to be returned."""
    lambda_mult: float = 0.5
    """0 for the most diversity, 1 for none."""
    using: str | None = None
    """The vector field; None is the store's own."""
    among: Ranking | None = None
    """What finds the candidates; None: the nearest ones are."""

    def __post_init__(self) -> None:
        if not isinstance(self.query, str):
            object.__setattr__(self, "query", checked_vector(self.query))
        whole_number("fetch_k", self.fetch_k, at_least=1)
        given = self.lambda_mult
        if not is_number(given) or not 0 <= given <= 1:
            raise InvalidInput(f"lambda_mult must be between 0 (most diverse) and 1 (least diverse), not {given!r}")

    async def asked(self, fields: Fields, search: Search) -> Asked:
        """The candidates, and how to choose from them."""
        count = max(self.fetch_k, search.reach)
        found = [] if self.among is None else [await among(self.among, count, fields, search)]
        name, vector = await fields.vector(self.query, self.using)
        mmr = points.Mmr(diversity=1 - self.lambda_mult, candidates_limit=count)
        diverse = points.NearestInputWithMmr(nearest=vector, mmr=mmr)
        return Asked(points.Query(nearest_with_mmr=diverse), name, found, fields.params(name))


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """A ranking that is merged or rescored, with a filter, a threshold and parameters of its own.

    Raises:
        InvalidInput: something that cannot be meant.
    """

    ranking: Ranking
    """What finds the candidates."""
    filter: Any = None
    """Which of them, beside the search's own filter."""
    score_threshold: float | None = None
    """The worst score of this ranking, as Qdrant scores."""
    search_params: object = None
    """How the index is searched; None: as the search says."""
    limit: int | None = None
    """How many candidates; None: as many as the other rankings give."""

    def __post_init__(self) -> None:
        check_ranking(self.ranking)
        object.__setattr__(self, "search_params", search_params(self.search_params))
        if self.score_threshold is not None and not is_number(self.score_threshold):
            raise InvalidInput(f"Branch.score_threshold must be a number, not {self.score_threshold!r}")
        if self.limit is not None:
            whole_number("Branch.limit", self.limit, at_least=1)

    async def asked(self, fields: Fields, search: Search) -> Asked:
        """As the ranking is asked; alone, it is asked for what it would contribute."""
        return await self.ranking.asked(fields, self.within(fields, search))

    def within(self, fields: Fields, search: Search) -> Search:
        """The search for its candidates."""
        return replace(
            search,
            k=self.limit or search.k,
            filter=_both(search.filter, fields.filter(self.filter)),
            params=search_params(self.search_params) or search.params,
            score_threshold=self.score_threshold,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """The best of several rankings, merged by the server: words beside meaning, two models, two wordings.

    Their texts are embedded at the same time. The score is the fusion's own, and `score_threshold` is one of those:
    for `dbsf` the sum of what the rankings give on a scale from about 0 to 1 each, for `rrf` of `weight / (k + rank)`.
    Neither says how near a document is; for a threshold of that give it to a `Branch`.

    Raises:
        InvalidInput: no ranking, something that is none, or another fusion.
    """

    rankings: Sequence[Ranking]
    """What is merged: rankings, fusions, or a `Branch` of either."""
    limit: int | None = None
    """How many candidates each gives; never fewer than are to be returned. None: 200."""
    fusion: Any = "dbsf"
    """How they are merged: `"rrf"` (with k=60), `"dbsf"`, `Rrf`, `Dbsf`, `WeightedSum`, or Qdrant's own."""

    def __post_init__(self) -> None:
        given = self.rankings
        if not isinstance(given, list | tuple) or not given or not all(hasattr(each, "asked") for each in given):
            raise InvalidInput("Fused takes a list of rankings: Fused([Nearest(...), Nearest(..., using=...)])")
        if self.limit is not None:
            whole_number("limit", self.limit, at_least=1)
        object.__setattr__(self, "fusion", fusion_of(self.fusion))

    async def asked(self, fields: Fields, search: Search) -> Asked:
        """Each ranking as a prefetch, and how to merge them."""
        count, higher = depth(self.limit, fields, search), self.fusion.by_score
        found = await together(among(each, count, fields, search, higher=higher) for each in self.rankings)
        return Asked(self.fusion.query(len(found)), prefetch=found)


@dataclass(frozen=True, slots=True, eq=False)
class Rescored:
    """The candidates of one ranking in the order of another: a quick vector first, then late interaction.

    Raises:
        InvalidInput: something that is no ranking.
    """

    candidates: Ranking
    """What finds them."""
    by: Ranking
    """What orders them, as `Nearest(query, using="tokens")`."""
    limit: int | None = None
    """How many candidates; never fewer than are to be returned. None: 200."""

    def __post_init__(self) -> None:
        check_ranking(self.candidates)
        check_ranking(self.by)
        if self.limit is not None:
            whole_number("limit", self.limit, at_least=1)

    async def asked(self, fields: Fields, search: Search) -> Asked:
        """The second ranking over the candidates of the first."""
        found = await among(self.candidates, depth(self.limit, fields, search), fields, search)
        by = await self.by.asked(fields, search)
        return by._replace(prefetch=[*by.prefetch, found])


def depth(limit: int | None, fields: Fields, search: Search) -> int:
    """How many candidates: enough for the fusion, for what is returned, and no more than the collection gives."""
    usual = DEPTH if fields.most is None else min(DEPTH, fields.most)
    return max(usual if limit is None else limit, search.reach)


async def among(
    ranking: Ranking, count: int, fields: Fields, search: Search, *, higher: bool = False
) -> points.PrefetchQuery:
    """A ranking as the candidates of another.

    Args:
        ranking: what finds them.
        count: how many.
        fields: the collection's vector fields.
        search: the search that they are for.
        higher: whether a better one must have a higher score: distances are turned round.
    """
    within = replace(search, k=count, offset=0, score_threshold=None)
    if isinstance(ranking, Branch):
        within, ranking = ranking.within(fields, within), ranking.ranking
    asked = await ranking.asked(fields, within)
    found = prefetch_query(within, asked)
    return turned_round(found) if higher and is_distance(asked, fields) else found


def is_distance(asked: Asked, fields: Fields) -> bool:
    """Whether the scores of a ranking are distances, of which the lower one is better."""
    query = points.Query() if asked.query is None else asked.query
    kind = query.WhichOneof("variant")
    averaged = kind == "recommend" and query.recommend.strategy == points.RecommendStrategy.AverageVector
    return (averaged or kind in {"nearest", "nearest_with_mmr"}) and fields.is_distance(asked.using)


def turned_round(found: points.PrefetchQuery) -> points.PrefetchQuery:
    """The same candidates with their scores negated: Qdrant adds scores as if a higher one were always better.

    Source: measured; by DBSF the farthest points came first.
    """
    negated = points.Expression(neg=points.Expression(variable="$score"))
    formula = points.Query(formula=points.Formula(expression=negated))
    return points.PrefetchQuery(prefetch=[found], query=formula, limit=found.limit)


def check_ranking(given: object) -> None:
    """Nothing, when something can be asked for points.

    Raises:
        InvalidInput: it is no ranking.
    """
    if not hasattr(given, "asked"):
        raise InvalidInput(f"a ranking is one such as Nearest, Diverse or Fused, not {type(given).__name__}")


def _both(first: common.Filter | None, second: common.Filter | None) -> common.Filter | None:
    if first is None or second is None:
        return first or second
    return common.Filter(must=[common.Condition(filter=each) for each in (first, second)])


def checked_vector(vector: AnyVector) -> Floats | Sparse:
    """The vector as numbers that can be sent."""
    if isinstance(vector, Sparse):
        to_sparse(*vector)
        return vector
    return to_matrix(cast("MatrixInput", vector)) if _has_rows(vector) else to_array(cast("DenseInput", vector))


def _has_rows(vector: Sequence[object] | np.ndarray) -> bool:
    if isinstance(vector, np.ndarray):
        return vector.ndim > 1
    return isinstance(vector, list | tuple) and len(vector) > 0 and isinstance(vector[0], list | tuple | np.ndarray)
