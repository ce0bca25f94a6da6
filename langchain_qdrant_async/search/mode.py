"""Which vectors a text is searched by."""

from __future__ import annotations

import enum

from langchain_qdrant_async.errors import InvalidInput


class RetrievalMode(str, enum.Enum):
    """Which vectors a text is searched by. The values of the first three are langchain-qdrant's."""

    DENSE = "dense"
    """By meaning: the store's own vector."""
    SPARSE = "sparse"
    """By words: the sparse vector."""
    HYBRID = "hybrid"
    """By both, merged by the server."""
    MULTIVECTOR = "multivector"
    """By each token (late interaction): the multivector of the spec."""


def mode_of(given: object) -> RetrievalMode:
    """The mode that is meant: ours, langchain-qdrant's, or the value of either.

    Raises:
        InvalidInput: there is no such mode.
    """
    try:
        return RetrievalMode(getattr(given, "value", given))
    except ValueError:
        names = ", ".join(repr(each.value) for each in RetrievalMode)
        raise InvalidInput(f"no retrieval_mode {given!r}; there are {names}") from None
