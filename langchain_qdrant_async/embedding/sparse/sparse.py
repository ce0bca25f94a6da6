"""Sparse vectors: a weight for each word that matters, for keyword and hybrid search.

The interface is langchain-qdrant's, so that its sparse embeddings work here and these work there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from langchain_qdrant_async.embedding.fingerprint import Fingerprint
from langchain_qdrant_async.embedding.models.loading import LOADING, canonical_name, load_sparse, name_of
from langchain_qdrant_async.embedding.texts import check_text, check_texts
from langchain_qdrant_async.runtime.threads import Threads

if TYPE_CHECKING:
    from sentence_transformers import SparseEncoder


@dataclass(frozen=True)
class SparseVector:
    """Numbers at some positions and zero at all others.

    Attributes:
        indices: Positions, each once, 0 to 2**32 - 1.
        values: The number at each of them.
    """

    indices: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.indices)


class SparseEmbeddings(ABC):
    """Text -> sparse vectors. Blocking methods are yours; their async twins run them on an own thread."""

    @abstractmethod
    def embed_documents(self, texts: list[str]) -> list[SparseVector]:
        """A vector for each text, in order."""

    @abstractmethod
    def embed_query(self, text: str) -> SparseVector:
        """The query's vector."""

    async def aembed_documents(self, texts: list[str]) -> list[SparseVector]:
        """As `embed_documents`, off the loop."""
        return await self._own_threads().run(self.embed_documents, texts)

    async def aembed_query(self, text: str) -> SparseVector:
        """As `embed_query`, off the loop."""
        return await self._own_threads().run(self.embed_query, text)

    def _own_threads(self) -> Threads:
        threads: Threads = self.__dict__.setdefault("_threads", Threads("sparse-embedding", 1))
        return threads


class SpladeEmbeddings(SparseEmbeddings):
    """A learned sparse model (SPLADE and its kin) through sentence-transformers' `SparseEncoder`."""

    def __init__(self, model: str | SparseEncoder, *, max_active: int | None = None, **options: Any) -> None:
        """No I/O: the model is loaded on the first text.

        Args:
            model: A name, the path of a folder, or a loaded model.
            max_active: Keep this many of the heaviest words of a text; by default all.
            options: Passed to `SparseEncoder`, e.g. `device`, `cache_folder`.
        """
        self.model_name = model if isinstance(model, str) else name_of(model)
        self.max_active = max_active
        self._model = None if isinstance(model, str) else model
        self._options = options

    @property
    def fingerprint(self) -> Fingerprint:
        """What decides the numbers."""
        return {"class": "SparseEncoder", "model": canonical_name(self.model_name), "max_active": self.max_active}

    def embed_documents(self, texts: list[str]) -> list[SparseVector]:
        """A vector for each text, in order."""
        checked = check_texts(texts)
        if not checked:
            return []
        return _rows(self._loaded().encode_document(checked, **self._how()))

    def embed_query(self, text: str) -> SparseVector:
        """The query's vector."""
        return _rows(self._loaded().encode_query([check_text(text)], **self._how()))[0]

    def _how(self) -> dict[str, Any]:
        return {"show_progress_bar": False, "convert_to_tensor": True, "max_active_dims": self.max_active}

    def _loaded(self) -> SparseEncoder:
        with LOADING:
            if self._model is None:
                self._model = load_sparse(self.model_name, self._options)
            return self._model


class FastEmbedSparseEmbeddings(SparseEmbeddings):
    """A sparse model through fastembed, for collections that langchain-qdrant's `FastEmbedSparse` wrote."""

    def __init__(self, model_name: str = "Qdrant/bm25", *, batch_size: int = 256, **options: Any) -> None:
        """No I/O: the model is loaded on the first text.

        Args:
            model_name: One of fastembed's sparse models.
            batch_size: Texts in one call of the model.
            options: Passed to `fastembed.SparseTextEmbedding`, e.g. `cache_dir`, `threads`.
        """
        self.model_name = model_name
        self._batch_size = batch_size
        self._options = options
        self._model: Any = None

    @property
    def fingerprint(self) -> Fingerprint:
        """What decides the numbers."""
        return {"class": "SparseTextEmbedding", "model": self.model_name}

    def embed_documents(self, texts: list[str]) -> list[SparseVector]:
        """A vector for each text, in order."""
        return _own(self._loaded().embed(check_texts(texts), batch_size=self._batch_size))

    def embed_query(self, text: str) -> SparseVector:
        """The query's vector."""
        return _own(self._loaded().query_embed(check_text(text)))[0]

    def _loaded(self) -> Any:
        if self._model is None:
            try:
                fastembed = import_module("fastembed")
            except ImportError as error:
                raise ImportError(
                    f"fastembed is needed for {self.model_name!r}: pip install 'langchain-qdrant-async[fastembed]'."
                ) from error
            self._model = fastembed.SparseTextEmbedding(model_name=self.model_name, **self._options)
        return self._model


def _own(vectors: Iterable[Any]) -> list[SparseVector]:
    return [SparseVector([int(i) for i in vector.indices], [float(v) for v in vector.values]) for vector in vectors]


def _rows(tensor: Any) -> list[SparseVector]:
    """The rows of a torch sparse (texts, vocabulary) tensor."""
    coalesced = tensor.cpu().coalesce()
    rows, columns = coalesced.indices().numpy()
    values = coalesced.values().float().numpy()
    bounds = np.searchsorted(rows, np.arange(tensor.shape[0] + 1))
    return [SparseVector(columns[start:end].tolist(), values[start:end].tolist()) for start, end in pairwise(bounds)]
