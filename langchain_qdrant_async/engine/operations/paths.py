"""Paths into payloads: `a.b`, `a[].b`, `a[0]`, `"quoted.key"`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_STEP = re.compile(r'"(?P<quoted>[^"]*)"|\[(?P<index>\d*)\]|(?P<key>[^."\[\]]+)')


def values_at(payload: Any, path: str) -> Iterator[Any]:
    """The values that a path leads to; a list at its end counts as each of its elements."""
    found = [payload]
    for step in _STEP.finditer(path):
        found = [value for each in found for value in _follow(each, step)]
    for value in found:
        yield from value if isinstance(value, list) else [value]


def _follow(value: Any, step: re.Match[str]) -> list[Any]:
    index = step["index"]
    if index is None:
        key = step["quoted"] if step["quoted"] is not None else step["key"]
        return [value[key]] if isinstance(value, dict) and key in value else []
    if not isinstance(value, list):
        return []
    return value[int(index) :][:1] if index else value
