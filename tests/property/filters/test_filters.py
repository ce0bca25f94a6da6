"""A filter selects exactly the documents that a plain Python reading of it selects, on the real engine."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import operator
import os
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from langchain_qdrant_async.document.paths import to_path
from langchain_qdrant_async.document.payload import to_payload
from langchain_qdrant_async.document.vectors import to_vector
from langchain_qdrant_async.filters import to_filter
from langchain_qdrant_async.proto import CollectionsStub, PointsStub, collections, common, points
from langchain_qdrant_async.transport.engine import join
from tests.property.oracle import matches

Filter = Mapping[str, Any]

INTS = [0, 1, -1, 2, 7, 2**31, 2**53 - 1, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)]
FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.0, 1e-9, 1e300, float(2**53)]
STRINGS = ["", "a", "b", "A", "ab", "1", "true", "null", "é", "a b", "🙂"]
FEW: list[Any] = [None, True, 0, 1.0, 0.5, -1, 2**53 + 1, "", "a", "1"]
SCALARS: list[Any] = [None, True, False, *INTS, *FLOATS, *STRINGS]
MANY = [number / 2 for number in range(-40, 400, 3)]
NESTED: list[Any] = [
    [], {}, [None], [[]], [{}], [None, 1], ["a", None], [1, "a", True], [1.0], [True], [False, 0], [[1]], [[1], 2],
    [1, [2]], [[None]], [0.5, 7], [-1, 2], [2**53 + 1], ["", "b"], {"b": 1}, {"b": None}, {"b": []}, {"b": [1, 2]},
    {"b": {"c": "a"}}, {"b": {}}, [{"b": 1}, {"c": 2}], [{"b": None}], [{"b": []}, {"b": "a"}],
    [{"b": 1.0}, {"b": True}], [[{"b": 1}]],
]  # fmt: skip
FIELDS = [
    "a",
    "b",
    "a.b",
    "a.b.c",
    "a[]",
    "a[0]",
    "a[1]",
    "a[].b",
    "a[0].b",
    "b.b",
    "my key",
    '"dot.ted"',
    "no-such",
    "é",
]
ROOTS = ["a", "b", "my key", "dot.ted", "é"]


def _documents() -> list[dict[str, Any]]:
    """Every value alone, then mixtures."""
    alone = [{"a": value} for value in [*SCALARS, *NESTED]]
    dice = random.Random(20)
    mixed = [{root: dice.choice([*SCALARS, *NESTED]) for root in ROOTS if dice.random() < 0.7} for _ in range(150)]
    return [{}, *alone, *mixed]


DOCUMENTS = _documents()

scalars = st.sampled_from(SCALARS)
numbers = st.sampled_from([*INTS, *FLOATS])
lists = st.lists(scalars, max_size=4) | st.lists(numbers, min_size=9, max_size=30, unique=True)
OPERANDS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("$eq", "$ne"), scalars),
    **dict.fromkeys(("$gt", "$gte", "$lt", "$lte"), numbers),
    **dict.fromkeys(("$in", "$nin"), lists),
    **dict.fromkeys(("$exists", "$null", "$empty"), st.booleans()),
    **dict.fromkeys(("$any_of", "$all_of"), st.lists(scalars, max_size=4)),
    "$contains": scalars | st.lists(scalars, max_size=3),
    "$between": st.tuples(numbers, numbers).map(sorted),
    "$size": st.integers(0, 3)
    | st.dictionaries(st.sampled_from(["$eq", "$gt", "$gte", "$lt", "$lte"]), st.integers(0, 3), min_size=1),
    "$prefix": st.sampled_from(["a", "A", "é", "1", "tr"]),
    "$like": st.sampled_from(["a", "a%", "%b%", "%u%", "🙂%", "%%a b%"]),
    "$not": st.deferred(lambda: field_operators),
}
field_operators: st.SearchStrategy[dict[str, Any]] = st.lists(
    st.one_of([st.tuples(st.just(name), operand) for name, operand in OPERANDS.items()]), min_size=1, max_size=3
).map(dict)
fields = st.dictionaries(st.sampled_from(FIELDS), scalars | field_operators, max_size=2)
filters = st.recursive(
    fields,
    lambda inner: st.fixed_dictionaries(
        {},
        optional={"$and": st.lists(inner, max_size=3), "$or": st.lists(inner, max_size=3), "$not": inner, "b": scalars},
    ),
    max_leaves=6,
)


INTEGERS: list[dict[str, Any]] = [
    {}, {"n": None}, {"n": []}, {"n": [-3, 4]}, {"n": [0, None]}, {"n": "1"}, {"n": True},
    *({"n": number} for number in [*range(-5, 6), 2**53 - 1, -(2**53) + 1, 2**53 + 1, 2**63 - 1]),
]  # fmt: skip
BOUNDS = [*range(-6, 7), -1.5, -0.5, -0.0, 0.5, 1.0, 2.5, 2**53 - 1, float(-(2**53) + 1)]

Kind = points.FieldType
INDEXED: dict[str, Kind.ValueType] = {
    "keyword": Kind.FieldTypeKeyword,
    "float": Kind.FieldTypeFloat,
    "bool": Kind.FieldTypeBool,
    "text": Kind.FieldTypeText,
    "geo": Kind.FieldTypeGeo,
}


def expected(given_: Filter, documents: list[dict[str, Any]] = DOCUMENTS) -> set[int]:
    """The positions of the documents that the oracle selects."""
    return {position for position, document in enumerate(documents) if matches(given_, document)}


class Engine:
    """The embedded engine, asked over its socket."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._collections = CollectionsStub(channel)
        self._points = PointsStub(channel)

    def hold(self, name: str, documents: list[dict[str, Any]], metadata_key: str | None = "metadata") -> None:
        """A collection with these documents, whose point ids are their positions."""
        size = collections.VectorParams(size=1, distance=collections.Distance.Dot)
        self._collections.Create(
            collections.CreateCollection(collection_name=name, vectors_config=collections.VectorsConfig(params=size))
        )
        stored = [
            points.PointStruct(
                id=common.PointId(num=position),
                vectors=points.Vectors(vector=to_vector([1.0])),
                payload=to_payload("", document, metadata_key=metadata_key),
            )
            for position, document in enumerate(documents)
        ]
        self._points.Upsert(points.UpsertPoints(collection_name=name, wait=True, points=stored))

    def index(self, name: str, field: str, kind: Kind.ValueType) -> None:
        """Index a metadata field."""
        self._points.CreateFieldIndex(
            points.CreateFieldIndexCollection(
                collection_name=name,
                wait=True,
                field_name=to_path(field),
                field_type=kind,
            )
        )

    def select(self, name: str, given_: Filter, metadata_key: str | None = "metadata") -> set[int]:
        """The ids of the points that a filter selects."""
        nothing = points.WithPayloadSelector(enable=False)
        request = points.ScrollPoints(
            collection_name=name,
            filter=to_filter(given_, metadata_key=metadata_key),
            limit=10_000,
            with_payload=nothing,
        )
        return {point.id.num for point in self._points.Scroll(request).result}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with asyncio.Runner() as runner:
        lease = runner.run(join(tmp_path_factory.mktemp("filters")))
        with grpc.insecure_channel(lease.target) as channel:
            yield Engine(channel)
        runner.run(lease.release())


@pytest.fixture(scope="module")
def plain(engine: Engine) -> Callable[[Filter], set[int]]:
    """Selects among the documents, without any index."""
    engine.hold("plain", DOCUMENTS)
    return lambda given_: engine.select("plain", given_)


def every_operator(fields: list[str], values: list[Any]) -> Iterator[Filter]:
    """Each operator by itself, with each value that it takes."""
    for field in fields:
        for value in values:
            yield {field: value}
            yield {field: {"$ne": value}}
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                yield from ({field: {operator: value}} for operator in ("$gt", "$gte", "$lt", "$lte"))
        yield from ({field: {"$exists": wanted}} for wanted in (True, False))
        yield from ({field: {operator: values}} for operator in ("$in", "$nin") for values in ([], SCALARS, MANY))


def test_each_operator_selects_what_python_selects(plain: Callable[[Filter], set[int]]) -> None:
    for given_ in every_operator(FIELDS, SCALARS):
        assert plain(given_) == expected(given_), given_


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(given_=filters)
def test_combined_filters_select_what_python_selects(
    plain: Callable[[Filter], set[int]], given_: dict[str, Any]
) -> None:
    assert plain(given_) == expected(given_)


@pytest.mark.parametrize("kind", INDEXED)
def test_an_index_does_not_change_what_is_selected(engine: Engine, kind: str) -> None:
    """Even one that does not fit the values; but for the kinds that docs/reference/filters.md names."""
    engine.hold(kind, DOCUMENTS)
    for field in ("a", "a.b", "my key"):
        engine.index(kind, field, INDEXED[kind])
    for given_ in every_operator(["a", "a.b", "my key"], FEW):
        assert engine.select(kind, given_) == expected(given_), given_


def test_an_integer_index_does_not_change_what_is_selected_among_integers(engine: Engine) -> None:
    engine.hold("integer", INTEGERS)
    engine.index("integer", "n", Kind.FieldTypeInteger)
    for given_ in every_operator(["n"], [*BOUNDS, None, True, "1"]):
        assert engine.select("integer", given_) == expected(given_, INTEGERS), given_


@pytest.mark.parametrize("metadata_key", [None, "my metadata"])
def test_the_metadata_may_lie_elsewhere(engine: Engine, metadata_key: str | None) -> None:
    name = f"under {metadata_key}"
    engine.hold(name, DOCUMENTS, metadata_key)
    for given_ in every_operator(["a.b", '"dot.ted"', "é"], ["a", 1, None]):
        assert engine.select(name, given_, metadata_key) == expected(given_), given_


ZONES = [None, dt.UTC, dt.timezone(dt.timedelta(hours=5, minutes=30)), dt.timezone(dt.timedelta(hours=-8))]
MOMENTS = [dt.datetime(2024, 1, 1, hour, tzinfo=zone) for zone in ZONES for hour in (0, 8, 23)]
DAYS: list[Any] = [*MOMENTS, dt.date(2024, 1, 1), dt.date(2023, 12, 31), "2024-01-01T00:00:00.000001Z"]
COMPARED = {"$gt": operator.gt, "$gte": operator.ge, "$lt": operator.lt, "$lte": operator.le}


def moment(value: Any) -> dt.datetime:
    parsed = dt.datetime.fromisoformat(value if isinstance(value, str) else value.isoformat())
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=dt.UTC)


@pytest.mark.parametrize("indexed", [False, True])
def test_moments_are_compared_in_time_whatever_their_zone(engine: Engine, indexed: bool) -> None:
    name = f"moments-{indexed}"
    engine.hold(name, [*({"at": each} for each in DAYS), {"at": [DAYS[0], "x"]}, {"at": 7}, {"at": "x"}, {}])
    if indexed:
        engine.index(name, "at", Kind.FieldTypeDatetime)
    for bound, (name_of, compare) in itertools.product(DAYS, COMPARED.items()):
        wanted = {position for position, each in enumerate(DAYS) if compare(moment(each), moment(bound))}
        wanted |= {len(DAYS)} if compare(moment(DAYS[0]), moment(bound)) else set()
        assert engine.select(name, {"at": {name_of: bound}}) == wanted, (bound, name_of)


PLACES: list[Any] = [
    {"lon": 5.0, "lat": 5.0}, {"lon": 20.0, "lat": 5.0}, [{"lon": 50.0, "lat": 5.0}, {"lon": 5.0, "lat": 5.0}],
    {"lon": 3.0, "lat": 3.0}, "nowhere", None,
]  # fmt: skip
SQUARE = [[0, 0], [10, 0], [10, 10], [0, 10]]
HOLE = [[2, 2], [4, 2], [4, 4], [2, 4], [2, 2]]
TEXT = ["the quick brown fox", "quick fox, brown dog", "fo", "", None, ["a fox", "a dog"], 7]
PARTS = [[{"n": 1, "s": "a"}, {"n": 2, "s": "b"}], [{"n": 1, "s": "b"}], [], None, {"n": 1, "s": "a"}, [{"n": None}]]
CHOSEN: list[tuple[str, list[Any], Any, set[int]]] = [
    ("place", PLACES, {"$geo_near": {"center": [5, 5], "radius": 1_000}}, {0, 2}),
    ("place", PLACES, {"$geo_near": {"center": {"lon": 5, "lat": 5}, "radius": 1_000_000}}, {0, 2, 3}),
    ("place", PLACES, {"$geo_within": {"top_left": [0, 10], "bottom_right": [10, 0]}}, {0, 2, 3}),
    ("place", PLACES, {"$geo_polygon": SQUARE}, {0, 2, 3}),
    ("place", PLACES, {"$geo_polygon": {"exterior": SQUARE, "interiors": [HOLE]}}, {0, 2}),
    ("text", TEXT, {"$text": "brown fox"}, {0, 1}),
    ("text", TEXT, {"$text": "FOX"}, {0, 1, 5}),
    ("text", TEXT, {"$phrase": "brown fox"}, {0}),
    ("text", TEXT, {"$any_word": "dog the"}, {0, 1, 5}),
    ("text", TEXT, {"$prefix": "fo"}, {2}),
    ("text", TEXT, {"$prefix": "a d"}, {5}),
    ("text", TEXT, {"$like": "%k fo%"}, {1}),
    ("text", TEXT, {"$not": {"$text": "fox"}}, {2, 3, 4, 6}),
    ("parts", PARTS, {"$nested": {"n": 1, "s": "b"}}, {1}),
    ("parts", PARTS, {"$nested": {"n": 1, "s": "a"}}, {0}),
    ("parts", PARTS, {"$nested": {"$or": [{"n": 2}, {"s": {"$in": ["b"]}}]}}, {0, 1}),
    ("parts", PARTS, {"$nested": {"s": {"$ne": "a"}, "n": {"$gte": 1}}}, {0, 1}),
]


@pytest.fixture(scope="module")
def held(engine: Engine) -> Engine:
    for name, values in (("place", PLACES), ("text", TEXT), ("parts", PARTS)):
        engine.hold(f"of-{name}", [{name: value} for value in values])
    return engine


@pytest.mark.parametrize(("name", "values", "condition", "wanted"), CHOSEN, ids=str)
def test_places_words_and_parts(held: Engine, name: str, values: list[Any], condition: Any, wanted: set[int]) -> None:
    assert held.select(f"of-{name}", {name: condition}) == wanted
    assert held.select(f"of-{name}", {"$not": {name: condition}}) == set(range(len(values))) - wanted


def test_documents_by_id_by_vector_and_by_how_many_hold(held: Engine) -> None:
    everything = set(range(len(TEXT)))
    assert held.select("of-text", {"$id": ["1", "4"]}) == {1, 4}
    assert held.select("of-text", {"$has_vector": ""}) == everything
    assert held.select("of-text", {"$has_vector": ["", "no-such"]}) == set()
    conditions = [{"text": {"$text": word}} for word in ("fox", "dog", "brown")]
    for count, wanted in ((1, {0, 1, 5}), (2, {0, 1, 5}), (3, {1}), (4, set())):
        assert held.select("of-text", {"$min_should": {"conditions": conditions, "min_count": count}}) == wanted


MANY_EXAMPLES = int(os.environ.get("FILTERS", "0"))


@pytest.mark.skipif(not MANY_EXAMPLES, reason="FILTERS is the number of filters to try against all documents")
@pytest.mark.timeout(0)
def test_many_filters_select_what_python_selects(plain: Callable[[Filter], set[int]]) -> None:
    tried = settings(max_examples=MANY_EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    tried(given(given_=filters)(lambda given_: _compare(plain, given_)))()


def _compare(plain: Callable[[Filter], set[int]], given_: dict[str, Any]) -> None:
    assert plain(given_) == expected(given_), given_
