"""The vector that the `average_vector` strategy searches with. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qdrant_edge as edge

from langchain_qdrant_async.engine.convert.schema import EngineVector
from langchain_qdrant_async.engine.status import bad_request, wrong_input


def average_vector(positives: Sequence[EngineVector], negatives: Sequence[EngineVector]) -> EngineVector:
    """`avg(positives) + avg(positives) - avg(negatives)`, or just the first term without negatives.

    Source: `avg_vector_for_recommendation` in Qdrant's `lib/collection/src/recommendations.rs`.
    """
    if not positives:
        raise wrong_input("Positive vectors should not be empty with `average` strategy")
    return _AVERAGES[_kind(positives[0])](positives, negatives)


def check_examples(positives: Sequence[Any], negatives: Sequence[Any]) -> None:
    """Raise if a strategy that scores by example has none."""
    if not positives and not negatives:
        raise bad_request("At least one positive or negative vector ID required with this strategy")


def _kind(vector: EngineVector) -> str:
    if isinstance(vector, edge.SparseVector):
        return "sparse"
    return "multi" if isinstance(vector[0], list) else "dense"


def _dense(positives: Sequence[Any], negatives: Sequence[Any]) -> EngineVector:
    import numpy as np  # a fifth of an engine's start

    positive = np.mean(np.asarray(positives, np.float32), axis=0)
    if negatives:
        positive = positive + positive - np.mean(np.asarray(negatives, np.float32), axis=0)
    return positive.tolist()  # type: ignore[no-any-return]


def _multi(positives: Sequence[Any], negatives: Sequence[Any]) -> EngineVector:
    """All rows of the positives, and the rows of the negatives turned around."""
    rows = [row for vector in positives for row in vector]
    return rows + [[-component for component in row] for vector in negatives for row in vector]


def _sparse(positives: Sequence[Any], negatives: Sequence[Any]) -> EngineVector:
    weights: dict[int, float] = {}
    positive_share = (2.0 if negatives else 1.0) / len(positives)
    _add(weights, positives, positive_share)
    if negatives:
        _add(weights, negatives, -1.0 / len(negatives))
    return edge.SparseVector(list(weights), list(weights.values()))


def _add(weights: dict[int, float], vectors: Sequence[Any], share: float) -> None:
    for vector in vectors:
        for index, value in zip(vector.indices, vector.values, strict=True):
            weights[index] = weights.get(index, 0.0) + share * value


_AVERAGES: dict[str, Callable[[Sequence[Any], Sequence[Any]], EngineVector]] = {
    "dense": _dense,
    "multi": _multi,
    "sparse": _sparse,
}
