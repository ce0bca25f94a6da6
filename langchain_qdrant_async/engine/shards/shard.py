"""One collection's data, held by the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import qdrant_edge as edge

from langchain_qdrant_async.engine.convert.edge_config import edge_config
from langchain_qdrant_async.engine.convert.ids import PointId
from langchain_qdrant_async.engine.convert.schema import dense_params, schema_of
from langchain_qdrant_async.engine.convert.vectors import NamedVectors, named_vectors
from langchain_qdrant_async.engine.shards.backlog import Backlog
from langchain_qdrant_async.engine.shards.files import check_free, drop_quantization, logged_operations
from langchain_qdrant_async.engine.shards.journal import Journal
from langchain_qdrant_async.engine.shards.registry import StoredCollection
from langchain_qdrant_async.engine.status import internal, is_panic
from langchain_qdrant_async.proto import collections

_EVERYTHING = 2**31 - 1
"""A limit that no local collection reaches."""
_PAYLOAD_BYTES = 1000
"""What a point is taken to weigh in a journal beside its vectors."""


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
        self, folder: Path, stored: StoredCollection, touched: asyncio.Event, *, recovering: bool = False
    ) -> None:
        """Name the shard; nothing is read.

        Args:
            folder: where its data is.
            stored: what the registry says of it.
            touched: set when there may be something new to optimise.
            recovering: whether the last engine may have died with unflushed operations in the log.
        """
        self.stored = stored
        self.schema = schema_of(stored.config.params)
        self.folder = folder
        self.backlog = Backlog()
        self.writable = asyncio.Event()
        self.writable.set()
        self._journal: Journal | None = None
        self._touched = touched
        self._recovering = recovering
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
    def is_due(self) -> bool:
        """Whether there seems to be something to optimise. Nothing is known of a shard that nobody has used."""
        return self._open is not None and self.backlog.is_due(self.stored.config, self._points)

    def create(self) -> None:
        """Make the shard's files."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self._open = edge.EdgeShard.create(str(self.folder), edge_config(self.stored.config))

    def reconfigure(self, config: collections.CollectionConfig) -> None:
        """Take over a changed configuration; its vectors keep their names, sizes and distances."""
        before, self.stored.config = self.stored.config, config
        if not _matters(before, config):
            return
        known = self._operations if self._open is not None else None
        try:
            self.close()
            if not config.HasField("quantization_config"):
                drop_quantization(self.folder)
            self._load()
        except BaseException:
            self.stored.config = before
            raise
        self._operations = self._operations if known is None else known
        self.backlog.request()

    def update(self, operation: edge.UpdateOperation, *, changed: int = 0, deleted: int = 0) -> None:
        """Apply an operation that has been checked in full. It survives a crash of the process from here on.

        Args:
            operation: what to do; by id, so that the copy of the shard that is being optimised can follow.
            changed: how many points it writes.
            deleted: how many points it deletes.
        """
        engine = self.engine
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

    def flush(self) -> None:
        """Bring everything to the disk, if anything is not there yet."""
        if self._open is not None and self._dirty:
            self._open.flush()
            self._dirty = False

    def close(self) -> None:
        """Bring everything to the disk and let go of the files."""
        self._give_up("the shard was closed")
        if self._open is not None:
            self._open.close()  # flushes
        self._open, self._dirty = None, False

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
        """Serve from another folder with the same content; the former one. The registry is to be published."""
        former = self.folder, self.engine
        self.folder, self._open, self.stored.folder = folder, engine, folder.name
        return former

    def _load(self) -> None:
        check_free(self.folder)
        self._open = edge.EdgeShard.load(str(self.folder), edge_config(self.stored.config))
        if self._recovering:
            self._open.flush()
            self._recovering = False
        self._operations = logged_operations(self.folder)
        self.backlog.changed = _unindexed_points(self._open, self.stored.config)
        self._touched.set()

    def _count(self, operation: edge.UpdateOperation, changed: int, deleted: int) -> None:
        self.backlog.add(changed=changed, deleted=deleted)
        self._touched.set()
        if self._journal is not None:
            self._journal.record(operation, (changed + 1) * self._point_bytes())

    def _point_bytes(self) -> int:
        dense = dense_params(self.stored.config.params.vectors_config)
        return sum((params.size * 4 for params in dense.values()), _PAYLOAD_BYTES)

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
