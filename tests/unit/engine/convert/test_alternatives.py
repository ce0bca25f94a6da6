"""Alternatives mean the same after those of one field became one condition."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langchain_qdrant_async.engine.convert.alternatives import merged
from langchain_qdrant_async.proto import common
from tests.engine_messages import field, match

KEYS = st.sampled_from(["a", "b"])
WORDS = st.sampled_from(["x", "y", "z"])
NUMBERS = st.integers(0, 3)
EQUALITIES = st.one_of(
    st.builds(lambda key, word: match(key, keyword=word), KEYS, WORDS),
    st.builds(lambda key, number: match(key, integer=number), KEYS, NUMBERS),
    st.builds(
        lambda key, words: match(key, keywords=common.RepeatedStrings(strings=words)), KEYS, st.lists(WORDS, max_size=2)
    ),
    st.builds(
        lambda key, numbers: match(key, integers=common.RepeatedIntegers(integers=numbers)),
        KEYS,
        st.lists(NUMBERS, max_size=2),
    ),
    st.builds(
        lambda key, numbers: match(key, except_integers=common.RepeatedIntegers(integers=numbers)),
        KEYS,
        st.lists(NUMBERS, min_size=1, max_size=2),
    ),
)
CONDITIONS = st.recursive(
    EQUALITIES,
    lambda inner: st.builds(
        lambda group, members: common.Condition(filter=common.Filter(**{group: members})),
        st.sampled_from(["must", "should", "must_not"]),
        st.lists(inner, max_size=3),
    ),
    max_leaves=6,
)
NEVER = [match("never", keyword=str(number)) for number in range(8)]
"""So many that it is worth merging."""
VALUES = st.one_of(WORDS, NUMBERS, st.none(), st.booleans(), st.lists(st.one_of(WORDS, NUMBERS), max_size=3))
PAYLOADS = st.dictionaries(KEYS, VALUES)


def holds(condition: common.Condition, payload: dict[str, Any]) -> bool:
    """What a condition means, read plainly."""
    if condition.HasField("filter"):
        inner = condition.filter
        return (
            all(holds(each, payload) for each in inner.must)
            and (not inner.should or any(holds(each, payload) for each in inner.should))
            and not any(holds(each, payload) for each in inner.must_not)
        )
    value = payload.get(condition.field.key)
    values = [each for each in (value if isinstance(value, list) else [value]) if type(each) in {int, str}]
    wanted = condition.field.match
    match wanted.WhichOneof("match_value"):
        case "keyword":
            return wanted.keyword in values
        case "integer":
            return wanted.integer in values
        case "keywords":
            return any(each in wanted.keywords.strings for each in values if isinstance(each, str))
        case "integers":
            return any(each in wanted.integers.integers for each in values if isinstance(each, int))
    return any(each not in wanted.except_integers.integers for each in values)


@given(st.lists(CONDITIONS, max_size=5), PAYLOADS)
@settings(max_examples=200, derandomize=True, deadline=None)
def test_some_of_them_hold_exactly_when_some_did(conditions: list[common.Condition], payload: dict[str, Any]) -> None:
    after = merged([*conditions, *NEVER])
    assert any(holds(each, payload) for each in after) == any(holds(each, payload) for each in conditions)


def test_equalities_of_one_field_are_one_condition_for_each_type() -> None:
    words = [match("a", keyword=str(number)) for number in range(200)]
    numbers = [common.Condition(filter=common.Filter(must=[match("a", integer=number)])) for number in range(200)]
    nested = common.Condition(filter=common.Filter(should=[match("a", keyword="more"), match("b", keyword="other")]))
    found = merged([*words, *numbers, nested])
    sizes = [len(each.field.match.keywords.strings) + len(each.field.match.integers.integers) for each in found]
    assert sizes == [201, 200, 0]
    assert found[2] == match("b", keyword="other")


@pytest.mark.parametrize(
    "other",
    [
        match("a", boolean=True),
        match("a", text="word"),
        field("a", range=common.Range(gte=1, lte=1)),
        field("a", match=common.Match(keyword="x"), is_empty=True),
        common.Condition(is_null=common.IsNullCondition(key="a")),
        common.Condition(filter=common.Filter(must=[match("a", keyword="x"), match("b", keyword="x")])),
        common.Condition(filter=common.Filter(must_not=[match("a", keyword="x")])),
        common.Condition(filter=common.Filter()),
    ],
    ids=lambda condition: str(condition).split()[0],
)
def test_what_is_no_plain_equality_stays(other: common.Condition) -> None:
    assert list(merged([match("a", keyword="x"), other, *NEVER])) == [other, match("a", keyword="x"), merged(NEVER)[0]]


def test_few_stay_as_they_are() -> None:
    few = [match("a", keyword="x"), match("a", keyword="y")]
    assert list(merged(few)) == few
