"""Collections' configurations, as requests make and change them."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_qdrant_async.engine.operations.configuration import changed_configuration, new_configuration
from langchain_qdrant_async.engine.status import Refusal
from langchain_qdrant_async.proto import collections


def made() -> collections.CollectionConfig:
    params = {name: collections.VectorParams(size=4, distance=collections.Dot) for name in ("a", "b")}
    vectors = collections.VectorsConfig(params_map=collections.VectorParamsMap(map=params))
    return new_configuration(collections.CreateCollection(vectors_config=vectors))


def test_a_change_of_one_vector_leaves_the_others_and_what_was_before() -> None:
    before = made()
    change = {"a": collections.VectorParamsDiff(on_disk=True)}
    vectors = collections.VectorsConfigDiff(params_map=collections.VectorParamsDiffMap(map=change))
    after = changed_configuration(before, collections.UpdateCollection(vectors_config=vectors))
    assert after.params.vectors_config.params_map.map["a"].on_disk
    assert after.params.vectors_config.params_map.map["b"] == before.params.vectors_config.params_map.map["b"]
    assert before == made()


def test_what_was_not_asked_for_is_not_there() -> None:
    config = made()
    assert not config.params.HasField("sparse_vectors_config")
    assert not config.HasField("quantization_config")
    assert not config.HasField("strict_mode_config")


def test_a_vector_that_is_not_there_cannot_be_changed() -> None:
    change = collections.VectorsConfigDiff(params=collections.VectorParamsDiff(on_disk=True))
    with pytest.raises(Refusal, match="Not existing vector name error"):
        changed_configuration(made(), collections.UpdateCollection(vectors_config=change))


@pytest.mark.parametrize(
    "limit",
    [
        {"read_rate_limit": 30},
        {"write_rate_limit": 30},
        {"max_collection_vector_size_bytes": 1},
        {"max_collection_payload_size_bytes": 1},
        {"max_resident_memory_percent": 90},
    ],
)
def test_what_strict_mode_says_of_rates_and_sizes_in_bytes_is_refused(limit: dict[str, Any]) -> None:
    text = f"strict_mode_config.{next(iter(limit))} is not supported"
    strict = collections.StrictModeConfig(enabled=True, **limit)
    with pytest.raises(Refusal, match=text):
        new_configuration(collections.CreateCollection(strict_mode_config=strict))
    with pytest.raises(Refusal, match=text):
        changed_configuration(made(), collections.UpdateCollection(strict_mode_config=strict))
    noted = new_configuration(collections.CreateCollection(strict_mode_config=collections.StrictModeConfig(**limit)))
    with pytest.raises(Refusal, match=text):
        changed_configuration(
            noted, collections.UpdateCollection(strict_mode_config=collections.StrictModeConfig(enabled=True))
        )
