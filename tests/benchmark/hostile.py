"""What hostile input costs: how long the caller's loop is held, and how much memory it takes.

python -m tests.benchmark.hostile

Of each input: how long the call took, the longest that the loop stood still, the most memory that Python had for it,
and what was said. Then compressed requests to an engine that listens on TCP: the most memory that its process took.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import tempfile
import time
import tracemalloc
import zipfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_qdrant_async import AsyncQdrantVectorStore, Collections, CollectionSpec, Connection, QdrantStoreError
from langchain_qdrant_async.embedding import Reduction
from langchain_qdrant_async.proto import json, points
from tests.engine_messages import OPTIONS, Engine, Stubs, dense_config, point, point_id, serving, vectors

MANY, DEEP, LONG = 200_000, 10_000, "n" * 100_000
MEGABYTE = 2**20


def nested(wrap: Callable[[Any], Any]) -> Any:
    """Something deep."""
    inner: Any = 1
    for _ in range(DEEP):
        inner = wrap(inner)
    return inner


FILTERS: dict[str, Callable[[], Any]] = {
    "200,000 alternatives": lambda: {"$or": [{"a": f"x{number}"} for number in range(MANY)]},
    "200,000 conditions": lambda: {"$and": [{f"a{number}": {"$gt": number}} for number in range(MANY)]},
    "200,000 words": lambda: {"a": {"$in": [f"x{number}" for number in range(MANY)]}},
    "200,000 numbers": lambda: {"a": {"$in": list(range(MANY))}},
    "200,000 ids": lambda: {"$has_id": [f"x{number}" for number in range(MANY)]},
    "1,900 alternatives": lambda: {"$or": [{"a": f"x{number}"} for number in range(1_900)]},
    "1,000 conditions": lambda: {"$and": [{f"a{number}": {"$gt": number}} for number in range(1_000)]},
    "20,000 numbers": lambda: {"a": {"$in": list(range(20_000))}},
    "60,000 words": lambda: {"a": {"$in": [f"x{number}" for number in range(59_000)]}},
    "deep $and": lambda: nested(lambda inner: {"$and": [inner]}),
    "deep fields": lambda: nested(lambda inner: {"a": inner}),
    "a long field": lambda: {LONG: 1},
    "a long operator": lambda: {"a": {f"${LONG}": 1}},
    "a long value": lambda: {"a": {"$gt": LONG}},
}


class Loop:
    """Beats as often as the loop lets it."""

    def __init__(self) -> None:
        self.worst_s = 0.0

    async def beat(self) -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            self.worst_s = max(self.worst_s, time.perf_counter() - began)


async def measured(loop: Loop, name: str, call: Callable[[], Awaitable[Any]]) -> None:
    """Print a line."""
    await asyncio.sleep(0.01)
    loop.worst_s, began = 0.0, time.perf_counter()
    said = "taken"
    try:
        await call()
    except QdrantStoreError as error:
        said = f"{type(error).__name__}, {len(str(error)):,} characters"
    await asyncio.sleep(0.002)
    took_s, worst_s = time.perf_counter() - began - 0.002, loop.worst_s
    tracemalloc.start()
    with contextlib.suppress(QdrantStoreError):
        await call()
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(f"{name:24} {took_s * 1e3:8.1f} ms, loop {worst_s * 1e3:6.1f} ms, {peak_bytes / MEGABYTE:6.1f} MB  {said}")


async def in_the_process() -> None:
    """Filters, names, metadata, a stored reduction."""
    loop, embedding = Loop(), DeterministicFakeEmbedding(size=8)
    beating = asyncio.create_task(loop.beat())
    with tempfile.TemporaryDirectory() as folder:
        async with Connection(folder) as connection:
            store = AsyncQdrantVectorStore(connection, "docs", embedding)
            await store.aadd_texts(["a text"])
            for name, make in FILTERS.items():
                given = make()
                await measured(loop, name, partial(store.asimilarity_search, "x", filter=given))
            long = AsyncQdrantVectorStore(connection, LONG, embedding)
            named = AsyncQdrantVectorStore(connection, "docs", embedding, vector_name=LONG)
            collections = Collections(connection)
            await measured(loop, "a collection's name", lambda: long.aadd_texts(["x"]))
            await measured(loop, "a vector's name", lambda: named.asimilarity_search("x"))
            await measured(loop, "an alias", lambda: collections.alias(LONG, "docs"))
            await measured(loop, "an id", lambda: store.aadd_texts(["x"], ids=[LONG]))
            await measured(loop, "a payload key", lambda: store.aadd_texts(["x"], [{LONG: object()}]))
            await measured(loop, "an index", lambda: collections.create(_indexed()))
            deep = {"a": nested(lambda inner: [inner])}
            await measured(loop, "deep metadata", lambda: store.aadd_texts(["x"], [deep]))
            bomb = _bomb()
            await measured(loop, f"a reduction of {len(bomb) / MEGABYTE:.1f} MB", lambda: _read(bomb))
    beating.cancel()


def _indexed() -> CollectionSpec:
    return CollectionSpec("other", dimension=8, payload_indexes={LONG: "keyword"})


def _bomb() -> bytes:
    """An archive that inflates to 1 GB."""
    header, file = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (2**28,)})
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("facts.npy", header.getvalue())
        with archive.open("matrix.npy", "w", force_zip64=True) as matrix:
            matrix.write(header.getvalue())
            for _ in range(1024):
                matrix.write(bytes(MEGABYTE))
    return file.getvalue()


async def _read(content: bytes) -> None:
    Reduction.from_bytes(content)


def _peak_mb(engine: Engine) -> int:
    status = Path(f"/proc/{engine.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) >> 10


def _forget_peak(engine: Engine) -> None:
    Path(f"/proc/{engine.process.pid}/clear_refs").write_text("5")


def _upsert(*given: points.PointStruct) -> bytes:
    return points.UpsertPoints(collection_name="docs", wait=True, points=given).SerializeToString()


def _list_of(count: int) -> bytes:
    nothing = json.Value(list_value=json.ListValue(values=[json.Value(null_value=json.NULL_VALUE)] * count))
    return _upsert(points.PointStruct(id=point_id(1), vectors=vectors([1, 0]), payload={"a": nothing}))


REQUESTS: dict[str, Callable[[], bytes]] = {
    "400 MB of nothing": lambda: bytes(400 * MEGABYTE),
    "30 MB of empty points": lambda: _upsert() + b"\x1a\x00" * (15 * MEGABYTE),
    "9 MB of empty points": lambda: _upsert() + b"\x1a\x00" * (9 * MEGABYTE // 2),
    "1 MB of empty points": lambda: _upsert() + b"\x1a\x00" * (MEGABYTE // 2),
    "1 MB of nulls in a payload": lambda: _list_of(MEGABYTE // 4),
    "1 MB of tiny points": lambda: _upsert(*(point(number, [1, 0]) for number in range(MEGABYTE // 24))),
    "9 MB in one text": lambda: _upsert(point(1, [1, 0], text="a" * 9 * MEGABYTE)),
    "9 MB in 3,000 texts": lambda: _upsert(*(point(number, [1, 0], text="a" * 3_000) for number in range(3_000))),
}


async def over_tcp() -> None:
    """Compressed requests, each to an engine of its own."""
    for name, make in REQUESTS.items():
        content = make()
        for key in ("no key", "a key"):
            await _requested(f"{name}, {key}", content, () if key == "no key" else (("api-key", "secret"),))


async def _requested(name: str, content: bytes, metadata: Any) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), "--api-key-env", "HOSTILE_KEY", env=os.environ | {"HOSTILE_KEY": "secret"}) as engine,
    ):
        async with grpc.aio.insecure_channel(engine.target, options=OPTIONS) as channel:
            stubs = Stubs(channel, "docs")
            await stubs.create(vectors_config=dense_config(2))
            await stubs.upsert(point(0, [1, 0]))
        _forget_peak(engine)
        before, began, said = _peak_mb(engine), time.perf_counter(), "taken"
        async with grpc.aio.insecure_channel(
            engine.address, options=OPTIONS, compression=grpc.Compression.Gzip
        ) as channel:
            try:
                await channel.unary_unary("/qdrant.Points/Upsert", bytes, bytes)(content, metadata=metadata)
            except grpc.aio.AioRpcError as error:
                said = f"{error.code().name}: {(error.details() or '')[:60]}"
        took_s = time.perf_counter() - began
        print(f"{name:36} {took_s * 1e3:8.1f} ms, {_peak_mb(engine) - before:5} MB more  {said}")


async def main() -> None:
    """Print the figures."""
    await in_the_process()
    await over_tcp()


if __name__ == "__main__":
    asyncio.run(main())
