"""One collection's data, held by the engine.

An optimiser would have its place here: it works in a child process on a copy of the folder (after a flush), since
`optimize()` holds the interpreter's lock for seconds; the shard logs what is written meanwhile, opens the copy,
replays the log and swaps it in.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Collection, Sequence
from pathlib import Path

import qdrant_edge as edge
from grpc import StatusCode

from .defaults import Config
from .ids import PointId
from .registry import StoredCollection
from .shard_config import edge_config
from .status import Refusal, internal, is_panic
from .vectors import NamedVectors, named_vectors, schema_of

_log = logging.getLogger(__name__)

_EVERYTHING = 2**31 - 1
"""A limit that no local collection reaches."""


class Shard:
    """A shard, opened on first use: an open one costs a load of 50 ms and 33 MB of file cache.

    Attributes:
        stored: what the registry says of the collection.
        schema: what its vectors have to look like.
    """

    def __init__(self, folder: Path, stored: StoredCollection, *, recovering: bool = False) -> None:
        """Name the shard; nothing is read.

        Args:
            folder: where its data is.
            stored: what the registry says of it.
            recovering: whether the last engine may have died with unflushed operations in the log.
        """
        self.stored = stored
        self.schema = schema_of(stored.config.params)
        self._folder = folder
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

    def create(self) -> None:
        """Make the shard's files."""
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        self._open = edge.EdgeShard.create(str(self._folder), edge_config(self.stored.config))

    def reconfigure(self, config: Config) -> None:
        """Take over a changed configuration; its vectors keep their names, sizes and distances."""
        before, self.stored.config = self.stored.config, config
        if not _matters(before, config):
            return
        known = self._operations if self._open is not None else None
        try:
            self.close()
            self._load()
        except BaseException:
            self.stored.config = before
            raise
        self._operations = self._operations if known is None else known

    def update(self, operation: edge.UpdateOperation) -> None:
        """Apply an operation that has been checked in full. It survives a crash of the process from here on."""
        engine = self.engine
        self._dirty = True
        self._operations += 1
        try:
            engine.update(operation)
        except BaseException as error:
            if not is_panic(error):
                raise
            engine.flush()  # takes the operation out of the log, which could not be replayed with it
            raise internal(f"the engine panicked: {error}") from error

    def flush(self) -> None:
        """Bring everything to the disk, if anything is not there yet."""
        if self._open is not None and self._dirty:
            self._open.flush()
            self._dirty = False

    def close(self) -> None:
        """Bring everything to the disk and let go of the files."""
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

    def _load(self) -> None:
        check_free(self._folder)
        self._open = edge.EdgeShard.load(str(self._folder), edge_config(self.stored.config))
        if self._recovering:
            self._open.flush()
            self._recovering = False
        self._operations = _logged_operations(self._folder)


def _matters(before: Config, after: Config) -> bool:
    """Whether a change is one for the engine; metadata is not its concern."""
    left, right = Config(), Config()
    left.CopyFrom(before)
    right.CopyFrom(after)
    left.ClearField("metadata")
    right.ClearField("metadata")
    return left != right


def check_free(folder: Path) -> None:
    """Raise unless no other program has the shard open."""
    wal = folder / "wal"
    if not wal.exists():
        return
    descriptor = os.open(wal, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Refusal(StatusCode.UNAVAILABLE, f"another program holds the engine's write-ahead log {wal}") from None
    finally:
        os.close(descriptor)


def _logged_operations(folder: Path) -> int:
    """How many operations a flushed shard has seen."""
    marker = folder / "wal" / "first-index"
    if not marker.exists():
        return 0
    last = json.loads(marker.read_bytes()).get("ack_index")
    return 0 if last is None else int(last) + 1
