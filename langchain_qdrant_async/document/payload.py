"""A document <-> the payload of its point.

A document is stored as `{content_key: text, metadata_key: metadata}`, which is langchain-qdrant's layout, with
`ORIGINAL_ID_KEY` beside them when the point id does not read as the caller's id, `EMPTY_LISTS_KEY` when the metadata
holds empty lists, and `EXACT_FLOATS_KEY` when it holds floats that Qdrant rounds. Metadata comes back as it was given,
see `values`; only the order of keys is Qdrant's.
"""

from __future__ import annotations

import functools
import json as json_text
import logging
import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from langchain_qdrant_async.document.floats import as_stored, to_store
from langchain_qdrant_async.document.layout import (
    CONTENT_KEY,
    EMPTY_LISTS_KEY,
    EXACT_FLOATS_KEY,
    METADATA_KEY,
    ORIGINAL_ID_KEY,
    PRIVATE_KEYS,
)
from langchain_qdrant_async.document.paths import to_step
from langchain_qdrant_async.document.values import Kind, from_value, to_kind, to_kinds, to_messages, to_value
from langchain_qdrant_async.errors import InvalidPayload, abridged
from langchain_qdrant_async.proto import json

_log = logging.getLogger(__name__)


class Content(NamedTuple):
    """What one payload says about its document."""

    text: str
    """The document's text."""
    metadata: dict[str, Any]
    """The document's metadata."""
    original_id: str | None
    """The caller's id where the point id reads differently, else None."""


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
    kinds = _metadata_kinds({} if metadata is None else metadata, content_key, metadata_key)
    fields = kinds if metadata_key is None else kinds[metadata_key]["struct_value"]["fields"]
    payload = to_messages(kinds, "metadata") if metadata_key is None else to_messages(kinds)
    payload[content_key] = to_value(text, content_key)
    if empty := sorted(set(_empty_lists(kinds if metadata_key else fields, ""))):
        payload[EMPTY_LISTS_KEY] = to_value(empty)
    if exact := list(_inexact(fields.items(), ())):
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
    if content is None and metadata_key is not None:
        _warn_without_text(content_key, tuple(sorted(payload)))
    original = payload.get(ORIGINAL_ID_KEY)
    metadata = _flat_metadata(payload, content_key) if metadata_key is None else _metadata(payload, metadata_key)
    if EXACT_FLOATS_KEY in payload:
        _mend(metadata, from_value(payload[EXACT_FLOATS_KEY]))
    return Content(
        "" if content is None else content.string_value or _as_text(from_value(content)),
        metadata,
        None if original is None else original.string_value or None,
    )


@functools.lru_cache(256)
def _warn_without_text(content_key: str, keys: tuple[str, ...]) -> None:
    """Say it once for each set of keys: the cache remembers what was said."""
    there = abridged(", ".join(map(repr, keys)) or "no key")
    _log.warning(
        "a point has no %r, so its document has no text; there is %s. Give the key of the text as content_payload_key",
        abridged(content_key),
        there,
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


def _metadata_kinds(metadata: Mapping[str, Any], content_key: str, metadata_key: str | None) -> dict[str, Kind]:
    """What the payload's values that hold metadata are made from: one of them, or one for each key."""
    if not isinstance(metadata, Mapping):
        raise InvalidPayload(f"{metadata_key or 'metadata'} is a {type(metadata).__name__}: give a dictionary")
    if metadata_key is not None:
        return {metadata_key: to_kind(metadata, metadata_key)}
    for key in {content_key, *PRIVATE_KEYS}.intersection(metadata):
        raise InvalidPayload(
            f"metadata has the key {key!r}, which the store itself uses: rename it, or set a metadata key"
        )
    return to_kinds(metadata, "metadata")


def _empty_lists(fields: Mapping[str, Kind], path: str) -> Iterator[str]:
    """The paths to the empty lists inside a dictionary."""
    for key, kind in fields.items():
        if ("struct_value" in kind or "list_value" in kind) and (step := to_step(key)) is not None:
            yield from _empty_lists_within(kind, f"{path}.{step}" if path else step)


def _empty_lists_within(kind: Kind, path: str) -> Iterator[str]:
    if "struct_value" in kind:
        yield from _empty_lists(kind["struct_value"]["fields"], path)
    elif "list_value" in kind:
        items = kind["list_value"]["values"]
        if not items:
            yield path
        for item in items:
            yield from _empty_lists_within(item, f"{path}[]")


def _inexact(items: Iterable[tuple[str | int, Kind]], steps: tuple[str | int, ...]) -> Iterator[list[str | int]]:
    """The floats that Qdrant would give back otherwise: their exact text, and the steps to them."""
    for step, kind in items:
        if "double_value" in kind:
            number = kind["double_value"]
            if as_stored(number) != number:
                yield [repr(number), *steps, step]
        elif "struct_value" in kind:
            yield from _inexact(kind["struct_value"]["fields"].items(), (*steps, step))
        elif "list_value" in kind:
            yield from _inexact(enumerate(kind["list_value"]["values"]), (*steps, step))


def _mend(metadata: dict[str, Any], corrections: Any) -> None:
    """Put the exact floats back, in place; what has been changed since by somebody else stays."""
    for text, *steps, last in corrections:
        try:
            holder = functools.reduce(operator.getitem, steps, metadata)
            if holder[last] == as_stored(float(text)):
                holder[last] = float(text)
        except (KeyError, IndexError, TypeError, ValueError):
            continue


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
