"""What the first write to a collection settles: the size of its vectors, and what makes them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings

from langchain_qdrant_async.checks import spread
from langchain_qdrant_async.collection.collection import Collection
from langchain_qdrant_async.collection.origin import Origin, model_of, origin_of, reduced_of
from langchain_qdrant_async.document.vectors import Floats
from langchain_qdrant_async.embedding.encoder import DenseEncoder
from langchain_qdrant_async.embedding.reduction.reduced import ReducedEmbeddings

FIT_SAMPLE = 2_048
"""Texts that a reduction is fitted on when the first documents of a collection are written: evenly spread over those of
the call, all of them where there are fewer."""
_FEW_TEXTS = 200
"""Below which a fit keeps markedly less: 97 % of nDCG@10 on Cranfield with 200 texts, 92 with 50."""

_log = logging.getLogger(__name__)


class FirstWrite:
    """The vectors that a collection would be made for, were it not there.

    It asks the model only when somebody needs to know, and keeps what it embedded for the write itself.
    """

    def __init__(
        self, texts: Sequence[str], encoder: DenseEncoder | None, *, first: int = 1, size: int | None = None
    ) -> None:
        """Say what is to be written; nothing is embedded yet.

        Args:
            texts: the documents' texts.
            encoder: what makes vectors of them; None when the caller gives the vectors.
            first: how many texts to embed to learn the size of a model's vectors.
            size: numbers in the vectors that the caller gives.
        """
        self.texts = texts
        self._encoder = encoder
        self._first = first
        self._size = size
        self._embedding: Embeddings | None = None
        self._reduced: ReducedEmbeddings | None = None
        self._origin: Origin | None = None
        self._kept: dict[int, Any] = {}

    async def origin(self, collection: Collection | None = None) -> Origin | None:
        """What makes the vectors: fits a reduction if the embedding has none. None: the caller makes them."""
        if self._encoder is None:
            return None
        found = None if collection is None else collection.embedding
        embedding = self._encoder.embedding if found is None else found
        if embedding is not self._embedding:
            self._kept, self._embedding, self._reduced = {}, embedding, reduced_of(embedding)
            self._origin = await self._fit(self._reduced) if self.fitted and self._reduced else origin_of(embedding)
        return self._origin

    async def size(self) -> int:
        """Numbers in a vector: as the caller gave them, as the reduction makes them, or as the model gives them.

        `origin` comes first.
        """
        if self._size is None and self._reduced is not None:
            self._size = self._reduced.dimension
        if self._size is None and self._encoder is not None:
            rows = await self._encoder.documents(list(self.texts[: self._first]))
            self._kept = dict(enumerate(rows))
            self._size = int(rows.shape[1])
        return self._size or 0

    @property
    def fitted(self) -> bool:
        """Whether a reduction was fitted to say what makes the vectors."""
        return self._reduced is not None and self._reduced.reduction is None

    def kept(self, collection: Collection) -> dict[int, Any]:
        """The vectors that were made so far, by the position of their text, as this collection needs them."""
        kept, self._kept = self._kept, {}
        if kept and self._reduced is not None and collection.reduced is not None:
            return dict(zip(kept, collection.reduced.reduce(np.stack(list(kept.values()))), strict=True))
        return kept

    async def _fit(self, reduced: ReducedEmbeddings) -> Origin:
        """A reduction for a sample of the texts, whose whole vectors are kept until one is settled."""
        sample = spread(range(len(self.texts)), FIT_SAMPLE)
        full: Floats = await reduced.aembed_full_array([self.texts[position] for position in sample])
        self._kept = dict(zip(sample, full, strict=True))
        reduction = await reduced.apropose(full)
        if reduction.kind == "identity":
            return Origin(model_of(reduced))
        if len(sample) < _FEW_TEXTS:
            _log.warning(
                "the reduction of a new collection is fitted on %d texts only: write some hundred in the first call, "
                "fit it beforehand with ReducedEmbeddings.fit, or build the collection anew later with areindex",
                len(sample),
            )
        return Origin(model_of(reduced), reduction)
