"""The `$` operators. A new one is a line in a table."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from langchain_qdrant_async.checks import Scalar, check_unicode, is_whole, shortened, whole_number
from langchain_qdrant_async.document.floats import between
from langchain_qdrant_async.document.ids import to_point_id, to_texts
from langchain_qdrant_async.errors import InvalidFilter, InvalidId
from langchain_qdrant_async.filters.conditions import (
    among,
    between_moments,
    bounded,
    counted,
    empty,
    equal,
    every,
    having_ids,
    having_vector,
    none,
    present,
    some,
    within,
)
from langchain_qdrant_async.filters.places import in_box, in_polygon, near
from langchain_qdrant_async.filters.scalars import are_plain, to_bound, to_scalar
from langchain_qdrant_async.filters.words import any_word, every_word, like, phrase, prefix
from langchain_qdrant_async.proto import common

Builder: TypeAlias = Callable[[str, Any, str], common.Condition]
"""Of (path, operand, its place for error messages)."""


_FEW = 100
"""Values of which each is looked at by itself, and characters of what may be an operator."""


def _scalars(operand: object, where: str) -> list[Scalar]:
    if isinstance(operand, np.ndarray):
        operand = operand.tolist()
    if not isinstance(operand, (list, tuple, set, frozenset, range)):
        raise InvalidFilter(f"{where} is a {type(operand).__name__}: give a list of values")
    if len(operand) > _FEW and are_plain(operand):
        return list(operand)
    return [to_scalar(value, f"{where}[{position}]") for position, value in enumerate(operand)]


def with_ids(operand: object, where: str) -> common.Condition:
    """The documents of these ids, as the store gives them out.

    Raises:
        InvalidFilter: they are no list of ids.
    """
    try:
        return having_ids([to_point_id(text) for text in to_texts(operand)])  # type: ignore[arg-type]
    except InvalidId as error:
        raise InvalidFilter(f"{where}: {error}") from None


def with_vectors(operand: object, where: str) -> common.Condition:
    """The documents that have the vectors of these names; the empty name is Qdrant's default vector."""
    names = [operand] if isinstance(operand, str) else operand
    if not isinstance(names, (list, tuple)) or not names or not all(isinstance(each, str) for each in names):
        raise InvalidFilter(f"{where} is {shortened(operand)}: give the name of a vector, or a list of names")
    return every([having_vector(check_unicode(where, each, InvalidFilter)) for each in names])


def _asked(condition: Callable[[str], common.Condition]) -> Builder:
    """An operator that asks whether something is so, or is not."""

    def build(path: str, operand: object, where: str) -> common.Condition:
        if not isinstance(operand, (bool, np.bool_)):
            raise InvalidFilter(f"{where} is {shortened(operand)}: give True or False")
        return condition(path) if operand else none([condition(path)])

    return build


def _between(path: str, operand: object, where: str) -> common.Condition:
    """From the first to the last, both included; of a list one element is."""
    if not isinstance(operand, (list, tuple)) or len(operand) != 2:
        raise InvalidFilter(f"{where} is {shortened(operand)}: give [least, greatest]")
    first, last = to_bound(operand[0], f"{where}[0]"), to_bound(operand[1], f"{where}[1]")
    if isinstance(first, dt.datetime) and isinstance(last, dt.datetime):
        return between_moments(path, first, last)
    if isinstance(first, dt.datetime) or isinstance(last, dt.datetime):
        raise InvalidFilter(f"{where} is {shortened(operand)}: give two numbers, or two moments")
    return within(path, common.Range(gte=between(first)[0], lte=between(last)[1]))


def _all_of(path: str, operand: object, where: str) -> common.Condition:
    return every([equal(path, value) for value in _scalars(operand, where)])


def _contains(path: str, operand: object, where: str) -> common.Condition:
    listed = isinstance(operand, (list, tuple, set, frozenset, np.ndarray))
    return _all_of(path, operand, where) if listed else equal(path, to_scalar(operand, where))


def _size(path: str, operand: object, where: str) -> common.Condition:
    """How many values a field has; one that is missing has none, and neither has a null."""
    if is_whole(operand):
        size = whole_number(where, operand, at_least=0, error=InvalidFilter)
        return _sized(path, size, size)
    if not isinstance(operand, Mapping) or not operand or not operand.keys() <= _SIDES.keys():
        raise InvalidFilter(f"{where} is {shortened(operand)}: give a number, or {{'$gte': 2}}")
    bounds = [
        (side, whole_number(f"{where}.{side}", value, at_least=0, error=InvalidFilter))
        for side, value in operand.items()
    ]
    return every([_sized(path, *_SIDES[side](bound)) for side, bound in bounds])


_SIDES: dict[str, Callable[[int], tuple[int, int | None]]] = {
    "$eq": lambda size: (size, size),
    "$gt": lambda size: (size + 1, None),
    "$gte": lambda size: (size, None),
    "$lt": lambda size: (0, size - 1),
    "$lte": lambda size: (0, size),
}


def _sized(path: str, least: int, most: int | None) -> common.Condition:
    if most is not None and most < least:
        return some([])
    return counted(path, least, most)


FIELD_OPERATORS: dict[str, Builder] = {
    "$eq": lambda path, operand, where: equal(path, to_scalar(operand, where)),
    "$ne": lambda path, operand, where: none([equal(path, to_scalar(operand, where))]),
    "$gt": lambda path, operand, where: bounded(path, "gt", to_bound(operand, where)),
    "$gte": lambda path, operand, where: bounded(path, "gte", to_bound(operand, where)),
    "$lt": lambda path, operand, where: bounded(path, "lt", to_bound(operand, where)),
    "$lte": lambda path, operand, where: bounded(path, "lte", to_bound(operand, where)),
    "$in": lambda path, operand, where: among(path, _scalars(operand, where)),
    "$nin": lambda path, operand, where: none([among(path, _scalars(operand, where))]),
    "$between": _between,
    "$any_of": lambda path, operand, where: among(path, _scalars(operand, where)),
    "$all_of": _all_of,
    "$contains": _contains,
    "$exists": _asked(present),
    "$null": _asked(lambda path: equal(path, None)),
    "$empty": _asked(empty),
    "$size": _size,
    "$text": every_word,
    "$any_word": any_word,
    "$phrase": phrase,
    "$prefix": prefix,
    "$like": like,
    "$geo_near": near,
    "$geo_within": in_box,
    "$geo_polygon": in_polygon,
}

LOGIC = ("$and", "$or", "$not", "$min_should")

NESTED = "$nested"
"""A filter for the dictionaries of a list."""

PER_VALUE = ("$all_of", "$contains")
"""What makes a condition of each of its values."""

OF_POINTS = ("$id", "$has_id", "$has_vector")
"""What asks for documents themselves; they stand where a field stands."""


def misplaced(operator: str, where: str) -> InvalidFilter:
    """The error for an operator that nobody knows, or that stands where it means nothing."""
    if operator in LOGIC:
        return InvalidFilter(
            f"{where}: {operator} combines whole filters: write {{{operator!r}: ...}} around the field"
        )
    if operator in FIELD_OPERATORS:
        return InvalidFilter(f"{where}: {operator} belongs to a field: write {{'field': {{{operator!r}: ...}}}}")
    if operator in OF_POINTS:
        return InvalidFilter(f"{where}: {operator} is of documents, not of a field: write {{{operator!r}: [...]}}")
    known = [*FIELD_OPERATORS, NESTED, *LOGIC, *OF_POINTS]
    nearest = difflib.get_close_matches(operator[:_FEW].lower(), known, n=1)
    meant = f" Did you mean {nearest[0]}?" if nearest else ""
    return InvalidFilter(f"{where}: there is no operator {operator}.{meant} There are {', '.join(known)}")
