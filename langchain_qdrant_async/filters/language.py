"""Reads filter dictionaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from langchain_qdrant_async.checks import Scalar, whole_number
from langchain_qdrant_async.document.paths import to_path
from langchain_qdrant_async.errors import InvalidFilter
from langchain_qdrant_async.filters.bounds import MAX_DEPTH, check_bounds, too_deep
from langchain_qdrant_async.filters.conditions import among, at_least, equal, every, inside, none, some
from langchain_qdrant_async.filters.native import RestFilter, from_native, is_rest_json
from langchain_qdrant_async.filters.operators import (
    FIELD_OPERATORS,
    LOGIC,
    NESTED,
    OF_POINTS,
    misplaced,
    with_ids,
    with_vectors,
)
from langchain_qdrant_async.filters.scalars import to_scalar
from langchain_qdrant_async.filters.structured import Structured, is_structured, unfolded
from langchain_qdrant_async.proto import common

FilterInput: TypeAlias = Mapping[str, Any] | common.Filter | RestFilter | Structured | None
"""A filter as a caller may give it: a dictionary of the language, one of Qdrant's own or of LangChain's structured
queries, or None for no filter."""


def to_filter(filter: FilterInput, *, metadata_key: str | None = "metadata") -> common.Filter | None:  # noqa: A002
    """A filter as Qdrant's message; None if it selects everything, as None and `{}` do.

    Args:
        filter: a dictionary over metadata fields with `$` operators, one of Qdrant's own filters, or LangChain's
            `Comparison`, `Operation` or `StructuredQuery`, or all of them nested. Qdrant's own name full paths:
            `metadata.lang`.
        metadata_key: what the metadata lies under; None if it is the payload itself.

    Raises:
        InvalidFilter: it cannot be understood; the message says where, and what is allowed.
    """
    if filter is None:
        return None
    check_bounds(filter)
    condition = _Reader(metadata_key).filter(filter, "filter", 0)
    message = condition.filter if condition.HasField("filter") else common.Filter(must=[condition])
    return message if message.ListFields() else None


def _equality(item: object) -> tuple[str, object] | None:
    """The field and the value, if a filter asks for nothing but that they are equal."""
    if not isinstance(item, Mapping) or len(item) != 1:
        return None
    [(name, operand)] = item.items()
    if isinstance(operand, Mapping) and len(operand) == 1:
        operand = operand.get("$eq", operand)
    plain = isinstance(name, str) and not name.startswith("$") and not isinstance(operand, Mapping)
    return (name, operand) if plain and not is_rest_json(item) else None


class _Reader:
    """Walks a filter down, with the path of each place for the error messages."""

    def __init__(self, metadata_key: str | None, *, inside: bool = False) -> None:
        self._metadata_key = metadata_key
        self._inside = inside

    def filter(self, given: object, where: str, depth: int) -> common.Condition:
        """A whole filter: what a caller gives, or what stands inside `$and`, `$or` and `$not`."""
        native = from_native(given, where)
        if native is not None:
            return common.Condition(filter=native)
        if is_structured(given):
            given = unfolded(given)
        if not isinstance(given, Mapping):
            raise InvalidFilter(f"{where} is a {type(given).__name__}: give a dictionary, or one of Qdrant's filters")
        if depth > MAX_DEPTH:
            raise too_deep()
        return every([self._entry(name, operand, where, depth) for name, operand in given.items()])

    def _entry(self, name: object, operand: object, where: str, depth: int) -> common.Condition:
        if not isinstance(name, str):
            raise InvalidFilter(f"{where} has the key {name!r} of type {type(name).__name__}: fields are strings")
        if name in LOGIC:
            return self._logic(name, operand, f"{where}.{name}", depth + 1)
        if name in OF_POINTS:
            return (with_vectors if name == "$has_vector" else with_ids)(operand, f"{where}.{name}")
        if name.startswith("$"):
            raise misplaced(name, where)
        path = to_path(name, self._metadata_key, where=where)
        return self._field(path, operand, f"{where}.{name}", depth + 1)

    def _logic(self, operator: str, operand: object, where: str, depth: int) -> common.Condition:
        if operator == "$not":
            return none([self.filter(operand, where, depth)])
        if operator == "$min_should":
            return self._min_should(operand, where, depth)
        if not isinstance(operand, Sequence) or isinstance(operand, (str, bytes)):
            raise InvalidFilter(f"{where} is a {type(operand).__name__}: give a list of filters")
        if operator == "$or":
            return some(self._alternatives(operand, where, depth))
        return every([self.filter(item, f"{where}[{position}]", depth) for position, item in enumerate(operand)])

    def _min_should(self, operand: object, where: str, depth: int) -> common.Condition:
        """So many of some filters."""
        if not isinstance(operand, Mapping) or operand.keys() != {"conditions", "min_count"}:
            raise InvalidFilter(f"{where} needs a dictionary: {{'conditions': [...], 'min_count': 2}}")
        given = operand["conditions"]
        if not isinstance(given, Sequence) or isinstance(given, (str, bytes)):
            raise InvalidFilter(f"{where}.conditions is a {type(given).__name__}: give a list of filters")
        count = whole_number(f"{where}.min_count", operand["min_count"], at_least=1, error=InvalidFilter)
        there = f"{where}.conditions"
        return at_least(count, [self.filter(item, f"{there}[{at}]", depth) for at, item in enumerate(given)])

    def _nested(self, path: str, operand: object, where: str, depth: int) -> common.Condition:
        """A filter for the dictionaries of a list, whose fields are theirs."""
        if self._inside:
            raise InvalidFilter(f"{where}: {NESTED} stands inside another, which Qdrant does not look into")
        condition = _Reader(None, inside=True).filter(operand, where, depth)
        chosen = condition.filter if condition.HasField("filter") else common.Filter(must=[condition])
        return inside(path, chosen)

    def _alternatives(self, items: Sequence[object], where: str, depth: int) -> list[common.Condition]:
        """The filters, but those that ask one field for a value as one: Qdrant reads a payload for each condition."""
        values: dict[str, list[Scalar]] = {}
        others: list[common.Condition] = []
        for position, given in enumerate(items):
            there = f"{where}[{position}]"
            item = unfolded(given) if is_structured(given) else given
            if (equality := _equality(item)) is None:
                others.append(self.filter(item, there, depth))
                continue
            name, operand = equality
            path = to_path(name, self._metadata_key, where=there)
            values.setdefault(path, []).append(to_scalar(operand, f"{there}.{name}"))
        same = (among(path, found) if len(found) > 1 else equal(path, found[0]) for path, found in values.items())
        return [*others, *same]

    def _field(self, path: str, operand: object, where: str, depth: int) -> common.Condition:
        """What one field must be: a value, or a dictionary of operators that must all hold."""
        if not isinstance(operand, Mapping):
            return equal(path, to_scalar(operand, where))
        if not operand:
            raise InvalidFilter(f"{where} is an empty dictionary: give a value, or operators such as {{'$gt': 1}}")
        return every([self._operator(path, name, value, where, depth) for name, value in operand.items()])

    def _operator(self, path: str, operator: object, operand: object, where: str, depth: int) -> common.Condition:
        if operator == "$not":
            return none([self._negated(path, operand, f"{where}.$not", depth + 1)])
        if operator == NESTED:
            return self._nested(path, operand, f"{where}.{operator}", depth + 1)
        if self._inside and operator == "$exists":
            raise InvalidFilter(f"{where}: inside {NESTED} Qdrant cannot tell [] from what is missing: ask for $empty")
        if isinstance(operator, str) and operator in FIELD_OPERATORS:
            return FIELD_OPERATORS[operator](path, operand, f"{where}.{operator}")
        if isinstance(operator, str) and operator.startswith("$"):
            raise misplaced(operator, where)
        raise InvalidFilter(
            f"{where} is a dictionary with the key {operator!r}, which is no operator: for a nested field write its"
            " path with dots, as in {'author.name': 'Ada'}"
        )

    def _negated(self, path: str, operand: object, where: str, depth: int) -> common.Condition:
        if depth > MAX_DEPTH:
            raise too_deep()
        return self._field(path, operand, where, depth)
