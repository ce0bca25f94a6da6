"""What is too large or too deep is refused at once, and what is just not so is read in little time."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qdrant_client import models

from langchain_qdrant_async.errors import InvalidFilter
from langchain_qdrant_async.filters import to_filter
from langchain_qdrant_async.filters.conditions import among, equal, some, within
from langchain_qdrant_async.filters.number_tree import number_tree
from langchain_qdrant_async.proto import common

MANY = 200_000
LONG = "x" * 100_000
MEGABYTE = 2**20


def wrapped(depth: int, wrap: Callable[[Any], Any], inner: Any = 1) -> Any:
    for _ in range(depth):
        inner = wrap(inner)
    return inner


TOO_MUCH: dict[str, Callable[[], Any]] = {
    "alternatives": lambda: {"$or": [{"a": f"x{number}"} for number in range(MANY)]},
    "alternatives of other fields": lambda: {"$or": [{f"a{number}": {"$gt": 1}} for number in range(MANY)]},
    "conditions": lambda: {"$and": [{"a": {"$exists": True}}] * MANY},
    "fields": lambda: {f"a{number}": 1 for number in range(MANY)},
    "empty filters": lambda: {"$and": [{}] * MANY},
    "empty lists": lambda: {"$and": [{"$or": []}] * MANY},
    "operators": lambda: {"a": {"$not": {f"${number}": 1 for number in range(MANY)}}},
    "words": lambda: {"a": {"$in": [f"x{number}" for number in range(MANY)]}},
    "numbers": lambda: {"a": {"$nin": list(range(MANY))}},
    "a range": lambda: {"a": {"$in": range(10**30)}},
    "an array": lambda: {"a": {"$in": np.arange(MANY)}},
    "a set": lambda: {"a": {"$in": set(range(MANY))}},
    "booleans": lambda: {"a": {"$in": [True] * MANY}},
    "all of some words": lambda: {"a": {"$all_of": [f"x{number}" for number in range(3_000)]}},
    "all of some numbers": lambda: {"a": {"$contains": list(range(3_000))}},
    "all of a range": lambda: {"a": {"$all_of": range(10**30)}},
    "floats": lambda: {"a": {"$in": [number + 0.5 for number in range(10_000)]}},
    "words and numbers": lambda: {"a": {"$in": ["x", 1] * 14_000}},
    "moments": lambda: {"$or": [{"a": {"$between": ["2024-01-01", "2024-02-01"]}}] * 600},
    "corners": lambda: {"a": {"$geo_polygon": [{"lon": 1, "lat": 2}] * 1_000}},
    "holes": lambda: {
        "a": {"$geo_polygon": {"exterior": [[0, 0], [0, 1], [1, 1]], "interiors": [[[0, 0]] * 5] * MANY}}
    },
    "so many of": lambda: {"$min_should": {"conditions": [{"a": 1}] * 1_000, "min_count": 1}},
    "nested": lambda: {"a": {"$nested": {"$or": [{"b": {"$gt": 1}}] * 1_000}}},
    "vectors": lambda: {"$has_vector": ["x"] * 3_000},
    "ids": lambda: {"$has_id": [str(number) for number in range(MANY)]},
    "words in many lists": lambda: {"$and": [{"a": {"$in": ["x"] * 1_000}}] * 200},
    "its own messages": lambda: common.Filter(must=[equal("a", 1)] * MANY),
    "its own models": lambda: models.Filter(should=[models.HasVectorCondition(has_vector="a")] * MANY),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_what_is_too_much_is_refused_without_being_read(name: str) -> None:
    given = TOO_MUCH[name]()
    tracemalloc.start()
    try:
        with pytest.raises(InvalidFilter, match="asks too much"):
            to_filter(given)
        assert tracemalloc.get_traced_memory()[1] < 10 * MEGABYTE
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "given",
    [
        wrapped(10_000, lambda inner: {"$and": [inner]}),
        wrapped(10_000, lambda inner: {"$or": [inner, {"a": 1}]}),
        wrapped(10_000, lambda inner: {"$not": inner}),
        {"a": wrapped(10_000, lambda inner: {"$not": inner})},
        wrapped(10_000, lambda inner: {"a": inner}),
        {"a": wrapped(10_000, lambda inner: [inner])},
        {"a": {"$in": wrapped(10_000, lambda inner: [inner])}},
        {"a": {"$gt": wrapped(10_000, lambda inner: {"a": inner})}},
        wrapped(2_000, lambda inner: models.Filter(must=[inner]), models.Filter()),
    ],
    ids=["and", "or", "not", "field", "fields", "value", "in", "bound", "models"],
)
def test_what_is_too_deep_is_refused(given: Any) -> None:
    with pytest.raises(InvalidFilter) as refused:
        to_filter(given)
    assert len(str(refused.value)) < 5_000


class Verbose:
    """An object whose text is long."""

    def __repr__(self) -> str:
        return LONG


@pytest.mark.parametrize(
    "given",
    [
        {LONG: 1},
        {f"${LONG}": 1},
        {"a": {f"${LONG}": 1}},
        {"a": {LONG: 1}},
        {"a": {"$gt": LONG}},
        {"a": {"$like": f"%{LONG}"}},
        {"a": {"$geo_near": LONG}},
        {"a": {"$between": LONG}},
        {"a": {"$size": LONG}},
        {"a": {"$text": Verbose()}},
        {"a": {"$nested": LONG}},
        {"$min_should": {"conditions": LONG, "min_count": 1}},
        {"$has_vector": Verbose()},
        {"a": {"$exists": LONG}},
        {"a": f"{LONG}\ud800"},
        {"a": Verbose()},
        {"a": {"$gt": Verbose()}},
        {(LONG,): 1},
        {10**4_000: 1},
        {"$has_id": LONG},
        {"$has_id": [(LONG,)]},
        {"$has_id": [f"{LONG}\ud800"]},
        {"a..b" * 2_000: 1},
        {'"' + "a" * 9_000: 1},
    ],
)
def test_no_refusal_repeats_what_is_long(given: Any) -> None:
    with pytest.raises(InvalidFilter) as refused:
        to_filter(given)
    assert len(str(refused.value)) < 5_000


@pytest.mark.parametrize(
    ("given", "conditions"),
    [
        ([{"a": "x"}, {"a": {"$eq": "y"}}, {"a": "x"}], [among("metadata.a", ["x", "y"])]),
        ([{"a": 1}, {"a": 2.5}, {"a": 3}], [among("metadata.a", [1, 2.5, 3])]),
        ([{"a": 1}, {"b": 2}], [equal("metadata.a", 1), equal("metadata.b", 2)]),
        ([{"a": None}, {"a": True}, {"a": "x"}], [among("metadata.a", [None, True, "x"])]),
        (
            [{"a": {"$gt": 1}}, {"a": 1}, {"a": 0}],
            [within("metadata.a", common.Range(gt=1)), among("metadata.a", [1, 0])],
        ),
        ([{"a": number} for number in range(300)], [among("metadata.a", list(range(300)))]),
    ],
)
def test_alternatives_of_one_field_are_one_condition(given: Any, conditions: list[common.Condition]) -> None:
    assert to_filter({"$or": given}) == _filter(some(conditions))


def _filter(condition: common.Condition) -> common.Filter:
    return condition.filter if condition.HasField("filter") else common.Filter(must=[condition])


def test_what_is_wrong_with_an_alternative_is_said_where_it_stands() -> None:
    with pytest.raises(InvalidFilter, match=r"filter\.\$or\[1\]\.a"):
        to_filter({"$or": [{"a": 1}, {"a": float("nan")}]})


@pytest.mark.parametrize(
    "values",
    [
        [number / 2 for number in range(300)],
        [float(number) for number in range(300)],
        [*range(200), *(number + 0.5 for number in range(200))],
        [2**62 + number for number in range(200)],
        [f"é{number}" for number in range(300)],
        [*range(200), "x", None, True],
    ],
)
def test_many_values_are_read_as_each_of_them(values: list[Any]) -> None:
    assert to_filter({"a": {"$in": values}}) == _filter(among("metadata.a", values))


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -float("inf"), 2**63, -(2**63) - 1, "\ud800"])
def test_one_wrong_value_among_many_is_named(odd: Any) -> None:
    values = ["x"] * 200 if isinstance(odd, str) else [1.5] * 200
    with pytest.raises(InvalidFilter, match=r"filter\.a\.\$in\[200\]"):
        to_filter({"a": {"$in": [*values, odd]}})


@pytest.mark.parametrize("count", [5, 8, 9, 16, 17, 32, 33, 100, 513, 1_000])
@pytest.mark.parametrize("step", [1.0, 0.1, 1e15, 1e-300])
def test_many_numbers_are_a_tree_of_their_equalities(count: int, step: float) -> None:
    numbers = sorted({(number - count // 2) * step for number in range(count)})
    tree = number_tree('metadata."é\u2028" x' + "k" * 200, numbers)
    leaves = list(_leaves(tree.filter))
    told = [leaf for leaf, again in zip(leaves, [None, *leaves[:-1]], strict=True) if leaf != again]
    assert told == [equal('metadata."é\u2028" x' + "k" * 200, number) for number in numbers]
    assert len(leaves) <= 1.5 * len(numbers), "some stand there twice"
    assert common.Condition.FromString(tree.SerializeToString()) == tree


def _leaves(node: common.Filter) -> Any:
    """The conditions at the end of the branches, in order; each is let through by the gates on its way."""
    if not node.must:
        yield from node.should
        return
    gate, rest = node.must
    for branch in rest.filter.should:
        for leaf in _leaves(branch.filter):
            assert gate.field.range.gte <= leaf.field.range.gte <= leaf.field.range.lte <= gate.field.range.lte
            yield leaf
