"""Documents in, found again by meaning and by filter. Needs no server, no model and no network.

    python examples/quickstart.py

`DeterministicFakeEmbedding` stands where a model would, so only the very same words are near each other here. Put
`ReducedEmbeddings(SentenceTransformerEmbeddings("all-MiniLM-L6-v2"), dimension=100)`, or any LangChain embeddings, in
its place.
"""

from __future__ import annotations

import asyncio

from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_qdrant_async import AsyncQdrantVectorStore, Connection

DOCUMENTS = [
    Document("Bread rises because yeast makes gas.", id="bread", metadata={"topic": "food", "year": 2021}),
    Document("Cheese is milk's leap toward immortality.", id="cheese", metadata={"topic": "food", "year": 2019}),
    Document("Mercury is the smallest planet.", id="mercury", metadata={"topic": "space", "year": 2023}),
]


async def main(target: str = ":memory:") -> None:
    """Add, search, filter, get and delete.

    Args:
        target: `":memory:"`, a folder, or the URL of a Qdrant server.
    """
    async with Connection(target) as connection:
        store = AsyncQdrantVectorStore(connection, "quickstart", DeterministicFakeEmbedding(size=100))
        await store.aadd_documents(DOCUMENTS)

        for document, score in await store.asimilarity_search_with_score("Mercury is the smallest planet.", k=2):
            print(f"{score:.2f}  {document.id}: {document.page_content}")

        recent_food = {"topic": "food", "year": {"$gte": 2020}}
        for document in await store.asimilarity_search("anything", filter=recent_food):
            print(f"recent food: {document.id}")

        await store.adelete(["cheese"])
        print("left:", [document.id for document in await store.aget_by_ids(["bread", "cheese", "mercury"])])


if __name__ == "__main__":
    asyncio.run(main())
