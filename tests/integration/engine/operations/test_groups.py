"""Grouped queries, over a real socket."""

from __future__ import annotations

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
