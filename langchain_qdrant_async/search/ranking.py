"""Ways to search, a class for each. Pure: their texts are embedded by the fields of the collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

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
from langchain_qdrant_async.proto import points
from langchain_qdrant_async.runtime.turns import together
from langchain_qdrant_async.search.message import prefetch_query
from langchain_qdrant_async.search.search import Asked, Fields, Ranking, Search

Fusion = Literal["rrf", "dbsf"]
"""By rank (reciprocal rank fusion), or by score (distribution-based score fusion)."""


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
            object.__setattr__(self, "query", _checked(self.query))

    async def asked(self, fields: Fields, search: Search) -> Asked:  # noqa: ARG002  a ranking is asked so
        """The nearest points of the vector."""
        name, vector = await fields.vector(self.query, self.using)
        return Asked(points.Query(nearest=vector), name)


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

    def __post_init__(self) -> None:
        if not isinstance(self.query, str):
            object.__setattr__(self, "query", _checked(self.query))
        whole_number("fetch_k", self.fetch_k, at_least=1)
        given = self.lambda_mult
        if not is_number(given) or not 0 <= given <= 1:
            raise InvalidInput(f"lambda_mult must be between 0 (most diverse) and 1 (least diverse), not {given!r}")

    async def asked(self, fields: Fields, search: Search) -> Asked:
        """The candidates, and how to choose from them."""
        name, vector = await fields.vector(self.query, self.using)
        mmr = points.Mmr(diversity=1 - self.lambda_mult, candidates_limit=max(self.fetch_k, search.reach))
        return Asked(points.Query(nearest_with_mmr=points.NearestInputWithMmr(nearest=vector, mmr=mmr)), name)


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """The best of several rankings, merged by the server: words beside meaning, two models, two wordings.

    Their texts are embedded at the same time. The score is the fusion's own, and `score_threshold` is one of those.

    Raises:
        InvalidInput: no ranking, something that is none, or another fusion.
    """

    rankings: Sequence[Ranking]
    """What is merged; a fusion may be one of them."""
    limit: int | None = None
    """How many candidates each gives; never fewer than are to be returned, which is what None means."""
    fusion: Fusion = "rrf"
    """How they are merged."""

    def __post_init__(self) -> None:
        given = self.rankings
        if not isinstance(given, list | tuple) or not given or not all(hasattr(each, "asked") for each in given):
            raise InvalidInput("Fused takes a list of rankings: Fused([Nearest(...), Nearest(..., using=...)])")
        if self.limit is not None:
            whole_number("limit", self.limit, at_least=1)
        if self.fusion not in get_args(Fusion):
            raise InvalidInput(f"fusion must be one of {', '.join(get_args(Fusion))}, not {self.fusion!r}")

    async def asked(self, fields: Fields, search: Search) -> Asked:
        """Each ranking as a prefetch, and how to merge them."""
        reach = max(self.limit or 0, search.reach)
        branch = replace(search, k=reach, offset=0, score_threshold=None)
        asked = await together(ranking.asked(fields, branch) for ranking in self.rankings)
        return Asked(_FUSIONS[self.fusion], prefetch=[prefetch_query(branch, each) for each in asked])


def _checked(vector: AnyVector) -> Floats | Sparse:
    """The vector as numbers that can be sent."""
    if isinstance(vector, Sparse):
        to_sparse(*vector)
        return vector
    return to_matrix(cast("MatrixInput", vector)) if _has_rows(vector) else to_array(cast("DenseInput", vector))


def _has_rows(vector: Sequence[object] | np.ndarray) -> bool:
    if isinstance(vector, np.ndarray):
        return vector.ndim > 1
    return isinstance(vector, list | tuple) and len(vector) > 0 and isinstance(vector[0], list | tuple | np.ndarray)


_FUSIONS = {
    "rrf": points.Query(fusion=points.Fusion.RRF),
    "dbsf": points.Query(fusion=points.Fusion.DBSF),
}
