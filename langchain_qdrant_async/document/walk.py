"""All messages of one kind inside a message. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def walk(message: Any, *kinds: type) -> Iterator[Any]:
    """The message and those inside it that are of these kinds, outermost first; they may be changed as they come."""
    if isinstance(message, kinds):
        yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for each in _messages(field, value):
                yield from walk(each, *kinds)


def _messages(field: Any, value: Any) -> list[Any]:
    """The messages that a field holds: several, the values of a map, or one."""
    if not field.is_repeated:
        return [value]
    entry = field.message_type
    if entry.GetOptions().map_entry:
        return list(value.values()) if entry.fields_by_name["value"].message_type is not None else []
    return list(value)
