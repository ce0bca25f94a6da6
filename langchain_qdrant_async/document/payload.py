"""Python values <-> Qdrant's payload values.

A document is stored as `{content_key: text, metadata_key: metadata}`, which is langchain-qdrant's layout, with
`ORIGINAL_ID_KEY` beside them when the point id does not read as the caller's id, `EMPTY_LISTS_KEY` when the metadata
holds empty lists, and `EXACT_FLOATS_KEY` when it holds floats that Qdrant rounds. Metadata comes back as it was given:
an int is an int, `1.0` is a float, `None`, `[]` and `{}` are themselves. Only tuples come back as lists, subclasses
(an `IntEnum`, numpy's scalars) as the plain value, and the order of keys is Qdrant's.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import functools
import json as json_text
import math
import operator
import os
import uuid
from collections.abc import Callable, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any, NamedTuple

import numpy as np

from langchain_qdrant_async.document.floats import EXACT_FLOATS_KEY, as_stored, to_store
from langchain_qdrant_async.document.paths import EMPTY_LISTS_KEY, to_step
from langchain_qdrant_async.errors import InvalidPayload
from langchain_qdrant_async.proto import json

CONTENT_KEY = "page_content"
METADATA_KEY = "metadata"

ORIGINAL_ID_KEY = "_original_id"
"""Holds the caller's id when the point id reads differently. It stands beside the metadata, never in it."""

CLAIM_KEY = "_claim"
"""Holds, for a moment at the end of a reindexing, who is about to replace the point: see `reindex`."""

PRIVATE_KEYS = (ORIGINAL_ID_KEY, EMPTY_LISTS_KEY, EXACT_FLOATS_KEY, CLAIM_KEY)
"""Payload keys of the store itself, which are never part of the metadata."""

_Kind = dict[str, object]
"""Keyword arguments of a `json.Value`: one constructor call for a whole tree is 3x faster than one for each value."""

_INT64 = 2**63

_ROOM = 92
"""How many messages may nest under one payload entry.

Source: decoders of protobuf stop at 100 messages inside each other (upb here, prost's `RECURSION_LIMIT` in Qdrant).
Groups and batches of updates put four around an entry, a cluster passing them on one more: the rest is in reserve.
"""
_DICT_LEVELS = 3  # Value > Struct > FieldsEntry
_LIST_LEVELS = 2  # Value > ListValue

_NOT_UNICODE = "is not valid Unicode: it holds half of a surrogate pair. Clean it: .encode('utf-8', 'replace').decode()"

_HINTS: list[tuple[type | tuple[type, ...], str]] = [
    ((dt.date, dt.time), "store .isoformat()"),
    (dt.timedelta, "store .total_seconds()"),
    (decimal.Decimal, "store float(...) or str(...)"),
    ((bytes, bytearray, memoryview), "store text, for example base64"),
    ((set, frozenset), "store sorted(...) or list(...)"),
    (np.ndarray, "store .tolist()"),
    ((uuid.UUID, os.PathLike), "store str(...)"),
    (enum.Enum, "store .value"),
    ((Iterator, range, KeysView, ValuesView), "store list(...)"),
]


class Content(NamedTuple):
    """What one payload says about its document."""

    text: str
    metadata: dict[str, Any]
    original_id: str | None


def to_payload(
    text: str,
    metadata: Mapping[str, Any] | None = None,
    *,
    original_id: str | None = None,
    content_key: str = CONTENT_KEY,
    metadata_key: str | None = METADATA_KEY,
) -> dict[str, json.Value]:
    """The payload of a document.

    Args:
        text: the document's text.
        metadata: kept as given, never changed. None is stored as `{}`.
        original_id: `Identity.original` of the document's id.
        content_key: where the text goes.
        metadata_key: where the metadata goes; None puts its keys beside the text.

    Raises:
        InvalidPayload: something in it cannot be stored; the message names the path to it.
    """
    if not isinstance(text, str):
        raise InvalidPayload(f"{content_key} is a {type(text).__name__}: a document's text must be a string")
    metadata = _dictionary(metadata, metadata_key or "metadata")
    payload = _flat(metadata, {content_key, *PRIVATE_KEYS}) if metadata_key is None else {}
    payload[content_key] = to_value(text, content_key)
    if metadata_key is not None:
        payload[metadata_key] = to_value(metadata, metadata_key)
    if empty := sorted(set(_empty_lists({metadata_key: metadata} if metadata_key else metadata or {}))):
        payload[EMPTY_LISTS_KEY] = to_value(empty)
    if exact := list(_inexact(metadata or {}, ())):
        payload[EXACT_FLOATS_KEY] = to_value(exact)
    if original_id is not None:
        payload[ORIGINAL_ID_KEY] = json.Value(string_value=original_id)
    return payload


def from_payload(
    payload: Mapping[str, json.Value], *, content_key: str = CONTENT_KEY, metadata_key: str | None = METADATA_KEY
) -> Content:
    """What a payload says, whoever wrote it.

    Absent or null text reads as "", absent or null metadata as `{}`. Text that is not a string reads as its JSON;
    metadata that is not a dictionary as `{metadata_key: it}`.

    Args:
        payload: as it came from Qdrant.
        content_key: where the text is.
        metadata_key: where the metadata is; None takes every other key as metadata.
    """
    content = payload.get(content_key)
    original = payload.get(ORIGINAL_ID_KEY)
    metadata = _flat_metadata(payload, content_key) if metadata_key is None else _metadata(payload, metadata_key)
    if EXACT_FLOATS_KEY in payload:
        _mend(metadata, from_value(payload[EXACT_FLOATS_KEY]))
    return Content(
        "" if content is None else content.string_value or _as_text(from_value(content)),
        metadata,
        None if original is None else original.string_value or None,
    )


def to_copy(payload: Mapping[str, json.Value]) -> dict[str, json.Value]:
    """A payload as it came from Qdrant, to be written again and come back the same: it rounds some floats each time."""
    copies = {}
    for key, value in payload.items():
        copies[key] = json.Value()
        copies[key].CopyFrom(value)
        _unround(copies[key])
    return copies


def _unround(value: json.Value) -> None:
    """In place."""
    kind = value.WhichOneof("kind")
    if kind == "double_value":
        value.double_value = to_store(value.double_value)
    elif kind == "struct_value":
        for item in value.struct_value.fields.values():
            _unround(item)
    elif kind == "list_value":
        for item in value.list_value.values:
            _unround(item)


def to_fields(values: Mapping[str, Any], path: str = "payload") -> dict[str, json.Value]:
    """A dictionary as the fields of a payload, as `to_value` for each.

    Raises:
        InvalidPayload: see `to_value`; also `values` that are not a dictionary.
    """
    return {key: to_value(value, path + _step(key)) for key, value in _keyed(_dictionary(values, path), path)}


def from_fields(fields: Mapping[str, json.Value]) -> dict[str, Any]:
    """The fields of a payload as a dictionary, as `from_value` for each."""
    return {key: from_value(value) for key, value in fields.items()}


def to_value(value: Any, path: str = "value") -> json.Value:
    """A Python value as a payload value.

    Args:
        value: None, a bool, int, float or str, or a dict, list or tuple of these. It is not changed.
        path: its name in error messages.

    Raises:
        InvalidPayload: another type, NaN or infinity, an int outside 64 bits, a key that is no string, text that is
            not valid Unicode, more than 30 dictionaries (or 46 lists) inside each other. Names the path.
    """
    try:
        return json.Value(**_kind(value, _ROOM))  # type: ignore[arg-type]  # nested keyword arguments, see _Kind
    except _Refused as refused:
        raise InvalidPayload(f"{path}{refused.path} {refused.reason}") from None
    except UnicodeEncodeError:
        raise InvalidPayload(f"{path}{_surrogate_path(value)} {_NOT_UNICODE}") from None


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


class _Refused(Exception):
    """A value that cannot be stored. The path grows as it passes the containers around the value."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.steps: list[str] = []

    @property
    def path(self) -> str:
        steps = self.steps[::-1]
        return "".join(steps if len(steps) <= 8 else [*steps[:4], "…", *steps[-2:]])


def _kind(value: Any, room: int) -> _Kind:
    return _KINDS.get(type(value), _other)(value, room)


def _int(value: int, _room: int) -> _Kind:
    if -_INT64 <= value < _INT64:
        return {"integer_value": value}
    raise _Refused(f"is {value}: integers must fit 64 bits. Store it as text, or as a float")


def _float(value: float, _room: int) -> _Kind:
    if math.isfinite(value):
        return {"double_value": value}
    raise _Refused(f"is {value}: NaN and infinity cannot be stored. Store None, or leave the key out")


def _dict(value: Mapping[Any, Any], room: int) -> _Kind:
    fields: dict[str, _Kind] = {}
    room = _enter(room, _DICT_LEVELS)
    for key, item in value.items():
        if type(key) is not str:
            key = _plain_key(key)  # noqa: PLW2901  the same key, as plain text
        try:
            fields[key] = _KINDS.get(type(item), _other)(item, room)
        except _Refused as refused:
            refused.steps.append(_step(key))
            raise
    return {"struct_value": {"fields": fields}}


def _list(value: Iterable[Any], room: int) -> _Kind:
    values: list[_Kind] = []
    room = _enter(room, _LIST_LEVELS)
    for item in value:
        try:
            values.append(_KINDS.get(type(item), _other)(item, room))
        except _Refused as refused:
            refused.steps.append(f"[{len(values)}]")
            raise
    return {"list_value": {"values": values}}


def _enter(room: int, levels: int) -> int:
    if room < levels:
        raise _Refused("is nested too deeply: at most 30 dictionaries or 46 lists inside each other, and never itself")
    return room - levels


_KINDS: dict[type, Callable[[Any, int], _Kind]] = {
    str: lambda value, _room: {"string_value": value},
    bool: lambda value, _room: {"bool_value": value},
    type(None): lambda _value, _room: {"null_value": json.NULL_VALUE},
    int: _int,
    float: _float,
    dict: _dict,
    list: _list,
    tuple: _list,
}

_PLAIN: list[tuple[type | tuple[type, ...], Callable[[Any], Any]]] = [
    (str, str.__str__),
    (np.bool_, bool),
    ((int, np.integer), int),
    ((float, np.floating), float),
]


def _other(value: Any, room: int) -> _Kind:
    """The kind of a value whose exact type is not in the table: a subclass, a numpy scalar, or nothing storable."""
    for types, plain in _PLAIN:
        if isinstance(value, types):
            return _kind(plain(value), room)
    if isinstance(value, Mapping):
        return _dict(value, room)
    if isinstance(value, (list, tuple)):
        return _list(value, room)
    raise _Refused(_type_reason(value))


def _type_reason(value: object) -> str:
    hint = next((hint for types, hint in _HINTS if isinstance(value, types)), "store a dict of its parts, or its text")
    return (
        f"is of type {type(value).__name__}, which a payload cannot hold: {hint}."
        " It holds None, bool, int, float, str, and lists and dictionaries of these"
    )


def _plain_key(key: object) -> str:
    if isinstance(key, str):
        return str.__str__(key)
    raise _Refused(_key_reason(key))


def _key_reason(key: object) -> str:
    return f"has the key {key!r} of type {type(key).__name__}: keys must be strings. Store str({key!r})"


def _step(key: str) -> str:
    return f".{key}" if key.isidentifier() else f"[{key!r}]"


def _surrogate_path(value: Any) -> str | None:
    """The path to the first text inside `value` that is not valid Unicode; None if all of it is."""
    if isinstance(value, str):
        return None if _is_unicode(value) else ""
    for step, part in _parts(value):
        path = _surrogate_path(part)
        if path is not None:
            return step + path
    return None


def _parts(value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return ((_step(key), part) for key, item in value.items() for part in (key, item))
    if isinstance(value, (list, tuple)):
        return ((f"[{position}]", item) for position, item in enumerate(value))
    return ()


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _dictionary(values: Mapping[str, Any] | None, path: str) -> Mapping[str, Any]:
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise InvalidPayload(f"{path} is a {type(values).__name__}: give a dictionary")
    return values


def _keyed(values: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if not isinstance(key, str):
            raise InvalidPayload(f"{path} {_key_reason(key)}")
        if not _is_unicode(key):
            raise InvalidPayload(f"{path}{_step(key)} {_NOT_UNICODE}")
        yield str.__str__(key), value


def _empty_lists(value: Any, path: str = "") -> Iterator[str]:
    """The paths to the empty lists inside a value that has been converted, so it is neither too deep nor a cycle."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(item, (Mapping, list, tuple)) and (step := to_step(key)) is not None:
                yield from _empty_lists(item, f"{path}.{step}" if path else step)
    elif not value:
        yield path
    else:
        for item in value:
            if isinstance(item, (Mapping, list, tuple)):
                yield from _empty_lists(item, f"{path}[]")


def _inexact(value: Any, steps: tuple[str | int, ...]) -> Iterator[list[str | int]]:
    """The floats that Qdrant would give back otherwise: their exact text, and the steps to them."""
    items = value.items() if isinstance(value, Mapping) else enumerate(value)
    for step, item in items:
        if isinstance(item, (float, np.floating)):
            if as_stored(float(item)) != item:
                yield [repr(float(item)), *steps, step]
        elif isinstance(item, (Mapping, list, tuple)):
            yield from _inexact(item, (*steps, step))


def _mend(metadata: dict[str, Any], corrections: Any) -> None:
    """Put the exact floats back, in place; what has been changed since by somebody else stays."""
    for text, *steps, last in corrections:
        try:
            holder = functools.reduce(operator.getitem, steps, metadata)
            if holder[last] == as_stored(float(text)):
                holder[last] = float(text)
        except (KeyError, IndexError, TypeError, ValueError):
            continue


def _flat(metadata: Mapping[str, Any], taken: set[str]) -> dict[str, json.Value]:
    for key in taken.intersection(metadata):
        raise InvalidPayload(
            f"metadata has the key {key!r}, which the store itself uses: rename it, or set a metadata key"
        )
    return to_fields(metadata, "metadata")


def _as_text(content: Any) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    return json_text.dumps(content, ensure_ascii=False)


def _metadata(payload: Mapping[str, json.Value], key: str) -> dict[str, Any]:
    value = payload.get(key)
    metadata = None if value is None else from_value(value)
    if metadata is None or isinstance(metadata, dict):
        return metadata or {}
    return {key: metadata}


def _flat_metadata(payload: Mapping[str, json.Value], content_key: str) -> dict[str, Any]:
    return {key: from_value(value) for key, value in payload.items() if key not in {content_key, *PRIVATE_KEYS}}


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
