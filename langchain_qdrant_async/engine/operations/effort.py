"""How long a read would keep the engine busy, about, and how it is cut into pieces that do not.

No call of the engine can be interrupted, and while one goes on nobody else is served. A point belongs to one piece of
many, by a hash of its id, so that pieces together find what the whole would.

Decision: docs/decisions/0415-long-reads-in-pieces.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from langchain_qdrant_async.engine.operations.scoring import Level, examples_of, rows_of
from langchain_qdrant_async.engine.shards.shard import Shard
from langchain_qdrant_async.engine.status import refuse_if_long
from langchain_qdrant_async.proto import common, points

PIECE_S = 0.2
"""What one piece should take."""
_MOST_PIECES = 1024
_SELECTION_S = 30.0
"""What it may take to find the points that are to be written."""
_CONDITION_S = 2e-6
"""Of one condition for one point without an index: the payload is found."""
_PAYLOAD_S = 2.5e-9
"""And each of its bytes is read."""
_SCORE_S = 7e-11
"""Of one row of a query against one byte of vectors."""
_VISITED = 10_000
"""Points that a search looks at which follows an index."""


def pieces_of(request: Any, shard: Shard) -> int:
    """In how many pieces a search without prefetches, a count or a scroll is to be done."""
    return min(1 + int(_seconds(request, shard) / PIECE_S), _MOST_PIECES)


def check_effort(request: Any, shard: Shard) -> None:
    """Raise for what would keep the engine busy for long and cannot be cut."""
    refuse_if_long(_seconds(request, shard), "give its filter fewer conditions, or index their fields")


def check_selection(selector: points.PointsSelector, shard: Shard) -> None:
    """Raise for a filter of a write, which is carried out whole or not at all, that would take very long."""
    refuse_if_long(_seconds(selector, shard), "give its filter fewer conditions, or index their fields", _SELECTION_S)


def _seconds(request: Any, shard: Shard) -> float:
    """Of a request with a filter, a query and prefetches, as far as it has them."""
    size, rows = shard.size, _scored(request)
    share = min(1.0, _VISITED / max(size.points, 1)) if rows and size.indexed else 1.0
    each_s = share * (size.points * _CONDITION_S + size.size_bytes * _PAYLOAD_S)
    usual = _conditions(request, frozenset()) * each_s + share * rows * size.size_bytes * _SCORE_S
    if usual < PIECE_S:
        return usual
    indexed = frozenset(shard.engine.info().payload_schema)
    return usual - (_conditions(request, frozenset()) - _conditions(request, indexed)) * each_s


def _conditions(level: Any, indexed: frozenset[str]) -> int:
    """The conditions that need the payload, in the filters of this level and those below."""
    amount = _of_filter(level.filter, indexed) if level.HasField("filter") else 0
    return amount + sum(_conditions(inner, indexed) for inner in getattr(level, "prefetch", ()))


def _of_filter(message: common.Filter, indexed: frozenset[str]) -> int:
    amount = _of_alternatives(message.should, indexed)
    for group in (message.must, message.must_not, message.min_should.conditions):
        amount += sum(_of_condition(each, indexed) for each in group)
    return amount


def _of_condition(condition: common.Condition, indexed: frozenset[str]) -> int:
    """Inside a nested one all read the same payload."""
    kind = condition.WhichOneof("condition_one_of")
    if kind == "filter":
        return _of_filter(condition.filter, indexed)
    return int(kind in _BY_PAYLOAD and getattr(condition, str(kind)).key not in indexed)


_BY_PAYLOAD = frozenset(("field", "is_empty", "is_null", "nested"))


def _of_alternatives(conditions: Sequence[common.Condition], indexed: frozenset[str]) -> int:
    """Of ranges that exclude each other, each before more conditions, a value is let through by one: see `$in`."""
    if not _exclude_each_other(conditions):
        return sum(_of_condition(each, indexed) for each in conditions)
    largest = max(conditions, key=lambda each: each.ByteSize()).filter
    return len(conditions) - 1 + _of_filter(largest, indexed)


def _exclude_each_other(conditions: Sequence[common.Condition]) -> bool:
    gates = [each.filter.must[0].field for each in conditions if len(each.filter.must) == 2]
    ranges = [each.range for each in gates if each.range.HasField("gte") and each.range.HasField("lte")]
    return (
        1 < len(ranges) == len(conditions)
        and len({each.key for each in gates}) == 1
        and all(one.lte < other.gte for one, other in pairwise(ranges))
    )


def _scored(level: Any) -> int:
    """The rows that points are scored by, at this level and those below."""
    rows = _rows(level) if hasattr(level, "query") else 0
    return rows + sum(_scored(inner) for inner in getattr(level, "prefetch", ()))


def _rows(level: Level) -> int:
    return sum(map(rows_of, examples_of(level.query)))
