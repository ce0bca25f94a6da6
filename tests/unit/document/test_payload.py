"""What a payload can hold, how it comes back, and what is said about the rest."""

import enum
from typing import Any

import numpy as np
import pytest

from langchain_qdrant_async.document.layout import ORIGINAL_ID_KEY
from langchain_qdrant_async.document.payload import from_payload, to_payload
from langchain_qdrant_async.document.values import from_fields, to_fields
from langchain_qdrant_async.errors import InvalidPayload
from langchain_qdrant_async.proto import json, points

METADATA: dict[str, Any] = {
    "int": 1, "float": 1.0, "zero": 0, "minus zero": -0.0, "true": True, "false": False, "none": None, "": "empty key",
    "text": "", "dotted.key": "é🙂\0", "list": [1, 1.0, True, None, "x", [], {}, [[]]],
    "dict": {"": {}, "a": {"b": [{"c": 2}]}},
    "min": -(2**63), "max": 2**63 - 1, "tiny": 5e-324, "huge": 1.7976931348623157e308,
}  # fmt: skip


class Color(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Plain(enum.Enum):
    ONE = 1
    ODD = object()


def over_the_wire(payload: dict[str, json.Value]) -> dict[str, json.Value]:
    message = points.ScoredPoint.FromString(points.ScoredPoint(payload=payload).SerializeToString())
    return dict(message.payload)


def types_of(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: types_of(item) for key, item in value.items()}
    return [types_of(item) for item in value] if isinstance(value, list) else type(value)


@pytest.mark.parametrize("metadata_key", ["metadata", "my key", "", None])
@pytest.mark.parametrize("original_id", [None, "foo"])
def test_metadata_comes_back_exactly_as_given(metadata_key: str | None, original_id: str | None) -> None:
    payload = to_payload("the text", METADATA, original_id=original_id, metadata_key=metadata_key)
    content = from_payload(over_the_wire(payload), metadata_key=metadata_key)
    assert content == ("the text", METADATA, original_id)
    assert types_of(content.metadata) == types_of(METADATA)


def test_the_layout_is_langchain_qdrants() -> None:
    assert from_fields(to_payload("t", {"a": 1})) == {"page_content": "t", "metadata": {"a": 1}}
    assert from_fields(to_payload("t")) == {"page_content": "t", "metadata": {}}
    assert from_fields(to_payload("t", original_id="x")) == {"page_content": "t", "metadata": {}, ORIGINAL_ID_KEY: "x"}


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ({}, ("", {}, None)),
        ({"page_content": None, "metadata": None, ORIGINAL_ID_KEY: None}, ("", {}, None)),
        ({"page_content": "t", "other": 1}, ("t", {}, None)),
        ({"page_content": 7, "metadata": [1]}, ("7", {"metadata": [1]}, None)),
        ({"page_content": {"é": [True]}}, ('{"é": [true]}', {}, None)),
    ],
)
def test_payloads_of_other_writers_are_read(stored: Any, read: Any) -> None:
    assert from_payload(over_the_wire(to_fields(stored))) == read


def test_a_flat_payload_is_all_metadata_but_the_text_and_the_id() -> None:
    stored = to_fields({"page_content": "t", "a": 1, "b": None, ORIGINAL_ID_KEY: "x"})
    assert from_payload(stored, metadata_key=None) == ("t", {"a": 1, "b": None}, "x")


def test_a_point_without_a_text_is_logged_once_with_the_keys_that_are_there(caplog: pytest.LogCaptureFixture) -> None:
    payload = to_fields({"text of another": "t", "n": 1})
    assert [from_payload(payload).text for _ in range(2)] == ["", ""]
    [record] = caplog.records
    assert "no 'page_content'" in record.getMessage()
    assert "there is 'n', 'text of another'" in record.getMessage()


def test_reading_does_not_write_into_the_message() -> None:
    point = points.ScoredPoint()
    from_payload(point.payload)
    assert not point.payload


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"\xff", "is of type bytes.*base64"),
        ({b"\xff"}, "is of type bytes.*base64"),
        (memoryview(b"x"), "is of type memoryview.*base64"),
        (Plain, "is of type EnumType"),
        (Plain.ODD, "is of type object"),
        (np.datetime64(2**60, "D"), "which no date of Python's can be"),
        ({}.keys(), r"list\("),
        ({1: 2, "1": 3}, "keys that are stored as the same text"),
        (range(3), r"list\("),
        (object(), "is of type object.*a dict of its parts"),
        ({object(): "x"}, "has the key <object .* of type object"),
        (float("nan"), "is nan: NaN and infinity"),
        (np.float32("inf"), "is inf"),
        (2**63, "must fit 64 bits"),
        (-(2**63) - 1, "must fit 64 bits"),
        ("\ud800", "not valid Unicode"),
        ({"\udfff": 1}, "not valid Unicode"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_path(value: Any, said: str) -> None:
    for key in ("metadata", None):
        with pytest.raises(InvalidPayload, match=r"^metadata\.author\.born\[2\].*" + said):
            to_payload("text", {"author": {"born": [1, 2, value]}}, metadata_key=key)


def test_paths_quote_keys_that_are_not_words() -> None:
    with pytest.raises(InvalidPayload, match=r"^metadata\['a b'\]\[''\] is of type object"):
        to_payload("text", {"a b": {"": object()}})


@pytest.mark.parametrize("metadata", [[1], "x", 7])
def test_metadata_must_be_a_dictionary(metadata: Any) -> None:
    with pytest.raises(InvalidPayload, match="metadata is a .*: give a dictionary"):
        to_payload("text", metadata)


def test_text_must_be_text() -> None:
    with pytest.raises(InvalidPayload, match="page_content is a int"):
        to_payload(7)  # type: ignore[arg-type]
    with pytest.raises(InvalidPayload, match="page_content is not valid Unicode"):
        to_payload("\ud800")


@pytest.mark.parametrize("key", ["page_content", ORIGINAL_ID_KEY])
def test_flat_metadata_may_not_cover_the_stores_own_keys(key: str) -> None:
    with pytest.raises(InvalidPayload, match="which the store itself uses"):
        to_payload("text", {key: 1}, metadata_key=None)


@pytest.mark.parametrize("key", [object(), "\ud800"])
def test_flat_metadata_has_plain_keys(key: Any) -> None:
    with pytest.raises(InvalidPayload, match="^metadata"):
        to_payload("text", {key: 1}, metadata_key=None)


def test_nothing_given_is_changed() -> None:
    metadata = {"a": [1, {"b": (2,)}], "c": Level.HIGH}
    to_payload("text", metadata, original_id="x")
    assert metadata == {"a": [1, {"b": (2,)}], "c": Level.HIGH}
