"""How well a quantised collection of 100 numbers finds, beside the model's whole vectors: nDCG@10 through the store.

python -m tests.benchmark.retrieval
"""

from __future__ import annotations

import asyncio

import numpy as np
from langchain_core.embeddings import Embeddings

from langchain_qdrant_async import (
    AsyncQdrantVectorStore,
    Collections,
    CollectionSpec,
    Connection,
    ReducedEmbeddings,
    SentenceTransformerEmbeddings,
)
from langchain_qdrant_async.embedding import ArrayEmbeddings
from langchain_qdrant_async.proto import collections
from tests.benchmark.cranfield import Cranfield, load


class Remembered(Embeddings):
    """Each text's vector, computed once for all that is compared."""

    def __init__(self, model: ArrayEmbeddings) -> None:
        self.model = model
        self.known: dict[tuple[str, str], list[float]] = {}

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        missing = [text for text in texts if ("document", text) not in self.known]
        for text, row in zip(missing, await self.model.aembed_documents_array(missing) if missing else [], strict=True):
            self.known["document", text] = row.tolist()
        return [self.known["document", text] for text in texts]

    async def aembed_query(self, text: str) -> list[float]:
        if ("query", text) not in self.known:
            self.known["query", text] = (await self.model.aembed_query_array(text)).tolist()
        return self.known["query", text]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        raise NotImplementedError

    def embed_query(self, text: str) -> list[float]:
        raise NotImplementedError


async def optimised(connection: Connection, name: str) -> int:
    """Index and quantise the collection however small it is; the vectors that are."""
    low = collections.OptimizersConfigDiff(indexing_threshold=1)
    await connection.collections.Update(collections.UpdateCollection(collection_name=name, optimizers_config=low))
    async with asyncio.timeout(120):
        while True:
            info = (await Collections(connection).describe(name)).message
            if info.status == collections.CollectionStatus.Green and info.indexed_vectors_count:
                return info.indexed_vectors_count
            await asyncio.sleep(0.2)


async def quality(store: AsyncQdrantVectorStore, data: Cranfield) -> float:
    """nDCG@10 of the store's searches."""

    async def ask(question: str) -> list[str]:
        return [each.id or "" for each in await store.asimilarity_search(question, k=10)]

    answers = await asyncio.gather(*(ask(question) for question in data.questions.values()))
    return data.ndcg(dict(zip(data.questions, answers, strict=True)))


async def measure(connection: Connection, data: Cranfield, embedding: Embeddings, spec: CollectionSpec) -> float:
    """nDCG@10 of a new collection with all documents, indexed and, if the spec says so, quantised."""
    store = AsyncQdrantVectorStore(connection, embedding=embedding, spec=spec)
    ids = list(data.documents)
    order = np.random.default_rng(0).permutation(len(ids))
    await store.aadd_texts([data.documents[ids[n]] for n in order], ids=[ids[n] for n in order])
    indexed = await optimised(connection, spec.name) if spec.quantization is not None else 0
    ndcg = await quality(store, data)
    kind = "int8, indexed" if indexed else "float32, exact"
    print(f"{spec.name:24} {spec.dimension:4} numbers, {kind:14} nDCG@10 {ndcg:.4f}")
    return ndcg


async def main() -> None:
    """Print each configuration's quality, and the share of the whole vectors' that 100 quantised numbers keep."""
    data = load()
    model = Remembered(SentenceTransformerEmbeddings("all-MiniLM-L6-v2"))
    async with Connection(":memory:") as connection:
        whole = await measure(connection, data, model, CollectionSpec("whole", dimension=384, quantization=None))
        await measure(connection, data, model, CollectionSpec("whole-int8", dimension=384))
        for dimension in (25, 50, 100, 200):
            name, embedding = f"reduced-{dimension}", ReducedEmbeddings(model, dimension)
            ndcg = await measure(connection, data, embedding, CollectionSpec(name, dimension=dimension))
            print(f"{'':24} {100 * ndcg / whole:.1f} % of the whole vectors'")


if __name__ == "__main__":
    asyncio.run(main())
