"""The fields of a message that its sender has set."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message


def given(message: Message) -> dict[str, Any]:
    """The set fields by name."""
    return {field.name: value for field, value in message.ListFields()}


def optional(message: Message, name: str) -> Any:
    """A field that may be unset, then None."""
    return getattr(message, name) if message.HasField(name) else None
