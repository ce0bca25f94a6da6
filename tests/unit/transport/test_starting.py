"""Starting an engine: what is asked for, and what a failure says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from langchain_qdrant_async import EngineError
from langchain_qdrant_async.transport.starting import EngineChild, Start


def test_a_failure_says_what_was_tried_and_how_the_log_ends(tmp_path: Path) -> None:
    (tmp_path / "engine.log").write_text("x" * 3_000 + "\nthe reason\n")
    said = str(EngineChild(tmp_path, ephemeral=True).failure("it is so"))
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
    assert Start(tmp_path, ephemeral=False, timeout_s=1)._joined() is None


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EngineError, match="the folder cannot be made"):
        Start(tmp_path / "file", ephemeral=False, timeout_s=1).run()
