"""Programs of their own, watched to their end: what they said, how they ended, and how long that took."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATIENCE_S = 60.0
MARK = "the end begins"
"""What a program prints when its end is to be timed."""
_HEAD = f"""
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # may be ignored by inheritance
def mark():
    print({MARK!r}, flush=True)
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended."""

    code: int
    """Its exit code."""
    said: str
    """On stdout."""
    complained: str
    """On stderr."""
    took_s: float
    """Seconds from its mark to its end."""


def run_program(source: str, *arguments: str, ctrl_c: bool = False) -> Ended:
    """Run a program, which calls `mark()` when its end begins, or when it and its children are to hear of Ctrl-C."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _HEAD + source, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd="/",
        start_new_session=True,
    )
    killer = threading.Timer(PATIENCE_S, process.kill)
    killer.start()
    try:
        assert process.stdout is not None
        said = list(iter(lambda: _line(process), ""))
        if ctrl_c:
            os.killpg(process.pid, signal.SIGINT)
        marked = time.monotonic()
        rest, complained = process.communicate()
    finally:
        killer.cancel()
    return Ended(process.returncode, "".join(said) + rest, complained, time.monotonic() - marked)


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    return "" if line.strip() == MARK else line
