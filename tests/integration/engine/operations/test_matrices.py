"""Distance matrices, over a real socket."""

from __future__ import annotations

from typing import Any

import pytest
from grpc import StatusCode

from langchain_qdrant_async.proto import collections, common, points
from tests.engine_messages import Refused, Stubs, dense_config, match, plain_id, point

pytest_plugins = ("tests.engine_fixtures",)

UUID = "5c56c793-69f3-4fbf-87e6-c4bf54c28c26"


@pytest.fixture
async def line(stubs: Stubs) -> Stubs:
    """Points on a line, at the square of their number; the last has a UUID."""
    await stubs.create(vectors_config=dense_config(1, collections.Euclid))
    await stubs.upsert(*(point(n, [n * n], even=n % 2 == 0) for n in range(1, 5)), point(UUID, [25], even=False))
    return stubs


def asked(stubs: Stubs, **fields: Any) -> points.SearchMatrixPoints:
    return points.SearchMatrixPoints(collection_name=stubs.collection, **fields)


async def pairs(stubs: Stubs, **fields: Any) -> list[tuple[Any, Any, float]]:
    found = (await stubs.points.SearchMatrixPairs(asked(stubs, **fields))).result.pairs
    return [(plain_id(pair.a), plain_id(pair.b), pair.score) for pair in found]


async def test_each_point_with_its_nearest(line: Stubs) -> None:
    found = await pairs(line, sample=5, limit=1)
    assert found == [(1, 2, 3), (2, 1, 3), (3, 2, 5), (4, 3, 7), (UUID, 4, 9)]


async def test_offsets_are_the_same_entries(line: Stubs) -> None:
    result = (await line.points.SearchMatrixOffsets(asked(line, limit=2))).result
    ids = [plain_id(point_id) for point_id in result.ids]
    assert ids == [1, 2, 3, 4, UUID]
    entries = zip(result.offsets_row, result.offsets_col, result.scores, strict=True)
    assert [(ids[row], ids[column], score) for row, column, score in entries] == await pairs(line, limit=2)


async def test_a_filter_and_a_limit_beyond_the_sample(line: Stubs) -> None:
    even = common.Filter(must=[match("even", boolean=True)])
    assert await pairs(line, filter=even, limit=2**31) == [(2, 4, 12), (4, 2, 12)]


async def test_a_sample_is_no_larger_than_asked(line: Stubs) -> None:
    assert len(await pairs(line, sample=3, limit=2)) == 6


async def test_of_fewer_than_two_points_there_is_none(line: Stubs) -> None:
    assert await pairs(line, filter=common.Filter(must=[match("even", text="no")])) == []


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"sample": 1}, "[sample: value 1 invalid, must be 2 or larger]"),
        ({"limit": 0}, "[limit: value 0 invalid, must be 1 or larger]"),
        ({"using": "other"}, "Vector with name other is not configured in this collection"),
        ({"sample": 100_000}, "compares at most 2000 points"),
        ({"timeout": 0}, "[timeout: value 0 invalid, must be 1 or larger]"),
    ],
)
async def test_matrices_that_cannot_be(line: Stubs, fields: dict[str, Any], text: str) -> None:
    with Refused(StatusCode.INVALID_ARGUMENT, text):
        await pairs(line, **fields)
