"""Starting an engine: what is asked for, and what a failure says."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from langchain_qdrant_async import EngineError
from langchain_qdrant_async.transport.child import EngineChild, end_of
from langchain_qdrant_async.transport.starting import Start, join_served


def test_a_failure_says_what_was_tried_and_how_the_log_ends(tmp_path: Path) -> None:
    (tmp_path / "engine.log").write_text("x" * 3_000 + "\nthe reason\n")
    child = EngineChild(tmp_path, ephemeral=True)
    child.start()
    child.end()
    said = str(child.failure("it is so"))
    assert "could not be started: it is so" in said
    assert f"Tried: {sys.executable} -P -m langchain_qdrant_async.engine --ephemeral {tmp_path}" in said
    assert said.endswith("the reason")
    assert "x" * 2_000 not in said


def test_an_engine_that_was_never_started_is_not_on_its_way(tmp_path: Path) -> None:
    child = EngineChild(tmp_path, ephemeral=False)
    child.check()
    assert not child.on_its_way()


@pytest.mark.parametrize("content", [b"", b"no json", b'{"lease": "/nowhere/lease.sock"}'])
def test_a_lock_file_that_leads_nowhere_is_passed_over(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "engine.lock").write_bytes(content)
    assert join_served(tmp_path, time.monotonic() + 1) is None


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EngineError, match="the folder cannot be made"):
        Start(tmp_path / "file", ephemeral=False, timeout_s=1).run()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (1, "ended with exit code 1"),
        (4, "ended with exit code 4: another process holds the folder's lock and does not serve"),
        (-7, "was ended by SIGBUS"),
        (-9, "was ended by SIGKILL"),
        (-99, "was ended by signal 99"),
    ],
)
def test_the_end_of_an_engine_in_words(code: int, words: str) -> None:
    assert end_of(code) == words
