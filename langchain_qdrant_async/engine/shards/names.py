"""The names that collections and aliases may have."""

from __future__ import annotations

from langchain_qdrant_async.engine.status import invalid_field

_FORBIDDEN = '<>:"/\\|?*\0\x1f'
_MAX_CHARACTERS = 255


def check_name(name: str) -> None:
    """Raise for a name that no collection can have."""
    if not 1 <= len(name) <= _MAX_CHARACTERS:
        problem = f'value "{name}" invalid, must be from 1 to {_MAX_CHARACTERS} characters'
        raise invalid_field("collection_name", problem)


def check_new_name(name: str) -> None:
    """Raise for a name that no new collection may have."""
    check_name(name)
    for character in _FORBIDDEN:
        if character in name:
            raise invalid_field("collection_name", f'collection name cannot contain "{character}" char')
