"""One collection's data, held by the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import qdrant_edge as edge

from langchain_qdrant_async.engine.convert.edge_config import edge_config
from langchain_qdrant_async.engine.convert.ids import PointId
from langchain_qdrant_async.engine.convert.schema import dense_params, schema_of
from langchain_qdrant_async.engine.convert.vectors import NamedVectors, named_vectors
from langchain_qdrant_async.engine.shards.backlog import Backlog
from langchain_qdrant_async.engine.shards.files import check_free, digest, drop_quantization, logged_operations, opening
from langchain_qdrant_async.engine.shards.journal import Journal
from langchain_qdrant_async.engine.shards.registry import Closing, StoredCollection
from langchain_qdrant_async.engine.shards.room import (
    NEW_SHARD_BYTES,
    Refuge,
    Room,
    holes_bytes,
    refuge_for,
    taken_bytes,
)
from langchain_qdrant_async.engine.status import internal, is_panic
from langchain_qdrant_async.proto import collections

_EVERYTHING = 2**31 - 1
"""A limit that no local collection reaches."""
_PAYLOAD_BYTES = 1000
"""What a point is taken to weigh in a journal beside its vectors."""


Keep = Callable[["Shard", StoredCollection], None]


def _forget(shard: Shard, stored: StoredCollection) -> None:
    shard.stored = stored


class Size(NamedTuple):
    """How large a shard is, about."""

    points: int = 0
    """How many points it has."""
    size_bytes: int = 0
    """What they take on the disk."""
    indexed: bool = False
    """Whether most of their vectors have an index."""


class Shard:
    """A shard, opened on first use: an open one costs a load of 50 ms and 33 MB of file cache.

    Attributes:
        stored: what the registry says of the collection.
        schema: what its vectors have to look like.
        folder: where its data is.
        backlog: what there is to optimise.
        writable: cleared while its files may not change.
    """

    def __init__(
        self, folder: Path, stored: StoredCollection, touched: asyncio.Event, room: Room, keep: Keep = _forget
    ) -> None:
        """Name the shard; nothing is read.

        Args:
            folder: where its data is.
            stored: what the registry says of it.
            touched: set when there may be something new to optimise.
            room: that on the disk of the folder.
            keep: makes another `stored` the one that the registry holds.
        """
        self.stored = stored
        self.schema = schema_of(stored.config.params)
        self.folder = folder
        self.backlog = Backlog()
        self.writable = asyncio.Event()
        self.writable.set()
        self._journal: Journal | None = None
        self._touched = touched
        self._room = room
        self._keep = keep
        self._refuge: Refuge | None = None
        self._holes_bytes = 0
        self._size = Size()
        self._open: edge.EdgeShard | None = None
        self._operations = 0
        self._dirty = False

    @property
    def engine(self) -> edge.EdgeShard:
        """The open shard, for reading."""
        if self._open is None:
            self._load()
        return self._open  # type: ignore[return-value]

    @property
    def last_operation(self) -> int:
        """The number of the last operation, as the log counts them, from 0."""
        return max(self._operations - 1, 0)

    @property
    def size(self) -> Size:
        """How large it is, about: as at the last flush, and what was written since."""
        if self._open is None:
            self._load()
        return self._size

    @property
    def is_due(self) -> bool:
        """Whether there seems to be something to optimise. Nothing is known of a shard that nobody has used."""
        usable = self._open is not None and self._refuge is None
        return usable and self.backlog.is_due(self.stored.config, self._points)

    def create(self) -> None:
        """Make the shard's files."""
        self.folder.parent.mkdir(exist_ok=True)
        self._room.check(NEW_SHARD_BYTES)
        self._open = edge.EdgeShard.create(str(self.folder), edge_config(self.stored.config))
        self._holes_bytes = holes_bytes(self.folder)

    def reconfigure(self, before: collections.CollectionConfig) -> None:
        """Take over a configuration that was changed in `stored`; its vectors keep names, sizes and distances.

        Args:
            before: what it was.
        """
        if not _matters(before, self.stored.config):
            return
        known = self._operations if self._open is not None else None
        self.close()
        self._load()
        self._operations = self._operations if known is None else known
        self.backlog.request()

    def update(self, operation: edge.UpdateOperation, *, changed: int = 0, deleted: int = 0) -> None:
        """Apply an operation that has been checked in full. It survives a crash of the process from here on.

        Args:
            operation: what to do; by id, so that the copy of the shard that is being optimised can follow.
            changed: how many points it writes.
            deleted: how many points it deletes.
        """
        self.check_room(changed)
        engine = self._writable_engine()
        self._dirty = True
        self._operations += 1
        try:
            engine.update(operation)
        except BaseException as error:
            self._give_up("an operation failed")
            if not is_panic(error):
                raise
            engine.flush()  # takes the operation out of the log, which could not be replayed with it
            raise internal(f"the engine panicked: {error}") from error
        self._count(operation, changed, deleted)

    def check_room(self, changed: int) -> None:
        """Raise unless there is room on the disk for so many points more."""
        self._room.check(self._holes_bytes, self._bytes_of(changed))

    def flush(self) -> None:
        """Bring everything to the disk, if anything is not there yet."""
        if self._open is not None and self._dirty:
            self._open.flush()
            self._dirty = False
            self._measure()

    def close(self) -> None:
        """Bring everything to the disk and let go of the files."""
        self._give_up("the shard was closed")
        if self._open is not None:
            self._open.close()  # flushes
        if self._refuge is not None:
            self._refuge.close()
        self._open, self._refuge, self._dirty = None, None, False

    def closed(self) -> StoredCollection:
        """Close it; what is known of the collection then."""
        if self._refuge is not None:
            self.close()
        if self._open is not None:
            points = self._points()
            self.close()
            closed = Closing(points, logged_operations(self.folder), digest(self.folder))
            self.stored = replace(self.stored, closed=closed)
        return self.stored

    def present(self, ids: Sequence[PointId]) -> list[PointId]:
        """Those of the points that exist."""
        return [record.id for record in self.engine.retrieve(list(ids), with_payload=False, with_vector=False)]  # type: ignore[misc]

    def select(self, condition: edge.Filter) -> list[PointId]:
        """The points that a filter selects.

        Writes are never given to the engine by filter: after a crash it would replay them on other data than they
        saw, and lose acknowledged changes (3 of 60 random runs).
        """
        request = edge.ScrollRequest(limit=_EVERYTHING, filter=condition, with_payload=False, with_vector=False)
        return [record.id for record in self.engine.scroll(request)[0]]  # type: ignore[misc]

    def vectors(self, ids: Collection[PointId], name: str) -> dict[PointId, NamedVectors]:
        """One named vector of each of the points that exist."""
        records = self.engine.retrieve(list(ids), with_payload=False, with_vector=[name])
        return {record.id: named_vectors(record.vector) for record in records}  # type: ignore[misc]

    @contextmanager
    def journalled(self) -> Iterator[Journal]:
        """Note every operation from here on, for a copy of the files as they are now on the disk."""
        self.flush()
        self._journal = Journal()
        try:
            yield self._journal
        finally:
            self._journal = None

    def open_copy(self, folder: Path) -> edge.EdgeShard:
        """The optimised copy of this shard."""
        return edge.EdgeShard.load(str(folder), edge_config(self.stored.config))

    def adopt(self, folder: Path, engine: edge.EdgeShard) -> tuple[Path, edge.EdgeShard]:
        """Serve from another folder with the same content, which the registry names already; the former one."""
        former = self.folder, self.engine
        self.folder, self._open = folder, engine
        return former

    def _load(self) -> None:
        check_free(self.folder)
        with opening(self.folder):
            self._check_digest()
            self._refuge = refuge_for(self.folder)
            self._open = self._opened(self.folder if self._refuge is None else self._refuge.folder)
        self._measure()
        self.backlog.changed = _unindexed_points(self._open, self.stored.config)
        self._touched.set()

    def _check_digest(self) -> None:
        """Raise unless the files are as they were left, and do not expect it any more: opening alone changes them."""
        closed = self.stored.closed
        if closed is None or closed.digest is None:
            return
        if digest(self.folder) != closed.digest:
            raise ValueError("they are not as they were left")
        with suppress(OSError):  # a full disk
            self._keep(self, replace(self.stored, closed=replace(closed, digest=None)))

    def _opened(self, folder: Path) -> edge.EdgeShard:
        if not self.stored.config.HasField("quantization_config"):
            drop_quantization(folder)
        engine = edge.EdgeShard.load(str(folder), edge_config(self.stored.config))
        try:
            engine.flush()  # counts what was replayed
            self._operations = logged_operations(folder)
            if self.stored.closed is not None:
                self.stored.closed.check(engine.info().points_count, self._operations)
        except BaseException:
            engine.close()
            raise
        return engine

    def _writable_engine(self) -> edge.EdgeShard:
        """The open shard, in its own folder: there is room again."""
        if self._refuge is not None:
            self.close()
        return self.engine

    def _count(self, operation: edge.UpdateOperation, changed: int, deleted: int) -> None:
        self.backlog.add(changed=changed, deleted=deleted)
        points_count, size_bytes, indexed = self._size
        self._size = Size(points_count + changed, size_bytes + self._bytes_of(changed), indexed)
        self._touched.set()
        if self._journal is not None:
            self._journal.record(operation, self._bytes_of(changed))

    def _bytes_of(self, changed: int) -> int:
        """How much an operation weighs that writes so many points, about."""
        dense = dense_params(self.stored.config.params.vectors_config)
        return (changed + 1) * sum((params.size * 4 for params in dense.values()), _PAYLOAD_BYTES)

    def _measure(self) -> None:
        """See how large it is."""
        self._holes_bytes = holes_bytes(self.folder)
        info = self.engine.info()
        indexed = info.indexed_vectors_count * 2 > info.points_count
        self._size = Size(info.points_count, taken_bytes(self.folder), indexed)

    def _points(self) -> int:
        return self.engine.info().points_count

    def _give_up(self, reason: str) -> None:
        if self._journal is not None:
            self._journal.give_up(reason)


def _matters(before: collections.CollectionConfig, after: collections.CollectionConfig) -> bool:
    """Whether a change is one for the engine; metadata is not its concern."""
    left, right = collections.CollectionConfig(), collections.CollectionConfig()
    left.CopyFrom(before)
    right.CopyFrom(after)
    left.ClearField("metadata")
    right.ClearField("metadata")
    return left != right


def _unindexed_points(engine: edge.EdgeShard, config: collections.CollectionConfig) -> int:
    """How many points of a shard have no index, about: sparse vectors count as indexed, also of points that changed."""
    info = engine.info()
    names = len(dense_params(config.params.vectors_config))
    vectors = info.points_count * (names + len(config.params.sparse_vectors_config.map))
    return max(0, vectors - info.indexed_vectors_count) // max(names, 1)
