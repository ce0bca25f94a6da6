"""What a collection in strict mode refuses, over a real socket; more of a server's own answers: test_conformance."""

from __future__ import annotations

from typing import Any

import pytest
from grpc import StatusCode

from langchain_qdrant_async.proto import collections, common, points
from tests.engine_messages import Refused, Stubs, dense_config, match, nearest, payload, point, point_id

pytest_plugins = ("tests.engine_fixtures",)

INDEXED, PLAIN = common.Filter(must=[match("a", keyword="x")]), common.Filter(must=[match("b", integer=1)])
EITHER = common.Filter(must=[match("a", keywords=common.RepeatedStrings(strings=["x", "y"]))])
NEAREST = nearest([1.0, 0.0, 0.0, 0.0])


async def strict(stubs: Stubs, **limits: Any) -> None:
    """A collection with three points, an index of the keyword `a`, and these limits."""
    await stubs.create(vectors_config=dense_config())
    await stubs.upsert(*(point(number, [number, 1, 0, 0], a="x", b=number) for number in (1, 2, 3)))
    index = points.CreateFieldIndexCollection(
        collection_name=stubs.collection, field_name="a", field_type=points.FieldTypeKeyword, wait=True
    )
    await stubs.points.CreateFieldIndex(index)
    config = collections.StrictModeConfig(enabled=True, **limits)
    await stubs.collections.Update(
        collections.UpdateCollection(collection_name=stubs.collection, strict_mode_config=config)
    )


def selector(condition: common.Filter) -> points.PointsSelector:
    return points.PointsSelector(filter=condition)


READS: list[tuple[str, type, dict[str, Any]]] = [
    ("Query", points.QueryPoints, {"query": NEAREST}),
    ("Scroll", points.ScrollPoints, {}),
    ("Facet", points.FacetCounts, {"key": "a"}),
    ("QueryGroups", points.QueryPointGroups, {"query": NEAREST, "group_by": "a", "group_size": 1}),
    ("SearchMatrixPairs", points.SearchMatrixPoints, {"sample": 2}),
]


@pytest.mark.parametrize(("rpc", "message", "fields"), READS)
async def test_a_limit_of_what_is_read(stubs: Stubs, rpc: str, message: type, fields: dict[str, Any]) -> None:
    each = fields.get("sample", 1)
    await strict(stubs, max_query_limit=2 * each)
    call = getattr(stubs.points, rpc)
    await call(message(collection_name=stubs.collection, limit=2, **fields))
    text = f'Limit exceeded {3 * each} > {2 * each} for "limit". Help: Reduce the "limit" parameter'
    with Refused(StatusCode.INVALID_ARGUMENT, text):
        await call(message(collection_name=stubs.collection, limit=3, **fields))


@pytest.mark.parametrize(("rpc", "message", "fields"), [*READS, ("Count", points.CountPoints, {})])
async def test_a_filter_that_reads_needs_an_index(
    stubs: Stubs, rpc: str, message: type, fields: dict[str, Any]
) -> None:
    await strict(stubs, unindexed_filtering_retrieve=False)
    call = getattr(stubs.points, rpc)
    await call(message(collection_name=stubs.collection, filter=INDEXED, **fields))
    with Refused(StatusCode.INVALID_ARGUMENT, 'not found for "b" of one of the following types: [integer]. Help: '):
        await call(message(collection_name=stubs.collection, filter=PLAIN, **fields))


WRITES: list[tuple[str, type, dict[str, Any]]] = [
    ("Delete", points.DeletePoints, {"points": selector}),
    ("SetPayload", points.SetPayloadPoints, {"points_selector": selector, "payload": payload({"c": 1})}),
    ("OverwritePayload", points.SetPayloadPoints, {"points_selector": selector, "payload": payload({"c": 1})}),
    ("DeletePayload", points.DeletePayloadPoints, {"points_selector": selector, "keys": ["c"]}),
    ("ClearPayload", points.ClearPayloadPoints, {"points": selector}),
]


@pytest.mark.parametrize(("rpc", "message", "fields"), WRITES)
async def test_a_filter_that_changes_needs_an_index(
    stubs: Stubs, rpc: str, message: type, fields: dict[str, Any]
) -> None:
    await strict(stubs, unindexed_filtering_update=False)

    async def change(condition: common.Filter) -> None:
        chosen = {name: value(condition) if value is selector else value for name, value in fields.items()}
        await getattr(stubs.points, rpc)(message(collection_name=stubs.collection, wait=True, **chosen))

    with Refused(StatusCode.INVALID_ARGUMENT, 'Index required but not found for "b"'):
        await change(PLAIN)
    assert await stubs.count() == 3
    await change(INDEXED)


async def test_every_write_of_a_batch_is_looked_at(stubs: Stubs) -> None:
    await strict(stubs, unindexed_filtering_update=False, upsert_max_batchsize=1)
    for operation in (
        points.PointsUpdateOperation(delete_points=points.PointsUpdateOperation.DeletePoints(points=selector(PLAIN))),
        points.PointsUpdateOperation(
            upsert=points.PointsUpdateOperation.PointStructList(
                points=[point(number, [1, 0, 0, 0]) for number in (7, 8)]
            )
        ),
    ):
        with Refused(StatusCode.INVALID_ARGUMENT, "Help: "):
            await stubs.points.UpdateBatch(
                points.UpdateBatchPoints(collection_name=stubs.collection, operations=[operation], wait=True)
            )
    assert await stubs.count() == 3


@pytest.mark.parametrize(
    ("limits", "query", "text"),
    [
        ({"max_timeout": 5}, {"timeout": 6}, 'Limit exceeded 6 > 5 for "timeout"'),
        ({"search_max_hnsw_ef": 5}, {"params": points.SearchParams(hnsw_ef=6)}, '6 > 5 for "hnsw_ef"'),
        ({"search_allow_exact": False}, {"params": points.SearchParams(exact=True)}, "Exact search disabled!"),
        (
            {"search_max_oversampling": 1.5},
            {"params": points.SearchParams(quantization=points.QuantizationSearchParams(oversampling=2.0))},
            '2 > 1.5 for "oversampling"',
        ),
        (
            {"filter_max_conditions": 1},
            {"filter": common.Filter(must=[match("a", keyword="x")] * 2)},
            "reached (2 > 1)",
        ),
        (
            {"condition_max_size": 1},
            {
                "filter": common.Filter(
                    must=[
                        common.Condition(
                            filter=common.Filter(must=[match("a", keywords=common.RepeatedStrings(strings=["x", "y"]))])
                        )
                    ]
                )
            },
            "Condition size limit reached (2 > 1)",
        ),
        (
            {"max_query_limit": 5},
            {"limit": 1, "prefetch": [points.PrefetchQuery(query=NEAREST, limit=6)]},
            '6 > 5 for "limit"',
        ),
        (
            {"unindexed_filtering_retrieve": False},
            {
                "prefetch": [points.PrefetchQuery(query=NEAREST)],
                "query": points.Query(
                    formula=points.Formula(
                        expression=points.Expression(
                            sum=points.SumExpression(
                                sum=[points.Expression(variable="$score"), points.Expression(variable="b")]
                            )
                        )
                    )
                ),
            },
            'not found for "b" of one of the following types: [float, integer]',
        ),
    ],
)
async def test_a_query_beyond_a_limit(stubs: Stubs, limits: dict[str, Any], query: dict[str, Any], text: str) -> None:
    await strict(stubs, **limits)
    asked: dict[str, Any] = {"collection_name": stubs.collection, "query": NEAREST} | query
    with Refused(StatusCode.INVALID_ARGUMENT, text):
        await stubs.points.Query(points.QueryPoints(**asked))
    if "filter" not in query:  # a batch says it of each query
        one = points.QueryPoints(**(asked | {"collection_name": ""}))
        with Refused(StatusCode.INVALID_ARGUMENT, text):
            await stubs.points.QueryBatch(points.QueryBatchPoints(collection_name=stubs.collection, query_points=[one]))


async def test_vectors_without_an_index_are_not_scanned(stubs: Stubs) -> None:
    await strict(stubs, search_allow_exact=False)
    asked = points.QueryPoints(collection_name=stubs.collection, query=NEAREST)
    assert len((await stubs.points.Query(asked)).result) == 3
    hnsw = collections.HnswConfigDiff(m=0)
    await stubs.collections.Update(collections.UpdateCollection(collection_name=stubs.collection, hnsw_config=hnsw))
    with Refused(StatusCode.INVALID_ARGUMENT, "because global vector indexing is disabled (hnsw_config.m = 0)"):
        await stubs.points.Query(asked)


async def test_how_much_may_be_written(stubs: Stubs) -> None:
    await strict(stubs, upsert_max_batchsize=2, max_points_count=5, max_payload_index_count=1)
    with Refused(StatusCode.INVALID_ARGUMENT, 'Limit exceeded 3 > 2 for "upsert limit"'):
        await stubs.upsert(*(point(number, [1, 0, 0, 0]) for number in (7, 8, 9)))
    await stubs.upsert(*(point(number, [1, 0, 0, 0]) for number in (7, 8)))
    with Refused(StatusCode.INVALID_ARGUMENT, "Max points count limit of 5 reached!"):
        await stubs.upsert(point(9, [1, 0, 0, 0]))
    index = points.CreateFieldIndexCollection(
        collection_name=stubs.collection, field_name="b", field_type=points.FieldTypeInteger, wait=True
    )
    with Refused(StatusCode.INVALID_ARGUMENT, "maximum number of payload indices (1)"):
        await stubs.points.CreateFieldIndex(index)
    assert await stubs.count() == 5


async def test_limits_that_are_switched_off_or_lifted(stubs: Stubs) -> None:
    await strict(stubs, max_query_limit=2)
    asked = points.QueryPoints(collection_name=stubs.collection, query=NEAREST, limit=3)
    for config in (collections.StrictModeConfig(max_query_limit=3), collections.StrictModeConfig(enabled=False)):
        await stubs.collections.Update(
            collections.UpdateCollection(collection_name=stubs.collection, strict_mode_config=config)
        )
        assert len((await stubs.points.Query(asked)).result) == 3
        asked.limit = 10
    got = await stubs.points.Get(points.GetPoints(collection_name=stubs.collection, ids=[point_id(1)]))
    assert len(got.result) == 1
