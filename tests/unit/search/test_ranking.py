"""How rankings write themselves into a request, over fields that need no collection."""

from __future__ import annotations

import asyncio
import math
from typing import Any, cast

import numpy as np
import pytest

from langchain_qdrant_async.document.layout import Layout
from langchain_qdrant_async.document.vectors import AnyVector, Sparse, to_vector_input
from langchain_qdrant_async.errors import InvalidInput, InvalidVector
from langchain_qdrant_async.filters import to_filter
from langchain_qdrant_async.proto import common, points
from langchain_qdrant_async.search.ranking import Diverse, Fused, Nearest
from langchain_qdrant_async.search.search import Asked, Fields, Ranking, Search

RESCORED = points.SearchParams(quantization=points.QuantizationSearchParams(rescore=True))


class Lengths:
    """Fields whose encoder gives a text's length, once all that are asked for at the same time are there."""

    def __init__(self, at_once: int = 1) -> None:
        self._all_there = asyncio.Barrier(at_once)

    layout = Layout()
    most: int | None = None

    def filter(self, given: Any) -> common.Filter | None:
        return to_filter(given)

    def params(self, field: str) -> points.SearchParams | None:
        return RESCORED if field == "own" else None

    def is_distance(self, field: str) -> bool:
        return field == "far"

    def field_name(self, using: str | None = None) -> str:
        return using or "own"

    async def vector(self, query: str | AnyVector, using: str | None = None) -> tuple[str, points.VectorInput]:
        await self._all_there.wait()
        return using or "own", to_vector_input([float(len(query))] if isinstance(query, str) else query)


async def test_nearest_by_text_and_by_vector() -> None:
    by_text, using, prefetch, params = await Nearest("four").asked(Lengths(), Search(Nearest("four")))
    assert (using, list(prefetch), params) == ("own", [], RESCORED)
    assert by_text is not None
    assert by_text.nearest.dense.data == [4.0]
    by_vector = await Nearest([1, 2], using="other").asked(Lengths(), Search(Nearest([1])))
    assert by_vector.using == "other"
    assert by_vector.query is not None
    assert by_vector.query.nearest.dense.data == [1.0, 2.0]


async def test_vectors_of_every_kind() -> None:
    search = Search(Nearest("x"))
    for query, kind in (
        (Sparse([1, 2], [0.5, 0.5]), "sparse"),
        ([[1.0, 2.0], [3.0, 4.0]], "multi_dense"),
        (np.ones((2, 3)), "multi_dense"),
        (np.ones(3), "dense"),
        ((1, 2), "dense"),
    ):
        asked = await Nearest(cast("AnyVector", query)).asked(Lengths(), search)
        assert asked.query is not None
        assert asked.query.nearest.WhichOneof("variant") == kind


@pytest.mark.parametrize("lambda_mult", [0.0, 0.25, 1.0, np.float64(0.5)])
async def test_diverse_turns_lambda_round(lambda_mult: float) -> None:
    asked = await Diverse("x", 20, lambda_mult).asked(Lengths(), Search(Nearest("x"), 4))
    assert asked.query is not None
    assert asked.query.nearest_with_mmr.mmr.diversity == 1 - lambda_mult
    assert asked.query.nearest_with_mmr.nearest.dense.data == [1.0]


@pytest.mark.parametrize(("k", "offset", "candidates"), [(4, 0, 20), (30, 0, 30), (15, 10, 25)])
async def test_diverse_has_candidates_for_all_that_is_returned_or_left_out(
    k: int, offset: int, candidates: int
) -> None:
    asked = await Diverse("x").asked(Lengths(), Search(Nearest("x"), k, offset=offset))
    assert asked.query is not None
    assert asked.query.nearest_with_mmr.mmr.candidates_limit == candidates


@pytest.mark.parametrize(("limit", "reach"), [(None, 200), (1, 7), (50, 50)])
async def test_fused_gives_each_ranking_the_filter_and_the_reach(limit: int | None, reach: int) -> None:
    chosen, params = to_filter({"lang": "en"}), points.SearchParams(exact=True)
    fused = Fused([Nearest("a"), Diverse("bb", 2, using="other")], limit)
    asked = await fused.asked(Lengths(2), Search(fused, 5, chosen, 2, 0.1, params))
    assert (asked.query, asked.using) == (points.Query(fusion=points.Fusion.DBSF), "")
    assert [(each.using, each.limit) for each in asked.prefetch] == [("own", reach), ("other", reach)]
    assert all((each.filter, each.params) == (chosen, params) for each in asked.prefetch)
    assert not any(each.HasField("score_threshold") for each in asked.prefetch), "it is one of the fusion's scores"
    assert asked.prefetch[1].query.nearest_with_mmr.mmr.candidates_limit == reach


async def test_a_fusion_in_a_fusion() -> None:
    inner = Fused([Nearest("a"), Nearest("bb")], fusion="dbsf")
    asked = await Fused((inner, Nearest("ccc"))).asked(Lengths(3), Search(inner, 3))
    assert [len(each.prefetch) for each in asked.prefetch] == [2, 0]
    assert asked.prefetch[0].query == points.Query(fusion=points.Fusion.DBSF)
    assert [each.query.nearest.dense.data[0] for each in asked.prefetch[0].prefetch] == [1.0, 2.0]


@pytest.mark.parametrize(
    ("vector", "said"),
    [
        ([], "empty"),
        ([math.nan], "nan"),
        ([1e300], "too large"),
        (["a"], "not numeric"),
        (5, "a single number"),
        (None, "not numeric"),
        ([[1.0], [1.0, 2.0]], "vectors"),
        (np.ones((2, 2, 2)), "shape"),
        (Sparse([1, 1], [1.0, 2.0]), "more than once"),
        (Sparse([1], [math.inf]), "inf"),
    ],
)
def test_a_vector_that_is_none_is_refused_where_it_is_said(vector: Any, said: str) -> None:
    for ranking in (Nearest, Diverse):
        with pytest.raises(InvalidVector, match=said):
            ranking(vector)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"rankings": []}, "takes a list of rankings"),
        ({"rankings": "text"}, "takes a list of rankings"),
        ({"rankings": Nearest("x")}, "takes a list of rankings"),
        ({"rankings": [Nearest("x"), "text"]}, "takes a list of rankings"),
        ({"rankings": [Nearest("x")], "limit": 0}, "limit must be a whole number, 1 or more"),
        ({"rankings": [Nearest("x")], "fusion": "sum"}, "a fusion is 'rrf', 'dbsf', .*not 'sum'"),
    ],
)
def test_fusions_that_cannot_be_meant(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        Fused(**arguments)


@pytest.mark.parametrize("number", [0, -1, 2.0, True])
def test_fetch_k_that_cannot_be_meant(number: Any) -> None:
    with pytest.raises(InvalidInput, match="fetch_k must be a whole number, 1 or more"):
        Diverse("x", number)


async def test_rankings_are_anything_with_the_method() -> None:
    class Everything:
        async def asked(self, fields: Fields, search: Search) -> Asked:
            return Asked(None)

    ranking: Ranking = Everything()
    assert await Search(ranking).ranking.asked(Lengths(), Search(ranking)) == Asked(None)
