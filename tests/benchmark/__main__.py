"""Run benchmarks: `python -m tests.benchmark [NAME ...]`, all of them without a name. Each can be run alone, too."""

from __future__ import annotations

import argparse
import subprocess
import sys

from tests.benchmark.cranfield import FOLDER

NAMES = ("embedding_sharing", "embedding_quality", "retrieval", "overload", "hostile")
ON_CRANFIELD = {"embedding_quality", "retrieval"}


def main() -> int:
    """The exit code: of the first that failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    names = parser.parse_args().names or NAMES
    for name in names:
        if name not in NAMES:
            parser.error(f"no benchmark {name!r}; there are {', '.join(NAMES)}")
        print(f"── {name} ──", flush=True)
        if name in ON_CRANFIELD and not FOLDER.exists():
            print(f"skipped: the Cranfield collection is not in {FOLDER}; CRANFIELD_DIR names another folder")
        elif code := subprocess.run([sys.executable, "-m", f"tests.benchmark.{name}"], check=False).returncode:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
