"""Where the vectors of the documents to write come from: the store's embedding, or the caller."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from langchain_core.embeddings import Embeddings

from langchain_qdrant_async.collection.handle import LazyCollection, Opened
from langchain_qdrant_async.collection.origin import Origin, model_of, origin_of, reduced_of
from langchain_qdrant_async.document.vectors import Floats
from langchain_qdrant_async.embedding.calls import Calls
from langchain_qdrant_async.embedding.matrix import as_matrix
from langchain_qdrant_async.embedding.reduction.reduced import ReducedEmbeddings

FIT_SAMPLE = 2_048
"""Texts that a reduction is fitted on when the first documents of a collection are written: evenly spread over those of
the call, all of them where there are fewer."""


FEW_TEXTS = 200
"""Below which a fit keeps markedly less: 97 % of nDCG@10 on Cranfield with 200 texts, 92 with 50."""

_log = logging.getLogger(__name__)


class VectorSource(Protocol):
    """Gives the vectors of the documents of one write."""

    async def open(self, collection: LazyCollection, timeout_s: float | None) -> Opened:
        """The collection, made for these vectors if need be."""

    async def rows(self, positions: range) -> Floats:
        """The vectors of the documents at these positions, float32 (n, dimension)."""


class GivenVectors:
    """Vectors that the caller made; the collection is asked nothing about them but their size."""

    def __init__(self, matrix: Floats) -> None:
        """Take one row for each document."""
        self._matrix = matrix

    async def open(self, collection: LazyCollection, timeout_s: float | None) -> Opened:
        """The collection, made for vectors of this size if there is none."""
        return await collection.for_writing(self._matrix.shape[1], None, timeout_s)

    async def rows(self, positions: range) -> Floats:
        """The caller's rows."""
        return self._matrix[positions.start : positions.stop]


class TextVectors:
    """Vectors that the store's embedding makes, each text embedded once.

    A new collection is made with the origin of its vectors; for embeddings that have no reduction yet, that begins
    with fitting one on a sample of these texts.
    """

    def __init__(self, embedding: Embeddings, calls: Calls, texts: Sequence[str], batch_size: int) -> None:
        """Remember the texts; nothing is embedded before `open`."""
        self._embedding = embedding
        self._calls = calls
        self._texts = texts
        self._batch_size = batch_size
        self._kept: dict[int, Floats] = {}

    async def open(self, collection: LazyCollection, timeout_s: float | None) -> Opened:
        """The collection, with the embedding that fits it."""
        self._kept = {}  # of another collection, if this one is the second
        found = await collection.find(timeout_s)
        self._embedding = found.embedding or self._embedding if found is not None else self._embedding
        dimension, origin = await self.origin()
        opened = await collection.for_writing(dimension, origin, timeout_s)
        self._settle(opened.embedding or self._embedding)
        return opened

    async def rows(self, positions: range) -> Floats:
        """The vectors of these texts; those embedded for `open` are not embedded again."""
        missing = [position for position in positions if position not in self._kept]
        rows = await self._embed([self._texts[position] for position in missing])
        made = dict(zip(missing, rows, strict=True))
        return np.stack([made[each] if each in made else self._kept.pop(each) for each in positions])

    async def origin(self) -> tuple[int, Origin]:
        """The size of the vectors and what makes them; fits a reduction if there is none."""
        reduced = reduced_of(self._embedding)
        if reduced is not None and reduced.reduction is None:
            return await self._fit(reduced)
        if reduced is not None:
            return reduced.dimension, origin_of(self._embedding)
        first = range(min(self._batch_size, len(self._texts)))
        rows = await self._embed([self._texts[position] for position in first])
        self._kept = dict(zip(first, rows, strict=True))
        return rows.shape[1], origin_of(self._embedding)

    async def _fit(self, reduced: ReducedEmbeddings) -> tuple[int, Origin]:
        """A reduction for a sample of the texts, whose whole vectors are kept until one is settled."""
        step = max(1, -(-len(self._texts) // FIT_SAMPLE))
        sample = range(0, len(self._texts), step)
        full = await reduced.aembed_full_array([self._texts[position] for position in sample])
        self._kept = dict(zip(sample, full, strict=True))
        reduction = await reduced.apropose(full)
        if reduction.kind != "identity" and len(sample) < FEW_TEXTS:
            _log.warning(
                "the reduction of a new collection is fitted on %d texts only: write some hundred in the first call, "
                "fit it beforehand with ReducedEmbeddings.fit, or build the collection anew later with areindex",
                len(sample),
            )
        return reduced.dimension, Origin(model_of(reduced), None if reduction.kind == "identity" else reduction)

    def _settle(self, embedding: Embeddings) -> None:
        """Reduce what was kept whole, by the reduction that the collection has now."""
        before, reduced = reduced_of(self._embedding), reduced_of(embedding)
        if self._kept and before is not None and reduced is not None:
            rows = reduced.reduce(np.stack(list(self._kept.values())))
            self._kept = dict(zip(self._kept, rows, strict=True))
        self._embedding = embedding

    async def _embed(self, texts: list[str]) -> Floats:
        if not texts:
            return np.empty((0, 0), np.float32)
        vectors = await self._calls.documents(self._embedding, texts)
        return as_matrix(vectors, len(texts), type(self._embedding).__name__)
