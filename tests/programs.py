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


def run_program(source: str, *options: str, interrupt_after_s: float | None = None, **environment: str) -> Ended:
    """Run a program, which calls `mark()` when its end begins, or when it is to be interrupted."""
    command = [sys.executable, "-P", *options, "-c", _HEAD + source]
    known = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return watch(command, known, interrupt_after_s)


def watch(command: list[str], environment: dict[str, str], interrupt_after_s: float | None = None) -> Ended:
    """Run a command to its end, and send it Ctrl-C after its mark if asked for."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd="/"
    )
    killer = threading.Timer(PATIENCE_S, process.kill)
    killer.start()
    try:
        assert process.stdout is not None
        said = list(iter(lambda: _line(process), ""))
        if interrupt_after_s is not None:
            time.sleep(interrupt_after_s)
            process.send_signal(signal.SIGINT)
        marked = time.monotonic()
        rest, complained = process.communicate()
    finally:
        killer.cancel()
    return Ended(process.returncode, "".join(said) + rest, complained, time.monotonic() - marked)


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    return "" if line.strip() == MARK else line
