"""Models of the BERT family without PyTorch: which ones, and the same vectors as sentence-transformers gives."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from langchain_qdrant_async.embedding.matrix import Matrix, Vector
from langchain_qdrant_async.embedding.models.bert import Bert, Shape, weights_in
from langchain_qdrant_async.errors import EmbeddingError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_MODULES = (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"])
_POOLED = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
"""Of older files, which have a switch for each."""
_USUAL: Mapping[str, Any] = {
    "hidden_act": "gelu",
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "add_cross_attention": False,
}
"""What `config.json` says of the network; the same is meant where it says nothing."""
_DOCUMENT_PROMPTS = ("document", "passage", "corpus")
"""Names of a document's prompt, in the order in which they are looked for. Source: `encode_document` of 5.0 to 6.2."""
_SHORTEST = 1e-12
"""What a vector is divided by at least to get length 1."""


class Folder:
    """A folder as sentence-transformers saves a model."""

    def __init__(self, path: Path) -> None:
        """Nothing is read yet."""
        self.path = path

    def json(self, name: str) -> dict[str, Any]:
        """What a file in it says; nothing when it is not there."""
        file = self.path / name
        return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}

    @cached_property
    def config(self) -> dict[str, Any]:
        """Of the network."""
        return self.json("config.json")

    @cached_property
    def modules(self) -> list[dict[str, Any]]:
        """What follows what."""
        file = self.path / "modules.json"
        return list(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else []

    @property
    def kinds(self) -> list[str]:
        """The classes of the modules."""
        return [str(each["type"]).rsplit(".", 1)[-1] for each in self.modules]

    @cached_property
    def pooling(self) -> str:
        """How the vectors of tokens become one: `mean`, `cls` or another."""
        said = next(self.json(f"{m['path']}/config.json") for m in self.modules if str(m["type"]).endswith("Pooling"))
        if said.get("include_prompt", True) is not True:
            return "without the prompt"
        on = [name for name, switch in said.items() if name.startswith("pooling_mode_") and switch]
        return str(said.get("pooling_mode") or "+".join(_POOLED.get(name, name) for name in on))

    @property
    def longest(self) -> int:
        """Tokens of a text that are read."""
        limits = (
            self.json("sentence_bert_config.json").get("max_seq_length"),
            self.json("tokenizer_config.json").get("model_max_length"),
            self.config.get("max_position_embeddings"),
        )
        return int(min(each for each in limits if each is not None))

    def unlike(self) -> Iterator[str]:
        """What in it is not as it must be for the numbers to be the same."""
        if not (self.path / "model.safetensors").is_file() or not (self.path / "tokenizer.json").is_file():
            yield "it has no model.safetensors or no tokenizer.json"
            return
        config = {**_USUAL, **self.config}
        for name, value in (*_USUAL.items(), ("model_type", "bert")):
            if config.get(name) != value:
                yield f"its {name} is {config.get(name)!r}"
        if self.kinds not in _MODULES:
            yield f"its modules are {', '.join(self.kinds) or 'not listed'}"
        elif self.pooling not in {"mean", "cls"}:
            yield f"its pooling is {self.pooling!r}"
        yield from self._unlike_texts()

    def _unlike_texts(self) -> Iterator[str]:
        transformer, tokenizer = self.json("sentence_bert_config.json"), self.json("tokenizer_config.json")
        if transformer.get("transformer_task", "feature-extraction") != "feature-extraction":
            yield f"its task is {transformer['transformer_task']!r}"
        if transformer.get("module_output_name", "token_embeddings") != "token_embeddings":
            yield f"its output is {transformer['module_output_name']!r}"
        if tokenizer.get("tokenizer_class") not in {"BertTokenizer", "BertTokenizerFast"}:
            yield f"its tokenizer is {tokenizer.get('tokenizer_class')!r}"
        normal = self.json("tokenizer.json").get("normalizer") or {}
        lower = bool(normal.get("lowercase"))
        if tokenizer.get("do_lower_case", True) != lower or (transformer.get("do_lower_case") and not lower):
            yield "its files contradict each other on do_lower_case"


class NumpyEncoder:
    """A model of the BERT family, with the methods of a `SentenceTransformer` that are used here."""

    def __init__(self, path: Path) -> None:
        """Read the files of a model.

        Args:
            path: its folder.

        Raises:
            EmbeddingError: it is not of the kind that gives the same numbers here; says why.
        """
        folder = Folder(path)
        if reasons := list(folder.unlike()):
            raise EmbeddingError(f"backend='numpy' cannot run the model in {path}: {'; '.join(reasons)}; use 'torch'")
        said = folder.json("config_sentence_transformers.json")
        self._prompts: Mapping[str, str] = {**(said.get("prompts") or {})}
        self._usual_prompt = self._prompts.get(said.get("default_prompt_name") or "", "")
        self._mean = folder.pooling == "mean"
        self._normalizes = "Normalize" in folder.kinds
        self._tokenizer = _tokenizer(folder)
        self._network = _network(folder)

    def encode_query(self, texts: Sequence[str], *, prompt: str | None = None, **how: Any) -> Matrix:
        """As `encode`, with the prompt that the model has for queries unless another is given."""
        return self.encode(texts, prompt=self._prompt(["query"], prompt), **how)

    def encode_document(self, texts: Sequence[str], *, prompt: str | None = None, **how: Any) -> Matrix:
        """As `encode`, with the prompt that the model has for documents unless another is given."""
        return self.encode(texts, prompt=self._prompt(_DOCUMENT_PROMPTS, prompt), **how)

    def encode(
        self,
        texts: Sequence[str],
        *,
        prompt: str = "",
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        **_: Any,
    ) -> Matrix:
        """A vector for each text, float32 (texts, size).

        Args:
            texts: all of them are computed at once.
            prompt: put before each.
            normalize_embeddings: whether vectors get length 1.
            truncate_dim: how many numbers of each are kept.
            **_: what else `SentenceTransformer.encode` is given, which has no meaning here.
        """
        tokens = [each.ids for each in self._tokenizer.encode_batch([f"{prompt}{text}" for text in texts])]
        rows = np.stack([self._pooled(state) for state in self._network(tokens)])
        if self._normalizes:
            rows = _normalized(rows)
        rows = rows[:, :truncate_dim]
        return _normalized(rows) if normalize_embeddings else rows

    def _prompt(self, names: Sequence[str], given: str | None) -> str:
        if given is not None:
            return given
        return next((self._prompts[name] for name in names if name in self._prompts), self._usual_prompt)

    def _pooled(self, state: Matrix) -> Vector:
        row: Vector = state.mean(0) if self._mean else state[0]
        return row


def _normalized(rows: Matrix) -> Matrix:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    divided: Matrix = rows / np.maximum(lengths, np.float32(_SHORTEST))
    return divided


def _tokenizer(folder: Folder) -> Tokenizer:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder.path / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(folder.longest)
    return tokenizer


def _network(folder: Folder) -> Bert:
    config, weights = folder.config, weights_in(folder.path / "model.safetensors")
    shape = Shape(config["num_hidden_layers"], config["num_attention_heads"], config.get("layer_norm_eps", 1e-12))
    if f"encoder.layer.{shape.layers - 1}.output.dense.bias" not in weights:
        raise EmbeddingError(f"backend='numpy' needs float32 weights of a BertModel in {folder.path}; use 'torch'")
    return Bert(weights, shape)
