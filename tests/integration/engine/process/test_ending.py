"""How an engine ends: told to with calls under way, told twice, restarted under load, or not answering."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_qdrant_async import AsyncQdrantVectorStore, Connection, Remote
from langchain_qdrant_async.proto import common
from langchain_qdrant_async.transport import engine as client
from langchain_qdrant_async.transport.engine import join
from tests.engine_messages import WAIT_S, Engine, Stubs, dense_config, match, point, serving

POINTS = 500
SLOW = [match(f"absent{number}", keyword="x") for number in range(400)]


def slowly(times: int) -> common.Filter:
    """All points, found in many pieces of a fifth of a second."""
    all_of_them = match("there", boolean=True)
    return common.Filter(
        must=[common.Condition(filter=common.Filter(should=[*SLOW, all_of_them])) for _ in range(times)]
    )


@asynccontextmanager
async def counting(engine: Engine, times: int, amount: int = POINTS) -> AsyncIterator[tuple[Stubs, asyncio.Task[int]]]:
    """A call that takes long, and that the engine has begun."""
    async with grpc.aio.insecure_channel(engine.address) as channel:
        stubs = Stubs(channel, "docs")
        await stubs.create(vectors_config=dense_config(2))
        await stubs.upsert(*(point(number, [1, 0], there=True) for number in range(amount)))
        long = asyncio.create_task(stubs.count(filter=slowly(times)))
        await stubs.get(1)
        await stubs.get(1)
        yield stubs, long


async def refuses(engine: Engine) -> None:
    """Return when the engine takes nothing new."""
    while True:
        async with grpc.aio.insecure_channel(engine.address) as channel:
            try:
                await Stubs(channel, "docs").get(1)
            except grpc.aio.AioRpcError:
                return


async def ended(engine: Engine) -> int:
    return await asyncio.to_thread(engine.process.wait, WAIT_S)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_what_is_under_way_is_answered(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path) as engine:
        async with counting(engine, 2) as (_, long):
            engine.process.send_signal(number)
            assert await long == POINTS
        assert await ended(engine) == 0


@pytest.mark.parametrize("again", [True, False], ids=["told twice", "after its patience"])
async def test_what_takes_longer_is_given_up(tmp_path: Path, again: bool) -> None:
    amount, callers = 10_000, 8  # a hundred times what it waits for: no machine has done that in time
    with serving(tmp_path) as engine:
        async with counting(engine, 120, amount) as (stubs, first):
            calls = [first, *(asyncio.create_task(stubs.count(filter=slowly(120))) for _ in range(callers))]
            await stubs.get(1)
            engine.process.send_signal(signal.SIGTERM)
            await refuses(engine)
            assert not all(call.done() for call in calls)
            if again:
                engine.process.send_signal(signal.SIGTERM)
            answers = await asyncio.gather(*calls, return_exceptions=True)
        assert any(isinstance(answer, grpc.aio.AioRpcError) for answer in answers)
        assert all(answer == amount for answer in answers if not isinstance(answer, grpc.aio.AioRpcError))
        assert await ended(engine) == 0
    lease = await join(tmp_path)
    async with grpc.aio.insecure_channel(lease.target, options=(("grpc.default_authority", "localhost"),)) as channel:
        assert await Stubs(channel, "docs").count() == amount
    await lease.release()


async def test_a_restart_under_load_costs_no_call(tmp_path: Path) -> None:
    model, written = DeterministicFakeEmbedding(size=4), list[str]()
    with serving(tmp_path) as first:
        async with Connection(Remote(first.address)) as connection:
            store = AsyncQdrantVectorStore(connection, "docs", model)
            await store.aadd_texts(["a text"])
            restarted = asyncio.Event()

            async def use(number: int) -> None:
                turn = 0
                while not restarted.is_set():
                    turn += 1
                    if number % 4:
                        assert await store.asimilarity_search("a text", k=1)
                    else:
                        written.extend(await store.aadd_texts([f"text {turn} of {number}"]))

            users = [asyncio.create_task(use(number)) for number in range(8)]
            await store.asimilarity_search("a text")
            first.process.send_signal(signal.SIGTERM)
            assert await ended(first) == 0
            with serving(tmp_path, "--listen", first.address):
                await store.asimilarity_search("a text")
                restarted.set()
                await asyncio.gather(*users)
                assert {each.id for each in await store.aget_by_ids(written)} == set(written)
                assert written


async def test_an_engine_that_does_not_let_go_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = DeterministicFakeEmbedding(size=4)
    async with Connection(tmp_path) as connection:
        await AsyncQdrantVectorStore(connection, "docs", model).aadd_texts(["a text"])
    lease = await join(tmp_path)
    monkeypatch.setattr(client, "_RELEASE_TIMEOUT_S", 0.5)
    os.kill(lease.pid, signal.SIGSTOP)
    await lease.release()
    monkeypatch.undo()
    async with Connection(tmp_path) as connection:
        assert await AsyncQdrantVectorStore(connection, "docs", model).asimilarity_search("a text")


async def test_an_engine_of_somebody_else_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(tmp_path) as engine:
        lease = await join(tmp_path)
        monkeypatch.setattr(client, "_RELEASE_TIMEOUT_S", 0.5)
        engine.process.send_signal(signal.SIGSTOP)
        await lease.release()
        assert engine.process.poll() is None
        engine.process.send_signal(signal.SIGCONT)
        assert engine.stop() == 0
