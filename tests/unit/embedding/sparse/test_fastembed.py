"""fastembed's sparse models, when it is installed."""

from __future__ import annotations

import importlib.util

import pytest

from langchain_qdrant_async.embedding import FastEmbedSparseEmbeddings


@pytest.mark.skipif(importlib.util.find_spec("fastembed") is not None, reason="fastembed is installed here")
def test_without_fastembed_the_error_names_it() -> None:
    with pytest.raises(ImportError, match=r"pip install .langchain-qdrant-async\[fastembed\]"):
        FastEmbedSparseEmbeddings().embed_query("cat")
