"""The files of a shard, as far as they are of interest to others than the engine."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

from grpc import StatusCode

from langchain_qdrant_async.engine.status import Refusal


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


def drop_quantization(folder: Path) -> None:
    """Have the engine forget its quantisation: it keeps what a load leaves unsaid."""
    path = folder / "edge_config.json"
    kept = json.loads(path.read_bytes()) if path.exists() else {}
    if kept.get("quantization_config"):
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(kept | {"quantization_config": None}))
        draft.replace(path)


def logged_operations(folder: Path) -> int:
    """How many operations a flushed shard has seen."""
    marker = folder / "wal" / "first-index"
    if not marker.exists():
        return 0
    last = json.loads(marker.read_bytes()).get("ack_index")
    return 0 if last is None else int(last) + 1
