"""100 quantised numbers find what the whole vectors find: a real collection with real judgements, through the store."""

from __future__ import annotations

import pytest

from langchain_qdrant_async import CollectionSpec, Connection, ReducedEmbeddings, SentenceTransformerEmbeddings
from tests.benchmark import cranfield
from tests.benchmark.retrieval import Remembered, measure


@pytest.mark.skipif(
    not cranfield.FOLDER.exists(), reason=f"no Cranfield collection in {cranfield.FOLDER}; CRANFIELD_DIR names another"
)
@pytest.mark.timeout(900)
async def test_100_numbers_in_8_bits_keep_99_percent_of_ndcg() -> None:
    data = cranfield.load()
    async with SentenceTransformerEmbeddings("all-MiniLM-L6-v2", device="cpu") as model, Connection(":memory:") as own:
        whole, known = CollectionSpec("whole", dimension=384, quantization=None), Remembered(model)
        full = await measure(own, data, known, whole)
        kept = await measure(own, data, ReducedEmbeddings(known, 100), CollectionSpec("reduced", dimension=100))
    assert full > 0.49
    assert kept >= 0.99 * full
