"""What a search may be, and how its rare keywords become messages."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
from qdrant_client import models

from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.filters import to_filter
from langchain_qdrant_async.proto import points
from langchain_qdrant_async.search.params import read_consistency, search_params
from langchain_qdrant_async.search.ranking import Nearest
from langchain_qdrant_async.search.search import Search, SearchOptions

RANKING = Nearest("x")


def test_a_search_is_one_frozen_value() -> None:
    search = Search(RANKING)
    with pytest.raises(FrozenInstanceError):
        search.k = 5  # type: ignore[misc]
    assert (search.k, search.offset, search.reach, search.timeout_s) == (4, 0, 4, None)
    assert Search(RANKING, 5, offset=2).reach == 7


def test_options_become_messages() -> None:
    options: SearchOptions = {
        "search_params": models.SearchParams(exact=True),
        "offset": 2,
        "score_threshold": 0.5,
        "consistency": "quorum",
        "timeout": float("inf"),
    }
    chosen = to_filter({"lang": "en"})
    search = Search.of(RANKING, 5, chosen, options)
    assert (search.ranking, search.k, search.filter, search.offset) == (RANKING, 5, chosen, 2)
    assert search.params is not None
    assert (search.params.exact, search.score_threshold) == (True, 0.5)
    assert search.consistency == points.ReadConsistency(type=points.ReadConsistencyType.Quorum)
    assert search.timeout_s == 1e8, "gRPC takes a deadline that is too far away for one that has passed"


def test_an_option_that_there_is_not() -> None:
    with pytest.raises(TypeError, match="no option of a search: ofset"):
        Search.of(RANKING, 4, None, {"ofset": 1})  # type: ignore[typeddict-unknown-key]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"ranking": "text"}, "a ranking is one such as Nearest, Diverse or Fused, not str"),
        ({"k": 0}, "k must be a whole number, 1 or more, not 0"),
        ({"k": True}, "k must be"),
        ({"k": 2**31}, "k must be below"),
        ({"offset": -1}, "offset must be a whole number, 0 or more"),
        ({"offset": 1.0}, "offset must be"),
        ({"score_threshold": "0.5"}, "score_threshold must be a number, not '0.5'"),
        ({"score_threshold": True}, "score_threshold must be"),
        ({"timeout_s": 0}, "timeout must be above 0 seconds"),
        ({"timeout_s": "x"}, "timeout must be above 0 seconds"),
    ],
)
def test_searches_that_cannot_be_meant(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        Search(**{"ranking": RANKING, **arguments})


def test_numbers_of_numpy() -> None:
    assert Search(RANKING, k=np.int64(2), score_threshold=np.float32(0.5)).k == 2  # type: ignore[arg-type]


def test_params_of_either_client() -> None:
    message = points.SearchParams(hnsw_ef=7)
    assert search_params(message) is message
    converted = search_params(models.SearchParams(hnsw_ef=7))
    assert converted is not None
    assert converted.hnsw_ef == 7
    assert search_params(None) is None
    with pytest.raises(InvalidInput, match="search_params must be a SearchParams, not dict"):
        search_params({"exact": True})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (2, points.ReadConsistency(factor=2)),
        ("all", points.ReadConsistency(type=points.ReadConsistencyType.All)),
        (models.ReadConsistencyType.MAJORITY, points.ReadConsistency(type=points.ReadConsistencyType.Majority)),
        (points.ReadConsistency(factor=3), points.ReadConsistency(factor=3)),
        (None, None),
    ],
)
def test_consistencies(given: object, message: points.ReadConsistency | None) -> None:
    assert read_consistency(given) == message


@pytest.mark.parametrize("given", [0, -1, True, "most", 1.5])
def test_consistencies_that_there_are_not(given: object) -> None:
    with pytest.raises(InvalidInput, match="consistency must be a number of replicas or one of all, majority, quorum"):
        read_consistency(given)
