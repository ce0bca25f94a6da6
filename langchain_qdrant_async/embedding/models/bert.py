"""The network of BERT, from its weights, with numpy alone: a short query takes less than PyTorch takes to import."""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from langchain_qdrant_async.embedding.matrix import Matrix

_NUMERATOR = (
    *(-2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05),
    *(-7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02),
)
_DENOMINATOR = (
    *(-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03),
    -1.42647390514189e-02,
)
"""Of the error function between -4 and 4, to rounding in float32.

Source: `generic_fast_erf_float` of Eigen, unsupported/Eigen/src/SpecialFunctions/SpecialFunctionsImpl.h, 3.4.
"""


@dataclass(frozen=True, slots=True)
class Shape:
    """What the weights do not say themselves."""

    layers: int
    """How many there are."""
    heads: int
    """Of the attention in each."""
    epsilon: float
    """Added to variances."""


class Bert:
    """Token numbers -> what the last layer says of each token."""

    def __init__(self, weights: Mapping[str, Matrix], shape: Shape) -> None:
        """Nothing is computed yet.

        Args:
            weights: by the names of transformers' `BertModel`, float32.
            shape: what they do not say.
        """
        self._weights = weights
        self._shape = shape

    def __call__(self, texts: Sequence[Sequence[int]]) -> Iterator[Matrix]:
        """For each text, (its tokens, size).

        The texts lie one behind the other, so none is padded, and each attends to itself only.
        """
        bounds = list(pairwise(accumulate(map(len, texts), initial=0)))
        state = self._embedded(texts)
        for number in range(self._shape.layers):
            state = self._layer(f"encoder.layer.{number}.", state, bounds)
        return (state[start:end] for start, end in bounds)

    def _embedded(self, texts: Sequence[Sequence[int]]) -> Matrix:
        tokens = np.concatenate([np.asarray(each, np.int64) for each in texts])
        places = np.concatenate([np.arange(len(each)) for each in texts])
        tables = [self._weights[f"embeddings.{name}_embeddings.weight"] for name in ("word", "position", "token_type")]
        return self._norm("embeddings.LayerNorm", tables[0][tokens] + tables[1][places] + tables[2][0])

    def _layer(self, name: str, state: Matrix, bounds: Sequence[tuple[int, int]]) -> Matrix:
        parts = [self._linear(f"{name}attention.self.{each}", state) for each in ("query", "key", "value")]
        attended = np.concatenate([self._attention(*(part[start:end] for part in parts)) for start, end in bounds])
        said = self._linear(f"{name}attention.output.dense", attended)
        state = self._norm(f"{name}attention.output.LayerNorm", state + said)
        wide = _gelu(self._linear(f"{name}intermediate.dense", state))
        return self._norm(f"{name}output.LayerNorm", state + self._linear(f"{name}output.dense", wide))

    def _attention(self, query: Matrix, key: Matrix, value: Matrix) -> Matrix:
        count, size = query.shape
        heads = [each.reshape(count, self._shape.heads, -1).transpose(1, 0, 2) for each in (query, key, value)]
        weights: Matrix = heads[0] @ heads[1].transpose(0, 2, 1)
        weights *= np.float32((size / self._shape.heads) ** -0.5)
        weights -= weights.max(-1, keepdims=True)
        np.exp(weights, out=weights)
        weights /= weights.sum(-1, keepdims=True)
        attended: Matrix = (weights @ heads[2]).transpose(1, 0, 2).reshape(count, size)
        return attended

    def _linear(self, name: str, state: Matrix) -> Matrix:
        product: Matrix = state @ self._weights[f"{name}.weight"].T
        product += self._weights[f"{name}.bias"]
        return product

    def _norm(self, name: str, state: Matrix) -> Matrix:
        state -= state.mean(-1, keepdims=True)
        state /= np.sqrt(np.square(state).mean(-1, keepdims=True) + np.float32(self._shape.epsilon))
        state *= self._weights[f"{name}.weight"]
        state += self._weights[f"{name}.bias"]
        return state


def _gelu(state: Matrix) -> Matrix:
    """The exact one, by the error function."""
    gate = _erf(state * np.float32(0.5**0.5))
    gate += 1
    gate *= state
    gate *= np.float32(0.5)
    return gate


def _erf(numbers: Matrix) -> Matrix:
    within = np.clip(numbers, -4, 4)
    squares = within * within
    within *= _polynomial(squares, _NUMERATOR)
    within /= _polynomial(squares, _DENOMINATOR)
    return within


def _polynomial(at: Matrix, coefficients: Sequence[float]) -> Matrix:
    """With the highest power's coefficient first."""
    total = np.full_like(at, coefficients[0])
    for each in coefficients[1:]:
        total *= at
        total += np.float32(each)
    return total


def weights_in(file: Path) -> dict[str, Matrix]:
    """The tensors of a safetensors file, which stay in it until they are read.

    Those that are not float32 are left out.

    Source: https://github.com/huggingface/safetensors#format.
    """
    with file.open("rb") as opened:
        content = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
    begin = 8 + int.from_bytes(content[:8], "little")
    described: dict[str, Any] = json.loads(content[8:begin])
    return {
        name.removeprefix("bert."): _tensor(content, begin, each["shape"], each["data_offsets"][0])
        for name, each in described.items()
        if each.get("dtype") == "F32"
    }


def _tensor(content: mmap.mmap, begin: int, shape: Sequence[int], offset: int) -> Matrix:
    numbers: Matrix = np.frombuffer(content, "<f4", int(np.prod(shape)), begin + offset)
    return numbers.reshape(shape)
