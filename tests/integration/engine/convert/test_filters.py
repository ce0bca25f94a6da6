"""Every kind of filter condition, with and without payload indexes."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode

from langchain_qdrant_async.proto import collections, common, points
from tests.engine_messages import Refused, Stubs, dense_config, field, match, point, point_id

pytest_plugins = ("tests.engine_fixtures",)

UUID = "5c56c793-69f3-4fbf-87e6-c4bf54c28c26"
INDEXED = {
    "flag": points.FieldTypeBool,
    "number": points.FieldTypeInteger,
    "ratio": points.FieldTypeFloat,
    "word": points.FieldTypeKeyword,
    "text": points.FieldTypeText,
    "place": points.FieldTypeGeo,
    "when": points.FieldTypeDatetime,
    "key": points.FieldTypeUuid,
}
ORIGIN = {"lon": 0.0, "lat": 0.0}
POINTS = [
    point(1, [1, 0], flag=True, number=1, ratio=0.5, word="red", text="quick brown fox", place=ORIGIN),
    point(2, [1, 0], flag=False, number=0, ratio=1.0, word="blue", text="lazy dog", place={"lon": 1.0, "lat": 1.0}),
    point(3, [1, 0], flag=1, number=[2, 3], ratio=-1.0, word=["red", "green"], when="2024-01-01T12:00:00Z", key=UUID),
    point(4, [1, 0], flag=0, number=None, word=[], when="2024-01-01T12:00:00+02:00"),
    point(5, [1, 0], objects=[{"a": 1, "b": 1}, {"a": 2, "b": 2}], deep={"er": [{"x": "y"}]}),
]
ALL = [1, 2, 3, 4, 5]


@pytest.fixture(params=["indexed", "plain"])
async def filled(stubs: Stubs, request: pytest.FixtureRequest) -> Stubs:
    await stubs.create(
        vectors_config=dense_config(2),
        sparse_vectors_config=collections.SparseVectorConfig(map={"s": collections.SparseVectorParams()}),
    )
    await stubs.upsert(*POINTS)
    for name, kind in INDEXED.items() if request.param == "indexed" else ():
        index = points.CreateFieldIndexCollection(collection_name=stubs.collection, field_name=name, field_type=kind)
        await stubs.points.CreateFieldIndex(index)
    return stubs


def moment(text: str) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(datetime.fromisoformat(text))
    return timestamp


def ring(*corners: tuple[float, float]) -> common.GeoLineString:
    return common.GeoLineString(points=[common.GeoPoint(lon=lon, lat=lat) for lon, lat in corners])


def square(size: float) -> common.GeoLineString:
    return ring((-size, -size), (size, -size), (size, size), (-size, size), (-size, -size))


STRINGS, NUMBERS = common.RepeatedStrings, common.RepeatedIntegers
CASES: dict[str, tuple[common.Condition, list[int]]] = {
    "true": (match("flag", boolean=True), [1]),
    "false": (match("flag", boolean=False), [2]),
    "one": (match("number", integer=1), [1]),
    "zero": (match("number", integer=0), [2]),
    "integer in a list": (match("number", integer=3), [3]),
    "word": (match("word", keyword="red"), [1, 3]),
    "any word": (match("word", keywords=STRINGS(strings=["green", "blue"])), [2, 3]),
    "no word": (match("word", keywords=STRINGS()), []),
    "any number": (match("number", integers=NUMBERS(integers=[0, 2])), [2, 3]),
    "other word": (match("word", except_keywords=STRINGS(strings=["red"])), [2, 3]),
    "other number": (match("number", except_integers=NUMBERS(integers=[1, 2])), [2, 3]),
    "uuid": (match("key", keyword=UUID), [3]),
    "text": (match("text", text="brown"), [1]),
    "range": (field("ratio", range=common.Range(gt=-1.0, lte=0.5)), [1]),
    "integer range": (field("number", range=common.Range(gte=0, lt=2)), [1, 2]),
    "date range": (field("when", datetime_range=common.DatetimeRange(lt=moment("2024-01-01T11:00:00+00:00"))), [4]),
    "box": (
        field(
            "place",
            geo_bounding_box=common.GeoBoundingBox(
                top_left=common.GeoPoint(lon=-1, lat=0.5), bottom_right=common.GeoPoint(lon=2, lat=-1)
            ),
        ),
        [1],
    ),
    "circle": (field("place", geo_radius=common.GeoRadius(center=common.GeoPoint(lon=1, lat=1), radius=10)), [2]),
    "polygon": (field("place", geo_polygon=common.GeoPolygon(exterior=square(2))), [1, 2]),
    "hole": (field("place", geo_polygon=common.GeoPolygon(exterior=square(2), interiors=[square(0.5)])), [2]),
    "values count": (field("word", values_count=common.ValuesCount(gte=2)), [3]),
    "empty": (common.Condition(is_empty=common.IsEmptyCondition(key="word")), [4, 5]),
    "empty field": (field("word", is_empty=True), [4, 5]),
    "not empty field": (field("word", is_empty=False), [1, 2, 3]),
    "null": (common.Condition(is_null=common.IsNullCondition(key="number")), [4]),
    "null field": (field("number", is_null=True), [4]),
    "ids": (common.Condition(has_id=common.HasIdCondition(has_id=map(point_id, (2, 99, 4)))), [2, 4]),
    "no ids": (common.Condition(has_id=common.HasIdCondition()), []),
    "vector": (common.Condition(has_vector=common.HasVectorCondition(has_vector="")), ALL),
    "sparse vector": (common.Condition(has_vector=common.HasVectorCondition(has_vector="s")), []),
    "nested": (
        common.Condition(
            nested=common.NestedCondition(
                key="objects", filter=common.Filter(must=[match("a", integer=1), match("b", integer=1)])
            )
        ),
        [5],
    ),
    "nested, not one": (
        common.Condition(
            nested=common.NestedCondition(
                key="objects", filter=common.Filter(must=[match("a", integer=1), match("b", integer=2)])
            )
        ),
        [],
    ),
    "path into objects": (match("objects[].a", integer=2), [5]),
    "path to an element": (match("objects[0].a", integer=2), []),
    "deep path": (match("deep.er[].x", keyword="y"), [5]),
    "filter": (
        common.Condition(filter=common.Filter(should=[match("word", keyword="blue"), match("number", integer=3)])),
        [2, 3],
    ),
    "empty filter": (common.Condition(filter=common.Filter()), ALL),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_condition_selects_exactly_its_points(filled: Stubs, case: str) -> None:
    condition, expected = CASES[case]
    assert await filled.matching(condition) == expected
    rest = [number for number in ALL if number not in expected]
    assert await filled.matching(must_not=[condition]) == rest
    assert await filled.count(filter=common.Filter(must=[condition])) == len(expected)


async def test_groups_of_conditions(filled: Stubs) -> None:
    red, one, off = match("word", keyword="red"), match("number", integer=1), match("flag", boolean=False)
    assert await filled.matching(red, must_not=[one]) == [3]
    assert await filled.matching(should=[one, off]) == [1, 2]
    assert await filled.matching(red, should=[one, off]) == [1]
    assert await filled.matching(min_should=common.MinShould(conditions=[red, one, off], min_count=2)) == [1]
    assert await filled.matching() == ALL


async def test_slices_part_the_collection(filled: Stubs) -> None:
    parts = [
        await filled.matching(common.Condition(slice=common.SliceCondition(total=2, index=number)))
        for number in range(2)
    ]
    assert sorted(parts[0] + parts[1]) == ALL


WORDS: dict[str, tuple[dict[str, Any], list[int]]] = {
    "phrase": ({"phrase": "quick brown"}, [1]),
    "phrase, turned": ({"phrase": "brown quick"}, []),
    "any of": ({"text_any": "dog fox"}, [1, 2]),
    "prefix": ({"prefix": "laz"}, [2]),
    "substring": ({"substring": "rown"}, [1]),
}


@pytest.mark.parametrize("case", WORDS)
async def test_conditions_on_text(stubs: Stubs, case: str) -> None:
    kind, expected = WORDS[case]
    await stubs.create(vectors_config=dense_config(2))
    await stubs.upsert(*POINTS[:2])
    assert await stubs.matching(match("text", **kind)) == expected


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (field("a"), "At least one field condition must be specified"),
        (field("a", match=common.Match()), "Malformed Match condition"),
        (common.Condition(), "Condition is missing"),
        (match("a[", integer=1), "Invalid json path: 'a['"),
        (
            common.Condition(has_id=common.HasIdCondition(has_id=[common.PointId(uuid="nope")])),
            "Unable to parse UUID: nope",
        ),
        (field("a", geo_radius=common.GeoRadius(center=common.GeoPoint(lon=0, lat=100), radius=1)), "Wrong input: "),
        (common.Condition(slice=common.SliceCondition(total=2, index=2)), "Wrong input: "),
    ],
)
async def test_conditions_that_cannot_be(stubs: Stubs, condition: common.Condition, text: str) -> None:
    await stubs.create(vectors_config=dense_config(2))
    with Refused(StatusCode.INVALID_ARGUMENT, text):
        await stubs.matching(condition)


FIELDS = ["a", "b"]
VALUES: list[Any] = ["x", "y", "z", 1, 2, 3, 2.5, True, None]


def equals(key: str, value: str | int) -> common.Condition:
    return match(key, keyword=value) if isinstance(value, str) else match(key, integer=value)


def has(payload: dict[str, Any], key: str, value: str | int) -> bool:
    held = payload.get(key)
    return any(type(each) is type(value) and each == value for each in (held if isinstance(held, list) else [held]))


@pytest.mark.parametrize("indexed", [False, True], ids=["plain", "indexed"])
async def test_equalities_mean_what_they_say_over_arrays_mixed_and_absent_fields(stubs: Stubs, indexed: bool) -> None:
    random = Random(7)
    await stubs.create(vectors_config=dense_config(2))
    payloads = [
        {
            key: random.choice(VALUES) if random.random() < 0.4 else random.choices(VALUES, k=random.randint(0, 3))
            for key in random.sample(FIELDS, k=random.randint(0, 2))
        }
        for _ in range(80)
    ]
    await stubs.upsert(*(point(number, [1, 0], **payload) for number, payload in enumerate(payloads)))
    for kind in (points.FieldTypeKeyword,) if indexed else ():
        index = points.CreateFieldIndexCollection(collection_name=stubs.collection, field_name="a", field_type=kind)
        await stubs.points.CreateFieldIndex(index)
    for _ in range(20):
        pairs = [(random.choice(FIELDS), random.choice(VALUES[:6])) for _ in range(random.randint(1, 5))]
        group = random.choice(["should", "must_not"])
        found = await stubs.matching(**{group: [equals(key, value) for key, value in pairs]})
        chosen = [any(has(payload, key, value) for key, value in pairs) for payload in payloads]
        assert found == [number for number, one in enumerate(chosen) if one == (group == "should")]


@pytest.mark.parametrize("bound", ["gt", "gte", "lt", "lte"])
@pytest.mark.parametrize("key", ["ratio", "number", "absent"])
async def test_a_bound_that_is_no_number(filled: Stubs, key: str, bound: str) -> None:
    path = f"[filter.must[0].condition_one_of.range.{bound}: value NaN invalid"
    with Refused(StatusCode.INVALID_ARGUMENT, path):
        await filled.matching(field(key, range=common.Range(**{bound: float("nan")})))


async def test_conditions_of_none_ask_for_nothing(filled: Stubs) -> None:
    assert await filled.matching(min_should=common.MinShould(min_count=1)) == ALL


def flat(amount: int) -> common.Filter:
    return common.Filter(must=[match("word", keyword=str(number)) for number in range(amount)])


def wrapped(amount: int) -> common.Filter:
    inner = common.Condition(filter=flat(1000))
    return common.Filter(must=[common.Condition(filter=common.Filter(must_not=[inner])) for _ in range(amount // 1000)])


@pytest.mark.parametrize("condition", [flat(1100), flat(200_000), wrapped(60_000)], ids=["flat", "huge", "wrapped"])
async def test_more_conditions_than_one_request_may_have(filled: Stubs, condition: common.Filter) -> None:
    with Refused(StatusCode.INVALID_ARGUMENT, "Filter condition limit reached"):
        await filled.points.Count(points.CountPoints(collection_name=filled.collection, filter=condition))


async def test_many_alternatives_of_one_field_are_one_condition(filled: Stubs) -> None:
    words = [match("word", keyword=f"w{number}") for number in range(20_000)]
    assert await filled.matching(should=[*words, match("word", keyword="blue")]) == [2]
    assert await filled.matching(must_not=[*words, match("word", keyword="blue")]) == [1, 3, 4, 5]
