"""Very many calls at once, and requests that are larger than they look."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc import StatusCode

from langchain_qdrant_async.proto import collections, points
from tests.engine_messages import OPTIONS, Engine, Refused, Stubs, dense_config, nearest, point, serving

pytest_plugins = ("tests.engine_fixtures",)

SEARCHES, WRITES = 2_500, 250
MEGABYTE = 2**20
KEY = (("api-key", "secret"),)


async def test_every_one_of_very_many_calls_is_answered(stubs: Stubs) -> None:
    """More wait at once than the thousand from which on gRPC's own servers cancel."""
    await stubs.create(vectors_config=dense_config(2))
    await stubs.upsert(*(point(number, [1, number]) for number in range(10)))
    searches = [stubs.ids(query=nearest([0, 1]), limit=1, timeout=100) for _ in range(SEARCHES)]
    writes = [stubs.upsert(point(100 + number, [1, 0])) for number in range(WRITES)]
    answers = await asyncio.gather(*searches, *writes)
    assert answers[:SEARCHES] == [[9]] * SEARCHES
    assert {answer.status for answer in answers[SEARCHES:]} == {points.Completed}
    assert await stubs.count() == 10 + WRITES


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine with a key that takes requests of 4 MB."""
    options = ("--api-key-env", "ENGINE_KEY", "--largest-request", "4")
    environment = os.environ | {"ENGINE_KEY": "secret"}
    with serving(tmp_path_factory.mktemp("bounded"), *options, env=environment) as engine:
        yield engine


def peak_bytes(engine: Engine) -> int:
    """The most memory that the process has had since the last `forget_peak`."""
    status = Path(f"/proc/{engine.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


def forget_peak(engine: Engine) -> None:
    Path(f"/proc/{engine.process.pid}/clear_refs").write_text("5")


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="reads Linux's /proc")
@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
@pytest.mark.parametrize(("metadata", "code"), [((), StatusCode.UNAUTHENTICATED), (KEY, StatusCode.RESOURCE_EXHAUSTED)])
async def test_a_message_that_inflates_costs_no_memory(
    bounded: Engine, compression: grpc.Compression, metadata: Any, code: StatusCode
) -> None:
    bomb = bytes(100 * MEGABYTE)
    forget_peak(bounded)
    before = peak_bytes(bounded)
    async with grpc.aio.insecure_channel(bounded.address, options=OPTIONS, compression=compression) as channel:
        with Refused(code, ""):
            await channel.unary_unary("/qdrant.Points/Upsert", bytes, bytes)(bomb, metadata=metadata)
    assert peak_bytes(bounded) - before < 30 * MEGABYTE


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
async def test_the_bound_is_that_of_the_inflated_request(bounded: Engine, compression: grpc.Compression) -> None:
    async with grpc.aio.insecure_channel(bounded.address, options=OPTIONS, compression=compression) as channel:
        stubs, name = Stubs(channel), f"c-{compression.name}"
        create = collections.CreateCollection(collection_name=name, vectors_config=dense_config(2))
        await stubs.collections.Create(create, metadata=KEY)
        for size, code in ((3 * MEGABYTE, None), (5 * MEGABYTE, StatusCode.RESOURCE_EXHAUSTED)):
            given = [point(1, [1, 0], text="x" * size)]
            request = points.UpsertPoints(collection_name=name, points=given, wait=True)
            call = stubs.points.Upsert(request, metadata=KEY)
            if code is None:
                await call
            else:
                with Refused(code, "larger than max"):
                    await call


async def test_the_owners_socket_has_no_bound(bounded: Engine) -> None:
    async with grpc.aio.insecure_channel(bounded.target, options=OPTIONS) as channel:
        stubs = Stubs(channel, "large")
        await stubs.create(vectors_config=dense_config(2))
        await stubs.upsert(point(1, [1, 0], text="x" * 8 * MEGABYTE))
        assert await stubs.count() == 1
