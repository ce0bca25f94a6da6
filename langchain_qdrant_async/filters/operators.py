"""The `$` operators. A new one is a line in a table."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from langchain_qdrant_async.checks import Scalar
from langchain_qdrant_async.document.ids import to_point_id, to_texts
from langchain_qdrant_async.errors import InvalidFilter, InvalidId
from langchain_qdrant_async.filters.conditions import among, bounded, equal, having_ids, none, present
from langchain_qdrant_async.filters.scalars import are_plain, to_bound, to_scalar
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


def _exists(path: str, operand: object, where: str) -> common.Condition:
    if not isinstance(operand, (bool, np.bool_)):
        raise InvalidFilter(f"{where} is {operand!r}: give True or False")
    return present(path) if operand else none([present(path)])


FIELD_OPERATORS: dict[str, Builder] = {
    "$eq": lambda path, operand, where: equal(path, to_scalar(operand, where)),
    "$ne": lambda path, operand, where: none([equal(path, to_scalar(operand, where))]),
    "$gt": lambda path, operand, where: bounded(path, "gt", to_bound(operand, where)),
    "$gte": lambda path, operand, where: bounded(path, "gte", to_bound(operand, where)),
    "$lt": lambda path, operand, where: bounded(path, "lt", to_bound(operand, where)),
    "$lte": lambda path, operand, where: bounded(path, "lte", to_bound(operand, where)),
    "$in": lambda path, operand, where: among(path, _scalars(operand, where)),
    "$nin": lambda path, operand, where: none([among(path, _scalars(operand, where))]),
    "$exists": _exists,
}

LOGIC = ("$and", "$or", "$not")

IDS = "$has_id"
"""Asks for documents by their ids; it stands where a field stands."""


def misplaced(operator: str, where: str) -> InvalidFilter:
    """The error for an operator that nobody knows, or that stands where it means nothing."""
    if operator in LOGIC:
        return InvalidFilter(
            f"{where}: {operator} combines whole filters: write {{{operator!r}: ...}} around the field"
        )
    if operator in FIELD_OPERATORS:
        return InvalidFilter(f"{where}: {operator} belongs to a field: write {{'field': {{{operator!r}: ...}}}}")
    if operator == IDS:
        return InvalidFilter(f"{where}: {IDS} is of documents, not of a field: write {{{IDS!r}: [...]}}")
    known = [*FIELD_OPERATORS, *LOGIC, IDS]
    nearest = difflib.get_close_matches(operator[:_FEW].lower(), known, n=1)
    meant = f" Did you mean {nearest[0]}?" if nearest else ""
    return InvalidFilter(f"{where}: there is no operator {operator}.{meant} There are {', '.join(known)}")
