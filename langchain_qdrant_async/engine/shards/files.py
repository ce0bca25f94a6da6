"""The files of a shard, as far as they are of interest to others than the engine."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

from grpc import StatusCode

from langchain_qdrant_async.engine.status import Refusal, data_loss, is_panic, refusal_of

_DIGESTED_BYTES = 2**20
"""Of each file: what a collection holds grows without bound, and the time to open it should not."""


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


@contextlib.contextmanager
def opening(folder: Path) -> Iterator[None]:
    """Say of an error in the body that the files of a shard could not be read."""
    try:
        yield
    except BaseException as error:
        full = refusal_of(error).code is StatusCode.RESOURCE_EXHAUSTED
        if full or not (is_panic(error) or isinstance(error, Exception)):
            raise
        raise data_loss(f"the collection's files in {folder} are damaged or missing: {error}") from error


def drop_quantization(folder: Path) -> None:
    """Have the engine forget its quantisation: it keeps what a load leaves unsaid."""
    path = folder / "edge_config.json"
    kept = json.loads(path.read_bytes()) if path.exists() else {}
    if kept.get("quantization_config"):
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(kept | {"quantization_config": None}))
        draft.replace(path)


def digest(folder: Path) -> int:
    """A checksum of a closed shard's segments: the names and sizes of their files, and how each of these begins."""
    found = 0
    for path in sorted(path for path in (folder / "segments").rglob("*") if path.is_file()):
        found = zlib.crc32(f"{path.relative_to(folder)} {path.stat().st_size}".encode(), found)
        with path.open("rb", buffering=0) as file:
            found = zlib.crc32(file.read(_DIGESTED_BYTES), found)
    return found


def logged_operations(folder: Path) -> int:
    """How many operations a flushed shard has seen."""
    marker = folder / "wal" / "first-index"
    if not marker.exists():
        return 0
    last = json.loads(marker.read_bytes()).get("ack_index")
    return 0 if last is None else int(last) + 1
