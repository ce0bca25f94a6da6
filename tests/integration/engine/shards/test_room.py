"""On a full disk writes are refused, and reading goes on: also after a new start."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from grpc import StatusCode

from langchain_qdrant_async.engine.operations import writes
from langchain_qdrant_async.engine.operations.configuration import new_configuration
from langchain_qdrant_async.engine.shards.catalog import Catalog
from langchain_qdrant_async.engine.status import Refusal, refusal_of
from langchain_qdrant_async.proto import collections, points
from tests.engine_messages import dense_config, point, serving

CONFIG = new_configuration(collections.CreateCollection(vectors_config=dense_config(2)))
MORE_THAN_THERE_IS = 2**60
DISK_BYTES = 200 * 2**20


def test_without_room_nothing_is_written_and_all_can_be_read(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    fill(catalog)
    catalog.close()
    full = Catalog(tmp_path, reserve_bytes=MORE_THAN_THERE_IS)
    assert_refused(full)
    with pytest.raises(Refusal, match="the disk is full"):
        full.create("other", CONFIG)
    assert full.names == ["docs"]
    assert full.delete("docs")
    full.close()
    assert not list((tmp_path / "collections").iterdir())


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), Exception("x: No space left on device")])
def test_an_error_for_want_of_room_says_so(error: Exception) -> None:
    assert refusal_of(error).code is StatusCode.RESOURCE_EXHAUSTED


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, where it can be had."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(disk)]
    if os.geteuid() or not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def test_a_disk_that_others_fill_ends_neither_reading_nor_the_engine(small_disk: Path) -> None:
    (small_disk / "engine").mkdir()
    catalog = Catalog(small_disk / "engine")
    fill(catalog)
    catalog.close()
    catalog = Catalog(small_disk / "engine")
    occupy(small_disk / "others")
    assert_refused(catalog)
    catalog.close()
    with serving(small_disk / "engine") as engine:
        assert engine.stop() == 0
    again = Catalog(small_disk / "engine")
    assert_refused(again)
    (small_disk / "others").unlink()
    writes.upsert(again.shard("docs"), points.UpsertPoints(points=[point(2, [1.0, 0.0])]))
    assert count(again) == 2
    again.close()


def fill(catalog: Catalog) -> None:
    catalog.create("docs", CONFIG)
    writes.upsert(catalog.shard("docs"), points.UpsertPoints(points=[point(1, [1.0, 0.0])]))


def assert_refused(catalog: Catalog) -> None:
    with pytest.raises(Refusal, match="the disk is full: .* reading goes on") as refusal:
        writes.upsert(catalog.shard("docs"), points.UpsertPoints(points=[point(9, [1.0, 0.0])]))
    assert refusal.value.code is StatusCode.RESOURCE_EXHAUSTED
    assert count(catalog) == 1


def count(catalog: Catalog) -> int:
    return catalog.shard("docs").engine.info().points_count


def occupy(file: Path) -> None:
    with file.open("wb", buffering=0) as writer:
        while True:
            try:
                writer.write(bytes(2**16))
            except OSError:
                return
