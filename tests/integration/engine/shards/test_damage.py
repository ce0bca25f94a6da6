"""Files that are not as they were left are noticed: a collection never has fewer points without a word."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from grpc import StatusCode

from langchain_qdrant_async.engine.operations import writes
from langchain_qdrant_async.engine.operations.configuration import new_configuration
from langchain_qdrant_async.engine.shards.catalog import Catalog
from langchain_qdrant_async.engine.shards.copies import copy_folder
from langchain_qdrant_async.engine.status import Refusal
from langchain_qdrant_async.proto import collections, points
from tests.engine_messages import dense_config, point, selected

COUNT = 100
FILES = (
    "registry.json",
    "collections/*/edge_config.json",
    "collections/*/wal/first-index",
    "collections/*/wal/open-1",
    "collections/*/segments/*/segment.json",
    "collections/*/segments/*/mutable_id_tracker.mappings",
    "collections/*/segments/*/mutable_id_tracker.versions",
    "collections/*/segments/*/payload_storage/page_0.dat",
    "collections/*/segments/*/payload_storage/tracker.dat",
    "collections/*/segments/*/vector_storage/vectors/chunk_0.mmap",
    "collections/*/segments/*/vector_storage/deleted/flags_a.dat",
)


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def zero(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(min(path.stat().st_size, 2**16)))


def flip(path: Path) -> None:
    with path.open("r+b") as file:
        content = bytearray(file.read(2**16))
        written = [offset for offset, byte in enumerate(content) if byte] or [0]
        content[written[len(written) // 2]] ^= 255
        file.seek(0)
        file.write(content)


def remove(path: Path) -> None:
    path.unlink()


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an engine that was closed, with one collection."""
    folder = tmp_path_factory.mktemp("engine")
    catalog = Catalog(folder)
    catalog.create("docs", new_configuration(collections.CreateCollection(vectors_config=dense_config(2))))
    shard = catalog.shard("docs")
    given = [point(number, [1.0, float(number)], n=number) for number in range(COUNT + 1)]
    writes.upsert(shard, points.UpsertPoints(points=given))
    writes.delete(shard, points.DeletePoints(points=selected(COUNT)))
    catalog.close()
    return folder


@pytest.fixture
def copied(closed: Path, tmp_path: Path) -> Path:
    copy_folder(closed, tmp_path / "copy", threading.Event())
    return tmp_path / "copy"


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("damage", [truncate, zero, flip, remove])
def test_damage_is_an_error_or_does_no_harm(copied: Path, file: str, damage: Callable[[Path], None]) -> None:
    (path,) = copied.glob(file)
    damage(path)
    assert_noticed(copied)


def test_a_missing_folder_is_an_error(copied: Path) -> None:
    (path,) = copied.glob("collections/*")
    path.rename(copied / "elsewhere")
    with pytest.raises(Refusal, match="damaged or missing"):
        held(copied)
    assert not path.exists()


def test_a_damaged_collection_can_be_dropped_and_the_others_be_used(copied: Path) -> None:
    (path,) = copied.glob("collections/*/segments/*/mutable_id_tracker.mappings")
    truncate(path)
    catalog = Catalog(copied)
    catalog.create("other", new_configuration(collections.CreateCollection(vectors_config=dense_config(2))))
    writes.upsert(catalog.shard("other"), points.UpsertPoints(points=[point(1, [1.0, 0.0])]))
    with pytest.raises(Refusal, match="not as they were left"):
        catalog.shard("docs").engine.info()
    assert catalog.delete("docs")
    catalog.close()
    assert Catalog(copied).names == ["other"]


def test_files_that_nobody_damaged_are_as_they_were_left(copied: Path) -> None:
    for _ in range(2):
        assert held(copied) == COUNT
        assert refusal_to_open(copied) is None  # and as an engine leaves them that is killed


def assert_noticed(folder: Path) -> None:
    """Unless nothing is missing."""
    if (refusal := refusal_to_open(folder)) is None:
        assert held(folder) == COUNT
    else:
        assert refusal.code is StatusCode.DATA_LOSS
        assert str(folder) in refusal.message


def refusal_to_open(folder: Path) -> Refusal | None:
    try:
        Catalog(folder).shard("docs").engine.close()
    except Refusal as refusal:
        return refusal
    return None


def held(folder: Path) -> int:
    """How many points it has; the rest of their content is read, too."""
    catalog = Catalog(folder)
    try:
        records = catalog.shard("docs").engine.retrieve(list(range(COUNT)), with_payload=True, with_vector=True)
        assert all(record.payload == {"n": record.id} for record in records)
        assert all(record.vector == [1.0, float(record.id)] for record in records)  # type: ignore[arg-type]
        return len(records)
    finally:
        catalog.close()
