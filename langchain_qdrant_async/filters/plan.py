"""What a filter asks of a collection, condition by condition, and which index answers each. Pure: no I/O, no clock.

Source of which index answers what: Qdrant's `lib/collection/src/problems/unindexed_field.rs`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from google.protobuf import text_format

from langchain_qdrant_async.proto import collections, common

_TEXTS = {"text", "text_any", "phrase", "substring"}
_ANY = ("keyword", "integer", "float", "bool", "datetime", "text", "geo", "uuid")
_OF_MATCHES = {
    "boolean": ("bool",),
    "integer": ("integer",),
    "integers": ("integer",),
    "except_integers": ("integer",),
    **dict.fromkeys(_TEXTS, ("text",)),
}
_WITHOUT = "without a text index it compares words of the text as it is, and parts of the text on servers before 1.19"


@dataclass(frozen=True, slots=True)
class ConditionPlan:
    """One condition of a filter."""

    key: str
    """The payload key, as a full path; empty for what asks for documents themselves."""
    asks: str
    """What it asks, as Qdrant's message reads."""
    index: str | None
    """The kind of the index that answers it; None: each payload is read, unless Qdrant needs none for it."""
    needs: str | None = None
    """The kind of index that would answer it, where there is none."""
    note: str = ""
    """What is to be known of it besides."""

    def __str__(self) -> str:
        found = f"index {self.index}" if self.index else "reads each document" if self.needs else "needs no index"
        made = f"; store.acreate_index(…, {self.needs!r}) would make one" if self.needs else ""
        note = f"; {self.note}" if self.note else ""
        return f"{self.key or 'document'}: {self.asks}: {found}{made}{note}"


@dataclass(frozen=True, slots=True)
class FilterPlan:
    """All conditions of a filter, in order."""

    conditions: tuple[ConditionPlan, ...]
    """Each by itself; how they are combined is the filter's."""

    @property
    def indexed(self) -> bool:
        """Whether no condition needs an index that is not there."""
        return not any(each.needs for each in self.conditions)

    def __str__(self) -> str:
        return "\n".join(map(str, self.conditions)) or "selects everything"


def filter_plan(message: common.Filter | None, schema: Mapping[str, collections.PayloadSchemaInfo]) -> FilterPlan:
    """What a filter asks of a collection with these payload indexes.

    Args:
        message: the filter; None selects everything.
        schema: the indexes by payload key, as Qdrant describes them.
    """
    return FilterPlan(() if message is None else tuple(_of_filter(message, "", schema)))


_Schema = Mapping[str, collections.PayloadSchemaInfo]


def _of_filter(message: common.Filter, prefix: str, schema: _Schema) -> Iterator[ConditionPlan]:
    for group in (message.must, message.should, message.min_should.conditions, message.must_not):
        for each in group:
            yield from _of_condition(each, prefix, schema)


def _of_condition(condition: common.Condition, prefix: str, schema: _Schema) -> Iterator[ConditionPlan]:
    match condition.WhichOneof("condition_one_of"):
        case "filter":
            yield from _of_filter(condition.filter, prefix, schema)
        case "nested":
            key = condition.nested.key
            inside = f"{prefix}{key}{'' if key.endswith('[]') else '[]'}."
            yield from _of_filter(condition.nested.filter, inside, schema)
        case "field":
            yield _of_field(condition.field, prefix, schema)
        case "is_empty" | "is_null" as kind:
            yield _planned(prefix + getattr(condition, kind).key, kind.replace("_", " "), _ANY, schema)
        case str(kind):
            yield ConditionPlan("", kind.replace("_", " "), None)


def _of_field(field: common.FieldCondition, prefix: str, schema: _Schema) -> ConditionPlan:
    asked = common.FieldCondition()
    asked.CopyFrom(field)
    asked.ClearField("key")
    asks = text_format.MessageToString(asked, as_one_line=True)
    kind = field.match.WhichOneof("match_value") or ""
    note = _WITHOUT if kind in _TEXTS and "text" not in _kinds(prefix + field.key, schema) else ""
    return _planned(prefix + field.key, asks[:200], _answering(field, kind), schema, note)


def _answering(field: common.FieldCondition, match: str) -> tuple[str, ...]:
    """The kinds of index that answer a condition, the one to be made first."""
    if match in {"keyword", "keywords", "except_keywords"}:
        texts = [field.match.keyword] if match == "keyword" else getattr(field.match, match).strings
        return ("keyword", "uuid") if all(map(_is_uuid, texts)) else ("keyword",)
    if match:
        return _OF_MATCHES.get(match, ("keyword",))
    if field.HasField("range"):
        whole = all(bound.is_integer() for _, bound in field.range.ListFields())
        return ("integer", "float") if whole else ("float", "integer")
    if field.HasField("datetime_range"):
        return ("datetime",)
    placed = field.HasField("geo_radius") or field.HasField("geo_bounding_box") or field.HasField("geo_polygon")
    return ("geo",) if placed else _ANY


def _planned(key: str, asks: str, kinds: tuple[str, ...], schema: _Schema, note: str = "") -> ConditionPlan:
    there = next((each for each in kinds if each in _kinds(key, schema)), None)
    return ConditionPlan(key, asks, there, None if there else kinds[0], note)


def _kinds(key: str, schema: _Schema) -> set[str]:
    """What the index of a key can do; one of integers may be for lookups or for ranges alone."""
    if key not in schema:
        return set()
    return {collections.PayloadSchemaType.Name(schema[key].data_type).lower()}


def _is_uuid(text: str) -> bool:
    with suppress(ValueError):
        uuid.UUID(text)
        return True
    return False
