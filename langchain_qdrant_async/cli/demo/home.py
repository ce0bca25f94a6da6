"""Where the demo keeps its data, and under which name."""

from __future__ import annotations

import os
import sys
from pathlib import Path

COLLECTION = f"python-{sys.version_info.major}-{sys.version_info.minor}-docstrings"
"""One for each Python, since each has its own library."""


def default_folder() -> Path:
    """Where the demo keeps its data unless told otherwise: in the user's data folder."""
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "langchain-qdrant-async" / "demo"
