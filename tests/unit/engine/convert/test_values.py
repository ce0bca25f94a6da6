"""Values, ids and vectors between the wire and the engine."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from langchain_qdrant_async.engine.convert.ids import distinct, from_point_id, to_point_id
from langchain_qdrant_async.engine.convert.values import fill_payload, from_payload
from langchain_qdrant_async.engine.operations.recommendations import average_vector
from langchain_qdrant_async.engine.status import Refusal, refusal_of
from langchain_qdrant_async.proto import common, points

PAYLOAD: dict[str, Any] = {
    "string": "x",
    "empty": "",
    "integer": -1,
    "float": 2.0,
    "true": True,
    "false": False,
    "null": None,
    "list": [1, "", [], {}],
    "object": {"": {"a": None}},
}


def test_payloads_survive_both_conversions() -> None:
    message = points.PointStruct()
    fill_payload(message.payload, PAYLOAD)
    again = points.PointStruct.FromString(message.SerializeToString())
    assert repr(sorted(from_payload(again.payload).items())) == repr(sorted(PAYLOAD.items()))


def test_ids_survive_both_conversions_and_are_told_apart() -> None:
    ids: list[int | UUID] = [0, 2**64 - 1, UUID(int=5)]
    messages = [to_point_id(point_id) for point_id in ids]
    assert [from_point_id(message) for message in messages] == ids
    assert distinct([*messages, *messages[::-1]]) == ids


@pytest.mark.parametrize("spelling", ["", "nope", "0" * 31, "{" + "0" * 32 + "}", "urn:uuid:" + "0" * 32])
def test_spellings_that_qdrant_does_not_take(spelling: str) -> None:
    with pytest.raises(Refusal, match=f"Unable to parse UUID: {spelling}"):
        from_point_id(common.PointId(uuid=spelling))


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


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (Exception("No point with id 7"), "NOT_FOUND", "Not found: No point with id 7 found"),
        (Exception("Wrong usage of sparse vectors"), "INVALID_ARGUMENT", "Wrong input: Conversion between sparse"),
        (ValueError("bad latitude"), "INVALID_ARGUMENT", "Wrong input: bad latitude"),
        (RuntimeError("boom"), "INTERNAL", "Service internal error: boom"),
        (TypeError(""), "INTERNAL", "Service internal error: TypeError"),
    ],
)
def test_failures_become_statuses(error: Exception, code: str, text: str) -> None:
    refusal = refusal_of(error)
    assert refusal.code.name == code
    assert refusal.message.startswith(text)
