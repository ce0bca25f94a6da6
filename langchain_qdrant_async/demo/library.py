"""The demo's collection: where it is kept, what it is made of, and how it is filled, in as many goes as it takes."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from langchain_qdrant_async.config import CollectionSpec
from langchain_qdrant_async.connection import Connection
from langchain_qdrant_async.demo.docstrings import Definition
from langchain_qdrant_async.embedding import ReducedEmbeddings, SentenceTransformerEmbeddings
from langchain_qdrant_async.store import AsyncQdrantVectorStore

MODEL = "all-MiniLM-L6-v2"
DIMENSION = 100
COLLECTION = f"python-{sys.version_info.major}-{sys.version_info.minor}-docstrings"
"""One for each Python, since each has its own library."""
BATCH = 128
"""Texts between two steps of the progress bar, and what an interrupted run loses."""


def default_folder() -> Path:
    """Where the demo keeps its data unless told otherwise: in the user's data folder."""
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "langchain-qdrant-async" / "demo"


def embedding(model: str = MODEL, dimension: int = DIMENSION) -> ReducedEmbeddings:
    """The model that the demo was indexed with; it loads with the first text."""
    return ReducedEmbeddings(SentenceTransformerEmbeddings(model), dimension=dimension)


def library(connection: Connection, embeddings: ReducedEmbeddings) -> AsyncQdrantVectorStore:
    """The store of the docstrings: 100 numbers for each, in 8 bits, with indexes for the filters of the tour."""
    spec = CollectionSpec(COLLECTION, dimension=DIMENSION, payload_indexes={"module": "keyword", "kind": "keyword"})
    return AsyncQdrantVectorStore(connection, embedding=embeddings, spec=spec)


async def missing(store: AsyncQdrantVectorStore, found: Sequence[Definition]) -> list[Definition]:
    """The definitions that are not in the store, or are there with another text."""
    kept = {each.id: each.page_content for each in await store.aget_by_ids(each.name for each in found)}
    return [each for each in found if kept.get(each.name) != each.text]


async def fill(
    store: AsyncQdrantVectorStore, embeddings: ReducedEmbeddings, lacking: Sequence[Definition]
) -> AsyncGenerator[int, None]:
    """Embed summaries and write definitions, with names as ids; gives, after each batch, how many it held."""
    for start in range(0, len(lacking), BATCH):
        batch = lacking[start : start + BATCH]
        vectors = await embeddings.aembed_documents_array([each.summary for each in batch])
        texts, metadatas = [each.text for each in batch], [each.metadata for each in batch]
        await store.aadd_embeddings(texts, vectors, metadatas, [each.name for each in batch])
        yield len(batch)
