"""Grouped queries, over a real socket."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from grpc import StatusCode

from langchain_qdrant_async.proto import collections, common, points
from tests.engine_messages import Refused, Stubs, dense_config, field, nearest, payload, point

pytest_plugins = ("tests.engine_fixtures",)


@pytest.fixture(params=[collections.Dot, collections.Euclid], ids=["similarity", "distance"])
async def chunks(stubs: Stubs, request: pytest.FixtureRequest) -> Stubs:
    """Forty chunks of eight documents; those with low numbers are the best for [1, 0], whatever the distance."""
    await stubs.create(vectors_config=dense_config(2, request.param))
    await stubs.upsert(
        *(
            point(
                number,
                [-number * 0.01, 0],
                document=number // 5,
                meta={"name": f"d{number // 5}", "tags": [f"t{number % 2}", "all"]},
            )
            for number in range(40)
        ),
        point(100, [0.5, 0]),
        point(101, [0.5, 0], document=1.5),
    )
    return stubs


async def groups_of(stubs: Stubs, **fields: Any) -> list[tuple[Any, list[int]]]:
    request = points.QueryPointGroups(collection_name=stubs.collection, **({"query": nearest([0.02, 0])} | fields))
    found = (await stubs.points.QueryGroups(request)).result.groups
    return [(getattr(group.id, group.id.WhichOneof("kind")), [hit.id.num for hit in group.hits]) for group in found]


async def test_the_best_groups_come_first_each_with_its_best_hits(chunks: Stubs) -> None:
    found = await groups_of(chunks, group_by="document", limit=3, group_size=2)
    assert found == [(0, [0, 1]), (1, [5, 6]), (2, [10, 11])]


async def test_ten_groups_of_three_by_default(chunks: Stubs) -> None:
    found = await groups_of(chunks, group_by="meta.name")
    assert [(key, len(hits)) for key, hits in found] == [(f"d{number}", 3) for number in range(8)]


async def test_groups_that_a_single_query_does_not_fill(chunks: Stubs) -> None:
    found = await groups_of(chunks, group_by="document", limit=8, group_size=5)
    assert found == [(number, list(range(number * 5, number * 5 + 5))) for number in range(8)]


async def test_a_point_is_in_a_group_for_each_string_of_a_list(chunks: Stubs) -> None:
    found = dict(await groups_of(chunks, group_by="meta.tags", limit=3, group_size=2))
    assert found == {"t0": [0, 2], "all": [0, 1], "t1": [1, 3]}


async def test_a_filter_and_a_prefetch_apply(chunks: Stubs) -> None:
    late = common.Filter(must=[field("document", range=common.Range(gte=6))])
    assert [key for key, _ in await groups_of(chunks, group_by="document", filter=late)] == [6, 7]
    prefetch = [points.PrefetchQuery(query=nearest([0.02, 0]), limit=4, filter=late)]
    found = await groups_of(chunks, group_by="document", prefetch=prefetch, limit=2, group_size=2)
    assert found == [(6, [30, 31]), (7, [35, 36])]


async def test_payload_vectors_and_lookup(chunks: Stubs) -> None:
    other = f"{chunks.collection}-documents"
    await chunks.collections.Create(collections.CreateCollection(collection_name=other, vectors_config=dense_config(1)))
    documents = [point(number, [1], title=f"document {number}") for number in range(3)]
    await chunks.points.Upsert(points.UpsertPoints(collection_name=other, wait=True, points=documents))
    request = points.QueryPointGroups(
        collection_name=chunks.collection,
        query=nearest([0.02, 0]),
        group_by="document",
        limit=4,
        group_size=1,
        with_payload=points.WithPayloadSelector(include=points.PayloadIncludeSelector(fields=["document"])),
        with_vectors=points.WithVectorsSelector(enable=True),
        with_lookup=points.WithLookup(collection=other),
    )
    groups = (await chunks.points.QueryGroups(request)).result.groups
    assert groups[1].lookup.payload == payload({"title": "document 1"})
    assert not groups[3].HasField("lookup")
    assert groups[1].hits[0].payload == payload({"document": 1})
    assert len(groups[1].hits[0].vectors.vector.dense.data) == 2
    request.ClearField("with_payload")
    assert not (await chunks.points.QueryGroups(request)).result.groups[0].hits[0].payload
    request.with_lookup.collection = "absent"
    with Refused(StatusCode.NOT_FOUND, "Not found: Collection absent not found"):
        await chunks.points.QueryGroups(request)
    await chunks.collections.Delete(collections.DeleteCollection(collection_name=other))


async def test_groups_by_score_order_and_without_a_query(chunks: Stubs) -> None:
    found = await groups_of(chunks, group_by="document", query=None, limit=2, group_size=2)
    assert found == [(0, [0, 1]), (1, [5, 6])]
    index = points.CreateFieldIndexCollection(
        collection_name=chunks.collection, field_name="document", field_type=points.FieldTypeInteger
    )
    await chunks.points.CreateFieldIndex(index)
    order = points.Query(order_by=points.OrderBy(key="document", direction=points.Desc))
    assert [key for key, _ in await groups_of(chunks, group_by="document", query=order, limit=2)] == [7, 6]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"group_by": ""}, "[group_by: value"),
        ({"group_by": "document", "limit": 0}, "[limit: value 0 invalid"),
        ({"group_by": "document", "group_size": 0}, "[group_size: value 0 invalid"),
        ({"group_by": "document", "query": nearest([1, 0, 0])}, "Vector dimension error"),
    ],
)
async def test_groupings_that_cannot_be(chunks: Stubs, fields: dict[str, Any], text: str) -> None:
    with Refused(StatusCode.INVALID_ARGUMENT, text):
        await groups_of(chunks, **fields)


KEYS = ["a", "b", "c", 1, 2]
"""Words and integers; a point may have one of them, several, none, or something that is no key."""


def keys_of(keys: list[Any]) -> list[Any]:
    """The groups of a value; one that is no key spoils all of them."""
    return list(dict.fromkeys(keys)) if all(type(key) in {int, str} for key in keys) else []


class PlainReading:
    """Groups of points in the order of their rank, found as `lib/shard/src/grouping` of Qdrant finds them."""

    def __init__(self, values: list[Any], limit: int, size: int) -> None:
        self.values = [value if isinstance(value, list) else [] if value is None else [value] for value in values]
        self.limit, self.size = limit, size
        self.groups: dict[Any, list[int]] = {}
        for keys, holds in ((self.full, differs), (self.lacking, matches)):
            for _ in range(0 if self.is_complete() else 5):
                if not self.ask(keys(), holds):
                    break

    def best(self) -> list[Any]:
        return sorted(self.groups, key=lambda key: self.groups[key][0])[: self.limit]

    def full(self) -> list[Any]:
        return [key for key, hits in self.groups.items() if len(hits) >= self.size]

    def lacking(self) -> list[Any]:
        return [key for key in self.best() if len(self.groups[key]) < self.size]

    def is_complete(self) -> bool:
        return len(self.best()) - len(self.lacking()) >= self.limit

    def ask(self, keys: list[Any], holds: Any) -> bool:
        seen = {number for hits in self.groups.values() for number in hits}
        new = [number for number, value in enumerate(self.values) if value and number not in seen]
        hits = [n for n in new if holds(self.values[n], str, keys) and holds(self.values[n], int, keys)]
        for number in hits[: self.limit * self.size]:
            for key in keys_of(self.values[number]):
                self.groups[key] = sorted([*self.groups.get(key, []), number])
        return bool(hits) and not self.is_complete()

    def answer(self) -> list[tuple[Any, list[int]]]:
        return [(key, self.groups[key][: self.size]) for key in self.best()]


def matches(value: list[Any], kind: type, keys: list[Any]) -> bool:
    mine = [key for key in keys if type(key) is kind]
    return not mine or any(type(each) is kind and each in mine for each in value)


def differs(value: list[Any], kind: type, keys: list[Any]) -> bool:
    mine = [key for key in keys if type(key) is kind]
    return not mine or any(type(each) is not kind or each not in mine for each in value)


async def fill(stubs: Stubs, values: list[Any]) -> None:
    """Points whose rank for [1, 0] is their number; None stands for an absent field."""
    await stubs.create(vectors_config=dense_config(2, collections.Euclid))
    await stubs.upsert(
        *(
            point(number, [1 - number * 0.01, 0], **({} if value is None else {"t": value}))
            for number, value in enumerate(values)
        )
    )


async def test_a_point_of_a_full_group_counts_for_its_other_groups(stubs: Stubs) -> None:
    await fill(stubs, [["a"]] * 4 + [["a", "b"]] + [["b"]] * 2)
    assert await groups_of(stubs, query=nearest([1, 0]), group_by="t", limit=2, group_size=2) == [
        ("a", [0, 1]),
        ("b", [4, 5]),
    ]


@pytest.mark.parametrize("spoiling", [1.5, True, {"x": 1}, ["a"]], ids=repr)
async def test_a_value_that_is_no_key_keeps_its_point_out_of_all_groups(stubs: Stubs, spoiling: Any) -> None:
    await fill(stubs, ["a", ["a", spoiling], "a"])
    assert await groups_of(stubs, query=nearest([1, 0]), group_by="t", limit=1, group_size=3) == [("a", [0, 2])]


@pytest.mark.parametrize("seed", range(12))
async def test_groups_are_those_of_a_plain_reading(stubs: Stubs, seed: int) -> None:
    random = Random(seed)
    single = [*KEYS, None, 2.5, True, []]
    values = [
        random.choice(single) if random.random() < 0.5 else random.choices([*KEYS, *KEYS, 2.5], k=random.randint(1, 3))
        for _ in range(60)
    ]
    await fill(stubs, values)
    for limit, size in [(1, 1), (2, 2), (3, 2), (5, 4), (9, 9)]:
        found = await groups_of(stubs, query=nearest([1, 0]), group_by="t", limit=limit, group_size=size)
        assert found == PlainReading(values, limit, size).answer()


async def test_hits_of_an_order_say_what_they_are_ordered_by(chunks: Stubs) -> None:
    index = points.CreateFieldIndexCollection(
        collection_name=chunks.collection, field_name="document", field_type=points.FieldTypeInteger
    )
    await chunks.points.CreateFieldIndex(index)
    order = points.Query(order_by=points.OrderBy(key="document"))
    request = points.QueryPointGroups(collection_name=chunks.collection, query=order, group_by="document", limit=2)
    groups = (await chunks.points.QueryGroups(request)).result.groups
    assert [hit.order_value.int for group in groups for hit in group.hits] == [0, 0, 0, 1, 1, 1]


async def test_sizes_that_no_machine_could_hold(chunks: Stubs) -> None:
    prefetch = [points.PrefetchQuery(query=nearest([0.02, 0]), limit=2**40)]
    found = await groups_of(
        chunks, group_by="document", prefetch=prefetch, limit=2**31, group_size=2**31, query=nearest([0.02, 0])
    )
    assert len(found) == 8
