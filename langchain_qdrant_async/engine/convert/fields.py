"""The fields of a message that its sender has set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.message import Message

from langchain_qdrant_async.engine.status import malformed


def given(message: Message) -> dict[str, Any]:
    """The set fields by name."""
    return {field.name: value for field, value in message.ListFields()}


def read(message: Message, readers: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """The set fields by name, each as its reader gives it; one without a reader is taken as it is."""
    return {name: readers[name](value) if name in readers else value for name, value in given(message).items()}


def member(choices: Mapping[int, Any], number: int, what: str) -> Any:
    """What the number of an enum stands for: the wire also carries numbers that have no name."""
    if number not in choices:
        raise malformed(f"invalid {what} value {number}")
    return choices[number]


def optional(message: Message, name: str) -> Any:
    """A field that may be unset, then None."""
    return getattr(message, name) if message.HasField(name) else None
