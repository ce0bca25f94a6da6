"""langchain-qdrant's sparse model, with its keywords in its order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_qdrant_async.embedding.sparse.fastembed import FastEmbedSparseEmbeddings


class FastEmbedSparse(FastEmbedSparseEmbeddings):
    """`FastEmbedSparseEmbeddings` as langchain-qdrant's class is called; the model is loaded on the first text."""

    def __init__(
        self,
        model_name: str = "Qdrant/bm25",
        batch_size: int = 256,
        cache_dir: str | None = None,
        threads: int | None = None,
        providers: Sequence[Any] | None = None,
        parallel: int | None = None,
        **kwargs: Any,
    ) -> None:
        """No I/O.

        Args:
            model_name: one of fastembed's sparse models.
            batch_size: texts in one call of the model.
            cache_dir: where models are kept.
            threads: of one session of the model.
            providers: of ONNX's execution.
            parallel: processes that embed documents.
            **kwargs: passed to `fastembed.SparseTextEmbedding`.
        """
        given = {"cache_dir": cache_dir, "threads": threads, "providers": providers}
        said = {name: value for name, value in given.items() if value is not None}
        super().__init__(model_name, batch_size=batch_size, parallel=parallel, **said, **kwargs)
