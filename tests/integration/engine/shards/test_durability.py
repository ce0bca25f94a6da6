"""What a killed engine must not lose: random acknowledged writes, and everything the registry holds."""

from __future__ import annotations

import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from langchain_qdrant_async.proto import collections, common, points
from tests.engine_messages import (
    OPTIONS,
    Engine,
    Stubs,
    dense_config,
    field,
    match,
    nearest,
    payload,
    plain,
    point,
    selected,
    serving,
    value,
)

Model = dict[int, dict[str, Any]]


class Writer:
    """Does the same to a collection and to a dictionary."""

    def __init__(self, stubs: Stubs, model: Model, seed: int) -> None:
        self.stubs, self.model, self.random = stubs, model, random.Random(seed)

    async def step(self) -> None:
        steps: list[Callable[[], Awaitable[None]]] = [
            self.upsert,
            self.upsert,
            self.delete,
            self.set_by_filter,
            self.clear,
            self.delete_by_filter,
        ]
        await self.random.choice(steps)()

    def some(self) -> list[int]:
        return self.random.sample(sorted(self.model), min(len(self.model), 3))

    def request(self, kind: Any, **fields: Any) -> Any:
        return kind(collection_name=self.stubs.collection, wait=True, **fields)

    async def upsert(self) -> None:
        numbers = self.random.sample(range(60), 5)
        await self.stubs.upsert(*(point(number, [number, 1], n=number, group=number % 7) for number in numbers))
        self.model |= {number: {"n": number, "group": number % 7} for number in numbers}

    async def delete(self) -> None:
        numbers = self.some()
        await self.stubs.points.Delete(self.request(points.DeletePoints, points=selected(*numbers)))
        for number in numbers:
            del self.model[number]

    async def set_by_filter(self) -> None:
        group, mark = self.random.randrange(7), self.random.randrange(10**9)
        condition = points.PointsSelector(filter=common.Filter(must=[match("group", integer=group)]))
        request = self.request(points.SetPayloadPoints, payload=payload({"mark": mark}), points_selector=condition)
        await self.stubs.points.SetPayload(request)
        for fields in self.model.values():
            if fields.get("group") == group:
                fields["mark"] = mark

    async def clear(self) -> None:
        numbers = self.some()
        await self.stubs.points.ClearPayload(self.request(points.ClearPayloadPoints, points=selected(*numbers)))
        self.model |= {number: {} for number in numbers}

    async def delete_by_filter(self) -> None:
        border = self.random.randrange(55, 60)
        condition = points.PointsSelector(filter=common.Filter(must=[field("n", range=common.Range(gte=border))]))
        await self.stubs.points.Delete(self.request(points.DeletePoints, points=condition))
        for number in [number for number, fields in self.model.items() if fields.get("n", 0) >= border]:
            del self.model[number]


async def stored(stubs: Stubs) -> Model:
    page = await stubs.points.Scroll(points.ScrollPoints(collection_name=stubs.collection, limit=1000))
    return {found.id.num: {key: plain(item) for key, item in found.payload.items()} for found in page.result}


@pytest.mark.parametrize("seed", range(3))
async def test_acknowledged_writes_survive_a_kill(tmp_path: Path, seed: int) -> None:
    model: Model = {}
    for end in (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM):
        async with talking(tmp_path) as (engine, stubs):
            if not model:
                await stubs.create(vectors_config=dense_config(2))
            assert await stored(stubs) == model
            writer = Writer(stubs, model, seed)
            for _ in range(40):
                await writer.step()
            assert await stored(stubs) == model
            engine.stop(end)


async def test_what_is_known_of_collections_survives_a_kill(tmp_path: Path) -> None:
    info = collections.GetCollectionInfoRequest(collection_name="alias")
    async with talking(tmp_path, "имя with spaces & dots.") as (engine, stubs):
        await make_much(stubs)
        before = (await stubs.collections.Get(info)).result
        engine.stop(signal.SIGKILL)
    (tmp_path / "collections" / "half-made").mkdir()
    async with talking(tmp_path) as (engine, stubs):
        after = (await stubs.collections.Get(info)).result
        assert engine.stop() == 0
    assert (after.config, after.payload_schema) == (before.config, before.payload_schema)
    assert after.payload_schema["k"].params.keyword_index_params.is_tenant
    assert after.config.hnsw_config.ef_construct == 200
    assert len(list((tmp_path / "collections").iterdir())) == 1


async def test_operations_are_counted_on_after_a_stop_and_a_changed_configuration(tmp_path: Path) -> None:
    async with talking(tmp_path) as (engine, stubs):
        await stubs.create(vectors_config=dense_config(2))
        numbers = [(await stubs.upsert(point(number, [1, 0]))).operation_id for number in range(3)]
        engine.stop()
    nine = common.Condition(has_id=common.HasIdCondition(has_id=[common.PointId(num=9)]))
    async with talking(tmp_path) as (engine, stubs):
        for ef in (101, 102):
            hnsw = collections.HnswConfigDiff(ef_construct=ef)
            await stubs.collections.Update(
                collections.UpdateCollection(collection_name=stubs.collection, hnsw_config=hnsw)
            )
            numbers.append((await stubs.upsert(point(9, [1, 0]))).operation_id)
        (hit,) = await stubs.query(query=nearest([1, 0]), limit=1, filter=common.Filter(must=[nine]))
        engine.stop()
    assert numbers == [0, 1, 2, 3, 4]
    assert hit.version == 4


@asynccontextmanager
async def talking(folder: Path, collection: str = "docs") -> AsyncIterator[tuple[Engine, Stubs]]:
    """An engine of its own, and a channel to it."""
    with serving(folder) as engine:
        async with grpc.aio.insecure_channel(engine.target, options=OPTIONS) as channel:
            yield engine, Stubs(channel, collection)


async def make_much(stubs: Stubs) -> None:
    await stubs.create(vectors_config=dense_config(2), metadata={"a": value([1, 2.0, None, {"b": "ü"}])})
    index = points.CreateFieldIndexCollection(
        collection_name=stubs.collection,
        field_name="k",
        field_type=points.FieldTypeKeyword,
        field_index_params=collections.PayloadIndexParams(
            keyword_index_params=collections.KeywordIndexParams(is_tenant=True)
        ),
    )
    await stubs.points.CreateFieldIndex(index)
    alias = collections.CreateAlias(alias_name="alias", collection_name=stubs.collection)
    await stubs.collections.UpdateAliases(
        collections.ChangeAliases(actions=[collections.AliasOperations(create_alias=alias)])
    )
    hnsw = collections.HnswConfigDiff(ef_construct=200)
    await stubs.collections.Update(collections.UpdateCollection(collection_name=stubs.collection, hnsw_config=hnsw))
