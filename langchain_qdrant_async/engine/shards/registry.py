"""What the engine knows about its collections, kept in one file of its folder.

    {"version": 1,
     "collections": {"docs": {"folder": "0b1c…", "config": {…}, "indexes": {"lang": {…}}}},
     "aliases": {"latest": "docs"}}

A collection's folder has a name of its own: any collection name is safe, and one that was deleted and made again
never meets its old files. The file is published whole, by an atomic rename after an fsync, so that a reader finds
either the old state or the new one.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import json_format

from langchain_qdrant_async.engine.shards.disk import sync
from langchain_qdrant_async.proto import collections

_VERSION = 1


@dataclass
class StoredCollection:
    """What is known of one collection, beside its data."""

    folder: str
    """The name of the folder that its data is in."""
    config: collections.CollectionConfig
    """How it is configured."""
    indexes: dict[str, collections.PayloadIndexParams] = field(default_factory=dict)
    """The parameters of its payload indexes by field, as the client wrote them."""


class Registry:
    """Collections and aliases by name. Change them, then `publish`."""

    def __init__(self, path: Path) -> None:
        """Read the file, if there is one."""
        self._path = path
        self.collections: dict[str, StoredCollection] = {}
        self.aliases: dict[str, str] = {}
        if path.exists():
            self._read(json.loads(path.read_bytes()))

    def publish(self) -> None:
        """Make the present state the one that is found after a crash."""
        draft = self._path.with_suffix(".new")
        with draft.open("wb") as file:
            file.write(json.dumps(self._as_json(), ensure_ascii=False, indent=1).encode())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        sync([self._path.parent])

    def _read(self, content: dict[str, Any]) -> None:
        if content["version"] != _VERSION:
            raise RuntimeError(f"{self._path} was written by another version of the engine ({content['version']})")
        self.collections = {name: _from_json(stored) for name, stored in content["collections"].items()}
        self.aliases = content["aliases"]

    def _as_json(self) -> dict[str, Any]:
        stored = {name: _to_json(collection) for name, collection in self.collections.items()}
        return {"version": _VERSION, "collections": stored, "aliases": self.aliases}


def _from_json(stored: dict[str, Any]) -> StoredCollection:
    indexes = {
        field_name: json_format.ParseDict(params, collections.PayloadIndexParams())
        for field_name, params in stored["indexes"].items()
    }
    return StoredCollection(
        stored["folder"], json_format.ParseDict(stored["config"], collections.CollectionConfig()), indexes
    )


def _to_json(stored: StoredCollection) -> dict[str, Any]:
    return {
        "folder": stored.folder,
        "config": json_format.MessageToDict(stored.config),
        "indexes": {name: json_format.MessageToDict(params) for name, params in stored.indexes.items()},
    }
