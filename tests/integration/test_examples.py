"""Every example is a complete program: it runs from its file, without a network, and prints what it promises."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = {
    "quickstart": [
        "1.00  mercury: Mercury is the smallest planet.",
        "recent food: bread",
        "left: ['bread', 'mercury']",
    ],
    "rag_chain": ["Coffee is on the second floor."],
    "sync_usage": ["found ['red', 'green', 'blue']", "left: []"],
    "tutorial": ["NOT_FOUND", "ef_construct: 200", "int_param == 32: [32]", "scrolled: 100 points", "dropped: True"],
}
SERVERS = {"fastapi_app"}


def test_all_of_them_are_run() -> None:
    there = {path.stem for path in (ROOT / "examples").glob("*.py")} - {"__init__"}
    assert there == {*EXAMPLES, *SERVERS}


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_runs_and_warns_of_nothing(name: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / f"{name}.py")]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    for expected in EXAMPLES[name]:
        assert expected in ended.stdout
