"""Copies of folders with holes."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from langchain_qdrant_async.engine.shards.copies import CopyCancelled, allocated_bytes, copy_folder, missing_bytes

_MEGABYTE = 2**20


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "segments" / "one").mkdir(parents=True)
    (folder / "segments" / "empty").mkdir()
    (folder / "segments" / "one" / "nothing").touch()
    (folder / "config.json").write_text("{}")
    (folder / "zeros").write_bytes(bytes(3 * _MEGABYTE))
    with (folder / "wal").open("wb") as file:
        file.write(b"begin")
        file.seek(8 * _MEGABYTE)
        file.write(b"end" * 100_000)
        file.truncate(32 * _MEGABYTE)
    return folder


def test_a_copy_is_the_same_and_keeps_holes(source: Path, tmp_path: Path) -> None:
    copy_folder(source, tmp_path / "copy", threading.Event())
    assert contents(tmp_path / "copy") == contents(source)
    assert (tmp_path / "copy" / "segments" / "empty").is_dir()
    assert allocated_bytes(tmp_path / "copy") < 2 * _MEGABYTE


def test_a_copy_that_nobody_wants_ends(source: Path, tmp_path: Path) -> None:
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(CopyCancelled):
        copy_folder(source, tmp_path / "copy", cancelled)


def test_a_copy_never_overwrites(source: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    with pytest.raises(FileExistsError):
        copy_folder(source, tmp_path / "copy", threading.Event())


def test_room_for_a_small_folder(source: Path) -> None:
    assert missing_bytes(source) == 0
