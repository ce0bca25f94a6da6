"""What filters become, and what is said about those that cannot be understood. What they select: tests/property."""

from __future__ import annotations

import copy
import datetime as dt
import subprocess
import sys
import types
import uuid
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from qdrant_client import models

from langchain_qdrant_async.document import paths
from langchain_qdrant_async.document.ids import to_point_id
from langchain_qdrant_async.document.paths import to_path
from langchain_qdrant_async.errors import InvalidFilter
from langchain_qdrant_async.filters import to_filter
from langchain_qdrant_async.filters.operators import FIELD_OPERATORS
from langchain_qdrant_async.proto import common


def ranged(key: str, **bounds: float) -> common.Condition:
    return common.Condition(field=common.FieldCondition(key=key, range=common.Range(**bounds)))


def matched(key: str, **value: Any) -> common.Condition:
    return common.Condition(field=common.FieldCondition(key=key, match=common.Match(**value)))


AT = dt.datetime(2024, 5, 1, 12, 30, tzinfo=dt.UTC)


def moments(**bounds: dt.datetime) -> common.Condition:
    message = common.DatetimeRange(**bounds)  # type: ignore[arg-type]  # protobuf takes a datetime for a Timestamp
    return common.Condition(field=common.FieldCondition(key="metadata.at", datetime_range=message))


ENGLISH = matched("metadata.lang", keyword="en")
NATIVE = common.Filter(must=[ENGLISH])
REST = models.Filter(must=[models.FieldCondition(key="metadata.lang", match=models.MatchValue(value="en"))])


@pytest.mark.parametrize(
    ("given", "condition"),
    [
        ({"lang": "en"}, ENGLISH),
        ({"lang": {"$eq": "en"}}, ENGLISH),
        ({"lang": np.str_("en")}, ENGLISH),
        ({"draft": True}, matched("metadata.draft", boolean=True)),
        ({"draft": np.bool_(False)}, matched("metadata.draft", boolean=False)),
        ({"year": 2020}, ranged("metadata.year", gte=2020, lte=2020)),
        ({"year": np.int64(2020)}, ranged("metadata.year", gte=2020, lte=2020)),
        ({"score": np.float32(0.5)}, ranged("metadata.score", gte=0.5, lte=0.5)),
        ({"big": 2**53}, matched("metadata.big", integer=2**53)),
        ({"year": {"$gt": 1}}, ranged("metadata.year", gt=1)),
        ({"year": {"$lte": 1.5}}, ranged("metadata.year", lte=1.5)),
        ({"gone": None}, common.Condition(is_null=common.IsNullCondition(key="metadata.gone"))),
        ({"lang": {"$in": ["en", "de", "en"]}}, matched("metadata.lang", keywords={"strings": ["en", "de"]})),
        ({"at": {"$gt": AT}}, moments(gt=AT)),
        ({"at": {"$gte": AT.astimezone(dt.timezone(dt.timedelta(hours=5)))}}, moments(gte=AT)),
        ({"at": {"$lt": AT.replace(tzinfo=None)}}, moments(lt=AT)),
        ({"at": {"$lte": "2024-05-01T12:30:00+00:00"}}, moments(lte=AT)),
        ({"at": {"$lte": np.datetime64("2024-05-01T12:30:00", "ns")}}, moments(lte=AT)),
        ({"at": {"$gt": dt.date(2024, 5, 1)}}, moments(gt=dt.datetime(2024, 5, 1, tzinfo=dt.UTC))),
        ({"at": {"$gt": "2024-05-01"}}, moments(gt=dt.datetime(2024, 5, 1, tzinfo=dt.UTC))),
        ({"at": AT}, matched("metadata.at", keyword="2024-05-01T12:30:00Z")),
        (
            {"at": {"$in": [dt.date(2024, 5, 1), "x"]}},
            matched("metadata.at", keywords={"strings": ["2024-05-01", "x"]}),
        ),
        ({"$has_id": ["7", 8]}, common.Condition(has_id=common.HasIdCondition(has_id=list(map(to_point_id, (7, 8)))))),
        ({"lang": {"$in": np.array(["en", "de"])}}, matched("metadata.lang", keywords={"strings": ["en", "de"]})),
    ],
)
def test_one_condition_is_one_message(given: Any, condition: common.Condition) -> None:
    assert to_filter(given) == common.Filter(must=[condition])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"lang": "en", "year": {"$gt": 1}}, common.Filter(must=[ENGLISH, ranged("metadata.year", gt=1)])),
        ({"$and": [{"lang": "en"}]}, NATIVE),
        ({"$or": [{"lang": "en"}, {"a": True}]}, common.Filter(should=[ENGLISH, matched("metadata.a", boolean=True)])),
        ({"$not": {"lang": "en"}}, common.Filter(must_not=[ENGLISH])),
        ({"lang": {"$not": {"$eq": "en"}}}, common.Filter(must_not=[ENGLISH])),
        ({"lang": {"$ne": "en"}}, common.Filter(must_not=[ENGLISH])),
    ],
)
def test_logic_is_qdrants_logic(given: Any, message: common.Filter) -> None:
    assert to_filter(given) == message


@pytest.mark.parametrize(
    "given",
    [
        None,
        {},
        {"$and": []},
        {"$and": [{}, common.Filter()]},
        {"$or": [{}, {"a": 1}]},
        common.Filter(),
        models.Filter(),
    ],
)
def test_what_selects_everything_is_no_filter(given: Any) -> None:
    """So that a deletion can tell."""
    assert to_filter(given) is None


@pytest.mark.parametrize("given", [{"$or": []}, {"lang": {"$in": []}}, {"$not": {}}, {"$has_id": []}])
def test_what_selects_nothing_says_so(given: Any) -> None:
    assert to_filter(given) == common.Filter(must_not=[common.Condition(filter=common.Filter())])


@pytest.mark.parametrize("native", [NATIVE, REST])
def test_native_filters_pass_through(native: Any) -> None:
    inner = common.Condition(filter=NATIVE)
    year = ranged("metadata.year", gt=1)
    assert to_filter(native) == NATIVE
    assert to_filter({"$and": [native, {"year": {"$gt": 1}}]}) == common.Filter(must=[inner, year])
    assert to_filter({"$or": [native, {"year": {"$gt": 1}}]}) == common.Filter(should=[inner, year])
    assert to_filter({"$not": native}) == common.Filter(must_not=[inner])


def test_a_native_filter_is_not_shared_with_the_caller() -> None:
    native = copy.deepcopy(NATIVE)
    message = to_filter(native)
    assert message is not None
    message.must.add()
    assert native == NATIVE


def test_a_filter_may_be_any_mapping_and_is_not_changed() -> None:
    given = {"$or": [types.MappingProxyType({"a": {"$in": ("x", 1)}}), {"b": {"$not": {"$gt": 1}}}]}
    before = repr(given)
    to_filter(types.MappingProxyType(given))
    assert repr(given) == before


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ("lang", "metadata.lang"),
        ("author.name", "metadata.author.name"),
        ("a-b_1", "metadata.a-b_1"),
        ("my key", 'metadata."my key"'),
        ("é.a:b", 'metadata."é"."a:b"'),
        ('"dot.ted".x', 'metadata."dot.ted".x'),
        ('""', 'metadata.""'),
        ("tags[]", "metadata.tags[]"),
        ("my tags[0][].id", 'metadata."my tags"[0][].id'),
        ('"a[0]"[1]', 'metadata."a[0]"[1]'),
        ("a[b]", 'metadata."a[b]"'),
        ("a[0]b", 'metadata."a[0]b"'),
    ],
)
def test_a_field_is_a_path_under_the_metadata(field: str, path: str) -> None:
    assert to_path(field) == path
    assert to_path(field, None) == path.removeprefix("metadata.")
    assert to_path(field, "my meta.data") == path.replace("metadata.", '"my meta.data".', 1)


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("", "empty name or an empty part: ''"),
        ("a..b", "empty part"),
        (".a", "empty part"),
        ("a.", "empty part"),
        ("[0]", "empty part"),
        ('a"b', "cannot name"),
        ('"a', "cannot name"),
        ('"a"b', "cannot name"),
        ("a\\b", "cannot name.*backslash"),
        ("\ud800", "not valid Unicode"),
        ('"\ud800"', "not valid Unicode"),
        ("a" * 10_001, "10,001 characters: at most 10,000"),
    ],
)
def test_a_field_that_has_no_path_is_refused(field: str, said: str) -> None:
    with pytest.raises(InvalidFilter, match=said):
        to_path(field)
    with pytest.raises(InvalidFilter, match=r"^filter\.\$not .*" + said):
        to_filter({"$not": {field: 1}})


@pytest.mark.parametrize("end", ["", "x", '"', ".", "..", "\\", "]", "[", "\ud800"])
@pytest.mark.parametrize("repeated", ["[0]", "[", "a[", "a[0].", "é.", '"a".', '"a"[0].', '"', "[0]x."])
def test_no_field_costs_the_square_of_its_length(repeated: str, end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "_LONGEST", 10_000_000)
    with suppress(InvalidFilter):  # 200,000 of the square would take an hour
        to_path("a" + repeated * 200_000 + end)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"a": {"$gtt": 1}}, r"filter\.a: there is no operator \$gtt\. Did you mean \$gt\? There are \$eq, "),
        ({"a": {"$GT": 1}}, r"Did you mean \$gt\?"),
        ({"a": {"$": 1}}, r"there is no operator \$\. There are"),
        ({"$xyzzy": 1}, r"filter: there is no operator \$xyzzy\. There are"),
        ({"$gt": 1}, r"\$gt belongs to a field: write {'field': {'\$gt': ...}}"),
        ({"a": {"$or": []}}, r"filter\.a: \$or combines whole filters"),
        ({"a": {"b": 1}}, r"filter\.a is a dictionary with the key 'b'.*author\.name"),
        ({"a": {"$gt": 1, "b": 1}}, r"the key 'b', which is no operator"),
        ({"a": {1: 1}}, r"the key 1, which is no operator"),
        ({"a": {}}, r"filter\.a is an empty dictionary"),
        ({1: 1}, r"filter has the key 1 of type int: fields are strings"),
        ({"a": [1]}, r"filter\.a compares with a list.*\$in"),
        ({"a": {"$in": "x"}}, r"filter\.a\.\$in is a str: give a list"),
        ({"a": {"$in": {"x": 1}}}, r"\$in is a dict: give a list"),
        ({"a": {"$nin": [1, [2]]}}, r"filter\.a\.\$nin\[1\] compares with a list"),
        ({"a": {"$gt": "x"}}, r"filter\.a\.\$gt compares with 'x': only an int or a float"),
        ({"a": {"$gte": True}}, r"compares with True: only an int or a float"),
        ({"a": {"$lt": None}}, r"compares with None: only an int or a float"),
        ({"a": {"$lte": dt.time(1)}}, r"compares with '01:00:00': only an int or a float, and a date"),
        ({"a": {"$lte": dt.timedelta(1)}}, r"compares with 'P1D': only"),
        ({"a": {"$lte": uuid.UUID(int=1)}}, r"only an int or a float"),
        ({"a": {"$lte": "20200101"}}, r"compares with '20200101': only"),
        ({"a": {"$lte": "2020-13-01"}}, r"compares with '2020-13-01': only"),
        ({"a": b"\xff"}, r"compares with a bytes: a value is None, .* or what is stored as one, such as a date$"),
        ({"a": {1}}, r"compares with a set: .*\$in"),
        ({"$has_id": "x"}, r"filter\.\$has_id: ids must be a list"),
        ({"$has_id": [1.5]}, r"filter\.\$has_id: ids\[0\] is 1\.5"),
        ({"a": {"$has_id": ["x"]}}, r"\$has_id is of documents, not of a field"),
        ({"a": float("nan")}, r"filter\.a is nan"),
        ({"a": {"$lt": float("inf")}}, r"filter\.a\.\$lt is inf.*leave it out"),
        ({"a": 2**63}, r"filter\.a is 9223372036854775808: integers must fit 64 bits"),
        ({"a": "\ud800"}, r"filter\.a is not valid Unicode"),
        ({"a": {"$exists": 1}}, r"filter\.a\.\$exists is 1: give True or False"),
        ({"$or": {"a": 1}}, r"filter\.\$or is a dict: give a list of filters"),
        ({"$and": "x"}, r"filter\.\$and is a str: give a list of filters"),
        ({"$and": [{}, 7]}, r"filter\.\$and\[1\] is a int: give a dictionary"),
        ({"$not": [{"a": 1}]}, r"filter\.\$not is a list: give a dictionary"),
        ({"$or": [{"$and": [{"a": {"$gt": ""}}]}]}, r"filter\.\$or\[0\]\.\$and\[0\]\.a\.\$gt compares with ''"),
        ([], r"filter is a list: give a dictionary"),
        ("lang = 'en'", r"filter is a str: give a dictionary"),
        ({"must": [{"key": "a"}]}, r"filter is the JSON of a Qdrant filter: give qdrant_client\.models\.Filter"),
        (models.FieldCondition(key="a", is_null=True), r"filter is a FieldCondition"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_its_place(given: Any, said: str) -> None:
    with pytest.raises(InvalidFilter, match=said):
        to_filter(given)


def test_fields_may_have_the_names_of_qdrants_clauses() -> None:
    assert to_filter({"must": "x"}) == common.Filter(must=[matched("metadata.must", keyword="x")])


@pytest.mark.parametrize("operator", FIELD_OPERATORS)
def test_every_operator_refuses_an_object(operator: str) -> None:
    with pytest.raises(InvalidFilter, match=rf"filter\.a\.\{operator} "):
        to_filter({"a": {operator: object()}})


def nested(depth: int, field: dict[str, Any]) -> dict[str, Any]:
    for _ in range(depth):
        field = {"$or": [{**field, "b": {"$in": ["x"]}}, {"c": None}]}
    return field


def test_nesting_ends_before_protobuf_does() -> None:
    message = to_filter(nested(9, {"a": {"$in": ["x", *range(20_000)]}}))
    assert common.Filter.FromString(message.SerializeToString()) == message  # type: ignore[union-attr]
    with pytest.raises(InvalidFilter, match="nested too deeply: at most 10"):
        to_filter(nested(11, {"a": 1}))


def test_a_filter_that_holds_itself_is_refused() -> None:
    given: dict[str, Any] = {}
    given["$not"] = given
    with pytest.raises(InvalidFilter, match="nested too deeply"):
        to_filter(given)
    operators: dict[str, Any] = {}
    operators["$not"] = operators
    with pytest.raises(InvalidFilter, match="nested too deeply"):
        to_filter({"a": operators})


def test_filters_do_not_load_the_rest_client() -> None:
    program = """
import sys
from langchain_qdrant_async.filters import to_filter
to_filter({"$not": {"lang": {"$in": ["en", 1]}}})
assert "qdrant_client.http" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


SQUARE = [[0, 0], [10, 0], [10, 10], [0, 10]]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"a": {"$between": [1]}}, r"\$between is .*least, greatest"),
        ({"a": {"$between": [1, "2024-01-01"]}}, "two numbers, or two moments"),
        ({"a": {"$between": ["x", "y"]}}, "have an order"),
        ({"a": {"$size": -1}}, r"\$size must be a whole number, 0 or more"),
        ({"a": {"$size": "1"}}, "give a number"),
        ({"a": {"$size": {"$in": [1]}}}, "give a number"),
        ({"a": {"$null": 1}}, "give True or False"),
        ({"a": {"$text": " "}}, "give text with a word"),
        ({"a": {"$prefix": 1}}, "give text with a word"),
        ({"a": {"$like": "a%b"}}, "Qdrant knows"),
        ({"a": {"$like": "a_b"}}, "Qdrant knows"),
        ({"a": {"$like": "%a"}}, "the end of a text"),
        ({"a": {"$geo_near": {"center": [0, 0]}}}, "'radius'"),
        ({"a": {"$geo_near": {"center": [0, 0], "radius": -1}}}, "0 or more"),
        ({"a": {"$geo_near": {"center": [0, 91], "radius": 1}}}, "latitudes from -90"),
        ({"a": {"$geo_near": {"center": {"lon": 1}, "radius": 1}}}, "a place is"),
        ({"a": {"$geo_within": {"top_left": [0, 1]}}}, "'bottom_right'"),
        ({"a": {"$geo_polygon": [[0, 0], [1, 1]]}}, "at least three places"),
        ({"a": {"$geo_polygon": {"exterior": SQUARE, "interiors": 5}}}, "a list of lines"),
        ({"a": {"$nested": {"b": {"$nested": {"c": 1}}}}}, "stands inside another"),
        ({"a": {"$nested": {"b": {"$exists": True}}}}, r"ask for \$empty"),
        ({"$min_should": [{"a": 1}]}, "'min_count'"),
        ({"$min_should": {"conditions": [{"a": 1}], "min_count": 0}}, "1 or more"),
        ({"$min_should": {"conditions": "a", "min_count": 1}}, "give a list of filters"),
        ({"$has_vector": []}, "the name of a vector"),
        ({"a": {"$id": ["1"]}}, "is of documents, not of a field"),
        ({"$nested": {"a": 1}}, r"no operator \$nested|belongs to a field"),
    ],
    ids=str,
)
def test_operands_that_cannot_be_meant(given: Any, said: str) -> None:
    with pytest.raises(InvalidFilter, match=said):
        to_filter(given)
