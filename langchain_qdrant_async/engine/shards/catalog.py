"""The collections of a folder: names and aliases -> shards."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from grpc import StatusCode

from langchain_qdrant_async.engine.shards.folders import Folders
from langchain_qdrant_async.engine.shards.names import check_name, check_new_name
from langchain_qdrant_async.engine.shards.registry import Registry, StoredCollection
from langchain_qdrant_async.engine.shards.room import RESERVE_BYTES, Room, Spare
from langchain_qdrant_async.engine.shards.shard import Shard
from langchain_qdrant_async.engine.status import Refusal, absent_collection, not_found, wrong_input
from langchain_qdrant_async.proto import collections

_log = logging.getLogger(__name__)


class Catalog:
    """Everything that one engine serves. The registry changes first, then what is in memory, so both or neither do.

    Attributes:
        folders: where the shards' data is.
        touched: set when there may be something new to optimise in any shard.
    """

    def __init__(self, folder: Path, reserve_bytes: int = RESERVE_BYTES) -> None:
        """Read the registry and check that nobody else holds the data.

        Args:
            folder: the engine's folder.
            reserve_bytes: what is to be left free on its disk.

        Raises:
            Refusal: another program holds a shard, or the registry is damaged or missing.
        """
        self.folders = Folders(folder)
        self._room = Room(folder, reserve_bytes)
        self._spare = Spare(folder)
        self._registry = Registry(folder / "registry.json")
        self.touched = asyncio.Event()
        known = self._registry.present.collections
        self._shards = {name: self._shard(stored) for name, stored in known.items()}
        self.folders.sweep({stored.folder for stored in known.values()}, registered=self._registry.found)
        self._spare.give_up_if_needed()

    @property
    def names(self) -> list[str]:
        """The collections, sorted."""
        return sorted(self._shards)

    @property
    def aliases(self) -> Mapping[str, str]:
        """Which collection each alias means."""
        return self._registry.present.aliases

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
        shard = self._shard(StoredCollection(self.folders.new().name, config))
        try:
            shard.create()
            self._registry.publish(self._registry.present.with_collection(name, shard.stored))
        except BaseException:
            self._drop(shard)
            self._registry.check()
            raise
        self._shards[name] = shard
        self.folders.settle(shard.folder)

    def delete(self, name: str) -> bool:
        """Drop a collection by its own name, and its aliases. False if there is none."""
        check_name(name)
        if name not in self._shards:
            return False
        self.folders.mark(self._shards[name].folder)
        self._registry.publish(self._registry.present.without_collection(name))
        self._drop(self._shards.pop(name))
        return True

    def alias(self, aliases: Mapping[str, str]) -> None:
        """Have these aliases, and no others."""
        self._registry.publish(replace(self._registry.present, aliases=aliases))

    def reconfigure(self, shard: Shard, config: collections.CollectionConfig) -> None:
        """Give a collection another configuration; its vectors keep their names, sizes and distances."""
        before = shard.stored
        with self.changing(shard, replace(before, config=config, closed=None)):
            shard.reconfigure(before.config)

    @contextlib.contextmanager
    def changing(self, shard: Shard, stored: StoredCollection) -> Iterator[None]:
        """Keep another state of a collection while the body changes its shard; if that fails, take it back."""
        before = shard.stored
        self.keep(shard, stored)
        try:
            yield
        except BaseException:
            with _logged("failed to take back a change of the registry"):
                self.keep(shard, before)
            raise

    def keep(self, shard: Shard, stored: StoredCollection) -> None:
        """Make a state of a collection the one that is found after a crash, and then that of its shard."""
        name = next(name for name, each in self._shards.items() if each is shard)
        self._registry.publish(self._registry.present.with_collection(name, stored))
        shard.stored = stored

    def flush(self) -> None:
        """Bring everything to the disk."""
        for name, shard in self._shards.items():
            with _logged(f"failed to flush collection {name!r}"):
                shard.flush()

    def close(self) -> None:
        """Bring everything to the disk, note what it is, and let go of the files; nothing is being removed any more."""
        state = self._registry.present
        for name, shard in self._shards.items():
            with _logged(f"failed to close collection {name!r}"):
                state = state.with_collection(name, shard.closed())
        with _logged("failed to note what the collections held"):
            self._registry.publish(state)
        self.folders.wait()
        self._spare.keep()

    def check_with(self, check: Callable[[], None]) -> None:
        """Call this before anything is published; it raises if the folder is not the engine's any more."""
        self._registry.check = check

    def _shard(self, stored: StoredCollection) -> Shard:
        return Shard(self.folders.of(stored.folder), stored, self.touched, self._room, self.keep)

    def _drop(self, shard: Shard) -> None:
        with _logged("failed to close what is being dropped"):
            shard.close()
        self.folders.discard(shard.folder)


@contextlib.contextmanager
def _logged(failure: str) -> Iterator[None]:
    """Log an error and go on: the other collections must not suffer from it."""
    try:
        yield
    except BaseException:  # noqa: BLE001  a panic of the engine is no Exception
        _log.exception(failure)
