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


def repeated(message: bytes, part: bytes, size: int) -> bytes:
    return message + part * (size // len(part))


def length(size: int) -> bytes:
    """A length as protobuf writes it."""
    head, rest = size & 127, size >> 7
    return bytes([head]) if not rest else bytes([head | 128]) + length(rest)


NAMED = points.UpsertPoints(collection_name="docs").SerializeToString()
SIZE = 3_900_000
SMALL = {
    "empty points": repeated(NAMED, b"\x1a\x00", SIZE),
    "points whose length is padded": repeated(NAMED, b"\x1a\x80\x00", SIZE),
    "points whose tag is padded": repeated(NAMED, b"\x9a\x00\x00", SIZE),
    "points of an id": repeated(NAMED, b"\x1a\x04\x0a\x02\x08\x01", SIZE),
    "conditions": NAMED + b"\x12" + length(SIZE) + b"\x0a\x00" * (SIZE // 2),
    "payload entries": NAMED + b"\x1a" + length(SIZE) + b"\x1a\x00" * (SIZE // 2),
}


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="reads Linux's /proc")
@pytest.mark.parametrize("content", SMALL.values(), ids=SMALL.keys())
async def test_very_many_small_parts_cost_no_memory(bounded: Engine, content: bytes) -> None:
    forget_peak(bounded)
    before = peak_bytes(bounded)
    async with grpc.aio.insecure_channel(bounded.address, options=OPTIONS) as channel:
        with Refused(StatusCode.RESOURCE_EXHAUSTED, "larger than max (600,000 parts)"):
            await channel.unary_unary("/qdrant.Points/Upsert", bytes, bytes)(content, metadata=KEY)
    assert peak_bytes(bounded) - before < 80 * MEGABYTE, "read they would take 150 and more"


async def test_what_is_no_message_is_refused_as_by_a_server(bounded: Engine) -> None:
    async with grpc.aio.insecure_channel(bounded.address, options=OPTIONS) as channel:
        with Refused(StatusCode.INTERNAL, "failed to decode Protobuf message"):
            await channel.unary_unary("/qdrant.Points/Upsert", bytes, bytes)(b"\xff\xff", metadata=KEY)
