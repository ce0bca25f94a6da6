"""`python -m langchain_qdrant_async.engine.optimise.indexer FOLDER ENGINE_PID`: index and quantise a folder's shard.

The engine starts it on a copy of a shard: `optimize()` holds the interpreter's lock for as long as it works. It knows
nothing of gRPC, so that it starts fast, and is as patient as the system lets it be.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

from langchain_qdrant_async.engine.shards.disk import sync

OPTIMISED = 0
UNCHANGED = 10
"""Exit code: there was nothing to do."""

_NICENESS = 10
_PR_SET_PDEATHSIG = 1
"""Source: `linux/prctl.h`."""


def main(folder: Path, engine: int) -> int:
    """Optimise, and bring every file to the disk; the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for the engine, which ends this process itself
    os.nice(_NICENESS)
    _end_with(engine)

    import qdrant_edge as edge

    shard = edge.EdgeShard.load(str(folder))
    changed = shard.optimize()
    shard.close()
    if not changed:
        return UNCHANGED
    sync([*folder.rglob("*"), folder, folder.parent])
    return OPTIMISED


def _end_with(engine: int) -> None:
    """Be killed when the engine is. Elsewhere than on Linux, work on in a folder that the next engine removes."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != engine:
        sys.exit(1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
