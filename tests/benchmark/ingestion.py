"""What sparse vectors by BM25 add to writing documents: dense alone against dense and sparse, on the embedded engine.

    python -m tests.benchmark.ingestion [texts]

Docstrings of the standard library, as the demo takes them, by the demo's model at 100 numbers, and by vectors that cost
nothing. Both kinds take turns in one process; CPU time is this process's, with that of the engine beside it.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any

import psutil
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings

from langchain_qdrant_async import (
    AsyncQdrantVectorStore,
    Collections,
    Connection,
    ReducedEmbeddings,
    SentenceTransformerEmbeddings,
)
from langchain_qdrant_async.cli.demo.docstrings import definitions
from langchain_qdrant_async.cli.demo.standard_library import embedding as of_the_demo
from langchain_qdrant_async.embedding import Bm25Embeddings

ROUNDS = 5
Write = Callable[[], Coroutine[Any, Any, Any]]


def cpu_s() -> tuple[float, float]:
    """CPU of this process, and of the engine."""
    children = psutil.Process().children(recursive=True)
    engines = [sum(each.cpu_times()[:2]) for each in children if each.is_running()]
    return time.process_time(), sum(engines)


async def taken(write: Write) -> tuple[float, float, float]:
    """Seconds: CPU here, CPU of the engine, and on the wall."""
    here, there, wall = (*cpu_s(), time.perf_counter())
    await write()
    now = (*cpu_s(), time.perf_counter())
    return now[0] - here, now[1] - there, now[2] - wall


async def compare(name: str, connection: Connection, embedding: Embeddings, texts: list[str]) -> None:
    collections = Collections(connection)

    async def written(**options: Any) -> None:
        await collections.drop("docs")
        store = AsyncQdrantVectorStore(connection, "docs", embedding, **options)
        await store.aadd_texts(texts, ids=[str(number) for number in range(len(texts))])

    async def hybrid() -> None:
        await written(retrieval_mode="hybrid", sparse_embedding=Bm25Embeddings())

    await written()
    await hybrid()
    found: dict[str, list[tuple[float, float, float]]] = {"dense": [], "hybrid": []}
    for _ in range(ROUNDS):
        found["dense"].append(await taken(written))
        found["hybrid"].append(await taken(hybrid))
    medians = {kind: [statistics.median(each) for each in zip(*rounds, strict=True)] for kind, rounds in found.items()}
    ratios = [
        statistics.median(b[at] / max(a[at], 1e-9) for a, b in zip(*found.values(), strict=True)) for at in (0, 2)
    ]
    for kind, (here, there, wall) in medians.items():
        print(f"{name:10} {kind:7} {here:6.2f} s CPU here, {there:5.2f} s in the engine, {wall:6.2f} s in all")
    print(f"{name:10} ratio   {ratios[0]:6.2f} of CPU here, {ratios[1]:.2f} of the time in all")


async def main(count: int) -> None:
    texts = [each.docstring for each in definitions()][:count]
    async with Connection(":memory:") as connection:
        await compare("free", connection, DeterministicFakeEmbedding(size=100), texts)
        model = SentenceTransformerEmbeddings("all-MiniLM-L6-v2")
        reduced: ReducedEmbeddings = of_the_demo(model)
        await compare("MiniLM", connection, reduced, texts)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000))
