"""A copy of a shard's folder that takes no more room than the original, made beside the event loop."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

_CHUNK_BYTES = 256 * 1024
_ZEROS = bytes(_CHUNK_BYTES)
_GROWTH = 3
"""What an optimisation may need beside the original, as a multiple of it: the copy, its new segments, its log."""
_RESERVE_BYTES = 128 * 2**20


class CopyCancelled(Exception):
    """Nobody wants the copy any more."""


def copy_folder(source: Path, target: Path, cancelled: threading.Event) -> None:
    """Copy a folder that nobody writes to. Blocks, so it runs in a thread; no call holds the interpreter's lock.

    Holes stay holes: an empty collection takes 0.1 MB of its apparent 136 MB.

    Raises:
        CopyCancelled: `cancelled` was set; the half copy stays.
    """
    target.mkdir()
    for entry in sorted(source.iterdir()):
        if entry.is_dir():
            copy_folder(entry, target / entry.name, cancelled)
        else:
            _copy_file(entry, target / entry.name, cancelled)


def allocated_bytes(folder: Path) -> int:
    """The room that a folder's files take."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def missing_bytes(folder: Path) -> int:
    """How much room its disk lacks for an optimised copy of a folder; 0 if there is enough."""
    needed = allocated_bytes(folder) * _GROWTH + _RESERVE_BYTES
    return max(0, needed - shutil.disk_usage(folder).free)


def _copy_file(source: Path, target: Path, cancelled: threading.Event) -> None:
    with source.open("rb", buffering=0) as reader, target.open("xb", buffering=0) as writer:
        size = os.fstat(reader.fileno()).st_size
        writer.truncate(size)
        for offset, length in _pieces(reader.fileno(), size):
            if cancelled.is_set():
                raise CopyCancelled
            piece = os.pread(reader.fileno(), length, offset)
            if piece != _ZEROS[: len(piece)]:
                _write(writer.fileno(), piece, offset)


def _write(file: int, piece: bytes, offset: int) -> None:
    rest = memoryview(piece)
    while rest:
        written = os.pwrite(file, rest, offset)
        rest, offset = rest[written:], offset + written


def _pieces(file: int, size: int) -> Iterator[tuple[int, int]]:
    """Offset and length of everything in a file that may be other than zeros, in pieces."""
    for start, end in _extents(file, size):
        for offset in range(start, end, _CHUNK_BYTES):
            yield offset, min(_CHUNK_BYTES, end - offset)


def _extents(file: int, size: int) -> Iterator[tuple[int, int]]:
    position = 0
    while position < size:
        try:
            position = os.lseek(file, position, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:  # no data after this
                raise
            return
        end = os.lseek(file, position, os.SEEK_HOLE)
        yield position, end
        position = end
