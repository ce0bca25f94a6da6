"""Which payload indexes a filter or a formula would need. Pure.

Source: `lib/collection/src/problems/unindexed_field.rs` of Qdrant.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from langchain_qdrant_async.engine.convert.fields import given
from langchain_qdrant_async.proto import collections, common, points

_KINDS = ("bool", "datetime", "float", "geo", "integer", "keyword", "text", "uuid")
_RANGES = ("integer range", "float")
_NUMBERS = ("integer match", *_RANGES)
_MATCHES: Mapping[str, tuple[str, ...]] = {
    "integer": ("integer match",),
    "boolean": ("bool",),
    "text": ("text",),
    "text_any": ("text",),
    "phrase": ("text phrase",),
    "prefix": ("keyword prefix",),
    "substring": ("text",),
}
Lacking = tuple[str, list[str]]
"""A field, and the kinds of index of which it would need one."""


@dataclass(frozen=True)
class Indexes:
    """The payload indexes of a collection."""

    kinds: Mapping[str, str]
    """Their kinds by field."""
    params: Mapping[str, collections.PayloadIndexParams]
    """The parameters of those that were made with some."""

    @classmethod
    def of(cls, schema: Mapping[str, Any], params: Mapping[str, collections.PayloadIndexParams]) -> Indexes:
        """The indexes that the engine has."""
        return cls({key: str(each.data_type).rpartition(".")[2].lower() for key, each in schema.items()}, params)

    def serve(self, key: str, required: Iterable[str]) -> bool:
        """Whether a field has an index that can do one of these."""
        return bool(self._abilities(key) & set(required))

    def _abilities(self, key: str) -> set[str]:
        kind, params = self.kinds.get(key), self.params.get(key, collections.PayloadIndexParams())
        if kind == "integer":
            return _integer_abilities(params.integer_index_params)
        abilities = set() if kind is None else {kind}
        if params.text_index_params.phrase_matching:
            abilities.add("text phrase")
        if params.keyword_index_params.HasField("prefix"):
            abilities.add("keyword prefix")
        return abilities


def _integer_abilities(params: collections.IntegerIndexParams) -> set[str]:
    chosen = given(params)
    return {f"integer {ability}" for ability, name in _OF_INTEGERS.items() if chosen.get(name, True)}


_OF_INTEGERS = {"match": "lookup", "range": "range"}
"""What an index of integers can do, by the parameter that says so."""


def unindexed_in_filter(message: common.Filter, indexes: Indexes) -> Lacking | None:
    """The first field of a filter that lacks an index; None if none does."""
    return _first(_needs_of_filter(message, ""), indexes)


def unindexed_in_formula(message: points.Expression, indexes: Indexes) -> Lacking | None:
    """The first field of a formula that lacks an index; None if none does."""
    return _first(_needs_of_formula(message), indexes)


_Need = tuple[str, tuple[str, ...]]
"""A field, and what an index of it must be able to do: one of these."""


def _first(needs: Iterable[_Need], indexes: Indexes) -> Lacking | None:
    for key, required in needs:
        if required and not indexes.serve(key, required):
            return key, sorted({each.partition(" ")[0] for each in required})
    return None


def _needs_of_filter(message: common.Filter, prefix: str) -> Iterator[_Need]:
    for group in (message.must, message.must_not, message.should, message.min_should.conditions):
        for condition in group:
            yield from _needs_of_condition(condition, prefix)


def _needs_of_condition(condition: common.Condition, prefix: str) -> Iterator[_Need]:
    match condition.WhichOneof("condition_one_of"):
        case "field":
            yield prefix + condition.field.key, tuple(_abilities_for(condition.field))
        case "filter":
            yield from _needs_of_filter(condition.filter, prefix)
        case "nested":
            key = condition.nested.key
            yield from _needs_of_filter(condition.nested.filter, f"{prefix}{key}{'' if key.endswith('[]') else '[]'}.")
        case "is_empty" | "is_null" as kind:
            yield prefix + getattr(condition, kind).key, _ANY


_ANY = (*_KINDS, *_NUMBERS)


def _abilities_for(field: common.FieldCondition) -> Iterator[str]:
    if field.HasField("match"):
        yield from _abilities_for_match(field.match)
    if field.HasField("range"):
        yield from _RANGES
    if field.HasField("datetime_range"):
        yield "datetime"
    if given(field).keys() & {"geo_bounding_box", "geo_radius", "geo_polygon"}:
        yield "geo"
    if given(field).keys() & {"values_count", "is_empty", "is_null"}:
        yield from _ANY


def _abilities_for_match(match: common.Match) -> tuple[str, ...]:
    kind = match.WhichOneof("match_value") or ""
    if kind == "keyword":
        return _abilities_for_texts([match.keyword])
    if kind in {"keywords", "except_keywords"}:
        return _abilities_for_texts(getattr(match, kind).strings)
    if kind in {"integers", "except_integers"}:
        return ("integer match",) if getattr(match, kind).integers else ()
    return _MATCHES.get(kind, ())


def _abilities_for_texts(texts: Iterable[str]) -> tuple[str, ...]:
    """A list of none asks nothing."""
    listed = list(texts)
    if not listed:
        return ()
    return ("uuid", "keyword") if all(map(_is_uuid, listed)) else ("keyword",)


def _is_uuid(text: str) -> bool:
    with suppress(ValueError):
        uuid.UUID(text)
        return True
    return False


def _needs_of_formula(message: points.Expression) -> Iterator[_Need]:
    match message.WhichOneof("variant"):
        case "variable" if not message.variable.startswith("$"):
            yield message.variable, _NUMBERS
        case "condition":
            yield from _needs_of_condition(message.condition, "")
        case "geo_distance":
            yield message.geo_distance.to, ("geo",)
        case "datetime_key":
            yield message.datetime_key, ("datetime",)
        case str(kind):
            yield from _needs_below(getattr(message, kind))


def _needs_below(message: Any) -> Iterator[_Need]:
    """Those of the expressions inside one of them."""
    if isinstance(message, points.Expression):
        yield from _needs_of_formula(message)
    elif hasattr(message, "ListFields"):
        for _, value in message.ListFields():
            for each in value if hasattr(value, "append") else [value]:
                yield from _needs_below(each)
