"""The demo's collection: where it is kept, what it is made of, and how it is filled, in as many goes as it takes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence

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
FITTED = 512
"""Texts that are written first, all at once, since the reduction is fitted on them. Measured: overlap@10 over all of
the library is 0.81 with them, as with all 2,163, 0.79 with 256, and 0.68 with a random projection."""


def embedding(model: SentenceTransformerEmbeddings | None = None) -> ReducedEmbeddings:
    """The model brought to the size of the collection by the reduction that is kept with it.

    Args:
        model: the demo's; by default it loads with the first text.
    """
    return ReducedEmbeddings(model or SentenceTransformerEmbeddings(MODEL), dimension=DIMENSION)


def store_of(connection: Connection, embeddings: ReducedEmbeddings) -> AsyncQdrantVectorStore:
    """The store of the docstrings: 100 numbers for each, in 8 bits, with indexes for the filters of the tour."""
    spec = CollectionSpec(COLLECTION, dimension=DIMENSION, payload_indexes={"module": "keyword", "kind": "keyword"})
    return AsyncQdrantVectorStore(connection, embedding=embeddings, spec=spec)


async def missing(store: AsyncQdrantVectorStore, found: Sequence[Definition]) -> list[Definition]:
    """The definitions that are not in the store, or are there otherwise."""
    kept = {each.id: each for each in await store.aget_by_ids(each.name for each in found)}
    return [each for each in found if each.name not in kept or kept[each.name].metadata != each.metadata]


async def fill(store: AsyncQdrantVectorStore, lacking: Sequence[Definition]) -> AsyncGenerator[int, None]:
    """Embed and write definitions, with names as ids; gives, after each batch, how many it held.

    The first batch is spread over all of them: the store fits the reduction of a new collection on its first write.
    """
    for batch in _batches(lacking):
        summaries, names = [each.summary for each in batch], [each.name for each in batch]
        await store.aadd_texts(summaries, [each.metadata for each in batch], names)
        yield len(batch)


def _batches(lacking: Sequence[Definition]) -> Iterator[Sequence[Definition]]:
    step = max(1, -(-len(lacking) // FITTED))
    first = range(0, len(lacking), step)
    yield [lacking[position] for position in first]
    rest = [each for position, each in enumerate(lacking) if position not in first]
    for start in range(0, len(rest), _BATCH):
        yield rest[start : start + _BATCH]


def kept(store: AsyncQdrantVectorStore) -> Reduction | None:
    """The reduction that the collection was made with, once the store has used it."""
    embeddings = store.embeddings
    return embeddings.reduction if isinstance(embeddings, ReducedEmbeddings) else None
