"""The collections of a folder: names and aliases -> shards."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from grpc import StatusCode

from langchain_qdrant_async.engine.shards.disk import discard
from langchain_qdrant_async.engine.shards.files import check_free
from langchain_qdrant_async.engine.shards.names import check_name, check_new_name
from langchain_qdrant_async.engine.shards.registry import Registry, StoredCollection
from langchain_qdrant_async.engine.shards.shard import Shard
from langchain_qdrant_async.engine.status import Refusal, absent_collection, not_found, wrong_input
from langchain_qdrant_async.proto import collections

_log = logging.getLogger(__name__)


class Catalog:
    """Everything that one engine serves.

    Attributes:
        touched: set when there may be something new to optimise in any shard.
    """

    def __init__(self, folder: Path, *, recovering: bool = False) -> None:
        """Read the registry and check that nobody else holds the data.

        Args:
            folder: the engine's folder.
            recovering: whether the last engine of this folder died.
        """
        self._shards_folder = folder / "collections"
        self._registry = Registry(folder / "registry.json")
        self.touched = asyncio.Event()
        self._shards = {
            name: Shard(self._shards_folder / stored.folder, stored, self.touched, recovering=recovering)
            for name, stored in self._registry.collections.items()
        }
        self._sweep()

    @property
    def names(self) -> list[str]:
        """The collections, sorted."""
        return sorted(self._shards)

    @property
    def aliases(self) -> dict[str, str]:
        """Which collection each alias means."""
        return self._registry.aliases

    @property
    def shards(self) -> dict[str, Shard]:
        """The shard of each collection."""
        return self._shards

    def resolve(self, name: str) -> str:
        """The collection that a name means; an alias goes before a collection of the same name."""
        check_name(name)
        return self.aliases.get(name, name)

    def exists(self, name: str) -> bool:
        """Whether a collection or an alias has this name."""
        return self.resolve(name) in self._shards

    def find(self, name: str) -> Shard | None:
        """The shard of a collection or alias, if there is one."""
        return self._shards.get(self.aliases.get(name, name))

    def shard(self, name: str) -> Shard:
        """The shard of a collection or alias."""
        shard = self._shards.get(self.resolve(name))
        if shard is None:
            raise absent_collection(name)
        return shard

    def lookup(self, name: str) -> Shard:
        """The shard that another collection's query takes vectors from; the server words its absence differently."""
        shard = self._shards.get(self.resolve(name))
        if shard is None:
            raise not_found(f"Collection {name} not found")
        return shard

    def create(self, name: str, config: collections.CollectionConfig) -> None:
        """Make a new, empty collection."""
        check_new_name(name)
        if name in self.aliases:
            raise wrong_input(f"Can't create collection with name {name}. Alias with the same name already exists")
        if name in self._shards:
            raise Refusal(StatusCode.ALREADY_EXISTS, f"Wrong input: Collection `{name}` already exists!")
        stored = StoredCollection(uuid4().hex, config)
        shard = Shard(self._shards_folder / stored.folder, stored, self.touched)
        shard.create()
        self._shards[name] = shard
        self._registry.collections[name] = stored
        self._registry.publish()

    def delete(self, name: str) -> bool:
        """Drop a collection by its own name, and its aliases. False if there is none."""
        check_name(name)
        shard = self._shards.pop(name, None)
        if shard is None:
            return False
        del self._registry.collections[name]
        for alias in [alias for alias, target in self.aliases.items() if target == name]:
            del self.aliases[alias]
        self._registry.publish()
        shard.close()
        discard(shard.folder)
        return True

    def publish(self) -> None:
        """Keep what was changed in `aliases` or in the `stored` of a shard."""
        self._registry.publish()

    def flush(self) -> None:
        """Bring everything to the disk."""
        for name, shard in self._shards.items():
            with _logged(f"failed to flush collection {name!r}"):
                shard.flush()

    def close(self) -> None:
        """Bring everything to the disk and let go of the files."""
        for name, shard in self._shards.items():
            with _logged(f"failed to close collection {name!r}"):
                shard.close()

    def _sweep(self) -> None:
        """Check that nobody else holds a shard, and remove those that a crash left half made or half deleted."""
        known = {stored.folder for stored in self._registry.collections.values()}
        for folder in self._shards_folder.glob("*"):
            if folder.name in known:
                check_free(folder)
            else:
                discard(folder)


@contextlib.contextmanager
def _logged(failure: str) -> Iterator[None]:
    """Log an error and go on: the other collections must not suffer from it."""
    try:
        yield
    except BaseException:  # noqa: BLE001  a panic of the engine is no Exception
        _log.exception(failure)
