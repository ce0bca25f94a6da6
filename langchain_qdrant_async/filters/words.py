"""Operators on text: words, phrases, beginnings and parts of it."""

from __future__ import annotations

from typing import Any

from langchain_qdrant_async.checks import check_unicode, shortened
from langchain_qdrant_async.errors import InvalidFilter
from langchain_qdrant_async.filters.conditions import equal, matched
from langchain_qdrant_async.proto import common


def every_word(path: str, operand: Any, where: str) -> common.Condition:
    """The text has all of the words, in any order and place."""
    return matched(path, common.Match(text=_text(operand, where)))


def any_word(path: str, operand: Any, where: str) -> common.Condition:
    """The text has one of the words."""
    return matched(path, common.Match(text_any=_text(operand, where)))


def phrase(path: str, operand: Any, where: str) -> common.Condition:
    """The text has the words beside each other, in this order."""
    return matched(path, common.Match(phrase=_text(operand, where)))


def prefix(path: str, operand: Any, where: str) -> common.Condition:
    """The text begins so, letter for letter."""
    return matched(path, common.Match(prefix=_text(operand, where)))


def substring(path: str, operand: Any, where: str) -> common.Condition:
    """The text has this somewhere, letter for letter."""
    return matched(path, common.Match(substring=_text(operand, where)))


def like(path: str, operand: Any, where: str) -> common.Condition:
    """The text is like a pattern of SQL, where `%` is any text; only at the ends, as Qdrant has no other.

    Raises:
        InvalidFilter: a `%` elsewhere, or a `_`, which would be any letter.
    """
    pattern = _text(operand, where)
    inner = pattern.strip("%")
    if "%" in inner or "_" in inner.replace(r"\_", ""):
        raise InvalidFilter(
            f"{where} is {shortened(pattern)}: Qdrant knows 'text', 'text%' and '%text%', with \\_ for an underscore. "
            "Several of them are several operators"
        )
    inner = inner.replace(r"\_", "_")
    if not pattern.startswith("%"):
        return prefix(path, inner, where) if pattern.endswith("%") else equal(path, inner)
    if not pattern.endswith("%"):
        raise InvalidFilter(
            f"{where} is {shortened(pattern)}: Qdrant cannot look at the end of a text; write {shortened(f'%{inner}%')}"
        )
    return substring(path, inner, where)


def _text(operand: Any, where: str) -> str:
    if not isinstance(operand, str) or not operand.strip():
        raise InvalidFilter(f"{where} is {shortened(operand)}: give text with a word")
    return check_unicode(where, operand, InvalidFilter)
