"""LangChain's structured queries -> dictionaries of the filter language. Pure.

A model writes `and(gt("year", 2020), eq("lang", "en"))`, LangChain's parser makes `Operation` and `Comparison` of it,
and here they become `{"$and": [{"year": {"$gt": 2020}}, {"lang": {"$eq": "en"}}]}`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias, TypeGuard

from langchain_core.structured_query import (
    Comparator,
    Comparison,
    FilterDirective,
    Operation,
    Operator,
    StructuredQuery,
)

from langchain_qdrant_async.checks import is_number, shortened
from langchain_qdrant_async.errors import InvalidFilter
from langchain_qdrant_async.filters.bounds import MAX_DEPTH, check_bounds, too_deep
from langchain_qdrant_async.filters.scalars import to_moment

Structured: TypeAlias = FilterDirective | StructuredQuery
"""What stands for a filter: a comparison, an operation, or the filter of a whole query."""


class AttributeType(NamedTuple):
    """What is known of the values of an attribute."""

    kind: str | None = None
    """`"text"`, `"number"`, `"boolean"` or `"moment"`; None: it is not known, or may be several."""
    listed: bool = False
    """Whether it may hold a list of them."""


_UNKNOWN = AttributeType()
AttributeTypes: TypeAlias = Mapping[str, AttributeType]

_KINDS = {
    "number": re.compile(r"\b(int(eger)?|float|number|double|decimal|numeric)s?\b"),
    "text": re.compile(r"\b(str(ing)?|text|keyword|uuid)s?\b"),
    "boolean": re.compile(r"\bbool(ean)?s?\b"),
    "moment": re.compile(r"\b(date|datetime|timestamp)s?\b"),
}
_LISTED = re.compile(r"\b(list|array|set)\b")
_NUMBER = re.compile(r"[+-]?[0-9]{1,25}(?P<fraction>(\.[0-9]{1,25})?(e[+-]?[0-9]{1,3})?)", re.IGNORECASE)
_PLAIN = {str, int, float, bool}
_DAY_ENDS = "T23:59:59.999999+00:00"


def attribute_type(said: str) -> AttributeType:
    """What the `type` of LangChain's `AttributeInfo` says, which is text for a model: `string or list[string]`."""
    text = said.lower().replace("_", " ")
    kinds = [kind for kind, words in _KINDS.items() if words.search(text)]
    return AttributeType(kinds[0] if len(kinds) == 1 else None, bool(_LISTED.search(text)))


def is_structured(given: object) -> TypeGuard[Structured]:
    """Whether it is what LangChain's query constructor makes."""
    return isinstance(given, FilterDirective | StructuredQuery)


def unfolded(given: Structured, types: AttributeTypes | None = None) -> dict[str, Any]:
    """One level of a structured query as a dictionary of the language; what stands inside stays as it is.

    Args:
        given: a comparison, an operation, or a query, whose filter is meant.
        types: what is known of the attributes, by their names.

    Raises:
        InvalidFilter: it is none of these, names an operator for an attribute, or compares with a day that is none.
    """
    if isinstance(given, StructuredQuery):
        return {} if given.filter is None else unfolded(given.filter, types)
    if isinstance(given, Operation):
        return _operation(given)
    if not isinstance(given, Comparison):
        raise InvalidFilter(f"the filter holds a {type(given).__name__}: give a Comparison or an Operation")
    if given.attribute.startswith("$"):
        raise InvalidFilter(f"the filter compares {given.attribute!r}, which is no field: write it in double quotes")
    known = (types or {}).get(given.attribute, _UNKNOWN)
    comparator = Comparator.LIKE if _asks_for_words(given, known) else given.comparator
    return _COMPARED[comparator](given.attribute, _typed(given.value, known.kind))


def to_dictionary(given: Structured, types: AttributeTypes | None = None) -> dict[str, Any]:
    """A structured query as a dictionary of the filter language, all of it.

    Raises:
        InvalidFilter: as `unfolded` does, or it is too large or too deep.
    """
    check_bounds(given)
    return _whole(given, types, 0)


def _whole(given: Structured | Mapping[str, Any], types: AttributeTypes | None, depth: int) -> dict[str, Any]:
    """A filter of the language without a directive anywhere in it."""
    if depth > MAX_DEPTH:
        raise too_deep()
    entries = unfolded(given, types) if is_structured(given) else dict(given)
    for name, operand in entries.items():
        if name == "$not":
            entries[name] = _whole(operand, types, depth + 1)
        elif name in {"$and", "$or"}:
            entries[name] = [_whole(each, types, depth + 1) for each in operand]
    return entries


def _asks_for_words(given: Comparison, known: AttributeType) -> bool:
    """Whether it asks of one text what it contains: no element then, but words."""
    one_text = known.kind == "text" and not known.listed
    return given.comparator is Comparator.CONTAIN and one_text and isinstance(given.value, str)


def _operation(given: Operation) -> dict[str, Any]:
    """`not` of several is true where none of them is."""
    if given.operator is not Operator.NOT:
        return {f"${given.operator.value}": given.arguments}
    return {"$not": given.arguments[0] if len(given.arguments) == 1 else {"$or": given.arguments}}


# ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _typed(value: Any, kind: str | None) -> Any:
    """A value as the attribute holds it, as far as that is known: models write numbers in quotes, and text without."""
    if isinstance(value, list | tuple):
        return [_typed(each, kind) for each in value]
    if isinstance(value, str):
        return _READ[kind](value) if kind in _READ else value
    return str(value) if kind == "text" and is_number(value) else value


def _as_number(text: str) -> Any:
    """The number that a text is; any other text as it is."""
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        return text
    return float(match[0]) if match["fraction"] else int(match[0])


def _as_boolean(text: str) -> Any:
    return {"true": True, "false": False}.get(text.strip().lower(), text)


def _as_moment(text: str) -> Any:
    """An ISO text as LangChain's parser gives it out; any other text as it is."""
    if to_moment(text) is None:
        return text
    kind = "date" if len(text) == len("2024-01-01") else "datetime"
    return {kind: text, "type": kind}


_READ: dict[str | None, Callable[[str], Any]] = {"number": _as_number, "boolean": _as_boolean, "moment": _as_moment}


class _Span(NamedTuple):
    """The moments that a date or a datetime means, as ISO text: all of a day, or one."""

    first: str
    last: str

    @property
    def equal(self) -> dict[str, Any]:
        return {"$between": [self.first, self.last]}


def _span(value: Any, attribute: str) -> _Span | None:
    """What a date or a datetime means; None: it is neither.

    Raises:
        InvalidFilter: it is to be a day or a moment, and there is no such.
    """
    if isinstance(value, Mapping) and (kind := value.get("type")) in {"date", "datetime"} and kind in value:
        value = _parsed(str(value[kind]), kind, attribute)
    if isinstance(value, dt.datetime):
        return _Span(value.isoformat(), value.isoformat())
    return _Span(f"{value}T00:00:00+00:00", f"{value}{_DAY_ENDS}") if isinstance(value, dt.date) else None


def _parsed(text: str, kind: str, attribute: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text) if kind == "date" else dt.datetime.fromisoformat(text)
    except ValueError:
        raise InvalidFilter(
            f"{attribute} is compared with the {kind} {shortened(text)}, which is none: write 2024-12-31, or "
            "2024-12-31T23:59:59"
        ) from None


# ── comparators ──────────────────────────────────────────────────────────────────────────────────────────────────

_Compared: TypeAlias = Callable[[str, Any], dict[str, Any]]
"""Of an attribute and a value: a filter."""


def _equal(attribute: str, value: Any) -> dict[str, Any]:
    span = _span(value, attribute)
    return {attribute: {"$eq": value} if span is None else span.equal}


def _unequal(attribute: str, value: Any) -> dict[str, Any]:
    span = _span(value, attribute)
    return {attribute: {"$ne": value} if span is None else {"$not": span.equal}}


def _ordered(operator: str, end: str) -> _Compared:
    """Before and after: of a day, its beginning or its end. Text has no order, so a number in quotes is one."""

    def compared(attribute: str, value: Any) -> dict[str, Any]:
        span = _span(value, attribute)
        if span is not None:
            return {attribute: {operator: getattr(span, end)}}
        return {attribute: {operator: _as_number(value) if isinstance(value, str) else value}}

    return compared


def _among(attribute: str, value: Any) -> dict[str, Any]:
    spans, others = _parted(attribute, value)
    parts = [{attribute: {"$in": others}}] if others or not spans else []
    parts += [{attribute: each.equal} for each in spans]
    return parts[0] if len(parts) == 1 else {"$or": parts}


def _not_among(attribute: str, value: Any) -> dict[str, Any]:
    if not _parted(attribute, value)[0]:
        return {attribute: {"$nin": _listed(value)}}
    return {"$not": _among(attribute, value)}


def _contain(attribute: str, value: Any) -> dict[str, Any]:
    """A list holds the element, or all of them."""
    spans, others = _parted(attribute, value)
    parts = [{attribute: {"$contains": others if spans else value}}] if others or not spans else []
    parts += [{attribute: each.equal} for each in spans]
    return parts[0] if len(parts) == 1 else {"$and": parts}


def _like(attribute: str, value: Any) -> dict[str, Any]:
    """The words; with `%` at its beginning or end a part of the text, letter for letter."""
    if isinstance(value, Mapping):
        value = value.get(value.get("type"), value)
    text = str(value) if is_number(value) else value
    if not isinstance(text, str) or "%" not in text:
        return {attribute: {"$text": text}}
    return {attribute: {"$like": re.sub(r"\\?_", r"\\_", text)}}


def _parted(attribute: str, value: Any) -> tuple[list[_Span], list[Any]]:
    """The dates and datetimes among several values, and the other values."""
    listed = _listed(value)
    if set(map(type, listed)) <= _PLAIN:
        return [], listed
    spans = [(each, _span(each, attribute)) for each in listed]
    return [span for _, span in spans if span is not None], [each for each, span in spans if span is None]


def _listed(value: Any) -> list[Any]:
    """Several values; a model that means one often writes it without brackets."""
    return [*value] if isinstance(value, list | tuple) else [value]


_COMPARED: dict[Comparator, _Compared] = {
    Comparator.EQ: _equal,
    Comparator.NE: _unequal,
    Comparator.GT: _ordered("$gt", "last"),
    Comparator.GTE: _ordered("$gte", "first"),
    Comparator.LT: _ordered("$lt", "first"),
    Comparator.LTE: _ordered("$lte", "last"),
    Comparator.CONTAIN: _contain,
    Comparator.LIKE: _like,
    Comparator.IN: _among,
    Comparator.NIN: _not_among,
}
