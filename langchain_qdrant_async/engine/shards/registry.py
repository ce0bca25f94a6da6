"""What the engine knows about its collections, kept in one file of its folder.

    {"version": 1,
     "collections": {"docs": {"folder": "0b1c…", "config": {…}, "indexes": {"lang": {…}},
                              "closed": {"points": 12, "operations": 3, "digest": 907060870}}},
     "aliases": {"latest": "docs"}}

A collection's folder has a name of its own: any collection name is safe, and one that was deleted and made again
never meets its old files. The file is published whole, by an atomic rename after an fsync, so that a reader finds
either the old state or the new one. What is known changes only with it: a state that could not be published never was.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from google.protobuf import json_format

from langchain_qdrant_async.engine.shards.disk import sync
from langchain_qdrant_async.engine.status import Refusal, data_loss
from langchain_qdrant_async.ownership import open_ours
from langchain_qdrant_async.proto import collections

_VERSION = 1


@dataclass(frozen=True)
class Closing:
    """What a shard's files held when they were complete: at a clean close, or when they took another folder's place."""

    points: int
    """How many points."""
    operations: int
    """How many operations its log had seen."""
    digest: int | None = None
    """A checksum of its segments; None as soon as the shard is opened."""

    def check(self, points: int, operations: int) -> None:
        """Raise unless files still hold this. Those that have seen more operations since may hold anything.

        Args:
            points: how many points they hold.
            operations: how many operations their log has seen.

        Raises:
            ValueError: they hold less.
        """
        if operations < self.operations:
            raise ValueError(f"the log knows {operations} of {self.operations} operations")
        if operations == self.operations and points != self.points:
            raise ValueError(f"{points} of {self.points} points are left")


@dataclass(frozen=True)
class StoredCollection:
    """What is known of one collection, beside its data. A value: a change makes another."""

    folder: str
    """The name of the folder that its data is in."""
    config: collections.CollectionConfig
    """How it is configured."""
    indexes: Mapping[str, collections.PayloadIndexParams] = field(default_factory=dict)
    """The parameters of its payload indexes by field, as the client wrote them."""
    closed: Closing | None = None
    """What its files hold at least; None if they were never closed by an engine that notes it."""

    def with_index(self, name: str, params: collections.PayloadIndexParams | None) -> StoredCollection:
        """The same with the parameters of one payload index; None: without them."""
        indexes = {key: value for key, value in self.indexes.items() if key != name}
        return replace(self, indexes=indexes if params is None else indexes | {name: params})

    @cached_property
    def as_json(self) -> dict[str, Any]:
        """As it stands in the file."""
        content: dict[str, Any] = {
            "folder": self.folder,
            "config": json_format.MessageToDict(self.config),
            "indexes": {name: json_format.MessageToDict(params) for name, params in self.indexes.items()},
        }
        if self.closed is not None:
            content["closed"] = {name: value for name, value in vars(self.closed).items() if value is not None}
        return content

    @cached_property
    def as_text(self) -> str:
        """The same, written: once for each state, since every change writes all collections."""
        return _written(self.as_json, level=2)


@dataclass(frozen=True)
class Registered:
    """All collections and aliases by name. A value: a change makes another."""

    collections: Mapping[str, StoredCollection] = field(default_factory=dict)
    """What is known of each collection."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Which collection each alias means."""

    def with_collection(self, name: str, stored: StoredCollection) -> Registered:
        """The same with one more collection, or with another state of it."""
        return replace(self, collections={**self.collections, name: stored})

    def without_collection(self, name: str) -> Registered:
        """The same without a collection and its aliases."""
        return Registered(
            {other: stored for other, stored in self.collections.items() if other != name},
            {alias: target for alias, target in self.aliases.items() if target != name},
        )


class Registry:
    """The file.

    Attributes:
        found: whether there was one.
        present: what it holds.
        check: called before each publication; raises if there must be none.
    """

    def __init__(self, path: Path) -> None:
        """Read the file, if there is one.

        Raises:
            Refusal: it cannot be understood.
        """
        self._path = path
        self.check: Callable[[], None] = lambda: None
        self.found = os.path.lexists(path)
        self.present = _read(path) if self.found else Registered()

    def publish(self, state: Registered) -> None:
        """Make a state the present one, and the one that is found after a crash; or neither, if this raises."""
        if state == self.present:
            return
        self.check()
        draft = self._path.with_suffix(".new")
        try:
            _write(draft, state)
            draft.replace(self._path)
        except BaseException:
            with contextlib.suppress(OSError):
                draft.unlink()
            raise
        self.present = state
        sync([self._path.parent])


def text_of(state: Registered) -> str:
    """What the file holds; the same as `json.dumps(..., indent=1)` makes of it, which takes 0.7 ms a collection."""
    stored = [f"{json.dumps(name, ensure_ascii=False)}: {each.as_text}" for name, each in state.collections.items()]
    listed = "{\n  " + ",\n  ".join(stored) + "\n }" if stored else "{}"
    aliases = _written(dict(state.aliases), level=1)
    return f'{{\n "version": {_VERSION},\n "collections": {listed},\n "aliases": {aliases}\n}}'


def _written(value: object, *, level: int) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1).replace("\n", "\n" + " " * level)


def _write(draft: Path, state: Registered) -> None:
    with open(draft, "wb", opener=open_ours) as file:
        file.write(text_of(state).encode())
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> Registered:
    try:
        with open(path, "rb", opener=open_ours) as file:
            content = json.load(file)
        if content["version"] == _VERSION:
            stored = {name: _from_json(each) for name, each in content["collections"].items()}
            return Registered(stored, dict(content["aliases"]))
    except (ValueError, LookupError, TypeError, AttributeError, json_format.ParseError) as error:
        raise data_loss(f"{path} is damaged, and with it the names of the collections: {error!r}") from error
    raise _other_version(path, content["version"])


def _other_version(path: Path, version: object) -> Refusal:
    return data_loss(f"{path} was written by another version of the engine ({version})")


def _from_json(stored: dict[str, Any]) -> StoredCollection:
    indexes = {
        field_name: json_format.ParseDict(params, collections.PayloadIndexParams())
        for field_name, params in stored["indexes"].items()
    }
    config = json_format.ParseDict(stored["config"], collections.CollectionConfig())
    closed = Closing(**stored["closed"]) if "closed" in stored else None
    return StoredCollection(stored["folder"], config, indexes, closed)
