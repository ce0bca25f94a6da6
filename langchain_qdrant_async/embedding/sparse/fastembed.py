"""Sparse vectors by fastembed's models."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from langchain_qdrant_async.embedding.fingerprint import Fingerprint
from langchain_qdrant_async.embedding.sparse.sparse import SparseEmbeddings, SparseVector
from langchain_qdrant_async.embedding.texts import check_text, check_texts


class FastEmbedSparseEmbeddings(SparseEmbeddings):
    """A sparse model through fastembed, for collections that langchain-qdrant's `FastEmbedSparse` wrote."""

    def __init__(
        self, model_name: str = "Qdrant/bm25", *, batch_size: int = 256, parallel: int | None = None, **options: Any
    ) -> None:
        """No I/O: the model is loaded on the first text.

        Args:
            model_name: one of fastembed's sparse models.
            batch_size: texts in one call of the model.
            parallel: processes that embed documents; 0 for one on each core, None for none of their own.
            options: passed to `fastembed.SparseTextEmbedding`, e.g. `cache_dir`, `threads`.
        """
        self.model_name = model_name
        self._batch_size = batch_size
        self._parallel = parallel
        self._options = options
        self._model: Any = None

    @classmethod
    def of(cls, model: Any) -> FastEmbedSparseEmbeddings:
        """The same by a model that is loaded: a `fastembed.SparseTextEmbedding`."""
        made = cls(str(getattr(model, "model_name", type(model).__name__)))
        made._model = model
        return made

    @property
    def fingerprint(self) -> Fingerprint:
        """What decides the numbers."""
        return {"class": "SparseTextEmbedding", "model": self.model_name}

    def embed_documents(self, texts: list[str]) -> list[SparseVector]:
        """A vector for each text, in order."""
        how = {"batch_size": self._batch_size} | ({} if self._parallel is None else {"parallel": self._parallel})
        return _own(self._loaded().embed(check_texts(texts), **how))

    def embed_query(self, text: str) -> SparseVector:
        """The query's vector."""
        return _own(self._loaded().query_embed(check_text(text)))[0]

    def _loaded(self) -> Any:
        if self._model is None:
            try:
                fastembed = import_module("fastembed")
            except ImportError as error:
                raise ImportError(
                    f"fastembed is needed for {self.model_name!r}: pip install 'langchain-qdrant-async[fastembed]'"
                ) from error
            self._model = fastembed.SparseTextEmbedding(model_name=self.model_name, **self._options)
        return self._model


def _own(vectors: Iterable[Any]) -> list[SparseVector]:
    return [SparseVector([int(i) for i in vector.indices], [float(v) for v in vector.values]) for vector in vectors]
