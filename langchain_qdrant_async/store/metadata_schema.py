"""What the metadata of a collection's documents looks like, as people and models can be told. Pure: no I/O."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeAlias

from langchain_qdrant_async.checks import is_number, is_whole
from langchain_qdrant_async.document.layout import PRIVATE_KEYS, Layout
from langchain_qdrant_async.document.paths import to_path, to_step
from langchain_qdrant_async.errors import InvalidFilter
from langchain_qdrant_async.filters.scalars import to_moment

Value: TypeAlias = str | bool | int | float
"""One value of a field."""

_KIND_OF_INDEX = {
    "keyword": "text",
    "text": "text",
    "uuid": "text",
    "integer": "integer",
    "float": "float",
    "bool": "boolean",
    "datetime": "datetime",
    "geo": "place",
}
_TYPE_OF_KIND = {
    "text": "string",
    "integer": "integer",
    "float": "float",
    "boolean": "boolean",
    "datetime": "datetime",
}
"""By LangChain's names. It has none for places."""

_MOST_FIELDS = 50
_LONGEST_VALUE = 80
"""Characters of a value that is shown."""
_FEW = 3
"""Values that are shown where each document has another."""
_DEEPEST, _ELEMENTS = 5, 20
"""Dictionaries inside each other, and elements of a list, that are looked at."""


@dataclass(frozen=True, slots=True)
class MetadataField:
    """One field of the metadata."""

    name: str
    """As a filter names it."""
    kind: str
    """`text`, `integer`, `float`, `boolean`, `datetime` or `place`; several of them joined by ` or `."""
    listed: bool = False
    """Whether documents have lists of it."""
    indexed: bool = False
    """Whether it has a payload index."""
    values: tuple[Value, ...] = ()
    """Those that most documents have."""
    complete: bool = False
    """Whether these are all that there are."""
    description: str = ""
    """What it means, in words of yours."""

    def __str__(self) -> str:
        kind = f"list of {self.kind}" if self.listed else self.kind
        return "; ".join(each for each in (f"{self.name}: {kind}", self.description, self.examples) if each)

    @property
    def examples(self) -> str:
        """Its values in a sentence; nothing if none are known."""
        said = ", ".join(json.dumps(each, ensure_ascii=False) for each in self.values)
        return f"{'one of' if self.complete else 'for example'} {said}" if said else ""

    @property
    def attribute(self) -> dict[str, str] | None:
        """As LangChain's `AttributeInfo`; None for what its query language cannot name or compare."""
        types = [_TYPE_OF_KIND[kind] for kind in self.kind.split(" or ") if kind in _TYPE_OF_KIND]
        if not types or '"' in self.name or "'" in self.name:
            return None
        said = " or ".join(types)
        about = "; ".join(each for each in (self.description, self.examples) if each)
        return {"name": self.name, "description": about or self.name, "type": f"list[{said}]" if self.listed else said}


@dataclass(frozen=True, slots=True)
class MetadataSchema:
    """The fields that the documents of a collection, or of a tenant, have in their metadata."""

    fields: tuple[MetadataField, ...] = ()
    """Those with an index first, then those that most documents have."""

    def __str__(self) -> str:
        return "\n".join(f"- {each}" for each in self.fields)

    def attributes(self) -> list[dict[str, str]]:
        """The fields as LangChain's self-query takes them: dictionaries of name, description and type."""
        return [attribute for each in self.fields if (attribute := each.attribute) is not None]


@dataclass(slots=True)
class Sampled:
    """What some documents have in one field."""

    kinds: set[str] = field(default_factory=set)
    """The kinds of its values."""
    listed: bool = False
    """Whether one has a list."""
    values: Counter[Value] = field(default_factory=Counter)
    """How often each value comes."""
    count: int = 0
    """How many values there are."""

    def add(self, value: Any, *, listed: bool) -> None:
        """Count a value in."""
        self.count += 1
        self.listed = self.listed or listed
        if (kind := _kind(value)) is not None:
            self.kinds.add(kind)
        if kind not in {None, "place"}:
            self.values[value] += 1

    @property
    def kind(self) -> str:
        """What its values are."""
        kinds = self.kinds - {"integer"} if "float" in self.kinds else self.kinds
        kinds = kinds - {"datetime"} if "text" in kinds else kinds
        return " or ".join(sorted(kinds))

    def most(self, count: int) -> tuple[Value, ...]:
        """The values that come most often; only a few where hardly one comes twice."""
        shown = count if len(self.values) <= count else min(count, _FEW)
        return tuple(value for value, _ in self.values.most_common(shown))


def sampled(metadatas: Iterable[Mapping[str, Any]]) -> dict[str, Sampled]:
    """What the fields of some documents hold, by their names."""
    found: dict[str, Sampled] = defaultdict(Sampled)
    for metadata in metadatas:
        for path, value, listed in _leaves(metadata, "", 0):
            found[_readable(path)].add(value, listed=listed)
    return found


def indexed_fields(indexes: Mapping[str, str], layout: Layout) -> dict[str, str]:
    """The kinds of the payload indexes by the metadata field that each is of."""
    if layout.metadata_key is None:
        private = {*PRIVATE_KEYS, layout.content_key}
        return {_readable(path): kind for path, kind in indexes.items() if path not in private}
    before = f"{to_step(layout.metadata_key)}."
    return {_readable(path.removeprefix(before)): kind for path, kind in indexes.items() if path.startswith(before)}


class Values(NamedTuple):
    """The values of a field that most documents have."""

    most: tuple[Value, ...] = ()
    """The most frequent first."""
    complete: bool = False
    """Whether these are all."""


def metadata_schema(
    indexes: Mapping[str, str],
    facets: Mapping[str, Values],
    samples: Mapping[str, Sampled],
    descriptions: Mapping[str, str],
    most: int,
) -> MetadataSchema:
    """The fields that are known by their index, by their documents, or both.

    Args:
        indexes: as `indexed_fields` gives them.
        facets: what is known of the values of some of these.
        samples: as `sampled` gives them.
        descriptions: what some fields mean, by their names.
        most: how many values of a sample are shown.
    """
    common = sorted(samples, key=lambda name: (-samples[name].count, name))
    fields = []
    for name in list(dict.fromkeys([*sorted(indexes), *common]))[:_MOST_FIELDS]:
        sample = samples.get(name, Sampled())
        counted = facets.get(name, Values())
        values = counted if counted.most else Values(sample.most(most))
        known = _field(name, indexes.get(name), sample, values)
        fields.append(replace(known, description=descriptions.get(name, "")))
    return MetadataSchema(tuple(fields))


def _field(name: str, index: str | None, sample: Sampled, values: Values) -> MetadataField:
    """The documents say best what a field holds; without any the index does."""
    kind = sample.kind or _KIND_OF_INDEX.get(index or "", "unknown")
    shown = tuple(each for each in values.most if not isinstance(each, str) or len(each) <= _LONGEST_VALUE)
    complete = values.complete and len(shown) == len(values.most)
    return MetadataField(name, kind, sample.listed, index is not None, shown, complete)


def _kind(value: Any) -> str | None:
    """What a value is; None for a null."""
    if isinstance(value, str):
        return "text" if to_moment(value) is None else "datetime"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, Mapping):
        return "place"
    return ("integer" if is_whole(value) else "float") if is_number(value) else None


def _is_place(value: Mapping[str, Any]) -> bool:
    return value.keys() == {"lon", "lat"} and all(map(is_number, value.values()))


def _leaves(value: Any, path: str, depth: int) -> Iterator[tuple[str, Any, bool]]:
    """The path of every value inside dictionaries, as Qdrant writes it, the value, and whether a list holds it."""
    for key, inner in value.items() if depth < _DEEPEST else ():
        if (step := to_step(key)) is None:
            continue
        there = f"{path}.{step}" if path else step
        listed = isinstance(inner, list)
        for each in inner[:_ELEMENTS] if listed else [inner]:
            if not isinstance(each, Mapping) or _is_place(each):
                yield there, each, listed
            else:
                yield from _leaves(each, f"{there}[]" if listed else there, depth + 1)


def _readable(path: str) -> str:
    """A path without the quotes that a filter does without."""
    plain = path.replace('"', "")
    try:
        return plain if to_path(plain, None) == path else path
    except InvalidFilter:
        return path
