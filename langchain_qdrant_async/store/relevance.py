"""Scores -> relevance between 0 (nothing in common) and 1 (the same), by distance. Pure."""

from __future__ import annotations

from collections.abc import Callable

from langchain_qdrant_async.collection.field import Distance
from langchain_qdrant_async.errors import InvalidInput


def relevance_of(distance: Distance) -> Callable[[float], float]:
    """The function from a score of that distance to a relevance, monotone and within 0 and 1.

    Raises:
        InvalidInput: dot products have no bound, so only the caller can know what one means.
    """
    if distance is Distance.DOT:
        raise InvalidInput(
            "dot products have no bounds, so they have no relevance: pass relevance_score_fn, or use Distance.COSINE"
        )
    return from_cosine if distance is Distance.COSINE else from_distance


def from_cosine(score: float) -> float:
    """`(score + 1) / 2`: -1 is opposite, 1 is the same direction; rounding beyond either is cut off."""
    return min(max((score + 1) / 2, 0.0), 1.0)


def from_distance(distance: float) -> float:
    """`1 / (1 + distance)`: 1 at no distance, towards 0 far away."""
    return 1 / (1 + max(distance, 0.0))
