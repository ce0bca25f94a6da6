"""CPU seconds of `langchain-qdrant-async search` over the demo's collection, which must be there: median of five runs.

python -m tests.benchmark.command_line
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys

_PROGRAM = "from langchain_qdrant_async.cli.app import main; main()"
_RUNS = 5


def main() -> None:
    taken = [_cpu_s() for _ in range(_RUNS)]
    print(f"search: {statistics.median(taken):.2f} s of CPU (median of {_RUNS}, {min(taken):.2f} to {max(taken):.2f})")


def _cpu_s() -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", _PROGRAM, "search", "run blocking code without blocking the loop"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
