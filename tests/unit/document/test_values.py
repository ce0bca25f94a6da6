"""Python values as payload values and back: what is stored for what, and how deep it may be."""

from __future__ import annotations

import collections
import enum
import types
from typing import Any

import numpy as np
import pytest

from langchain_qdrant_async.document.payload import from_payload, to_payload
from langchain_qdrant_async.document.values import from_value, to_value
from langchain_qdrant_async.errors import InvalidPayload
from langchain_qdrant_async.proto import json, points


class Color(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


def types_of(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: types_of(item) for key, item in value.items()}
    return [types_of(item) for item in value] if isinstance(value, list) else type(value)


def test_a_value_without_a_kind_is_none() -> None:
    assert from_value(json.Value()) is None


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ((1, (2,)), [1, [2]]),
        (np.int32(4), 4),
        (np.float32(0.5), 0.5),
        (np.float64(0.1), 0.1),
        (np.longdouble(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (Color.RED, "red"),
        (Level.HIGH, 3),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.UserDict(a=1), {"a": 1}),
        ({Color.RED: 1}, {"red": 1}),
    ],
)
def test_close_relatives_of_plain_values_are_stored_as_them(given: Any, read: Any) -> None:
    stored = from_value(to_value(given))
    assert stored == read
    assert types_of(stored) == types_of(read)


def nested(depth: int, kind: type) -> object:
    value: object = 1
    for _ in range(depth):
        value = {"a": value} if kind is dict else [value]
    return value


@pytest.mark.parametrize(("kind", "depth"), [(dict, 30), (list, 46)])
def test_nesting_ends_before_protobuf_does(kind: type, depth: int) -> None:
    """Inside the deepest messages that carry a payload."""
    payload = {"metadata": to_value(nested(depth, kind))}
    group = points.PointGroup(hits=[points.ScoredPoint(payload=payload)])
    answer = points.QueryGroupsResponse(result=points.GroupsResult(groups=[group]))
    operation = points.PointsUpdateOperation(
        upsert=points.PointsUpdateOperation.PointStructList(points=[points.PointStruct(payload=payload)])
    )
    request = points.UpdateBatchPoints(operations=[operation])
    for message in (answer, request):
        assert type(message).FromString(message.SerializeToString()) == message
    with pytest.raises(InvalidPayload, match="is nested too deeply: at most 30 dictionaries or 46 lists"):
        to_value(nested(depth + 1, kind))


def test_a_value_that_holds_itself_is_refused() -> None:
    value: list[object] = []
    value.append({"self": value})
    with pytest.raises(InvalidPayload, match=r"value\[0\]\.self\[0\].*…"):
        to_value(value)


def test_what_is_kept_beside_the_metadata_follows_the_form_that_is_stored() -> None:
    """Of a float that Qdrant rounds and of an empty list, whatever types they and what holds them have."""
    plain = {"a": {"x": 0.1 + 0.2, "empty": []}, "list": [0.1 + 0.2, []]}
    close = types.MappingProxyType(
        {"a": collections.UserDict(x=np.float64(0.1 + 0.2), empty=()), "list": (np.longdouble(0.1 + 0.2), ())}
    )
    assert to_payload("text", close) == to_payload("text", plain)
    assert from_payload(to_payload("text", close)).metadata == plain
