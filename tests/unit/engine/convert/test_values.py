"""Payloads between the wire and the engine."""

from __future__ import annotations

from typing import Any

from langchain_qdrant_async.engine.convert.values import fill_payload, from_payload
from langchain_qdrant_async.proto import points

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
