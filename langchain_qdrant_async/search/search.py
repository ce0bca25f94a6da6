"""What a search asks for, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from langchain_qdrant_async.checks import is_number, whole_number
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.proto import common, points

Consistency: TypeAlias = int | Literal["all", "majority", "quorum"] | points.ReadConsistency


@dataclass(frozen=True, slots=True)
class Search:
    """What a search asks for besides its vector."""

    k: int = 4
    """How many points, at least 1."""
    filter: common.Filter | None = None
    """Which points may be found."""
    params: points.SearchParams | None = None
    """How the index is searched: `hnsw_ef`, `exact`, quantisation."""
    offset: int = 0
    """How many of the best to leave out."""
    score_threshold: float | None = None
    """Worst score to return: a lower bound, or an upper one for Euclid and Manhattan."""
    consistency: points.ReadConsistency | None = None
    """How many replicas must agree."""

    def __post_init__(self) -> None:
        whole_number("k", self.k, at_least=1)
        whole_number("offset", self.offset, at_least=0)
        given = self.score_threshold
        if given is not None and not is_number(given):
            raise InvalidInput(f"score_threshold must be a number, not {given!r}")


@dataclass(frozen=True, slots=True)
class Diversity:
    """How unlike each other the documents of a maximal-marginal-relevance search are to be.

    LangChain's `lambda_mult` is 1 for the least diversity and 0 for the most; Qdrant's `diversity` is its opposite.

    Source: Qdrant `collection_query.rs`: `lambda = 1 - diversity`.
    """

    fetch_k: int
    """How many candidates to choose from; never fewer than are to be returned."""
    lambda_mult: float
    """0 for the most diversity, 1 for none."""

    def __post_init__(self) -> None:
        whole_number("fetch_k", self.fetch_k, at_least=1)
        given = self.lambda_mult
        if not is_number(given) or not 0 <= given <= 1:
            raise InvalidInput(f"lambda_mult must be between 0 (most diverse) and 1 (least diverse), not {given!r}")
