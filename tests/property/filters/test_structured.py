"""A structured query selects exactly the documents that a plain Python reading of it selects, on the real engine."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.structured_query import Comparator, Comparison, FilterDirective, Operation, Operator

from langchain_qdrant_async.document.payload import to_payload
from langchain_qdrant_async.document.vectors import to_vector
from langchain_qdrant_async.filters import to_filter
from langchain_qdrant_async.filters.structured import AttributeType, to_dictionary
from langchain_qdrant_async.proto import CollectionsStub, PointsStub, collections, common, points
from langchain_qdrant_async.transport.engine import join
from tests.property.oracle import OPERATORS

DATES = ["2023-12-31", "2024-01-01", "2024-02-29"]
TIMES = ["2023-12-31T23:59:59Z", "2024-01-01T00:00:00", "2024-01-01T10:30:00Z", "2024-02-29T23:59:59Z"]
ZONED = ["2024-01-01T00:30:00+02:00", "2024-02-29T23:59:59.999999+00:00", "2024-01-02T01:00:00+05:30"]
WORDS = ["red", "red fox", "a_b", "axb", "", "10", "true"]
SCALARS: list[Any] = [None, True, False, 0, 1, 7, 1.5, 10, *WORDS, *DATES, *TIMES, *ZONED]
LISTS: list[Any] = [[], ["red", "blue"], [DATES[0], DATES[2]], [1, "10", None], [TIMES[2], 7], [True, "a_b"]]
FIELDS = ["a", "b", "c.d", "no-such"]


def _documents() -> list[dict[str, Any]]:
    dice = random.Random(7)
    values = [*SCALARS, *LISTS]
    mixed = [{name: dice.choice(values) for name in "ab" if dice.random() < 0.8} for _ in range(60)]
    return [{}, *({"a": value} for value in values), *({"c": {"d": value}} for value in values), *mixed]


DOCUMENTS = _documents()


def span(value: Any) -> tuple[dt.datetime, dt.datetime] | None:
    """The moments from the first to the last that a value of LangChain's parser means."""
    if not isinstance(value, dict):
        return None
    if value["type"] == "datetime":
        return moment(value["datetime"]), moment(value["datetime"])
    midnight = moment(value["date"])
    return midnight, midnight + dt.timedelta(days=1) - dt.timedelta.resolution


def moment(text: str) -> dt.datetime:
    parsed = dt.datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=dt.UTC)


def in_time(comparator: Comparator, stored: Any, wanted: tuple[dt.datetime, dt.datetime]) -> bool:
    if not isinstance(stored, str) or not stored.startswith("20"):
        return False
    first, last = wanted
    at = moment(stored)
    return {
        Comparator.GT: at > last,
        Comparator.GTE: at >= first,
        Comparator.LT: at < first,
        Comparator.LTE: at <= last,
    }.get(comparator, first <= at <= last)


def selects(directive: FilterDirective, metadata: dict[str, Any]) -> bool:
    """Whether a document is meant."""
    if isinstance(directive, Operation):
        parts = [selects(each, metadata) for each in directive.arguments]
        return {Operator.AND: all(parts), Operator.OR: any(parts), Operator.NOT: not any(parts)}[directive.operator]
    assert isinstance(directive, Comparison)
    stored: Any = metadata
    for key in directive.attribute.split("."):
        if not isinstance(stored, dict) or key not in stored:
            return compares(directive.comparator, [], directive.value)
        stored = stored[key]
    return compares(directive.comparator, [stored], directive.value)


DENIED = {Comparator.NE: Comparator.EQ, Comparator.NIN: Comparator.IN}


def compares(comparator: Comparator, stored: list[Any], value: Any) -> bool:
    if comparator in DENIED:
        return not compares(DENIED[comparator], stored, value)
    wanted = value if isinstance(value, list) else [value]
    if comparator is Comparator.IN:
        return any(compares(Comparator.EQ, stored, each) for each in wanted)
    if comparator is Comparator.CONTAIN:
        return all(compares(Comparator.EQ, stored, each) for each in wanted)
    if (moments := span(value)) is not None:
        elements = [each for one in stored for each in (one if isinstance(one, list) else [one])]
        return any(in_time(comparator, each, moments) for each in elements)
    if comparator is Comparator.LIKE:
        return OPERATORS["$like"](stored, value)
    if comparator in {Comparator.GT, Comparator.GTE, Comparator.LT, Comparator.LTE} and isinstance(value, str):
        value = float(value)
    return OPERATORS[f"${comparator.value}"](stored, value)


days = st.sampled_from(DATES).map(lambda text: {"date": text, "type": "date"})
times = st.sampled_from(TIMES).map(lambda text: {"datetime": text, "type": "datetime"})
plain = st.sampled_from([True, False, 0, 1, 7, 1.5, *WORDS])
values = plain | days | times
several = st.lists(values, max_size=4)
VALUES: dict[Comparator, st.SearchStrategy[Any]] = {
    **dict.fromkeys((Comparator.EQ, Comparator.NE), values),
    **dict.fromkeys(
        (Comparator.GT, Comparator.GTE, Comparator.LT, Comparator.LTE),
        st.sampled_from([0, 1, 1.5, 7, "7", "1.5", "-3"]) | days | times,
    ),
    **dict.fromkeys((Comparator.IN, Comparator.NIN, Comparator.CONTAIN), values | several),
    Comparator.LIKE: st.sampled_from(["red%", "%fox%", "%a_b%", "a_%", "%0%", "2024%"]),
}
comparisons = st.one_of(
    [st.builds(Comparison, st.just(comparator), st.sampled_from(FIELDS), value) for comparator, value in VALUES.items()]
)
directives = st.recursive(
    comparisons,
    lambda inner: st.builds(Operation, st.sampled_from(Operator), st.lists(inner, max_size=3)),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PointsStub]:
    with asyncio.Runner() as runner:
        lease = runner.run(join(tmp_path_factory.mktemp("structured")))
        with grpc.insecure_channel(lease.target) as channel:
            size = collections.VectorParams(size=1, distance=collections.Distance.Dot)
            made = collections.CreateCollection(
                collection_name="documents", vectors_config=collections.VectorsConfig(params=size)
            )
            CollectionsStub(channel).Create(made)
            stub = PointsStub(channel)
            stored = [
                points.PointStruct(
                    id=common.PointId(num=position),
                    vectors=points.Vectors(vector=to_vector([1.0])),
                    payload=to_payload("", document),
                )
                for position, document in enumerate(DOCUMENTS)
            ]
            stub.Upsert(points.UpsertPoints(collection_name="documents", wait=True, points=stored))
            yield stub
        runner.run(lease.release())


def found(engine: PointsStub, asked: Any) -> set[int]:
    nothing = points.WithPayloadSelector(enable=False)
    request = points.ScrollPoints(
        collection_name="documents", filter=to_filter(asked), limit=10_000, with_payload=nothing
    )
    return {point.id.num for point in engine.Scroll(request).result}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(directive=directives)
def test_a_structured_query_selects_what_python_selects(engine: PointsStub, directive: FilterDirective) -> None:
    wanted = {position for position, each in enumerate(DOCUMENTS) if selects(directive, each)}
    assert found(engine, directive) == wanted
    assert found(engine, to_dictionary(directive)) == wanted


def test_a_day_is_all_of_it_and_comes_once(engine: PointsStub) -> None:
    """Each stored moment is before a day, on it, or after it, whatever its zone."""
    for text in DATES:
        day = {"date": text, "type": "date"}
        parts = [found(engine, Comparison(each, "a", day)) for each in (Comparator.LT, Comparator.EQ, Comparator.GT)]
        single = {n for n, each in enumerate(DOCUMENTS) if isinstance(each.get("a"), str) and each["a"][:2] == "20"}
        assert [len(part & single) for part in parts] != [0, 0, 0]
        assert set.union(*parts) & single == single
        assert sum(len(part & single) for part in parts) == len(single)
        on_or_before = found(engine, Comparison(Comparator.LTE, "a", day))
        assert on_or_before == parts[0] | parts[1]


WORDY: list[tuple[Comparison, list[str]]] = [
    (Comparison(Comparator.LIKE, "a", "FOX red"), ["red fox"]),
    (Comparison(Comparator.LIKE, "a", "fo"), []),
    (Comparison(Comparator.CONTAIN, "a", "fox"), ["red fox"]),
]


@pytest.mark.parametrize(("directive", "wanted"), WORDY, ids=str)
def test_words_are_looked_for_case_aside(engine: PointsStub, directive: Comparison, wanted: list[str]) -> None:
    selected = found(engine, to_dictionary(directive, {"a": AttributeType("text")}))
    texts = {DOCUMENTS[position]["a"] for position in selected if isinstance(DOCUMENTS[position]["a"], str)}
    assert sorted(texts) == wanted
