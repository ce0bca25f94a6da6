"""Very many calls at once on one connection: how many are answered rightly, how many are refused, and how.

python -m tests.benchmark.overload [--searches 5000] [--writes 500] [--deadline 60]
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections import Counter

from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_qdrant_async import AsyncQdrantVectorStore, Connection, Policy, QdrantStoreError

SIZE, DOCUMENTS = 100, 2_000


def verdict(answer: object) -> str:
    """What became of a call."""
    if isinstance(answer, QdrantStoreError):
        return f"refused: {type(answer).__name__}: {str(answer)[:120]}"
    return f"failed: {answer!r}"[:120] if isinstance(answer, BaseException) else "answered rightly"


async def overload(connection: Connection, searches: int, writes: int) -> Counter[str]:
    """What became of the calls; a search that does not find its own document counts as failed."""
    model = DeterministicFakeEmbedding(size=SIZE)
    store = AsyncQdrantVectorStore(connection, "docs", model)
    texts = [f"text {number}" for number in range(DOCUMENTS)]
    rows = model.embed_documents(texts)
    await store.aadd_texts(texts)

    async def search(number: int) -> None:
        [found] = await store.asimilarity_search_by_vector(rows[number % DOCUMENTS], k=1)
        if found.page_content != texts[number % DOCUMENTS]:
            raise AssertionError(f"found {found.page_content}")

    ids = [f"new {number}" for number in range(writes)]
    calls = [*map(search, range(searches)), *(store.aadd_texts([each], ids=[each]) for each in ids)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    kept = {each.id for each in await store.aget_by_ids(ids)}
    lost = [
        each
        for each, answer in zip(ids, answers[searches:], strict=True)
        if isinstance(answer, list) and each not in kept
    ]
    return Counter([*map(verdict, answers), *("LOST" for _ in lost)])


async def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--searches", type=int, default=5_000)
    parser.add_argument("--writes", type=int, default=500)
    parser.add_argument("--deadline", type=float, default=60.0, help="seconds that each call may take")
    given = parser.parse_args()
    policy = Policy(read_deadline_s=given.deadline, write_deadline_s=given.deadline)
    with tempfile.TemporaryDirectory() as folder:
        async with Connection(folder, policy=policy) as connection:
            started = time.perf_counter()
            verdicts = await overload(connection, given.searches, given.writes)
            print(f"{given.searches + given.writes:,} calls in {time.perf_counter() - started:.1f} s")
            for text, count in verdicts.most_common():
                print(f"{count:6,} {text}")


if __name__ == "__main__":
    asyncio.run(main())
