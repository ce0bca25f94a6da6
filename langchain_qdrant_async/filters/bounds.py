"""How much one filter may hold: it is read on the caller's event loop, which nothing else may use meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from langchain_core.structured_query import Expr

from langchain_qdrant_async.errors import InvalidFilter
from langchain_qdrant_async.filters.operators import OF_POINTS, PER_VALUE

MAX_DEPTH = 10
"""How many operators may stand inside each other: each takes up to four messages of protobuf's hundred, and a long list
of numbers takes thirty."""

_FIELD, _ENTRY, _NUMBER, _WORD = 100, 30, 5, 2
"""What an entry of a dictionary takes to read, and of a list: less in a list of nothing but numbers, or of words."""
_FLOAT, _EACH, _COMPARISON = 15, 48, 120
"""The same of a list with floats among its numbers, of what becomes a condition each, and of one of LangChain's
comparisons."""
_MOST = 120_000
"""In all, so that reading takes 50 ms on a slow machine: `python -m tests.benchmark.filters` measures it."""
_DEEPEST = 30
"""Containers inside each other; what is inside of more is refused unread."""
_MOST_CONVERTED = 4_000
"""Conditions side by side in one of Qdrant's own filters, of the REST client."""
_MOST_MESSAGES = 50_000
"""The same in a message. Source: what the embedded engine takes."""

_SCALARS = {str, int, float, bool, type(None)}
_CONTAINERS = (Mapping, list, tuple, set, frozenset, range, np.ndarray, Expr)


def check_bounds(given: object) -> None:
    """Raise for a filter that would take long to read, without reading it.

    Raises:
        InvalidFilter: it holds too much.
    """
    left, waiting = _MOST, [(given, 0)]
    while waiting:
        each, level = waiting.pop()
        if not isinstance(each, _CONTAINERS) or level > _DEEPEST:
            continue
        weight, parts = _weighed(each)
        left -= weight
        if left < 0:
            most = (
                f"{_MOST // _WORD:,} words, {_MOST // _NUMBER:,} whole numbers, {_MOST // _EACH:,} ids, or"
                f" {_MOST // (_FIELD + _ENTRY):,} conditions on fields"
            )
            raise _too_much(most, "$in")
        waiting += [(part, level + 1) for part in parts if isinstance(part, _CONTAINERS)]


def check_native(conditions: Collection[object], *, converted: bool) -> None:
    """Raise for too many of Qdrant's own conditions side by side.

    Args:
        conditions: one clause of a filter.
        converted: whether they have to be converted.

    Raises:
        InvalidFilter: there are too many.
    """
    most = _MOST_CONVERTED if converted else _MOST_MESSAGES
    if len(conditions) > most:
        raise _too_much(f"{most:,} conditions side by side", "MatchAny")


def too_deep() -> InvalidFilter:
    """The error for operators that stand too deep inside each other."""
    return InvalidFilter(f"the filter is nested too deeply: at most {MAX_DEPTH} operators inside each other")


def _weighed(container: Any) -> tuple[int, Collection[Any]]:
    """What a container takes to read, without what is in its parts, and these."""
    if isinstance(container, Expr):  # one of LangChain's structured queries
        return _COMPARISON, vars(container).values()
    if isinstance(container, Mapping):
        each = sum(_length(container[name]) for name in _EACH_A_CONDITION if name in container)
        return _FIELD * len(container) + _EACH * each, container.values()
    if isinstance(container, range | np.ndarray):
        return (_FLOAT if isinstance(container, np.ndarray) else _NUMBER) * _length(container), ()
    if len(container) > _MOST:
        return len(container), ()
    kinds = set(map(type, container))
    return len(container) * _weight_of(kinds), () if kinds <= _SCALARS else container


def _weight_of(kinds: set[type]) -> int:
    """What an entry of a list takes in which there are values of these types."""
    if not kinds <= _SCALARS:
        return _ENTRY
    if kinds == {str}:
        return _WORD
    return _FLOAT if float in kinds else _NUMBER


def _length(container: Any) -> int:
    """How many values there are in a list or the like; one in anything else."""
    if not isinstance(container, _CONTAINERS) or isinstance(container, Mapping | Expr):
        return 1
    try:
        return container.size if isinstance(container, np.ndarray) else len(container)
    except OverflowError:  # a range may be longer than any list
        return _MOST


_EACH_A_CONDITION = (*OF_POINTS, *PER_VALUE)


def _too_much(most: str, way: str) -> InvalidFilter:
    return InvalidFilter(
        f"the filter asks too much: at most {most}. Many values of one field are one condition with {way}; still more"
        " are several searches, or one field that says what they have in common"
    )
