"""How several rankings become one, on the server. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

from langchain_qdrant_async.checks import is_number, whole_number
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.proto import points

_RRF_K = 60
"""Source: Cormack, Clarke and Büttcher, Reciprocal Rank Fusion, 2009. Qdrant's own default of 2 lets the first places
decide nearly alone; it was the worst on each of three collections (record 0500)."""

DEPTH = 200
"""Candidates of each ranking, at least: DBSF takes the mean and the deviation of them, and gains until here."""


@dataclass(frozen=True, slots=True)
class Rrf:
    """By rank: the sum of `weight / (k + rank)` over the rankings, ranks from 0.

    Raises:
        InvalidInput: a number out of its range.
    """

    k: int = _RRF_K
    """The larger, the less the first places count."""
    weights: Sequence[float] = ()
    """One for each ranking; none: all count the same."""

    by_score: ClassVar[bool] = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "k", whole_number("Rrf.k", self.k, at_least=1))
        object.__setattr__(self, "weights", _weights(self.weights))

    def query(self, branches: int) -> points.Query:
        """As it is asked."""
        _check_weights(self.weights, branches)
        return points.Query(rrf=points.Rrf(k=self.k, weights=self.weights))


@dataclass(frozen=True, slots=True)
class Dbsf:
    """By score: each ranking's are scaled so that three deviations below and above the mean become 0 and 1, and added.

    Source: Qdrant `lib/segment/src/common/score_fusion.rs`.
    """

    by_score: ClassVar[bool] = True

    def query(self, branches: int) -> points.Query:  # noqa: ARG002  a fusion is asked so
        """As it is asked."""
        return points.Query(fusion=points.Fusion.DBSF)


@dataclass(frozen=True, slots=True)
class WeightedSum:
    """By score, as it is: the sum of `weight * score`, for rankings whose scores are alike.

    A ranking that lacks a point gives it 0.

    Raises:
        InvalidInput: a weight that is no number.
    """

    weights: Sequence[float]
    """One for each ranking."""

    by_score: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", _weights(self.weights))

    def query(self, branches: int) -> points.Query:
        """As it is asked: a formula over the rankings' scores."""
        _check_weights(self.weights, branches, needed=True)
        scored = [_product(weight, f"$score[{place}]") for place, weight in enumerate(self.weights)]
        formula = points.Formula(expression=points.Expression(sum=points.SumExpression(sum=scored)))
        for place in range(branches):
            formula.defaults[f"$score[{place}]"].double_value = 0.0
        return points.Query(formula=formula)


Fusion: TypeAlias = Literal["rrf", "dbsf"] | Rrf | Dbsf | WeightedSum
"""By rank or by score."""

_DEFAULT = Dbsf()
"""What hybrid retrieval does unless it is told otherwise: see record 0500."""


def fusion_of(given: Any) -> Any:
    """The fusion that is meant: ours, its name, or a `Query` of qdrant-client that merges (gRPC or REST).

    Raises:
        InvalidInput: it is none.
    """
    if given is None:
        return _DEFAULT
    if isinstance(given, Rrf | Dbsf | WeightedSum):
        return given
    if type(given) is str and given in _NAMED:
        return _NAMED[given]
    query = _query_of(given)
    if query is None:
        raise InvalidInput(
            f"a fusion is 'rrf', 'dbsf', Rrf(...), Dbsf(), WeightedSum(...) or a FusionQuery or RrfQuery of "
            f"qdrant-client, not {given!r}"
        )
    return _Given(query)


@dataclass(frozen=True, slots=True, eq=False)
class _Given:
    """What came as Qdrant's own message."""

    message: points.Query

    @property
    def by_score(self) -> bool:
        """Whether scores are added; what a formula does with them is its own affair."""
        return self.message.HasField("fusion") and self.message.fusion == points.Fusion.DBSF

    def query(self, branches: int) -> points.Query:
        """As it is asked."""
        if self.message.HasField("rrf"):
            _check_weights(self.message.rrf.weights, branches)
        return self.message


def _query_of(given: Any) -> points.Query | None:
    """Qdrant's message of what qdrant-client has for a fusion; None: it is no fusion."""
    if isinstance(given, points.Rrf):
        return points.Query(rrf=given)
    if isinstance(given, points.Query):
        return given if given.WhichOneof("variant") in {"fusion", "rrf", "formula"} else None
    name = type(given).__name__
    if name == "Fusion":
        return points.Query(fusion=points.Fusion.Value(str(given.value).upper()))
    if name in {"FusionQuery", "RrfQuery"}:
        from qdrant_client.conversions.conversion import RestToGrpc

        return RestToGrpc.convert_query(given)
    return None


def _weights(given: Any) -> tuple[float, ...]:
    if isinstance(given, str) or not all(is_number(each) for each in given):
        raise InvalidInput(f"weights are numbers, one for each ranking, not {given!r}")
    return tuple(float(each) for each in given)


def _check_weights(weights: Sequence[float], branches: int, *, needed: bool = False) -> None:
    if (weights or needed) and len(weights) != branches:
        raise InvalidInput(f"{len(weights)} weights for {branches} rankings: give one for each")


def _product(weight: float, variable: str) -> points.Expression:
    factors = [points.Expression(constant=weight), points.Expression(variable=variable)]
    return points.Expression(mult=points.MultExpression(mult=factors))


_NAMED: dict[str, Any] = {"rrf": Rrf(), "dbsf": Dbsf()}
