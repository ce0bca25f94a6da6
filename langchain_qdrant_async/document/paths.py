"""A metadata field as Qdrant's JSON path."""

from __future__ import annotations

import re

from langchain_qdrant_async.checks import check_unicode
from langchain_qdrant_async.errors import InvalidFilter

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_SEGMENT = re.compile(r'(?:(?P<quoted>"[^"\\]*+")(?P<indices>(?:\[[0-9]{0,9}\])*+)|(?P<plain>[^."]*+))(?P<end>\.|\Z)')
"""Nothing that it took is tried again in another way: a long field that fits no way would cost its length's square."""
_INDEX = re.compile(r"\[[0-9]{0,9}\]\Z")
_INDEX_CHARACTERS = 11
"""The longest that `_INDEX` can match."""
_LONGEST = 10_000
"""Characters of a field: none that somebody means is as long, and a longer one would hold the loop."""


def to_path(field: str, metadata_key: str | None = "metadata", *, where: str = "the filter") -> str:
    """The path to a metadata field, as conditions and payload indexes name it.

    `author.name` goes into dictionaries, `tags[0]` and `parts[].id` into lists. Keys that Qdrant would not read as one
    word are quoted, and a key that holds dots is quoted by the caller: `'"my.key".lang'`.

    Args:
        field: the field as the caller writes it.
        metadata_key: what the metadata lies under; None if it is the payload itself.
        where: what to call the place in error messages.

    Raises:
        InvalidFilter: a field or part of one that is empty or too long, or a key that Qdrant's paths cannot name.

    Source: the grammar is Qdrant's `lib/segment/src/json_path/parse.rs`: words of letters, digits, `_` and `-`, or
    anything in double quotes but a double quote and a backslash, which have no escape.
    """
    if len(field) > _LONGEST:
        raise InvalidFilter(f"{where} has a field of {len(field):,} characters: at most {_LONGEST:,} are taken")
    segments = _segments(field, where)
    if metadata_key is not None:
        segments.insert(0, _quoted(metadata_key, field, where))
    return ".".join(segments)


def to_step(key: str) -> str | None:
    """A key as one step of a path; None for a key that Qdrant's paths cannot name."""
    if _PLAIN.fullmatch(key):
        return key
    return None if '"' in key or "\\" in key else f'"{key}"'


def _segments(field: str, where: str) -> list[str]:
    segments, position, more = [], 0, True
    while more:
        match = _SEGMENT.match(field, position)
        if match is None:
            raise InvalidFilter(_unnameable(field, where))
        segments.append(_segment(match, field, where))
        position, more = match.end(), match["end"] == "."
    return segments


def _segment(match: re.Match[str], field: str, where: str) -> str:
    if quoted := match["quoted"]:
        return check_unicode(f"{where} has a field that", quoted, InvalidFilter) + match["indices"]
    plain = match["plain"]
    end = _end_of_key(plain)
    if not end:
        raise InvalidFilter(f"{where} has a field with an empty name or an empty part: {field!r}")
    return _quoted(plain[:end], field, where) + plain[end:]


def _end_of_key(key: str) -> int:
    """Where the indices at the end of a key begin. Looks at each once: a search for all would try from everywhere."""
    end = len(key)
    while index := _INDEX.search(key, max(0, end - _INDEX_CHARACTERS), end):
        end = index.start()
    return end


def _quoted(key: str, field: str, where: str) -> str:
    step = to_step(check_unicode(f"{where} has a field that", key, InvalidFilter))
    if step is None:
        raise InvalidFilter(_unnameable(field, where))
    return step


def _unnameable(field: str, where: str) -> str:
    return (
        f"{where} has the field {field!r}, which Qdrant cannot name: double quotes may only stand around a whole key,"
        " as in '\"my.key\".lang', and there is no way to write a backslash"
    )
