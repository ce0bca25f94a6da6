"""Where in a request a part of it stands, as a server's complaints name it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message

from langchain_qdrant_async.engine.status import InvalidField, Refusal


def located(refusal: Refusal, request: Message) -> Refusal:
    """The same refusal, with the whole path of the field that it complains of."""
    if not isinstance(refusal, InvalidField) or refusal.subject is None:
        return refusal
    path = _path(request, refusal.subject)
    return refusal.below(path) if path else refusal


def _path(message: Message, wanted: Message) -> str | None:
    """The steps from a message to one inside it, which is the very object; None if it is not there."""
    for step, part in _parts(message):
        if part is wanted:
            return step
        inner = _path(part, wanted)
        if inner is not None:
            return f"{step}.{inner}" if step else inner
    return None


def _parts(message: Message) -> Iterator[tuple[str, Message]]:
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        yield from _values(_name(field), field, value)


def _values(name: str, field: Any, value: Any) -> Iterator[tuple[str, Any]]:
    if field.message_type.GetOptions().map_entry:
        if field.message_type.fields_by_name["value"].message_type is not None:
            yield from ((f"{name}.[]", value[key]) for key in value)
    elif hasattr(value, "append"):
        yield from ((f"{name}[{index}]", part) for index, part in enumerate(value))
    else:
        yield name, value


def _name(field: Any) -> str:
    """The field's name; of one that excludes others, what they have in common."""
    oneof = field.containing_oneof
    if oneof is None or oneof.name.startswith("_"):  # so are fields marked that may be absent
        return str(field.name)
    return "" if oneof.name in _UNNAMED else str(oneof.name)


_UNNAMED = frozenset(("vector",))
"""Of the forms that one vector may have."""
