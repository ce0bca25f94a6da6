"""A change of documents' metadata, as what it makes of a point's payload. Pure: no I/O, no clock.

Fields are merged into the metadata on the server, so that two who change different fields lose nothing. What the store
itself keeps beside them (the paths to empty lists, the exact text of floats) is made to fit, which depends on what a
point has of it: see `change_for`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_qdrant_async.document.layout import EMPTY_LISTS_KEY, EXACT_FLOATS_KEY, Layout
from langchain_qdrant_async.document.paths import to_path, to_step
from langchain_qdrant_async.document.payload import to_copy, to_payload
from langchain_qdrant_async.document.values import from_value, to_value
from langchain_qdrant_async.errors import InvalidInput, InvalidPayload
from langchain_qdrant_async.proto import json, points

Payload = Mapping[str, json.Value]


@dataclass(frozen=True, slots=True)
class Change:
    """Fields that are set in the metadata of documents, or deleted from it."""

    layout: Layout
    """Where a document stands in a point."""
    fields: Payload
    """What is set, by key."""
    paths: tuple[str, ...]
    """What is set or deleted, as Qdrant's paths."""
    empty: tuple[str, ...] = ()
    """Paths to the empty lists in what is set."""
    exact: tuple[tuple[Any, ...], ...] = ()
    """The floats in what is set that Qdrant would give back otherwise."""

    @property
    def whole(self) -> bool:
        """Whether the metadata has to be written as a whole: Qdrant takes a null that is merged for a deletion."""
        return any(value.WhichOneof("kind") == "null_value" for value in self.fields.values())

    @property
    def needed(self) -> list[str]:
        """The payload keys of a point that `change_for` has to know."""
        metadata = [self.layout.metadata_key] if self.whole and self.layout.metadata_key else []
        return [EMPTY_LISTS_KEY, EXACT_FLOATS_KEY, *metadata]


def setting(metadata: Mapping[str, Any], layout: Layout) -> Change:
    """The change that sets some fields.

    Raises:
        InvalidInput: no field.
        InvalidPayload: something in it cannot be stored; the message names the path to it.
    """
    if not isinstance(metadata, Mapping) or not metadata:
        raise InvalidInput("say which fields to set: a dictionary with at least one")
    if layout.metadata_key is not None:
        to_path("any", layout.metadata_key, where="setting metadata")
    payload = to_payload("", metadata, content_key=layout.content_key, metadata_key=layout.metadata_key)
    fields = _fields(payload, layout)
    kept = {key: from_value(payload[key]) if key in payload else [] for key in (EMPTY_LISTS_KEY, EXACT_FLOATS_KEY)}
    change = Change(
        layout,
        fields,
        tuple(_paths_of(fields, layout)),
        tuple(kept[EMPTY_LISTS_KEY]),
        tuple(tuple(each) for each in kept[EXACT_FLOATS_KEY]),
    )
    if change.whole and layout.metadata_key is None:
        raise InvalidPayload("Qdrant deletes a field that is set to null, where metadata lies beside the text")
    return change


def deleting(fields: Iterable[str], layout: Layout) -> Change:
    """The change that deletes some fields, named as in a filter.

    Raises:
        InvalidInput: no field, one that cannot be named, or an element of a list.
    """
    if isinstance(fields, str) or not isinstance(fields, Iterable):
        raise InvalidInput(f"say which fields to delete by a list of names, not one {type(fields).__name__}")
    listed = list(fields)
    if not listed or not all(isinstance(each, str) for each in listed):
        raise InvalidInput("say which fields to delete: a list of at least one name")
    paths = tuple(to_path(each, layout.metadata_key, where="the deletion") for each in listed)
    for each, path in zip(listed, paths, strict=True):
        if _ELEMENT.search(_QUOTED.sub("", path)):
            raise InvalidInput(
                f"{each!r} is of an element of a list: a field can be deleted, or that of all: parts[].id"
            )
        if path == layout.content_key and layout.metadata_key is None:
            raise InvalidInput(f"{each!r} is the text of the document, which stays")
    return Change(layout, {}, paths)


def change_for(change: Change, payload: Payload) -> tuple[points.PointsUpdateOperation, ...]:
    """What changes the payload of points that have these values under the keys that are `needed`.

    The operations have no points yet.
    """
    private = {
        EMPTY_LISTS_KEY: sorted({*_kept_paths(change, payload), *change.empty}),
        EXACT_FLOATS_KEY: [*_kept_floats(change, payload), *map(list, change.exact)],
    }
    there = {key: value for key, value in private.items() if value}
    gone = [key for key, value in private.items() if not value and key in payload]
    operations = [_set(change, payload)] if change.fields else [_delete(change.paths)]
    if any(key not in payload or from_value(payload[key]) != value for key, value in there.items()):
        operations.append(_set_payload({key: to_value(value) for key, value in there.items()}))
    return (*operations, _delete(gone)) if gone else tuple(operations)


def _fields(payload: Payload, layout: Layout) -> Payload:
    """The fields of the metadata in a payload."""
    if layout.metadata_key is not None:
        return payload[layout.metadata_key].struct_value.fields
    own = {layout.content_key, EMPTY_LISTS_KEY, EXACT_FLOATS_KEY}
    return {key: value for key, value in payload.items() if key not in own}


def _paths_of(keys: Iterable[str], layout: Layout) -> Iterable[str]:
    """The paths to fields of the metadata; a key that no path can name is in none of what is kept, either."""
    head = [] if layout.metadata_key is None else [to_step(layout.metadata_key)]
    for key in keys:
        step = to_step(key)
        if step is not None and None not in head:
            yield ".".join(map(str, (*head, step)))


def _set(change: Change, payload: Payload) -> points.PointsUpdateOperation:
    key = change.layout.metadata_key
    if key is None:
        return _set_payload(change.fields)
    if not change.whole:
        return _set_payload(change.fields, key)
    merged = json.Struct(fields=to_copy(payload[key].struct_value.fields) if key in payload else {})
    for field, value in change.fields.items():
        merged.fields[field].CopyFrom(value)
    return _set_payload({key: json.Value(struct_value=merged)})


def _set_payload(fields: Payload, key: str | None = None) -> points.PointsUpdateOperation:
    step = None if key is None else to_step(key)
    return points.PointsUpdateOperation(set_payload=points.PointsUpdateOperation.SetPayload(payload=fields, key=step))


def _delete(keys: Sequence[str]) -> points.PointsUpdateOperation:
    return points.PointsUpdateOperation(delete_payload=points.PointsUpdateOperation.DeletePayload(keys=keys))


def _kept_paths(change: Change, payload: Payload) -> list[str]:
    """The empty lists of a point that the change leaves where they are."""
    there = from_value(payload[EMPTY_LISTS_KEY]) if EMPTY_LISTS_KEY in payload else []
    changed = [_unindexed(each) for each in change.paths]
    return [each for each in there if not any(_is_within(_unindexed(each), path) for path in changed)]


def _kept_floats(change: Change, payload: Payload) -> list[Any]:
    """The floats of a point that the change leaves where they are; one that it does not reach is left as well."""
    there = from_value(payload[EXACT_FLOATS_KEY]) if EXACT_FLOATS_KEY in payload else []
    set_keys = set(change.fields)
    deleted = set() if set_keys else set(change.paths)
    return [
        each
        for each in there
        if each[1] not in set_keys and not deleted.intersection(_paths_of([each[1]], change.layout))
    ]


_ELEMENT = re.compile(r"\[[0-9]+\]|\]$")
"""An index in a path, or an end at elements."""

_QUOTED = re.compile('"[^"]*"')

_INDICES = re.compile(r'("[^"]*")|\[[0-9]*\]')


def _unindexed(path: str) -> str:
    return _INDICES.sub(lambda match: match[1] or "", path)


def _is_within(path: str, other: str) -> bool:
    return path == other or path.startswith(f"{other}.")
