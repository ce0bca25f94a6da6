"""Any LangChain embeddings, brought to the one size that a collection has."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from langchain_core.embeddings import Embeddings

from langchain_qdrant_async.checks import whole_number
from langchain_qdrant_async.embedding.array_embeddings import ArrayBackedEmbeddings
from langchain_qdrant_async.embedding.async_model import AsyncModel, ModelThreads
from langchain_qdrant_async.embedding.fingerprint import Fingerprint, fingerprint_of
from langchain_qdrant_async.embedding.matrix import (
    SLICE_ROWS,
    Matrix,
    Vector,
    as_matrix,
    as_vector,
    check_count,
)
from langchain_qdrant_async.embedding.models.sentence_transformer import SentenceTransformerEmbeddings
from langchain_qdrant_async.embedding.reduction.moments import Moments
from langchain_qdrant_async.embedding.reduction.quality import Quality, overlap
from langchain_qdrant_async.embedding.reduction.reduction import Reduction
from langchain_qdrant_async.embedding.texts import check_text, check_texts
from langchain_qdrant_async.errors import EmbeddingError, InvalidInput
from langchain_qdrant_async.runtime.closing import Closing
from langchain_qdrant_async.runtime.threads import Threads, in_daemon_thread

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_FIT_BATCH = 256
"""Texts that are embedded at once while fitting."""


class ReducedEmbeddings(Closing, ArrayBackedEmbeddings):
    """Any embeddings, giving exactly `dimension` numbers for a text.

    A model that gives `dimension` numbers is left as it is. A larger one is reduced by `reduction`, or by one that
    `fit` makes from your own texts before the first use; without either, the first use settles on a random projection,
    and it stays so: vectors of two reductions cannot be compared. A model of fewer numbers is an error.
    """

    def __init__(
        self, embeddings: Embeddings | SentenceTransformer, dimension: int = 100, reduction: Reduction | None = None
    ) -> None:
        """No I/O and no call of the model.

        Args:
            embeddings: LangChain embeddings, or a loaded sentence-transformers model. Async methods are awaited where
                they exist, and blocking ones run on an own bounded executor where not.
            dimension: numbers for each text.
            reduction: one made before; its `dimension` must be this one's.

        Raises:
            InvalidInput: not embeddings, or sizes that cannot be.
        """
        dimension = whole_number("dimension", dimension, at_least=1)
        if reduction is not None and reduction.dimension != dimension:
            raise InvalidInput(f"the reduction gives {reduction.dimension} numbers and dimension is {dimension}")
        self.embeddings = _as_embeddings(embeddings)
        self.dimension = dimension
        self._reduction = reduction
        self._settling = threading.Lock()
        self._model_threads = ModelThreads()
        self._model = AsyncModel(self.embeddings, self._model_threads)
        self._source = self._model.name
        self._threads = Threads("reduction", 1)

    @property
    def reduction(self) -> Reduction | None:
        """The one in use; None before the first use without one."""
        return self._reduction

    @property
    def fingerprint(self) -> Fingerprint:
        """Model, sizes and reduction, as JSON: what must be equal for two vectors to be comparable."""
        reduction = self._reduction
        return {
            "model": fingerprint_of(self.embeddings),
            "dimension": self.dimension,
            "source_dimension": None if reduction is None else reduction.source_dimension,
            "reduction": None if reduction is None else reduction.fingerprint,
        }

    def with_reduction(self, reduction: Reduction) -> ReducedEmbeddings:
        """Another object over the same model, with this reduction."""
        return type(self)(self.embeddings, reduction.dimension, reduction)

    def fit(self, texts: Iterable[str]) -> Reduction:
        """Make the reduction from texts like those to come, before anything is embedded.

        A few hundred texts are useful, and a few thousand give all there is. They are embedded once, in batches, and
        read once.

        Raises:
            InvalidInput: there is a reduction already, or no text.
        """
        self._check_unsettled()
        moments = Moments()
        for batch in _batches(texts):
            moments.add(self.embed_full_array(batch))
        return self.fit_vectors(moments)

    async def afit(self, texts: Iterable[str]) -> Reduction:
        """As `fit`, off the loop."""
        self._check_unsettled()
        moments = Moments()
        for batch in _batches(texts):
            full = await self.aembed_full_array(batch)
            await self._threads.run(moments.add, full)
        return await self._threads.run(self.fit_vectors, moments)

    def fit_vectors(self, vectors: Matrix | Iterable[Matrix] | Moments) -> Reduction:
        """As `fit`, from what `embed_full_array` gave: spares embedding the texts twice if they are to be written too.

        Raises:
            InvalidInput: there is a reduction already, or nothing to fit on.
        """
        self._check_unsettled()
        reduction = Reduction.fit(vectors, self.dimension)
        if reduction.source_dimension == self.dimension:
            reduction = Reduction.identity(self.dimension)
        with self._settling:
            self._check_unsettled()
            self._reduction = reduction
        return reduction

    async def apropose(self, vectors: Matrix) -> Reduction:
        """A reduction for vectors that `aembed_full_array` gave, made off the loop and not yet used; see `adopt`."""
        if vectors.shape[1] == self.dimension:
            return Reduction.identity(self.dimension)
        return await self._threads.run(Reduction.fit, vectors, self.dimension)

    async def afitted(self, texts: list[str]) -> Reduction:
        """A reduction for these texts, also to the model's own size; not yet used."""
        return await self._threads.run(Reduction.fit, await self.aembed_full_array(texts), self.dimension)

    async def ameasure(self, texts: list[str]) -> Quality:
        """What the reduction in use keeps of these texts' vectors: compare it with `reduction.quality`.

        Raises:
            InvalidInput: no reduction is in use, or there are fewer than two texts.
        """
        reduction = self._reduction
        if reduction is None or len(texts) < 2:
            raise InvalidInput("to measure a reduction, there must be one, and at least two texts")
        full = await self.aembed_full_array(texts)
        return await self._threads.run(_quality, full, reduction)

    def adopt(self, reduction: Reduction) -> None:
        """Use this reduction from now on; doing so again changes nothing.

        Raises:
            InvalidInput: another one is in use already, or it gives another size.
        """
        if reduction.dimension != self.dimension:
            raise InvalidInput(f"the reduction gives {reduction.dimension} numbers and dimension is {self.dimension}")
        with self._settling:
            if self._reduction is None or self._reduction.fingerprint != reduction.fingerprint:
                self._check_unsettled()
                self._reduction = reduction

    def embed_full_array(self, texts: list[str]) -> Matrix:
        """The model's own vectors of documents, before any reduction, float32 (texts, the model's size)."""
        checked = check_texts(texts)
        if not checked:
            return np.empty((0, 0), np.float32)
        return self._check_size(as_matrix(self._model.embed_documents(checked), len(checked), self._source))

    async def aembed_full_array(self, texts: list[str]) -> Matrix:
        """As `embed_full_array`."""
        checked = check_texts(texts)
        parts = [full async for full in self._full_slices(checked)]
        return np.concatenate(parts) if parts else np.empty((0, 0), np.float32)

    def reduce(self, vectors: Matrix) -> Matrix:
        """The model's own vectors brought to `dimension`; settles the reduction if nobody has.

        About 5 microseconds a vector. What was given is not changed.
        """
        return self._settled(vectors.shape[1]).apply(vectors)

    def embed_documents_array(self, texts: list[str]) -> Matrix:
        """As `embed_documents`, float32 (texts, dimension)."""
        checked = check_texts(texts)
        return self.reduce(self.embed_full_array(checked)) if checked else self._nothing()

    def embed_query_array(self, text: str) -> Vector:
        """As `embed_query`, float32 (dimension,)."""
        return self._reduce_one(self._model.embed_query(check_text(text)))

    async def aembed_documents_array(self, texts: list[str]) -> Matrix:
        """As `aembed_documents`, float32 (texts, dimension)."""
        parts = [self.reduce(full) async for full in self._full_slices(check_texts(texts))]
        return np.concatenate(parts) if parts else self._nothing()

    async def aembed_query_array(self, text: str) -> Vector:
        """As `aembed_query`, float32 (dimension,)."""
        return self._reduce_one(await self._model.query(check_text(text)))

    def close(self) -> None:
        """End the threads, and close the model if it can be closed."""
        self._threads.close()
        self._model_threads.close()
        close: Callable[[], object] = getattr(self.embeddings, "close", _nothing_to_close)
        close()

    async def aclose(self) -> None:
        """As `close`, without blocking the loop."""
        self._threads.close(wait=False)
        self._model_threads.close(wait=False)
        aclose = getattr(self.embeddings, "aclose", None)
        if aclose is not None:
            await aclose()
        elif (close := getattr(self.embeddings, "close", None)) is not None:
            await asyncio.wrap_future(in_daemon_thread("closing", close))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.embeddings!r}, dimension={self.dimension})"

    async def _full_slices(self, texts: list[str]) -> AsyncIterator[Matrix]:
        """A slice at a time: converting 5,000 lists of 384 floats in one go would stall the loop for 100 ms."""
        if not texts:
            return
        rows = await self._model.documents(texts)
        check_count(rows, len(texts), self._source)
        for start in range(0, len(texts), SLICE_ROWS):
            part = rows[start : start + SLICE_ROWS]
            yield self._check_size(as_matrix(part, len(part), self._source, first=start))
            await asyncio.sleep(0)

    def _reduce_one(self, row: list[float] | Vector) -> Vector:
        vector: Vector = self.reduce(self._check_size(as_vector(row, self._source)[np.newaxis]))[0]
        return vector

    def _check_size(self, rows: Matrix) -> Matrix:
        size = rows.shape[1]
        if 0 < size < self.dimension:
            raise EmbeddingError(
                f"{self._source} gives {size} numbers for a text and {self.dimension} are needed: choose a larger "
                f"model, or ReducedEmbeddings(..., dimension={size}) and a collection of that size"
            )
        return rows

    def _check_unsettled(self) -> None:
        if self._reduction is None:
            return
        raise InvalidInput(
            f"these embeddings use a reduction already ({self._reduction.fingerprint}), and vectors of two reductions "
            "cannot be compared: fit before the first use, or make another ReducedEmbeddings and another collection"
        )

    def _settled(self, size: int) -> Reduction:
        """The reduction, chosen now if nobody has."""
        with self._settling:
            if self._reduction is None:
                same = size == self.dimension
                self._reduction = (
                    Reduction.identity(size) if same else Reduction.random_projection(size, self.dimension)
                )
            return self._reduction

    def _nothing(self) -> Matrix:
        return np.empty((0, self.dimension), np.float32)


def _as_embeddings(embeddings: Any) -> Embeddings:
    if isinstance(embeddings, Embeddings):
        return embeddings
    if hasattr(embeddings, "encode_query") and hasattr(embeddings, "encode_document"):
        return SentenceTransformerEmbeddings(embeddings)
    raise InvalidInput(
        f"{type(embeddings).__name__} is neither LangChain Embeddings nor a sentence-transformers model; "
        "for a model's name use SentenceTransformerEmbeddings(name)"
    )


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    if isinstance(texts, str):
        check_texts(texts)
    remaining = iter(texts)
    while batch := list(islice(remaining, _FIT_BATCH)):
        yield batch


def _quality(full: Matrix, reduction: Reduction) -> Quality:
    return Quality(len(full), reduction.explained_variance(full), overlap(full, reduction.apply(full)))


def _nothing_to_close() -> None:
    """Most embeddings hold nothing."""
