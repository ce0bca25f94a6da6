"""The blocking half: every `a…` method has a twin without the `a`, for scripts, notebooks and threads.

python examples/sync_usage.py
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_qdrant_async import AsyncQdrantVectorStore

TEXTS = ["red", "green", "blue"]


def main(location: str = ":memory:") -> None:
    """One store, used from this thread and from three others.

    Args:
        location: `":memory:"` or the URL of a Qdrant server.
    """
    embedding = DeterministicFakeEmbedding(size=100)
    with AsyncQdrantVectorStore.from_texts(TEXTS, embedding, location=location, collection_name="colours") as store:
        with ThreadPoolExecutor() as threads:
            found = list(threads.map(lambda text: store.similarity_search(text, k=1)[0].page_content, TEXTS))
        print("asked for", TEXTS, "and found", found)
        store.delete(delete_all=True)
        print("left:", store.similarity_search("red"))


if __name__ == "__main__":
    main()
