"""Collections are indexed and quantised while they are in use: on a copy, by a process of its own, without loss."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import grpc
import psutil
import pytest
from grpc import StatusCode

from langchain_qdrant_async.proto import collections, common, points
from tests.engine_messages import (
    OPTIONS,
    WAIT_S,
    Engine,
    Refused,
    Stubs,
    dense_config,
    match,
    nearest,
    payload,
    plain,
    point,
    selected,
    serving,
)

SIZE = 16
INT8 = collections.QuantizationConfig(scalar=collections.ScalarQuantization(type=collections.Int8, always_ram=True))
AT_ONCE = ("--optimise-after", "0")

Model = dict[int, dict[str, Any]]


@asynccontextmanager
async def talking(folder: Path, *options: str) -> AsyncIterator[tuple[Engine, Stubs]]:
    """An engine of its own, and a channel to it."""
    with serving(folder, *options) as engine:
        async with grpc.aio.insecure_channel(engine.target, options=OPTIONS) as channel:
            yield engine, Stubs(channel, "docs")


async def info_of(stubs: Stubs) -> collections.CollectionInfo:
    request = collections.GetCollectionInfoRequest(collection_name=stubs.collection)
    return (await stubs.collections.Get(request)).result  # type: ignore[no-any-return]


async def until(stubs: Stubs, true: Callable[[collections.CollectionInfo], bool]) -> collections.CollectionInfo:
    deadline = monotonic() + WAIT_S
    while not true(info := await info_of(stubs)):
        assert monotonic() < deadline, info
    return info


def optimised(info: collections.CollectionInfo) -> bool:
    return info.status == collections.Green and info.indexed_vectors_count > 0


async def child_of(engine: Engine, stubs: Stubs) -> psutil.Process:
    """The process that optimises, halted: as long as that is so, the optimisation goes on."""
    deadline = monotonic() + WAIT_S
    while not (children := psutil.Process(engine.process.pid).children()):
        await info_of(stubs)
        assert monotonic() < deadline
    children[0].suspend()
    return children[0]


def folders(engine: Engine) -> list[str]:
    return [path.name for path in (engine.folder / "collections").iterdir()]


async def make(stubs: Stubs, count: int = 500, threshold: int | None = None, **fields: Any) -> None:
    """A collection that is quantised once it is optimised, with `count` points."""
    settings: dict[str, Any] = {
        "vectors_config": dense_config(SIZE),
        "quantization_config": INT8,
        "hnsw_config": collections.HnswConfigDiff(m=8, ef_construct=16),
        "optimizers_config": collections.OptimizersConfigDiff(indexing_threshold=threshold),
    }
    await stubs.create(**(settings | fields))
    await fill(stubs, count)


async def fill(stubs: Stubs, count: int, size: int = SIZE) -> None:
    source = random.Random(1)
    for start in range(0, count, 500):
        numbers = range(start, min(start + 500, count))
        await stubs.upsert(*(point(n, [source.gauss(0, 1) for _ in range(size)], n=n, group=n % 7) for n in numbers))


async def change(stubs: Stubs, **fields: Any) -> None:
    await stubs.collections.Update(collections.UpdateCollection(collection_name=stubs.collection, **fields))


async def force(stubs: Stubs) -> None:
    await change(stubs, optimizers_config=collections.OptimizersConfigDiff(indexing_threshold=1))


async def stored(stubs: Stubs) -> Model:
    page = await stubs.points.Scroll(points.ScrollPoints(collection_name=stubs.collection, limit=100_000))
    return {found.id.num: {key: plain(item) for key, item in found.payload.items()} for found in page.result}


async def scores(stubs: Stubs, **params: Any) -> list[tuple[int, float]]:
    hits = await stubs.query(query=nearest([1.0] * SIZE), limit=5, params=points.SearchParams(**params))
    return [(hit.id.num, hit.score) for hit in hits]


QUANTISED = {"quantization": points.QuantizationSearchParams(rescore=False)}
ORIGINAL = {"quantization": points.QuantizationSearchParams(ignore=True)}


async def test_a_small_collection_stays_plain_until_it_is_asked_for(tmp_path: Path) -> None:
    async with talking(tmp_path) as (engine, stubs):
        await make(stubs)
        before = await info_of(stubs)
        assert (before.status, before.indexed_vectors_count) == (collections.Green, 0)
        exact, kept = await scores(stubs, exact=True), await stored(stubs)
        assert await scores(stubs, **QUANTISED) == exact
        await force(stubs)
        assert (await info_of(stubs)).status == collections.Yellow
        assert (await until(stubs, optimised)).indexed_vectors_count == 500
        assert (await scores(stubs, exact=True), await stored(stubs)) == (exact, kept)
        assert await scores(stubs, **ORIGINAL) == exact
        assert await scores(stubs, **QUANTISED) != exact
        assert await scores(stubs, indexed_only=True)
        assert engine.stop() == 0
        assert len(folders(engine)) == 1
    async with talking(tmp_path) as (engine, stubs):
        info = await info_of(stubs)
        assert (info.status, info.indexed_vectors_count) == (collections.Green, 500)
        assert (await scores(stubs, exact=True), await stored(stubs)) == (exact, kept)


async def test_a_collection_that_grows_is_optimised_by_itself(tmp_path: Path) -> None:
    async with talking(tmp_path) as (_, stubs):
        await make(stubs, threshold=1)
        assert (await until(stubs, optimised)).indexed_vectors_count == 500
        await fill(stubs, 1000)
        assert (await until(stubs, lambda info: info.status == collections.Green)).indexed_vectors_count == 1000


async def test_indexing_can_be_switched_off(tmp_path: Path) -> None:
    async with talking(tmp_path, *AT_ONCE) as (_, stubs):
        await make(stubs, threshold=0)
        await change(stubs, hnsw_config=collections.HnswConfigDiff(ef_construct=20))
        info = await until(stubs, lambda info: info.status == collections.Green)
        assert info.indexed_vectors_count == 0


async def test_quantization_can_be_changed_and_dropped(tmp_path: Path) -> None:
    async with talking(tmp_path, *AT_ONCE) as (_, stubs):
        await make(stubs, threshold=1)
        await until(stubs, optimised)
        product = collections.QuantizationConfigDiff(
            product=collections.ProductQuantization(compression=collections.x16)
        )
        fewer = await scores(stubs, **QUANTISED)
        await change(stubs, quantization_config=product)
        await until(stubs, optimised)
        assert await scores(stubs, **QUANTISED) != fewer
        await change(stubs, quantization_config=collections.QuantizationConfigDiff(disabled=collections.Disabled()))
        await until(stubs, optimised)
        assert await scores(stubs, **QUANTISED) == await scores(stubs, **ORIGINAL)


async def test_without_an_optimiser_nothing_is_indexed(tmp_path: Path) -> None:
    async with talking(tmp_path, "--no-optimiser") as (_, stubs):
        await make(stubs)
        await force(stubs)
        info = await info_of(stubs)
        assert (info.status, info.indexed_vectors_count) == (collections.Grey, 0)


async def test_queries_are_answered_meanwhile(tmp_path: Path) -> None:
    async with talking(tmp_path, *AT_ONCE) as (_, stubs):
        await make(stubs, 0, vectors_config=dense_config(100), hnsw_config=collections.HnswConfigDiff(ef_construct=64))
        await fill(stubs, 10_000, 100)
        await force(stubs)
        began, last, gaps = monotonic(), monotonic(), []
        while not optimised(await info_of(stubs)):
            await stubs.query(query=nearest([1.0] * 100), limit=1)
            gaps.append(monotonic() - last)
            last = monotonic()
            assert last - began < WAIT_S
    assert max(gaps) < (last - began) / 2
    assert len(gaps) > 20


async def write_all_kinds(stubs: Stubs) -> None:
    """Every kind of write, to points that exist and to new ones."""
    where: Any = {"collection_name": stubs.collection, "wait": True}
    await stubs.upsert(*(point(n, [float(n)] * SIZE, new=n) for n in range(490, 510)))
    await stubs.points.Delete(points.DeletePoints(points=selected(1, 2, 505), **where))
    third = points.PointsSelector(filter=common.Filter(must=[match("group", integer=3)]))
    await stubs.points.SetPayload(
        points.SetPayloadPoints(payload=payload({"mark": True}), points_selector=third, **where)
    )
    await stubs.points.ClearPayload(points.ClearPayloadPoints(points=selected(4, 506), **where))
    vector = points.PointVectors(id=common.PointId(num=5), vectors=point(5, [9.0] * SIZE).vectors)
    await stubs.points.UpdateVectors(points.UpdatePointVectors(points=[vector], **where))
    index = points.CreateFieldIndexCollection(field_name="n", field_type=points.FieldTypeInteger, **where)
    await stubs.points.CreateFieldIndex(index)
    await stubs.upsert(point(600, [1.0] * SIZE, n=600))


async def seen(stubs: Stubs) -> Any:
    """Everything that a user can see of the points."""
    page = await stubs.points.Scroll(
        points.ScrollPoints(
            collection_name=stubs.collection, limit=1000, with_vectors=points.WithVectorsSelector(enable=True)
        )
    )
    return sorted(str(found) for found in page.result), (await info_of(stubs)).payload_schema["n"].points


async def test_what_is_written_meanwhile_is_there_afterwards(tmp_path: Path) -> None:
    async with talking(tmp_path, *AT_ONCE) as (engine, stubs):
        await make(stubs, threshold=1)
        child = await child_of(engine, stubs)
        await write_all_kinds(stubs)
        before, number = await seen(stubs), (await stubs.upsert(point(601, [0.5] * SIZE))).operation_id
        child.resume()
        await until(stubs, lambda info: info.indexed_vectors_count > 0)
        await stubs.points.Delete(
            points.DeletePoints(collection_name=stubs.collection, points=selected(601), wait=True)
        )
        assert await seen(stubs) == before
        engine.stop(signal.SIGKILL)
    async with talking(tmp_path) as (engine, stubs):
        assert await seen(stubs) == before
        assert (await stubs.upsert(point(601, [0.5] * SIZE))).operation_id == number + 2


async def test_a_killed_engine_takes_the_child_along_and_keeps_what_was_written_meanwhile(tmp_path: Path) -> None:
    async with talking(tmp_path, *AT_ONCE) as (engine, stubs):
        await make(stubs, threshold=1)
        child = await child_of(engine, stubs)
        await write_all_kinds(stubs)
        before = await seen(stubs)
        assert len(folders(engine)) == 2
        engine.stop(signal.SIGKILL)
        with contextlib.suppress(psutil.NoSuchProcess):
            child.resume()
        child.wait(WAIT_S)
    async with talking(tmp_path) as (engine, stubs):
        assert await seen(stubs) == before
        await until(stubs, optimised)
        assert await seen(stubs) == before
        engine.stop()
        assert len(folders(engine)) == 1


async def test_a_killed_child_is_reported_and_replaced(tmp_path: Path) -> None:
    async with talking(tmp_path, *AT_ONCE) as (engine, stubs):
        await make(stubs, threshold=1)
        child = await child_of(engine, stubs)
        await stubs.upsert(point(600, [1.0] * SIZE, n=600))
        child.kill()
        failed = await until(stubs, lambda info: not info.optimizer_status.ok)
        assert "-9" in failed.optimizer_status.error
        info = await until(stubs, optimised)
        assert (info.optimizer_status.ok, info.points_count) == (True, 501)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_engine_stops_without_waiting_for_it(tmp_path: Path, number: signal.Signals) -> None:
    async with talking(tmp_path, *AT_ONCE) as (engine, stubs):
        await make(stubs, threshold=1)
        child, began = await child_of(engine, stubs), monotonic()
        assert engine.stop(number) == 0
        assert monotonic() - began < WAIT_S / 4
        assert not child.is_running()
        assert len(folders(engine)) == 1


async def test_a_collection_can_be_dropped_meanwhile(tmp_path: Path) -> None:
    async with talking(tmp_path, *AT_ONCE) as (engine, stubs):
        await make(stubs, threshold=1)
        child = await child_of(engine, stubs)
        assert (await stubs.collections.Delete(collections.DeleteCollection(collection_name=stubs.collection))).result
        await make(stubs, 1)
        child.wait(WAIT_S)
        assert await stubs.count() == 1
        engine.stop()
        assert len(folders(engine)) == 1


async def test_a_changed_configuration_starts_it_again(tmp_path: Path) -> None:
    async with talking(tmp_path, *AT_ONCE) as (engine, stubs):
        await make(stubs, threshold=1)
        child = await child_of(engine, stubs)
        await change(stubs, hnsw_config=collections.HnswConfigDiff(m=4))
        child.wait(WAIT_S)
        info = await until(stubs, optimised)
        assert info.config.hnsw_config.m == 4


class Writer:
    """Does the same to a collection and to a dictionary."""

    def __init__(self, stubs: Stubs, model: Model, source: random.Random) -> None:
        self.stubs, self.model, self.random = stubs, model, source

    async def run(self) -> None:
        while True:
            await self.random.choice([self.upsert, self.upsert, self.delete, self.mark])()

    async def upsert(self) -> None:
        numbers = self.random.sample(range(300), 20)
        changed = {number: {"n": number, "group": number % 7} for number in numbers}
        self.pending = self.model | changed
        await self.stubs.upsert(
            *(point(number, [number, *[1.0] * (SIZE - 1)], **changed[number]) for number in numbers)
        )
        self.model = self.pending

    async def delete(self) -> None:
        numbers = self.random.sample(sorted(self.model), min(len(self.model), 5))
        self.pending = {number: fields for number, fields in self.model.items() if number not in numbers}
        request = points.DeletePoints(collection_name=self.stubs.collection, points=selected(*numbers), wait=True)
        await self.stubs.points.Delete(request)
        self.model = self.pending

    async def mark(self) -> None:
        group, mark = self.random.randrange(7), self.random.randrange(10**9)
        self.pending = {
            number: fields | ({"mark": mark} if fields.get("group") == group else {})
            for number, fields in self.model.items()
        }
        where = points.PointsSelector(filter=common.Filter(must=[match("group", integer=group)]))
        request = points.SetPayloadPoints(
            collection_name=self.stubs.collection, payload=payload({"mark": mark}), points_selector=where, wait=True
        )
        await self.stubs.points.SetPayload(request)
        self.model = self.pending


@pytest.mark.parametrize("seed", range(3))
async def test_no_acknowledged_write_is_lost_whenever_the_engine_is_killed(tmp_path: Path, seed: int) -> None:
    source, allowed = random.Random(seed), [Model()]
    for attempt in range(4):
        async with talking(tmp_path, *AT_ONCE) as (engine, stubs):
            if attempt == 0:
                await make(stubs, 0, threshold=1)
            model = await stored(stubs)
            assert model in allowed
            writer = Writer(stubs, model, source)
            asyncio.get_running_loop().call_later(source.uniform(0.1, 1.2), engine.process.kill)
            with Refused(StatusCode.UNAVAILABLE, ""):
                await writer.run()
            engine.process.wait(WAIT_S)
            allowed = [writer.model, writer.pending]


async def test_a_read_that_takes_longer_than_allowed_fails(tmp_path: Path) -> None:
    async with talking(tmp_path, "--no-optimiser") as (_, stubs):
        await make(stubs, 5000)
        query = points.QueryPoints(collection_name=stubs.collection, query=nearest([1.0] * SIZE), limit=2000)
        batch = points.QueryBatchPoints(collection_name=stubs.collection, query_points=[query] * 200, timeout=1)
        with Refused(StatusCode.DEADLINE_EXCEEDED, "Operation 'QueryBatch' timed out after 1s"):
            await stubs.points.QueryBatch(batch)
        assert await stubs.ids(query=nearest(0), limit=1, timeout=1)
