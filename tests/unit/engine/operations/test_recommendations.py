"""The vector that stands for examples."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_qdrant_async.engine.operations.recommendations import average_vector


@pytest.mark.parametrize(
    ("positives", "negatives", "expected"),
    [
        ([[1.0, 2.0], [3.0, 4.0]], [], [2.0, 3.0]),
        ([[1.0, 2.0]], [[1.0, 0.0], [3.0, 2.0]], [0.0, 3.0]),
        ([[[1.0]], [[2.0]]], [[[3.0]]], [[1.0], [2.0], [-3.0]]),
    ],
)
def test_averages(positives: list[Any], negatives: list[Any], expected: list[Any]) -> None:
    assert average_vector(positives, negatives) == expected
