"""Sparse vectors by a learned model, through sentence-transformers."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from langchain_qdrant_async.embedding.fingerprint import Fingerprint
from langchain_qdrant_async.embedding.models.loading import LOADING, canonical_name, load_sparse, name_of
from langchain_qdrant_async.embedding.sparse.sparse import SparseEmbeddings, SparseVector
from langchain_qdrant_async.embedding.texts import check_text, check_texts

if TYPE_CHECKING:
    from sentence_transformers import SparseEncoder


class SpladeEmbeddings(SparseEmbeddings):
    """A learned sparse model (SPLADE and its kin) through sentence-transformers' `SparseEncoder`."""

    def __init__(self, model: str | SparseEncoder, *, max_active: int | None = None, **options: Any) -> None:
        """No I/O: the model is loaded on the first text.

        Args:
            model: a name, the path of a folder, or a loaded model.
            max_active: keep this many of the heaviest words of a text; by default all.
            options: passed to `SparseEncoder`, e.g. `device`, `cache_folder`.
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


def _rows(tensor: Any) -> list[SparseVector]:
    """The rows of a torch sparse (texts, vocabulary) tensor."""
    coalesced = tensor.cpu().coalesce()
    rows, columns = coalesced.indices().numpy()
    values = coalesced.values().float().numpy()
    bounds = np.searchsorted(rows, np.arange(tensor.shape[0] + 1))
    return [SparseVector(columns[start:end].tolist(), values[start:end].tolist()) for start, end in pairwise(bounds)]
