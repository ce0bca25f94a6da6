"""What the log holds can be replayed on a state that is ahead of it: what a kill inside of a flush leaves behind."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from langchain_qdrant_async.engine.operations import writes
from langchain_qdrant_async.engine.operations.configuration import new_configuration
from langchain_qdrant_async.engine.shards.copies import copy_folder
from langchain_qdrant_async.engine.shards.registry import StoredCollection
from langchain_qdrant_async.engine.shards.room import Room
from langchain_qdrant_async.engine.shards.shard import Shard
from langchain_qdrant_async.engine.status import Refusal
from langchain_qdrant_async.proto import collections, common, points
from tests.engine_messages import dense_params, field, payload, point, selected

COUNT = 100
GONE = (40, 2, 71)
"""Deleted after the operation: in its second 32 ids, in its first and in its third."""
PAYLOAD = {"n": 1, "keep": 2}

Select = Callable[[], points.PointsSelector]


def by_ids() -> points.PointsSelector:
    """Among them some that are absent."""
    return selected(1000, *range(COUNT), 2000)


def by_filter() -> points.PointsSelector:
    return points.PointsSelector(filter=common.Filter(must=[field("n", range=common.Range(gte=0))]))


def set_payload(select: Select) -> tuple[writes.Write, Any]:
    return writes.set_payload, points.SetPayloadPoints(payload=payload({"n": 2}), points_selector=select())


def overwrite_payload(select: Select) -> tuple[writes.Write, Any]:
    return writes.overwrite_payload, points.SetPayloadPoints(payload=payload({"new": 1}), points_selector=select())


def delete_payload(select: Select) -> tuple[writes.Write, Any]:
    return writes.delete_payload, points.DeletePayloadPoints(keys=["n"], points_selector=select())


def clear_payload(select: Select) -> tuple[writes.Write, Any]:
    return writes.clear_payload, points.ClearPayloadPoints(points=select())


def delete_vectors(select: Select) -> tuple[writes.Write, Any]:
    names = points.VectorsSelector(names=["b"])
    return writes.delete_vectors, points.DeletePointVectors(vectors=names, points_selector=select())


def update_vectors(_: Select) -> tuple[writes.Write, Any]:
    changed = [point(number, {"b": [0.0, 2.0]}) for number in range(COUNT)]
    given = [points.PointVectors(id=each.id, vectors=each.vectors) for each in changed]
    return writes.update_vectors, points.UpdatePointVectors(points=given)


def upsert(_: Select) -> tuple[writes.Write, Any]:
    return writes.upsert, points.UpsertPoints(points=[point(n, {"a": [2.0, 0.0]}, n=3) for n in range(COUNT)])


OPERATIONS = (set_payload, overwrite_payload, delete_payload, clear_payload, delete_vectors, update_vectors, upsert)


@pytest.mark.parametrize("select", [by_ids, by_filter])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_is_replayed_after_points_of_it_were_deleted(
    tmp_path: Path, operation: Callable[[Select], tuple[writes.Write, Any]], select: Select
) -> None:
    shard = filled(tmp_path / "shard")
    write, request = operation(select)
    apply(shard, write, request)
    writes.delete(shard, points.DeletePoints(points=selected(*GONE)))
    expected = content(shard)
    assert len(expected) == COUNT - len(GONE)
    ahead = killed_inside_a_flush(shard)
    assert content(ahead) == expected
    ahead.close()


def filled(folder: Path) -> Shard:
    params = collections.VectorParamsMap(map={"a": dense_params(2), "b": dense_params(2)})
    request = collections.CreateCollection(vectors_config=collections.VectorsConfig(params_map=params))
    shard = Shard(
        folder, StoredCollection(folder.name, new_configuration(request)), asyncio.Event(), Room(folder.parent)
    )
    shard.create()
    given = [point(number, {"a": [1.0, 0.0], "b": [0.0, 1.0]}, **PAYLOAD) for number in range(COUNT)]
    writes.upsert(shard, points.UpsertPoints(points=given))
    writes.delete(shard, points.DeletePoints(points=selected(COUNT)))  # a flushed log still replays its last operation
    shard.flush()
    return shard


def apply(shard: Shard, write: writes.Write, request: Any) -> None:
    """Ids that are absent are complained of after the others were changed."""
    with contextlib.suppress(Refusal):
        write(shard, request)


def content(shard: Shard) -> dict[Any, Any]:
    records = shard.engine.retrieve(list(range(COUNT)), with_payload=True, with_vector=True)
    return {record.id: (record.payload, record.vector) for record in records}


def killed_inside_a_flush(shard: Shard) -> Shard:
    """The shard as it is found when a flush had brought the ids to the disk, and nothing else, when it was killed."""
    copy = shard.folder.with_name("copy")
    copy_folder(shard.folder, copy, threading.Event())
    shard.close()
    for flushed in shard.folder.glob("segments/*/mutable_id_tracker.mappings"):
        shutil.copy(flushed, copy / flushed.relative_to(shard.folder))
    return Shard(copy, shard.stored, asyncio.Event(), Room(copy))
