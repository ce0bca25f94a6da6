"""What structured queries become, and what is said of those that cannot be meant. What they select: tests/property."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest
from langchain_core.structured_query import (
    Comparator,
    Comparison,
    FilterDirective,
    Operation,
    Operator,
    StructuredQuery,
)

from langchain_qdrant_async.errors import InvalidFilter
from langchain_qdrant_async.filters import to_filter
from langchain_qdrant_async.filters.structured import AttributeType, attribute_type, to_dictionary

DATE = {"date": "2024-02-29", "type": "date"}
MOMENT = {"datetime": "2024-02-29T10:30:00Z", "type": "datetime"}
FIRST, LAST = "2024-02-29T00:00:00+00:00", "2024-02-29T23:59:59.999999+00:00"
AT = "2024-02-29T10:30:00+00:00"
DAY = {"$between": [FIRST, LAST]}
NUMBER, TEXT, BOOLEAN = AttributeType("number"), AttributeType("text"), AttributeType("boolean")
TEXTS, DAYS = AttributeType("text", listed=True), AttributeType("moment")
NOTHING = AttributeType()

MEANT: list[tuple[str, Any, AttributeType, dict[str, Any]]] = [
    ("eq", "en", NOTHING, {"a": {"$eq": "en"}}),
    ("eq", 2020, NOTHING, {"a": {"$eq": 2020}}),
    ("eq", True, TEXT, {"a": {"$eq": True}}),
    ("eq", "2020", NOTHING, {"a": {"$eq": "2020"}}),
    ("eq", "2020", NUMBER, {"a": {"$eq": 2020}}),
    ("eq", " -2.5e3 ", NUMBER, {"a": {"$eq": -2500.0}}),
    ("eq", "many", NUMBER, {"a": {"$eq": "many"}}),
    ("eq", "1,000", NUMBER, {"a": {"$eq": "1,000"}}),
    ("eq", 10115, TEXT, {"a": {"$eq": "10115"}}),
    ("eq", "True", BOOLEAN, {"a": {"$eq": True}}),
    ("eq", "yes", BOOLEAN, {"a": {"$eq": "yes"}}),
    ("eq", DATE, NOTHING, {"a": DAY}),
    ("eq", MOMENT, NOTHING, {"a": {"$between": [AT, AT]}}),
    ("eq", dt.date(2024, 2, 29), NOTHING, {"a": DAY}),
    ("eq", "2024-02-29", NOTHING, {"a": {"$eq": "2024-02-29"}}),
    ("eq", "2024-02-29", DAYS, {"a": DAY}),
    ("eq", "2024-02-29T10:30:00Z", DAYS, {"a": {"$between": [AT, AT]}}),
    ("eq", "spring", DAYS, {"a": {"$eq": "spring"}}),
    ("ne", "en", NOTHING, {"a": {"$ne": "en"}}),
    ("ne", DATE, NOTHING, {"a": {"$not": DAY}}),
    ("gt", 1, NOTHING, {"a": {"$gt": 1}}),
    ("gt", "2020", NOTHING, {"a": {"$gt": 2020}}),
    ("gt", DATE, NOTHING, {"a": {"$gt": LAST}}),
    ("gte", DATE, NOTHING, {"a": {"$gte": FIRST}}),
    ("lt", DATE, NOTHING, {"a": {"$lt": FIRST}}),
    ("lte", DATE, NOTHING, {"a": {"$lte": LAST}}),
    ("gte", "1.5", NUMBER, {"a": {"$gte": 1.5}}),
    ("lt", MOMENT, NOTHING, {"a": {"$lt": AT}}),
    ("lte", MOMENT, NOTHING, {"a": {"$lte": AT}}),
    ("in", ["x", 1, True], NOTHING, {"a": {"$in": ["x", 1, True]}}),
    ("in", "x", NOTHING, {"a": {"$in": ["x"]}}),
    ("in", [], NOTHING, {"a": {"$in": []}}),
    ("in", ["1", "2"], NUMBER, {"a": {"$in": [1, 2]}}),
    ("in", [DATE], NOTHING, {"a": DAY}),
    ("in", ["x", DATE], NOTHING, {"$or": [{"a": {"$in": ["x"]}}, {"a": DAY}]}),
    ("nin", ["x", 1], NOTHING, {"a": {"$nin": ["x", 1]}}),
    ("nin", "x", NOTHING, {"a": {"$nin": ["x"]}}),
    ("nin", ["x", DATE], NOTHING, {"$not": {"$or": [{"a": {"$in": ["x"]}}, {"a": DAY}]}}),
    ("contain", "x", NOTHING, {"a": {"$contains": "x"}}),
    ("contain", ["x", "y"], NOTHING, {"a": {"$contains": ["x", "y"]}}),
    ("contain", DATE, NOTHING, {"a": DAY}),
    ("contain", ["x", DATE], NOTHING, {"$and": [{"a": {"$contains": ["x"]}}, {"a": DAY}]}),
    ("contain", "star", TEXT, {"a": {"$text": "star"}}),
    ("contain", "%tar%", TEXT, {"a": {"$like": "%tar%"}}),
    ("contain", "star", TEXTS, {"a": {"$contains": "star"}}),
    ("contain", ["star"], TEXT, {"a": {"$contains": ["star"]}}),
    ("contain", "7", NUMBER, {"a": {"$contains": 7}}),
    ("like", "star war", NOTHING, {"a": {"$text": "star war"}}),
    ("like", "star%", NOTHING, {"a": {"$like": "star%"}}),
    ("like", "%a_b%", NOTHING, {"a": {"$like": r"%a\_b%"}}),
    ("like", r"%a\_b%", NOTHING, {"a": {"$like": r"%a\_b%"}}),
    ("like", DATE, NOTHING, {"a": {"$text": "2024-02-29"}}),
    ("like", 7, NOTHING, {"a": {"$text": "7"}}),
]


@pytest.mark.parametrize(("comparator", "value", "known", "wanted"), MEANT, ids=str)
def test_every_comparator(comparator: str, value: Any, known: AttributeType, wanted: dict[str, Any]) -> None:
    given = Comparison(Comparator(comparator), "a", value)
    assert to_dictionary(given, {"a": known}) == wanted
    assert to_filter(wanted) is not None
    if known == NOTHING:
        assert to_filter(given) == to_filter(wanted)


def test_no_comparator_is_left_out() -> None:
    assert {comparator for comparator, *_ in MEANT} == {each.value for each in Comparator}


@pytest.mark.parametrize(("operator", "comparator"), [*itertools.product(Operator, Comparator)])
def test_every_operator_around_every_comparator(operator: Operator, comparator: Comparator) -> None:
    value = ["x"] if comparator in {Comparator.IN, Comparator.NIN} else "7"
    one, other = Comparison(comparator, "a", value), Comparison(comparator, "b.c", value)
    inner = [to_dictionary(one), to_dictionary(other)]
    wanted = {"$not": {"$or": inner}} if operator is Operator.NOT else {f"${operator.value}": inner}
    given = Operation(operator, [one, other])
    assert to_dictionary(given) == wanted
    assert to_filter(given) == to_filter(wanted)
    deeper = Operation(Operator.NOT, [Operation(Operator.OR, [given, one])])
    assert to_dictionary(deeper) == {"$not": {"$or": [wanted, inner[0]]}}
    assert to_filter(deeper) == to_filter({"$not": {"$or": [wanted, inner[0]]}})


def test_operators_of_nothing() -> None:
    assert to_filter(Operation(Operator.AND, [])) is None
    assert to_filter(Operation(Operator.OR, [])) == to_filter({"$or": []})
    assert to_filter(Operation(Operator.NOT, [])) == to_filter({"$not": {"$or": []}})


def test_they_stand_wherever_a_filter_may() -> None:
    given = Comparison(Comparator.EQ, "a", "x")
    wanted = {"a": "x"}
    assert to_filter({"$and": [given, {"b": 1}]}) == to_filter({"$and": [wanted, {"b": 1}]})
    assert to_filter({"$not": given, "b": 1}) == to_filter({"$not": wanted, "b": 1})
    assert to_filter({"parts": {"$nested": given}}) == to_filter({"parts": {"$nested": wanted}})
    several = {"conditions": [given, wanted], "min_count": 2}
    assert to_filter({"$min_should": several}) == to_filter({"$min_should": several | {"conditions": [wanted, wanted]}})


def test_a_query_stands_for_its_filter() -> None:
    directive = Comparison(Comparator.GT, "year", 2020)
    assert to_filter(StructuredQuery("text", directive, 3)) == to_filter({"year": {"$gt": 2020}})
    assert to_filter(StructuredQuery("text", None)) is None
    assert to_dictionary(StructuredQuery("text", None)) == {}


def test_equalities_of_one_field_are_one_condition() -> None:
    given = Operation(Operator.OR, [Comparison(Comparator.EQ, "a", each) for each in ("x", "y")])
    assert to_filter(given) == to_filter({"a": {"$in": ["x", "y"]}})


class Unknown(FilterDirective):
    """A directive that LangChain does not have."""


def nested(depth: int) -> FilterDirective:
    given: FilterDirective = Comparison(Comparator.EQ, "a", 1)
    for _ in range(depth):
        given = Operation(Operator.NOT, [given])
    return given


def compared(comparator: str, value: Any, attribute: str = "a") -> Comparison:
    return Comparison(Comparator(comparator), attribute, value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (compared("eq", {"date": "2024-02-30", "type": "date"}), "the date '2024-02-30', which is none"),
        (compared("in", [{"datetime": "2024-02-29T25:00:00", "type": "datetime"}]), "which is none"),
        (compared("eq", ["x"]), r"filter.a.\$eq compares with a list.*\$in"),
        (compared("gt", "late"), r"filter.a.\$gt compares with 'late'"),
        (compared("eq", compared("eq", 1)), "compares with a Comparison"),
        (compared("like", "%x"), "Qdrant cannot look at the end of a text"),
        (compared("like", "a%b"), "Qdrant knows"),
        (compared("like", True), "give text with a word"),
        (compared("eq", 2**63), "integers must fit 64 bits"),
        (compared("eq", 1, ""), "empty name"),
        (compared("eq", [], "$or"), r"'\$or', which is no field"),
        (compared("eq", "x", "$id"), r"'\$id', which is no field"),
        (Operation(Operator.AND, [compared("eq", 1), compared("gt", "x", "b")]), r"filter.\$and\[1\].b.\$gt"),
        (Unknown(), "holds a Unknown"),
        (nested(11), "nested too deeply"),
        (nested(5_000), "nested too deeply"),
        (compared("in", [f"x{number}" for number in range(200_000)]), "asks too much"),
        (Operation(Operator.OR, [compared("eq", "x")] * 5_000), "asks too much"),
        (compared("nin", [{"date": "2024-02-29", "type": "date"}] * 5_000), "asks too much"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_cannot_be_meant_is_refused(given: FilterDirective, said: str) -> None:
    with pytest.raises(InvalidFilter, match=said):
        to_filter(given)
    with pytest.raises(InvalidFilter, match=said):
        to_filter(to_dictionary(given))


def test_the_depth_is_that_of_the_language() -> None:
    assert to_filter(nested(9)) == to_filter(to_dictionary(nested(9)))


@pytest.mark.parametrize(
    ("said", "kind", "listed"),
    [
        ("integer", "number", False),
        ("Float", "number", False),
        ("string", "text", False),
        ("str", "text", False),
        ("string or list[string]", "text", True),
        ("list[int]", "number", True),
        ("array of strings", "text", True),
        ("boolean", "boolean", False),
        ("date", "moment", False),
        ("datetime (ISO 8601)", "moment", False),
        ("integer or string", None, False),
        ("anything", None, False),
        ("", None, False),
        ("interval", None, False),
    ],
)
def test_what_a_type_says(said: str, kind: str | None, listed: bool) -> None:
    assert attribute_type(said) == AttributeType(kind, listed)
