"""Qdrant's async tutorial, step by step, on the embedded engine."""

from __future__ import annotations

import grpc
import pytest

from examples.tutorial import Tutorial
from langchain_qdrant_async import CollectionInfo, Connection, Distance, NotFound, VectorInfo
from langchain_qdrant_async.proto import collections, points


@pytest.fixture
def tutorial(connection: Connection, collection_name: str) -> Tutorial:
    return Tutorial(connection, collection_name)


@pytest.fixture
async def filled(tutorial: Tutorial) -> Tutorial:
    await tutorial.create()
    await tutorial.upsert()
    return tutorial


async def test_a_missing_collection_is_not_found_and_can_be_created_then(tutorial: Tutorial) -> None:
    error = await tutorial.meet_a_missing_collection()
    assert isinstance(error, NotFound)
    assert error.code is grpc.StatusCode.NOT_FOUND
    assert tutorial.name in str(error)
    assert isinstance(await tutorial.create(), CollectionInfo)


async def test_the_collection_is_what_was_asked_for(tutorial: Tutorial) -> None:
    info = await tutorial.create()
    assert info.vectors == {"": VectorInfo(dimension=100, distance=Distance.COSINE)}
    assert info.points_count == 0
    assert info.message.status == collections.CollectionStatus.Green
    scalar = info.message.config.quantization_config.scalar
    assert scalar.type == collections.QuantizationType.Int8


async def test_ef_construct_becomes_200_and_the_rest_stays(tutorial: Tutorial) -> None:
    before = (await tutorial.create()).message.config.hnsw_config
    after = (await tutorial.update()).message.config.hnsw_config
    assert (before.ef_construct, after.ef_construct) == (100, 200)
    assert after.m == before.m


async def test_upserting_is_completed_when_it_returns(tutorial: Tutorial) -> None:
    await tutorial.create()
    result = await tutorial.upsert(7)
    assert result.status == points.UpdateStatus.Completed
    assert await tutorial.scroll() == list(range(7))


async def test_a_query_without_payload_and_vectors_gives_ids_and_scores(filled: Tutorial) -> None:
    found = await filled.query_bare()
    assert len(found) == 5
    assert found[0].id.num == 3
    assert found[0].score == pytest.approx(1, abs=1e-5)
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    assert all(not each.payload and not each.HasField("vectors") for each in found)


async def test_a_query_with_payload_and_vectors_gives_both(filled: Tutorial) -> None:
    bare, full = await filled.query_bare(), await filled.query_with_payload_and_vectors()
    assert [each.id.num for each in full] == [each.id.num for each in bare]
    for each in full:
        assert each.payload["int_param"].integer_value == each.id.num
        assert each.payload["bool_param"].bool_value == (each.id.num % 2 == 0)
        assert len(each.vectors.vector.dense.data) == 100


async def test_the_filter_selects_the_one_point(filled: Tutorial) -> None:
    [found] = await filled.query_filtered()
    assert found.id.num == 32
    assert found.payload["int_param"].integer_value == 32


async def test_scrolling_passes_every_point_once_in_order(filled: Tutorial) -> None:
    assert await filled.scroll() == list(range(100))


async def test_a_recommendation_leaves_its_examples_out(filled: Tutorial) -> None:
    found = await filled.recommend()
    assert len(found) == 5
    assert not {1, 2, 3} & {each.id.num for each in found}


async def test_the_points_are_documents_too(filled: Tutorial) -> None:
    document, point = await filled.search_as_documents()
    assert (document.id, document.page_content) == ("a-document", "thirty-two")
    assert (point.id, point.metadata) == ("32", {"int_param": 32, "bool_param": True})


async def test_after_dropping_it_is_missing_again(tutorial: Tutorial) -> None:
    await tutorial.create()
    assert await tutorial.drop()
    assert not await tutorial.drop()
    assert isinstance(await tutorial.meet_a_missing_collection(), NotFound)
