"""Payload values on the wire <-> plain Python values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from langchain_qdrant_async.engine.status import malformed
from langchain_qdrant_async.proto import json

_Payload = dict[str, Any]


def from_payload(fields: Mapping[str, json.Value]) -> _Payload:
    """A payload as the engine takes it."""
    return {key: _from_value(value) for key, value in fields.items()}


def _from_value(value: json.Value) -> Any:
    """A single value. Most are strings that are not empty, so that is asked first."""
    text = value.string_value
    if text:
        return text
    return _READERS[value.WhichOneof("kind")](value)


def _from_double(value: json.Value) -> float:
    number = value.double_value
    if not math.isfinite(number):
        raise malformed("cannot convert to json number")
    return number


_READERS: dict[str | None, Callable[[json.Value], Any]] = {
    None: lambda _: None,
    "null_value": lambda _: None,
    "string_value": lambda value: value.string_value,
    "integer_value": lambda value: value.integer_value,
    "double_value": _from_double,
    "bool_value": lambda value: value.bool_value,
    "list_value": lambda value: [_from_value(item) for item in value.list_value.values],
    "struct_value": lambda value: from_payload(value.struct_value.fields),
}


def fill_payload(fields: MutableMapping[str, json.Value], payload: _Payload) -> None:
    """Write a payload of the engine into a message's map."""
    for key, value in payload.items():
        _fill(fields[key], value)


def _fill(target: json.Value, value: Any) -> None:
    _WRITERS[type(value)](target, value)


def _fill_string(target: json.Value, value: str) -> None:
    target.string_value = value


def _fill_integer(target: json.Value, value: int) -> None:
    target.integer_value = value


def _fill_double(target: json.Value, value: float) -> None:
    target.double_value = value


def _fill_bool(target: json.Value, value: bool) -> None:  # noqa: FBT001
    target.bool_value = value


def _fill_null(target: json.Value, _: None) -> None:
    target.null_value = json.NULL_VALUE


def _fill_list(target: json.Value, value: list[Any]) -> None:
    values = target.list_value.values
    target.list_value.SetInParent()
    for item in value:
        _fill(values.add(), item)


def _fill_struct(target: json.Value, value: _Payload) -> None:
    target.struct_value.SetInParent()
    fill_payload(target.struct_value.fields, value)


_WRITERS: dict[type, Callable[[json.Value, Any], None]] = {
    str: _fill_string,
    int: _fill_integer,
    float: _fill_double,
    bool: _fill_bool,
    type(None): _fill_null,
    list: _fill_list,
    dict: _fill_struct,
}
