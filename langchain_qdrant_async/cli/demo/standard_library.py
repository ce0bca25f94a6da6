"""The demo's collection: where it is kept, what it is made of, and how it is filled, in as many goes as it takes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from langchain_qdrant_async.cli.demo.docstrings import Definition
from langchain_qdrant_async.cli.demo.home import COLLECTION
from langchain_qdrant_async.collection.spec import CollectionSpec
from langchain_qdrant_async.embedding import ReducedEmbeddings, Reduction, SentenceTransformerEmbeddings
from langchain_qdrant_async.store.vector_store import AsyncQdrantVectorStore
from langchain_qdrant_async.transport.connection import Connection

MODEL = "all-MiniLM-L6-v2"
DIMENSION = 100
_BATCH = 128
"""Texts between two steps of the progress bar, and what an interrupted run loses."""


def embedding() -> ReducedEmbeddings:
    """The model, which loads with the first text, brought to 100 numbers by a map that is the same everywhere.

    A reduction fitted on the docstrings would find more (see `ReducedEmbeddings.fit`). This one needs no text before
    the first, so that a run can be interrupted at any moment.
    """
    return ReducedEmbeddings(
        SentenceTransformerEmbeddings(MODEL), reduction=Reduction.random_projection(384, DIMENSION)
    )


def library(connection: Connection, embeddings: ReducedEmbeddings) -> AsyncQdrantVectorStore:
    """The store of the docstrings: 100 numbers for each, in 8 bits, with indexes for the filters of the tour."""
    spec = CollectionSpec(COLLECTION, dimension=DIMENSION, payload_indexes={"module": "keyword", "kind": "keyword"})
    return AsyncQdrantVectorStore(connection, embedding=embeddings, spec=spec)


async def missing(store: AsyncQdrantVectorStore, found: Sequence[Definition]) -> list[Definition]:
    """The definitions that are not in the store, or are there otherwise."""
    kept = {each.id: each for each in await store.aget_by_ids(each.name for each in found)}
    return [each for each in found if each.name not in kept or kept[each.name].metadata != each.metadata]


async def fill(store: AsyncQdrantVectorStore, lacking: Sequence[Definition]) -> AsyncGenerator[int, None]:
    """Embed and write definitions, with names as ids; gives, after each batch, how many it held."""
    for start in range(0, len(lacking), _BATCH):
        batch = lacking[start : start + _BATCH]
        summaries, names = [each.summary for each in batch], [each.name for each in batch]
        await store.aadd_texts(summaries, [each.metadata for each in batch], names)
        yield len(batch)
