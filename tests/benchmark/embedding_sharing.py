"""One model, many callers: throughput, added latency, and stalls of the loop while a corpus is being embedded.

python -m tests.benchmark.embedding_sharing [--texts 5000]

Queries are questions of some ten words and documents of some forty, from the docstrings of the standard library.
"""

from __future__ import annotations

import argparse
import asyncio
import inspect
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import get_context
from statistics import median
from typing import TYPE_CHECKING, Any

from langchain_qdrant_async.embedding import SentenceTransformerEmbeddings
from langchain_qdrant_async.embedding.models.loading import load

if TYPE_CHECKING:
    from multiprocessing import Queue
    from multiprocessing.synchronize import Event

    # Imported by `load`, which first settles how PyTorch's threads wait
    from sentence_transformers import SentenceTransformer

CALLERS = 64
ROUNDS = 5
MODULES = (
    "argparse",
    "asyncio",
    "collections",
    "datetime",
    "email.message",
    "http.client",
    "json",
    "logging",
    "os",
    "re",
)


def docstrings() -> list[str]:
    """What the standard library says of itself."""
    owners = [import_module(name) for name in MODULES]
    members = [member for owner in owners for member in vars(owner).values()]
    members += [inner for member in members if inspect.isclass(member) for inner in vars(member).values()]
    found = (inspect.getdoc(member) for member in members if inspect.isclass(member) or inspect.isroutine(member))
    return sorted({" ".join(text.split()[:40]) for text in found if text and len(text.split()) > 10})


def questions(texts: list[str]) -> Iterator[str]:
    """Different ones without end."""
    number = 0
    while True:
        yield f"{' '.join(texts[number % len(texts)].split()[:9])} {number}"
        number += 1


async def one_after_another(model: SentenceTransformerEmbeddings, asked: Iterator[str]) -> float:
    """Queries a second."""
    started = time.perf_counter()
    for _ in range(CALLERS):
        await model.aembed_query(next(asked))
    return CALLERS / (time.perf_counter() - started)


async def together(model: SentenceTransformerEmbeddings, asked: Iterator[str]) -> float:
    """Queries a second, of callers that each ask again when they are answered."""

    async def caller() -> None:
        for _ in range(ROUNDS):
            await model.aembed_query(next(asked))

    started = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return CALLERS * ROUNDS / (time.perf_counter() - started)


async def added_ms(model: SentenceTransformerEmbeddings, alone: SentenceTransformer, asked: Iterator[str]) -> float:
    """Milliseconds that one caller waits longer than the model takes, by turns."""
    differences = []
    for _ in range(100):
        text = next(asked)
        started = time.perf_counter()
        alone.encode_query([text], show_progress_bar=False, normalize_embeddings=True)
        between = time.perf_counter()
        await model.aembed_query(text)
        differences.append(time.perf_counter() - between - (between - started))
    return 1000 * median(differences)


def beat_apart(stop: Event, late: Queue[list[float]]) -> None:
    """A heartbeat in a process of its own: how late the system alone makes one."""
    times = []
    while not stop.is_set():
        started = time.perf_counter()
        time.sleep(0.001)
        times.append(1000 * (time.perf_counter() - started - 0.001))
    late.put(sorted(times)[-5:])


@contextmanager
def beating_apart(worst: list[float]) -> Iterator[None]:
    """Fills in how late the other process's heartbeat was at worst, in milliseconds."""
    spawn = get_context("spawn")
    stop, late = spawn.Event(), spawn.Queue()
    process = spawn.Process(target=beat_apart, args=(stop, late))
    process.start()
    try:
        yield
    finally:
        stop.set()
        worst += late.get()
        process.join()


async def stalls_ms(model: SentenceTransformerEmbeddings, texts: list[str], asked: Iterator[str]) -> dict[str, Any]:
    """How late a heartbeat of one millisecond was while texts were embedded and 64 callers asked."""
    late: list[float] = []
    done = asyncio.Event()

    async def beat() -> None:
        while not done.is_set():
            started = time.perf_counter()
            await asyncio.sleep(0.001)
            late.append(1000 * (time.perf_counter() - started - 0.001))

    async def caller() -> int:
        answered = 0
        while not done.is_set():
            await model.aembed_query(next(asked))
            answered += 1
        return answered

    others = [asyncio.create_task(caller()) for _ in range(CALLERS)]
    heart = asyncio.create_task(beat())
    started = time.perf_counter()
    await model.aembed_documents(texts)
    seconds = time.perf_counter() - started
    done.set()
    answered = sum(await asyncio.gather(*others))
    await heart
    late.sort()
    return {"worst": late[-5:], "p99": late[-len(late) // 100], "seconds": seconds, "queries": answered}


async def main() -> None:
    """Print each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=5000, help="documents to embed while the loop is watched")
    count = parser.parse_args().texts
    texts = docstrings()
    asked = questions(texts)
    alone = await asyncio.to_thread(load, "all-MiniLM-L6-v2", {"device": "cpu"})
    async with SentenceTransformerEmbeddings("all-MiniLM-L6-v2", device="cpu") as model:
        await model.aload()
        ratios = []
        for _ in range(5):
            single, shared = await one_after_another(model, asked), await together(model, asked)
            ratios.append(shared / single)
            print(f"one after another {single:5.0f}/s, {CALLERS} callers {shared:5.0f}/s: {shared / single:.1f} times")
        added = await added_ms(model, alone, asked)
        print(f"median {median(ratios):.1f} times; one caller alone waits {added:.2f} ms more than the model takes")
        apart: list[float] = []
        with beating_apart(apart):
            watched = await stalls_ms(model, [f"{texts[n % len(texts)]} {n}" for n in range(count)], asked)
        print(f"{count} texts in {watched['seconds']:.0f} s beside {watched['queries']} queries")
        print(f"the loop's worst stalls: {_listed(watched['worst'])} ms, p99 {watched['p99']:.1f} ms")
        print(f"a process of its own at the same time: {_listed(apart)} ms")


def _listed(times: list[float]) -> str:
    return ", ".join(f"{each:.1f}" for each in times)


if __name__ == "__main__":
    asyncio.run(main())
