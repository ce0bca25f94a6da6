"""How much one filter may ask: the engine cannot be interrupted, so its work is bounded before it starts. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Sized

from langchain_qdrant_async.engine.status import Refusal, bad_request
from langchain_qdrant_async.proto import common

_MOST_CONDITIONS = 50_000
"""In one filter, at all levels: about 0.1 s to read them."""
_MOST_SIBLINGS = 1024
"""Side by side: each is asked of every point. A tree of conditions asks few of them."""
_SMALL_BYTES = 2 * _MOST_CONDITIONS
"""A condition takes at least two bytes, so a smaller filter need not be counted."""


def check_size(message: common.Filter | common.Condition) -> None:
    """Raise if there are more conditions than one request may have."""
    outer = _outer(message)
    if outer > _MOST_CONDITIONS:
        raise _too_many(outer, _MOST_CONDITIONS)
    if message.ByteSize() < _SMALL_BYTES:  # takes as long as to write it
        return
    amount = 0
    for conditions in _lists(message):
        amount += len(conditions)
        if amount > _MOST_CONDITIONS:
            raise _too_many(amount, _MOST_CONDITIONS)


def _outer(message: common.Filter | common.Condition) -> int:
    """How many conditions stand at the top."""
    if isinstance(message, common.Condition):
        return 1
    return len(message.must) + len(message.should) + len(message.must_not)


def check_siblings(conditions: Sized) -> None:
    """Raise if more conditions stand side by side than the engine may ask of each point."""
    if len(conditions) > _MOST_SIBLINGS:
        raise _too_many(len(conditions), _MOST_SIBLINGS)


def _lists(message: common.Filter | common.Condition) -> Iterator[Sequence[common.Condition]]:
    """Every list of conditions, from the outermost on, so that who stops reading has not gone into what is inside."""
    waiting: list[Sequence[common.Condition]]
    waiting = [[message]] if isinstance(message, common.Condition) else _groups(message)
    while waiting:
        conditions = waiting.pop()
        yield conditions
        for condition in conditions:
            kind = condition.WhichOneof("condition_one_of")
            if kind in {"filter", "nested"}:
                waiting += _groups(condition.nested.filter if kind == "nested" else condition.filter)


def _groups(message: common.Filter) -> list[Sequence[common.Condition]]:
    return [message.must, message.should, message.must_not, message.min_should.conditions]


def _too_many(amount: int, most: int) -> Refusal:
    return bad_request(
        f"Filter condition limit reached ({amount} > {most}). Help: Reduce the amount of conditions of your filter."
    )
