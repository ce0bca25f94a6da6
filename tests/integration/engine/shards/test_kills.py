"""An engine that is killed at a random moment has all that it acknowledged, and nothing that it refused.

`KILLS=200` runs as many seeds, and kills twice in each; without it there are 20, and one kill.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Awaitable, Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc import StatusCode

from langchain_qdrant_async.proto import collections, common, points
from tests.engine_messages import (
    OPTIONS,
    WAIT_S,
    Engine,
    Stubs,
    dense_config,
    match,
    payload,
    plain,
    point,
    selected,
    serving,
)

SEEDS = int(os.environ.get("KILLS", "20"))
LIVES = 2 if "KILLS" in os.environ else 1
SIZE = 4
NAMES = ("a", "b")
FIELDS = ("group", "mark")

Point = tuple[dict[str, Any], list[float]]
Change = tuple[Any, str, Callable[[dict[str, Any]], dict[str, Any]]]


@dataclass
class Known:
    """What a collection holds."""

    points: dict[int, Point] = field(default_factory=dict)
    """Payload and vector of each point."""
    indexes: set[str] = field(default_factory=set)
    """The fields with an index."""
    ef: int = 100
    """A setting of its configuration."""

    def allows(self, other: Known, found: Known) -> bool:
        """Whether a state is this one, another, or on the way: a change of many points may have been cut short."""
        return (
            found.points.keys() <= self.points.keys() | other.points.keys()
            and self.points.keys() & other.points.keys() <= found.points.keys()
            and all(each in (self.points.get(n), other.points.get(n)) for n, each in found.points.items())
            and found.indexes in (self.indexes, other.indexes)
            and found.ef in (self.ef, other.ef)
        )


World = dict[str, Known]


def allows(before: World, after: World, found: World) -> bool:
    names = before.keys() | after.keys()
    return found.keys() <= names and all(
        before.get(name, after.get(name, Known())).allows(after.get(name, before.get(name, Known())), found[name])
        if name in found
        else not (name in before and name in after)
        for name in names
    )


class Client:
    """Does the same to an engine and to a world, one thing after another."""

    def __init__(self, engine: Engine, channel: grpc.aio.Channel, world: World, source: random.Random) -> None:
        self.engine, self.channel, self.random = engine, channel, source
        self.world, self.pending = world, world

    async def run(self) -> None:
        """Until the engine is gone."""
        steps: dict[Callable[[], Awaitable[None]], int] = {
            self.create: 2,
            self.drop: 1,
            self.upsert: 8,
            self.refused: 2,
            self.delete: 4,
            self.change: 8,
            self.vectors: 2,
            self.index: 1,
            self.configure: 1,
            self.flush: 3,
        }
        while True:
            (step,) = self.random.choices(list(steps), list(steps.values()))
            self.pending = deepcopy(self.world)
            await step()
            self.world = self.pending

    async def create(self) -> None:
        name = self.random.choice(NAMES)
        if name not in self.world:
            self.pending[name] = Known()
            fast = collections.OptimizersConfigDiff(indexing_threshold=1)
            hnsw = collections.HnswConfigDiff(m=4, ef_construct=100)
            await self.stubs(name).create(vectors_config=dense_config(SIZE), optimizers_config=fast, hnsw_config=hnsw)

    async def drop(self) -> None:
        if (stubs := self.some()) and self.random.random() < 0.5:
            del self.pending[stubs.collection]
            await stubs.collections.Delete(collections.DeleteCollection(collection_name=stubs.collection))

    async def upsert(self) -> None:
        if stubs := self.some():
            given = {number: self.point(number) for number in self.random.sample(range(150), 50)}
            self.pending[stubs.collection].points |= given
            await stubs.upsert(*(point(number, vector, **fields) for number, (fields, vector) in given.items()))

    async def refused(self) -> None:
        if stubs := self.some():
            with refusal(StatusCode.INVALID_ARGUMENT):
                await stubs.upsert(point(1, [9.0] * SIZE, wrong=1), point(2, [9.0] * (SIZE + 1), wrong=1))

    async def delete(self) -> None:
        if stubs := self.some():
            numbers, selector = self.selection(stubs.collection)
            for number in numbers:
                self.pending[stubs.collection].points.pop(number, None)
            await stubs.points.Delete(self.request(stubs, points.DeletePoints, points=selector))

    async def change(self) -> None:
        if stubs := self.some():
            numbers, selector = self.selection(stubs.collection)
            mark, key = self.random.randrange(10**9), self.random.choice(FIELDS)
            change: Change = self.random.choice(
                [
                    (points.SetPayloadPoints, "SetPayload", lambda old: old | {"mark": mark}),
                    (points.SetPayloadPoints, "OverwritePayload", lambda _: {"mark": mark}),
                    (points.DeletePayloadPoints, "DeletePayload", lambda old: {k: old[k] for k in old if k != key}),
                    (points.ClearPayloadPoints, "ClearPayload", lambda _: {}),
                ]
            )
            kind, rpc, changed = change
            known = self.pending[stubs.collection].points
            known |= {n: (changed(known[n][0]), known[n][1]) for n in numbers & known.keys()}
            given: Any = {"payload": payload({"mark": mark})} if kind is points.SetPayloadPoints else {}
            given |= {"keys": [key]} if kind is points.DeletePayloadPoints else {}
            given |= {"points" if kind is points.ClearPayloadPoints else "points_selector": selector}
            with refusal(StatusCode.NOT_FOUND):
                await getattr(stubs.points, rpc)(self.request(stubs, kind, **given))

    async def vectors(self) -> None:
        if stubs := self.some():
            known = self.pending[stubs.collection].points
            numbers = self.random.sample(sorted(known), min(len(known), 40))
            given = {number: self.point(number)[1] for number in numbers}
            known |= {number: (known[number][0], vector) for number, vector in given.items()}
            messages = [
                points.PointVectors(id=each.id, vectors=each.vectors)
                for each in (point(number, vector) for number, vector in given.items())
            ]
            await stubs.points.UpdateVectors(self.request(stubs, points.UpdatePointVectors, points=messages))

    async def index(self) -> None:
        if stubs := self.some():
            name, indexes = self.random.choice(FIELDS), self.pending[stubs.collection].indexes
            kind = points.DeleteFieldIndexCollection if name in indexes else points.CreateFieldIndexCollection
            indexes ^= {name}
            if name in indexes:
                request = self.request(stubs, kind, field_name=name, field_type=points.FieldTypeInteger)
                await stubs.points.CreateFieldIndex(request)
            else:
                await stubs.points.DeleteFieldIndex(self.request(stubs, kind, field_name=name))

    async def configure(self) -> None:
        if stubs := self.some():
            ef = self.pending[stubs.collection].ef = self.random.randrange(4, 200)
            hnsw = collections.HnswConfigDiff(ef_construct=ef)
            request = collections.UpdateCollection(collection_name=stubs.collection, hnsw_config=hnsw)
            await stubs.collections.Update(request)

    async def flush(self) -> None:
        """Be a user who leaves: the engine then brings everything to the disk."""
        with contextlib.suppress(OSError, ValueError):
            reader, writer = await asyncio.open_unix_connection(self.engine.announced["lease"])
            await reader.readline()
            writer.close()

    def some(self) -> Stubs | None:
        return self.stubs(self.random.choice(sorted(self.world))) if self.world else None

    def stubs(self, name: str) -> Stubs:
        return Stubs(self.channel, name)

    def request(self, stubs: Stubs, kind: Any, **fields: Any) -> Any:
        return kind(collection_name=stubs.collection, wait=True, **fields)

    def selection(self, name: str) -> tuple[set[int], points.PointsSelector]:
        """By filter, or by ids of which some are absent."""
        if self.random.random() < 0.5:
            group = self.random.randrange(2)
            where = points.PointsSelector(filter=common.Filter(must=[match("group", integer=group)]))
            return {n for n, each in self.world[name].points.items() if each[0].get("group") == group}, where
        numbers = self.random.sample(range(160), self.random.choice([3, 80]))
        return set(numbers), selected(*numbers)

    def point(self, number: int) -> Point:
        return {"group": number % 2, "n": number}, [float(self.random.randrange(100)) for _ in range(SIZE)]


@contextlib.contextmanager
def refusal(code: StatusCode) -> Any:
    """Let an RPC be refused."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        if error.code() != code:
            raise


async def world_of(channel: grpc.aio.Channel) -> World:
    listed = await Stubs(channel).collections.List(collections.ListCollectionsRequest())
    return {each.name: await known(Stubs(channel, each.name)) for each in listed.collections}


async def known(stubs: Stubs) -> Known:
    info = (await stubs.collections.Get(collections.GetCollectionInfoRequest(collection_name=stubs.collection))).result
    everything = points.WithVectorsSelector(enable=True)
    request = points.ScrollPoints(collection_name=stubs.collection, limit=1000, with_vectors=everything)
    page = await stubs.points.Scroll(request)
    stored = {each.id.num: (fields_of(each.payload), list(each.vectors.vector.dense.data)) for each in page.result}
    assert info.points_count == len(stored)
    return Known(stored, set(info.payload_schema), info.config.hnsw_config.ef_construct)


def fields_of(message: Mapping[str, Any]) -> dict[str, Any]:
    return {key: plain(value) for key, value in message.items()}


async def live(folder: Path, before: World, after: World, source: random.Random) -> tuple[World, World]:
    """One life of an engine: it has what it should, is used, and is killed; what it may have then."""
    with serving(folder, "--optimise-after", "0") as engine:
        async with grpc.aio.insecure_channel(engine.target, options=OPTIONS) as channel:
            found = await world_of(channel)
            assert allows(before, after, found), differences(before, after, found)
            client = Client(engine, channel, found, source)
            if source.random() < 0.3:  # in the midst of a stop
                asyncio.get_running_loop().call_later(source.uniform(0, 0.3), engine.process.terminate)
            asyncio.get_running_loop().call_later(source.uniform(0, 0.4), engine.process.kill)
            with refusal(StatusCode.UNAVAILABLE), refusal(StatusCode.CANCELLED):
                await client.run()
            engine.process.wait(WAIT_S)
            return client.world, client.pending


def differences(before: World, after: World, found: World) -> str:
    return (
        "\n".join(
            f"{name} {n}: {[world.get(name, Known()).points.get(n) for world in (before, after, found)]}"
            for name in before.keys() | after.keys() | found.keys()
            for n in range(160)
            if found.get(name, Known()).points.get(n)
            not in [w.get(name, Known()).points.get(n) for w in (before, after)]
        )
        + f"\n{[{n: (k.indexes, k.ef) for n, k in world.items()} for world in (before, after, found)]}"
    )


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_a_killed_engine_has_what_it_acknowledged_and_nothing_else(tmp_path: Path, seed: int) -> None:
    source, before, after = random.Random(seed), World(), World()
    for _ in range(LIVES):
        before, after = await live(tmp_path, before, after, source)
    with serving(tmp_path, "--no-optimiser") as engine:
        async with grpc.aio.insecure_channel(engine.target, options=OPTIONS) as channel:
            found = await world_of(channel)
        assert allows(before, after, found), differences(before, after, found)
        assert engine.stop(signal.SIGTERM) == 0
    assert len(list((tmp_path / "collections").glob("*"))) == len(found)
    assert not list((tmp_path / "passing").glob("*"))
