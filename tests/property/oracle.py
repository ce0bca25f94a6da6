"""What a filter means, as plain Python over the metadata: what the engine selects is compared with this."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

EXACT = 2**53


def matches(filter: Mapping[str, Any], metadata: Mapping[str, Any]) -> bool:  # noqa: A002
    """Whether a document with this metadata is selected."""
    return all(_entry(name, operand, metadata) for name, operand in filter.items())


def _entry(name: str, operand: Any, metadata: Mapping[str, Any]) -> bool:
    if name == "$and":
        return all(matches(part, metadata) for part in operand)
    if name == "$or":
        return any(matches(part, metadata) for part in operand)
    if name == "$not":
        return not matches(operand, metadata)
    values = list(_values(metadata, name))
    if re.search(r"\[\d", name):
        values = [value for value in values if value != []]  # behind an index, Qdrant takes [] for a missing field
    return _field(operand, values)


def _field(operand: Any, values: list[Any]) -> bool:
    if not isinstance(operand, Mapping):
        return OPERATORS["$eq"](values, operand)
    return all(OPERATORS[name](values, wanted) for name, wanted in operand.items())


def _any(test: Callable[[Any, Any], bool]) -> Callable[[list[Any], Any], bool]:
    """A test of one value, made true of a field when it is true of its value or of any element of its list."""
    return lambda values, wanted: any(test(element, wanted) for value in values for element in _elements(value))


def _elements(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _equal(stored: Any, wanted: Any) -> bool:
    if not _is_number(wanted):
        return type(stored) is type(wanted) and bool(stored == wanted)
    if not _is_number(stored):
        return False
    if isinstance(wanted, int) and abs(wanted) >= EXACT:
        return isinstance(stored, int) and stored == wanted
    return float(stored) == float(wanted)


def _ordered(compare: Callable[[float, float], bool]) -> Callable[[Any, Any], bool]:
    return lambda stored, wanted: _is_number(stored) and compare(float(stored), float(wanted))


def _among(stored: Any, wanted: list[Any]) -> bool:
    return any(_equal(stored, one) for one in wanted)


def _sized(values: list[Any], wanted: Any) -> bool:
    """How many values a field has: the elements of a list, none where there is none or a null, else one."""
    counts = [_count(value) for value in values] or [0]
    asked = wanted if isinstance(wanted, Mapping) else {"$eq": wanted}
    return all(any(_COMPARED[side](count, bound) for count in counts) for side, bound in asked.items())


def _count(value: Any) -> int:
    if isinstance(value, list):
        return len(value)
    return 0 if value is None else 1


_COMPARED: dict[str, Callable[[int, int], bool]] = {
    "$eq": operator.eq,
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


def _is_like(stored: str, wanted: str) -> bool:
    pattern = re.escape(wanted.strip("%"))
    return bool(
        re.fullmatch((".*" if wanted[0] == "%" else "") + pattern + (".*" if wanted[-1] == "%" else ""), stored)
    )


OPERATORS: dict[str, Callable[[list[Any], Any], bool]] = {
    "$eq": _any(_equal),
    "$ne": lambda values, wanted: not _any(_equal)(values, wanted),
    "$gt": _any(_ordered(operator.gt)),
    "$gte": _any(_ordered(operator.ge)),
    "$lt": _any(_ordered(operator.lt)),
    "$lte": _any(_ordered(operator.le)),
    "$in": _any(_among),
    "$nin": lambda values, wanted: not _any(_among)(values, wanted),
    "$exists": lambda values, wanted: bool(values) == wanted,
    "$between": _any(
        lambda stored, wanted: _is_number(stored) and float(wanted[0]) <= float(stored) <= float(wanted[1])
    ),
    "$any_of": _any(_among),
    "$all_of": lambda values, wanted: all(_any(_equal)(values, one) for one in wanted),
    "$contains": lambda values, wanted: all(_any(_equal)(values, one) for one in _elements(wanted)),
    "$null": lambda values, wanted: _any(_equal)(values, None) == wanted,
    "$empty": lambda values, wanted: all(value is None or value == [] for value in values) == wanted,
    "$size": _sized,
    "$prefix": _any(lambda stored, wanted: isinstance(stored, str) and stored.startswith(wanted)),
    "$like": _any(lambda stored, wanted: isinstance(stored, str) and _is_like(stored, wanted)),
    "$not": lambda values, wanted: not _field(wanted, values),
}


def _values(metadata: Mapping[str, Any], field: str) -> Iterator[Any]:
    """Every value that a path leads to: none if it is missing, several behind `[]`."""
    steps: list[str | int | None] = []
    for key, indices in re.findall(r'("[^"]*"|[^.\[]+)((?:\[\d*\])*)', field):
        steps.append(key.strip('"'))
        steps += [int(index) if index else None for index in re.findall(r"\[(\d*)\]", indices)]
    return _follow(metadata, steps)


def _follow(value: Any, steps: list[str | int | None]) -> Iterator[Any]:
    if not steps:
        yield value
        return
    step, rest = steps[0], steps[1:]
    if isinstance(step, str):
        if isinstance(value, Mapping) and step in value:
            yield from _follow(value[step], rest)
    elif isinstance(value, list):
        for element in value if step is None else value[step : step + 1]:
            yield from _follow(element, rest)
