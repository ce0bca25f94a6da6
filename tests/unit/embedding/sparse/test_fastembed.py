"""fastembed's sparse models, when it is installed."""

from __future__ import annotations

import importlib.util

import pytest

from langchain_qdrant_async.compat import FastEmbedSparse, SparseEmbeddings
from langchain_qdrant_async.embedding import FastEmbedSparseEmbeddings


@pytest.mark.skipif(importlib.util.find_spec("fastembed") is not None, reason="fastembed is installed here")
def test_langchain_qdrants_class_has_its_positions() -> None:
    model = FastEmbedSparse("Qdrant/bm42", 64, "cache", 2, None, 0, lazy_load=True)
    assert (model.model_name, model._batch_size, model._parallel) == ("Qdrant/bm42", 64, 0)
    assert model._options == {"cache_dir": "cache", "threads": 2, "lazy_load": True}
    assert issubclass(FastEmbedSparse, SparseEmbeddings)


def test_without_fastembed_the_error_names_it() -> None:
    with pytest.raises(ImportError, match=r"pip install .langchain-qdrant-async\[fastembed\]"):
        FastEmbedSparseEmbeddings().embed_query("cat")
