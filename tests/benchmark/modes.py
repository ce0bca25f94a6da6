"""nDCG@10 of the ways to retrieve, through the store: all-MiniLM-L6-v2 at 100 numbers, quantised, beside BM25.

python -m tests.benchmark.modes

Over a collection in the form of Cranfield, which `CRANFIELD_DIR` names.
"""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np

from langchain_qdrant_async import (
    AsyncQdrantVectorStore,
    CollectionSpec,
    Connection,
    Fused,
    Nearest,
    Ranking,
    ReducedEmbeddings,
    Rrf,
    SentenceTransformerEmbeddings,
)
from langchain_qdrant_async.embedding import Bm25Embeddings
from langchain_qdrant_async.proto import points
from tests.benchmark.cranfield import Cranfield, load
from tests.benchmark.retrieval import Remembered, optimised

WORDS = "langchain-sparse"
QDRANT_RRF = points.Query(fusion=points.Fusion.RRF)


def rankings(query: str) -> dict[str, Ranking]:
    """What is compared."""

    def fused(limit: int | None, fusion: Any, *more: Ranking) -> Ranking:
        return Fused([Nearest(query), Nearest(query, using=WORDS), *more], limit, fusion)

    return {
        "dense": Nearest(query),
        "sparse": Nearest(query, using=WORDS),
        "RRF, k=2, 10 candidates": fused(10, QDRANT_RRF),
        "RRF, k=2, 200 candidates": fused(200, QDRANT_RRF),
        "RRF, k=60, 100 candidates": fused(100, Rrf()),
        "RRF, k=60, 200 candidates": fused(200, Rrf()),
        "RRF, k=60, 200, dense twice": fused(200, Rrf(weights=[2, 1])),
        "DBSF, 10 candidates": fused(10, "dbsf"),
        "DBSF, 50 candidates": fused(50, "dbsf"),
        "DBSF, 100 candidates": fused(100, "dbsf"),
        "DBSF, 400 candidates": fused(400, "dbsf"),
        "hybrid, the default": fused(None, None),
    }


async def quality(store: AsyncQdrantVectorStore, data: Cranfield, name: str) -> float:
    """nDCG@10 of one of the rankings."""

    async def ask(question: str) -> list[str]:
        return [each.id or "" for each, _ in await store.asearch_by(rankings(question)[name], k=10)]

    answers = [await ask(question) for question in data.questions.values()]
    return data.ndcg(dict(zip(data.questions, answers, strict=True)))


async def main() -> None:
    """Print the table."""
    data = load()
    model = ReducedEmbeddings(Remembered(SentenceTransformerEmbeddings("all-MiniLM-L6-v2")), 100)
    ids = list(data.documents)
    order = np.random.default_rng(0).permutation(len(ids))
    async with Connection(":memory:") as connection:
        for kind, words in (("256 words", Bm25Embeddings(avg_len=256)), ("learned", Bm25Embeddings())):
            spec = CollectionSpec(f"modes-{kind}", dimension=100)
            store = AsyncQdrantVectorStore(
                connection, embedding=model, spec=spec, retrieval_mode="hybrid", sparse_embedding=words
            )
            await store.aadd_texts([data.documents[ids[n]] for n in order], ids=[ids[n] for n in order])
            await optimised(connection, spec.name)
            print(f"average length: {kind}")
            for name in rankings(""):
                print(f"  {name:30} {await quality(store, data, name):.4f}", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
