"""What is done to files on the disk, beside what the engine does to them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def sync(paths: Iterable[Path]) -> None:
    """Bring files, and the entries of folders, to the disk."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
