"""Reads that take long: they find the same, others are served meanwhile, and they end with their caller's time."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from grpc import StatusCode

from langchain_qdrant_async.filters import to_filter
from langchain_qdrant_async.proto import collections, common, points
from tests.engine_messages import Refused, Stubs, dense_config, example, field, match, nearest, plain_id, point

pytest_plugins = ("tests.engine_fixtures",)

POINTS = 1_000
UUIDS = [f"00000000-0000-0000-0000-{number:012d}" for number in range(POINTS, POINTS + 20)]
EVEN = match("even", boolean=True)
SLOW = [match(f"absent{number}", keyword="x") for number in range(400)]
"""Each is asked of each point, by a field of its own: about a second in all."""


def quickly() -> common.Filter:
    return common.Filter(must=[EVEN])


def slowly(times: int = 1) -> common.Filter:
    """The same points, found in many pieces."""
    return common.Filter(must=[common.Condition(filter=common.Filter(should=[*SLOW, EVEN])) for _ in range(times)])


async def fill(stubs: Stubs, distance: Any = None) -> None:
    await stubs.create(vectors_config=dense_config(2, distance))
    given = [
        point(number, [1.0 + number % 7, number / 10], even=number % 2 == 0, n=number % 50, tag=f"t{number % 9}")
        for number in range(POINTS)
    ]
    await stubs.upsert(*given, *(point(uuid, [1.0, 0.5], even=True, n=3, tag="t0") for uuid in UUIDS))
    index = points.CreateFieldIndexCollection(
        collection_name=stubs.collection, wait=True, field_name="n", field_type=points.FieldTypeInteger
    )
    await stubs.points.CreateFieldIndex(index)


QUERIES: dict[str, Any] = {
    "nearest": lambda: nearest([3, 1]),
    "nearest to a point": lambda: nearest(7),
    "recommended": lambda: points.Query(
        recommend=points.RecommendInput(positive=[example(3)], negative=[example([1, 0])], strategy=points.BestScore)
    ),
    "recommended on average": lambda: points.Query(recommend=points.RecommendInput(positive=[example(3)])),
    "discovered": lambda: points.Query(
        discover=points.DiscoverInput(
            target=example([3, 1]),
            context=points.ContextInput(pairs=[points.ContextInputPair(positive=example(1), negative=example(2))]),
        )
    ),
    "any": lambda: None,
}


@pytest.mark.parametrize("distance", [collections.Dot, collections.Euclid, collections.Cosine])
async def test_pieces_find_what_the_whole_finds(stubs: Stubs, distance: Any) -> None:
    await fill(stubs, distance)
    for query in QUERIES.values():
        fields = {"query": query()} if query() is not None else {}
        whole = await stubs.query(filter=quickly(), limit=30, offset=5, **fields)
        pieces = await stubs.query(filter=slowly(), limit=30, offset=5, **fields)
        assert [hit.score for hit in pieces] == pytest.approx([hit.score for hit in whole])
        assert len(pieces) == 30
        if not fields:
            assert [hit.id for hit in pieces] == [hit.id for hit in whole]


async def test_counts_scrolls_batches_groups_and_orders(stubs: Stubs) -> None:
    await fill(stubs)
    assert await stubs.count(filter=slowly()) == await stubs.count(filter=quickly()) == POINTS // 2 + len(UUIDS)
    assert [await scrolled(stubs, slowly()), len(await scrolled(stubs, slowly()))] == [
        await scrolled(stubs, quickly()),
        POINTS // 2 + len(UUIDS),
    ]
    ordered = [await ordering(stubs, each, points.Desc) for each in (quickly(), slowly())]
    assert ordered[0] == ordered[1]
    batches = [await batch(stubs, each) for each in (quickly(), slowly())]
    assert batches[0] == pytest.approx(batches[1])
    assert await groups(stubs, slowly()) == await groups(stubs, quickly())


async def scrolled(stubs: Stubs, condition: common.Filter) -> list[Any]:
    """All pages."""
    ids: list[Any] = []
    request = points.ScrollPoints(collection_name=stubs.collection, filter=condition, limit=300)
    while True:
        page = await stubs.points.Scroll(request)
        ids += [plain_id(each.id) for each in page.result]
        if not page.HasField("next_page_offset"):
            return ids
        request.offset.CopyFrom(page.next_page_offset)


async def ordering(stubs: Stubs, condition: common.Filter, direction: Any) -> list[list[int]]:
    order = points.OrderBy(key="n", direction=direction)
    request = points.ScrollPoints(collection_name=stubs.collection, filter=condition, limit=40, order_by=order)
    listed = (await stubs.points.Scroll(request)).result
    asked = await stubs.query(filter=condition, limit=40, query=points.Query(order_by=order))
    return [[each.order_value.int for each in found] for found in (listed, asked)]


async def batch(stubs: Stubs, condition: common.Filter) -> list[float]:
    """Forty queries, some of which are quick."""
    queries = [
        points.QueryPoints(query=nearest([1, number]), limit=3, filter=condition if number % 20 == 0 else quickly())
        for number in range(40)
    ]
    request = points.QueryBatchPoints(collection_name=stubs.collection, query_points=queries)
    answer = await stubs.points.QueryBatch(request)
    return [hit.score for each in answer.result for hit in each.result]


async def groups(stubs: Stubs, condition: common.Filter) -> Any:
    request = points.QueryPointGroups(
        collection_name=stubs.collection,
        query=nearest([1, 1]),
        filter=condition,
        group_by="tag",
        limit=4,
        group_size=2,
    )
    found = (await stubs.points.QueryGroups(request)).result.groups
    return {group.id.string_value: [hit.score for hit in group.hits] for group in found}


@pytest.mark.parametrize("amount", [500, 10_000])
async def test_one_of_many_numbers_is_no_long_read(stubs: Stubs, amount: int) -> None:
    """Ranges within ranges let a value through by few of them: it is neither refused nor cut into many pieces."""
    await fill(stubs)
    numbers = to_filter({"v": {"$in": [*range(25), *range(1_000, 1_000 + amount)]}}, metadata_key=None)
    assert numbers is not None
    await stubs.upsert(*(point(number, [1.0, 0.5], v=number) for number in range(50)))
    fused = points.QueryPoints(
        collection_name=stubs.collection,
        prefetch=[points.PrefetchQuery(query=nearest([3, 1]), filter=numbers, limit=100)],
        query=points.Query(fusion=points.Fusion.RRF),
        limit=100,
    )
    assert {hit.id.num for hit in (await stubs.points.Query(fused)).result} == set(range(25))
    assert await stubs.count(filter=numbers) == 25


async def test_others_are_served_between_the_pieces(stubs: Stubs) -> None:
    await fill(stubs)
    long = asyncio.create_task(stubs.count(filter=slowly(20)))
    for _ in range(3):
        await stubs.get(1)
    assert not long.done()
    await long


async def test_the_work_ends_with_the_callers_time(stubs: Stubs) -> None:
    """Minutes of it, and none of it is waited for."""
    await fill(stubs)
    started = asyncio.get_running_loop().time()
    request = points.CountPoints(collection_name=stubs.collection, filter=slowly(20))
    calls = [stubs.points.Count(request, timeout=0.5) for _ in range(10)]
    for each in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(each, grpc.aio.AioRpcError)
        assert each.code() is StatusCode.DEADLINE_EXCEEDED
    assert await stubs.count() == POINTS + len(UUIDS)
    assert asyncio.get_running_loop().time() - started < 10


async def test_a_collection_that_goes_meanwhile_ends_them(stubs: Stubs) -> None:
    await fill(stubs)
    long = asyncio.create_task(stubs.count(filter=slowly(20)))
    await stubs.get(1)
    await stubs.collections.Delete(collections.DeleteCollection(collection_name=stubs.collection))
    with Refused(StatusCode.NOT_FOUND, "doesn't exist"):
        await long


@pytest.mark.parametrize("kind", ["choice", "prefetch", "facet", "write"])
async def test_what_cannot_be_cut_is_refused(stubs: Stubs, kind: str) -> None:
    await fill(stubs)
    many = [field(f"absent{number}", match=common.Match(keyword="x")) for number in range(1_000)]
    times = 40 if kind == "write" else 5
    conditions = common.Filter(must=[common.Condition(filter=common.Filter(should=many)) for _ in range(times)])
    calls: dict[str, Any] = {
        "choice": lambda: stubs.query(
            query=points.Query(
                nearest_with_mmr=points.NearestInputWithMmr(
                    nearest=example([1, 1]), mmr=points.Mmr(candidates_limit=16_384)
                )
            ),
            limit=5_000,
        ),
        "prefetch": lambda: stubs.query(
            prefetch=[points.PrefetchQuery(query=nearest([1, 1]), filter=conditions)],
            query=points.Query(fusion=points.RRF),
        ),
        "facet": lambda: stubs.points.Facet(
            points.FacetCounts(collection_name=stubs.collection, key="n", filter=conditions)
        ),
    }
    calls["write"] = lambda: stubs.points.Delete(
        points.DeletePoints(collection_name=stubs.collection, points=points.PointsSelector(filter=conditions))
    )
    with Refused(StatusCode.INVALID_ARGUMENT, "would keep the embedded engine busy"):
        await calls[kind]()
