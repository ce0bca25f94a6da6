"""Paths into payloads."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_qdrant_async.engine.operations.paths import values_at

PAYLOAD = {"a": {"b": 1}, "list": [{"x": 1}, {"x": [2, 3]}, {}], "a.b": "quoted", "numbers": [4, [5]], "none": None}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("a.b", [1]),
        ("a", [{"b": 1}]),
        ('"a.b"', ["quoted"]),
        ("list[].x", [1, 2, 3]),
        ("list.x", []),
        ("list[1].x", [2, 3]),
        ("list[9].x", []),
        ("numbers", [4, [5]]),
        ("numbers[0]", [4]),
        ("none", [None]),
        ("absent.b", []),
        ("a[]", []),
    ],
)
def test_values_at(path: str, values: list[Any]) -> None:
    assert list(values_at(PAYLOAD, path)) == values
