"""The fields of a message that its sender has set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.message import Message


def given(message: Message) -> dict[str, Any]:
    """The set fields by name."""
    return {field.name: value for field, value in message.ListFields()}


def read(message: Message, readers: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """The set fields by name, each as its reader gives it; one without a reader is taken as it is."""
    return {name: readers[name](value) if name in readers else value for name, value in given(message).items()}


def optional(message: Message, name: str) -> Any:
    """A field that may be unset, then None."""
    return getattr(message, name) if message.HasField(name) else None
