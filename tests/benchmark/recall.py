"""How many of the ten nearest a default collection finds, and what it costs: 50,000 clustered vectors of 100 numbers.

python -m tests.benchmark.recall [points]

Recall@10 of the index against an exact search, and the medians of the engine's own time for a search and of the CPU of
the engine's process, for some search parameters.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from typing import Any

import numpy as np
from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_qdrant_async import AsyncQdrantVectorStore, CollectionSpec, Connection
from langchain_qdrant_async.proto import points
from tests.benchmark.retrieval import optimised

DIMENSION, CLUSTERS, QUERIES = 100, 500, 200


def clustered(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors around some centres, and queries of the same kind."""
    random = np.random.default_rng(7)
    centres = random.normal(size=(CLUSTERS, DIMENSION))
    every = centres[random.integers(CLUSTERS, size=count + QUERIES)] + 0.5 * random.normal(
        size=(count + QUERIES, DIMENSION)
    )
    every /= np.linalg.norm(every, axis=1, keepdims=True)
    return every[:count].astype(np.float32), every[count:].astype(np.float32)


def quantised(**how: Any) -> points.SearchParams:
    return points.SearchParams(quantization=points.QuantizationSearchParams(**how))


PARAMETERS: dict[str, points.SearchParams | None] = {
    "the default": None,
    "without rescoring": quantised(rescore=False),
    "rescoring, oversampling 2": quantised(rescore=True, oversampling=2.0),
    "rescoring, oversampling 3": quantised(rescore=True, oversampling=3.0),
    "rescoring, hnsw_ef 256": points.SearchParams(
        hnsw_ef=256, quantization=points.QuantizationSearchParams(rescore=True)
    ),
    "not quantised": quantised(ignore=True),
    "exact": points.SearchParams(exact=True),
}


async def main(count: int) -> None:
    """Print the table."""
    vectors, queries = clustered(count)
    nearest = np.argsort(-(queries @ vectors.T), axis=1)[:, :10]
    spec = CollectionSpec("clustered", dimension=DIMENSION)
    async with Connection(":memory:") as connection:
        store = AsyncQdrantVectorStore(connection, embedding=DeterministicFakeEmbedding(size=DIMENSION), spec=spec)
        await store.aadd_embeddings([""] * count, vectors, ids=range(count), batch_size=1_000)
        await optimised(connection, spec.name)
        for name, params in PARAMETERS.items():
            recalls, took = [], []
            for query, truth in zip(queries, nearest, strict=True):
                began = time.perf_counter()
                found = await store.asimilarity_search_by_vector(query, k=10, search_params=params)
                took.append(time.perf_counter() - began)
                recalls.append(len({int(each.id or -1) for each in found} & set(truth.tolist())) / 10)
            print(f"{name:28} recall@10 {np.mean(recalls):.3f}, {statistics.median(took) * 1e3:6.2f} ms")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000))
