"""Whether a disk has room for what the engine is about to do.

The engine writes through mapped memory: where the disk is full, that is no error but the end of the process (SIGBUS).
So there has to be room before it is asked to write: for the holes in a shard's files, which any write may fill, and
for what is written.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from langchain_qdrant_async.engine.shards.copies import copy_folder
from langchain_qdrant_async.engine.status import disk_full
from langchain_qdrant_async.ownership import open_ours

_log = logging.getLogger(__name__)

RESERVE_BYTES = 32 * 2**20
"""What is left free on the disk: the registry and one more segment of a log have to fit."""
NEW_SHARD_BYTES = 136 * 2**20
"""The files of an empty shard, holes included."""
_SPARE_BYTES = 64 * 2**10
"""Of a spare: the lock, the log and the registry of an engine that starts on a full disk."""
_GROWTH = 4
"""What is written takes this much of its size: in the log, in the segment, in indexes."""


class Room:
    """The room on the disk of a folder."""

    def __init__(self, folder: Path, reserve_bytes: int = RESERVE_BYTES) -> None:
        """Nothing is looked at yet.

        Args:
            folder: any folder on the disk.
            reserve_bytes: what is to be left free.
        """
        self._folder = folder
        self._reserve_bytes = reserve_bytes

    def check(self, holes_bytes: int, written_bytes: int = 0) -> None:
        """Raise unless there is room for a write.

        Args:
            holes_bytes: the holes in the files that are written to.
            written_bytes: how much is written.

        Raises:
            Refusal: there is less room.
        """
        needed, free = self._reserve_bytes + holes_bytes + written_bytes * _GROWTH, free_bytes(self._folder)
        if free < needed:
            raise disk_full(f"{free >> 20} MB are free, and a write needs {needed >> 20} MB; reading goes on")


class Spare:
    """A file of no content that takes some room, so that a start on a full disk has it."""

    def __init__(self, folder: Path) -> None:
        """Name it.

        Args:
            folder: the engine's.
        """
        self._path = folder / "spare"

    def keep(self) -> None:
        """Take the room, if there is any."""
        with contextlib.suppress(OSError), open(self._path, "xb", opener=open_ours) as file:
            file.write(bytes(_SPARE_BYTES))

    def give_up_if_needed(self) -> None:
        """Give the room to what starts, if there is no other."""
        if free_bytes(self._path.parent) < _SPARE_BYTES:
            self._path.unlink(missing_ok=True)


class Refuge:
    """A copy of a shard on another disk, to read from while its own has no room for the holes in its files."""

    def __init__(self, folder: Path) -> None:
        """Make the copy.

        Args:
            folder: the shard's; as it was left.

        Raises:
            OSError: there is no room for it either.
        """
        self._temporary = tempfile.TemporaryDirectory(prefix="langchain-qdrant-async-full-")
        self.folder = Path(self._temporary.name) / folder.name
        try:
            copy_folder(folder, self.folder, threading.Event())
        except BaseException:
            self.close()
            raise
        _log.warning("the disk of %s is full: it is read from a copy, and cannot be written to", folder)

    def close(self) -> None:
        """Remove the copy."""
        self._temporary.cleanup()


def refuge_for(folder: Path) -> Refuge | None:
    """Where to read a shard from if its disk is full and another has room."""
    holes = holes_bytes(folder)
    if free_bytes(folder) >= holes:
        return None
    if free_bytes(Path(tempfile.gettempdir())) < RESERVE_BYTES + sum(each.st_size for each in _files(folder)):
        _log.warning("the disk of %s is full, and so is that of temporary files", folder)
        return None
    return Refuge(folder)


def free_bytes(folder: Path) -> int:
    """The room on the disk of a folder."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def holes_bytes(folder: Path) -> int:
    """How much the files of a folder may grow without getting longer."""
    return sum(max(0, each.st_size - each.st_blocks * 512) for each in _files(folder))


def taken_bytes(folder: Path) -> int:
    """The room that the files of a folder take."""
    return sum(each.st_blocks * 512 for each in _files(folder))


def _files(folder: Path) -> Iterator[os.stat_result]:
    """What is known of each file, but of those that go meanwhile: the log prepares its next one aside."""
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISREG((found := path.stat()).st_mode):
                yield found
