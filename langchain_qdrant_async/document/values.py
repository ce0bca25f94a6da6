"""Python values <-> Qdrant's payload values.

An int is an int, `1.0` is a float, `None`, `[]` and `{}` are themselves. Tuples come back as lists, subclasses (an
`IntEnum`, numpy's scalars) as the plain value, and other types as what `jsonable` makes of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from langchain_qdrant_async.checks import is_unicode
from langchain_qdrant_async.document.jsonable import Unstorable, json_float, json_int, json_key, jsonable
from langchain_qdrant_async.errors import InvalidPayload
from langchain_qdrant_async.proto import json

Kind: TypeAlias = dict[str, Any]
"""Keyword arguments of a `json.Value`: one constructor call for a whole tree is 3x faster than one for each value."""

_ROOM = 92
"""How many messages may nest under one payload entry.

Source: decoders of protobuf stop at 100 messages inside each other (upb here, prost's `RECURSION_LIMIT` in Qdrant).
Groups and batches of updates put four around an entry, a cluster passing them on one more: the rest is in reserve.
"""
_DICT_LEVELS = 3  # Value > Struct > FieldsEntry
_LIST_LEVELS = 2  # Value > ListValue

_NOT_UNICODE = "is not valid Unicode: it holds half of a surrogate pair. Clean it: .encode('utf-8', 'replace').decode()"


def to_value(value: Any, path: str = "value") -> json.Value:
    """A Python value as a payload value.

    Args:
        value: None, a bool, int, float or str, a dict, list or tuple of these, or what `jsonable` makes one of. It is
            not changed.
        path: its name in error messages.

    Raises:
        InvalidPayload: another type, NaN or infinity, an int outside 64 bits, two keys of one text, text that is not
            valid Unicode, more than 30 dictionaries (or 46 lists) inside each other. Names the path.
    """
    return to_message(to_kind(value, path), path)


def from_value(value: json.Value) -> Any:
    """A payload value as the Python value that it was made from.

    Asks for a string and a number before it asks for the kind: most values are one of them, and each question costs.
    """
    text = value.string_value
    if text:
        return text
    number = value.integer_value
    if number:
        return number
    return _PYTHON[value.WhichOneof("kind")](value)


def to_fields(values: Mapping[str, Any], path: str = "payload") -> dict[str, json.Value]:
    """A dictionary as the fields of a payload, as `to_value` for each.

    Raises:
        InvalidPayload: see `to_value`; also `values` that are not a dictionary.
    """
    return to_messages(to_kinds(values, path), path)


def from_fields(fields: Mapping[str, json.Value]) -> dict[str, Any]:
    """The fields of a payload as a dictionary, as `from_value` for each."""
    return {key: from_value(value) for key, value in fields.items()}


def to_kind(value: Any, path: str) -> Kind:
    """What a payload value is made from; `to_message` makes it.

    Raises:
        InvalidPayload: see `to_value`.
    """
    try:
        return _kind(value, _ROOM)
    except Unstorable as error:
        raise InvalidPayload(f"{path}{error.path} {error.reason}") from None


def to_kinds(values: Mapping[str, Any], path: str) -> dict[str, Kind]:
    """What the fields of a payload are made from.

    Raises:
        InvalidPayload: see `to_fields`.
    """
    if not isinstance(values, Mapping):
        raise InvalidPayload(f"{path} is a {type(values).__name__}: give a dictionary")
    kinds = {(text := _field_key(key, path)): to_kind(value, path + _step(text)) for key, value in values.items()}
    try:
        _check_distinct(kinds, values)
    except Unstorable as error:
        raise InvalidPayload(f"{path} {error.reason}") from None
    return kinds


def to_message(kind: Kind, path: str) -> json.Value:
    """The payload value.

    Raises:
        InvalidPayload: text in it is not valid Unicode.
    """
    try:
        return json.Value(**kind)
    except UnicodeEncodeError:
        raise InvalidPayload(f"{path}{_surrogate_path(kind)} {_NOT_UNICODE}") from None


def to_messages(kinds: Mapping[str, Kind], path: str | None = None) -> dict[str, json.Value]:
    """The fields of a payload; in error messages they are steps below `path`, or the roots themselves.

    Raises:
        InvalidPayload: see `to_message`.
    """
    return {key: to_message(kind, key if path is None else path + _step(key)) for key, kind in kinds.items()}


def _field_key(key: object, path: str) -> str:
    try:
        text = json_key(key)
    except Unstorable as error:
        raise InvalidPayload(f"{path} {error.reason}") from None
    if not is_unicode(text):
        raise InvalidPayload(f"{path}{_step(text)} {_NOT_UNICODE}")
    return text


def _kind(value: Any, room: int) -> Kind:
    return _KINDS.get(type(value), _other)(value, room)


def _other(value: Any, room: int) -> Kind:
    """The kind of a value whose exact type is not in the table: a subclass, a numpy scalar, or nothing storable."""
    return _kind(jsonable(value), room)


def _dict(value: Mapping[Any, Any], room: int) -> Kind:
    fields: dict[str, Kind] = {}
    room = _enter(room, _DICT_LEVELS)
    for key, item in value.items():
        if type(key) is not str:
            key = json_key(key)  # noqa: PLW2901  the same key, as plain text
        try:
            fields[key] = _KINDS.get(type(item), _other)(item, room)
        except Unstorable as error:
            error.passed(_step(key))
            raise
    _check_distinct(fields, value)
    return {"struct_value": {"fields": fields}}


def _check_distinct(stored: Mapping[str, Any], given: Mapping[Any, Any]) -> None:
    if len(stored) != len(given):
        raise Unstorable("has keys that are stored as the same text, such as 1 and '1': rename one of them")


def _list(value: Iterable[Any], room: int) -> Kind:
    values: list[Kind] = []
    room = _enter(room, _LIST_LEVELS)
    for item in value:
        try:
            values.append(_KINDS.get(type(item), _other)(item, room))
        except Unstorable as error:
            error.passed(f"[{len(values)}]")
            raise
    return {"list_value": {"values": values}}


def _enter(room: int, levels: int) -> int:
    if room < levels:
        raise Unstorable(
            "is nested too deeply: at most 30 dictionaries or 46 lists inside each other, and never itself"
        )
    return room - levels


_KINDS: dict[type, Callable[[Any, int], Kind]] = {
    str: lambda value, _room: {"string_value": value},
    bool: lambda value, _room: {"bool_value": value},
    type(None): lambda _value, _room: {"null_value": json.NULL_VALUE},
    int: lambda value, _room: {"integer_value": json_int(value)},
    float: lambda value, _room: {"double_value": json_float(value)},
    dict: _dict,
    list: _list,
    tuple: _list,
}


def _step(key: str) -> str:
    return f".{key}" if key.isidentifier() else f"[{key!r}]"


def _surrogate_path(kind: Kind) -> str | None:
    """The path to the first text inside that is not valid Unicode; None if all of it is."""
    if "string_value" in kind:
        return None if is_unicode(kind["string_value"]) else ""
    for step, part in _parts(kind):
        path = _surrogate_path(part)
        if path is not None:
            return step + path
    return None


def _parts(kind: Kind) -> Iterable[tuple[str, Kind]]:
    if "struct_value" in kind:
        fields = kind["struct_value"]["fields"].items()
        return ((_step(key), part) for key, item in fields for part in ({"string_value": key}, item))
    if "list_value" in kind:
        return ((f"[{position}]", item) for position, item in enumerate(kind["list_value"]["values"]))
    return ()


_PYTHON: dict[str | None, Callable[[json.Value], Any]] = {
    "string_value": lambda value: value.string_value,
    "integer_value": lambda value: value.integer_value,
    "double_value": lambda value: value.double_value,
    "bool_value": lambda value: value.bool_value,
    "null_value": lambda _value: None,
    "struct_value": lambda value: from_fields(value.struct_value.fields),
    "list_value": lambda value: [from_value(item) for item in value.list_value.values],
    None: lambda _value: None,
}
