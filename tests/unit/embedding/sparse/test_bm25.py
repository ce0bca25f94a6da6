"""BM25 as sparse vectors: Qdrant's own positions and weights."""

from __future__ import annotations

import copy
import math
import pickle
import sys
from typing import Any

import pytest
import qdrant_edge as edge
from hypothesis import given
from hypothesis import strategies as st

from langchain_qdrant_async.embedding import Bm25Embeddings, SparseEncoder, SparseVector
from langchain_qdrant_async.errors import InvalidInput

HELLO, WORLD = 613_153_351, 74_040_069
"""Source: MurmurHash3 (x86, 32 bits, seed 0) of the two words, without its sign, as of `mmh3.hash`."""

words = st.sampled_from(
    ["cats", "running", "the", "naïve", "日本語", "Straße", "привет", "42", "🙂", "a" * 50, "of", "don't"]
)
texts = st.text(max_size=60) | st.lists(words, max_size=12).map(" ".join)


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


def test_positions_are_those_of_every_other_bm25_for_qdrant() -> None:
    assert sorted(Bm25Embeddings().embed_query("Hello world").indices) == [WORLD, HELLO]


def _murmur3(key: bytes) -> int:
    """Source: Appleby, MurmurHash3_x86_32, seed 0; written down here once more."""

    def mixed(block: int) -> int:
        block = block * 0xCC9E2D51 & 0xFFFFFFFF
        block = (block << 15 | block >> 17) & 0xFFFFFFFF
        return block * 0x1B873593 & 0xFFFFFFFF

    state, blocks = 0, len(key) // 4 * 4
    for start in range(0, blocks, 4):
        state ^= mixed(int.from_bytes(key[start : start + 4], "little"))
        state = (state << 13 | state >> 19) & 0xFFFFFFFF
        state = (state * 5 + 0xE6546B64) & 0xFFFFFFFF
    state ^= mixed(int.from_bytes(key[blocks:], "little")) if len(key) > blocks else 0
    state ^= len(key)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        state = (state ^ state >> shift) * factor & 0xFFFFFFFF
    return state ^ state >> 16


@given(st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyzäöüß0123456789"), min_size=1, max_size=30))
def test_positions_are_murmur3_of_the_word(word: str) -> None:
    signed = _murmur3(word.encode())
    position = abs(signed - 2**32 if signed >= 2**31 else signed)
    plain = Bm25Embeddings(stopwords=[], stem=False, tokenizer="whitespace")
    assert plain.embed_query(word) == SparseVector([position], [1.0])


def test_bm25_weighs_as_the_formula_says() -> None:
    (vector,) = Bm25Embeddings(k=1.5, b=0.5, avg_len=4).embed_documents(["red red blue"])
    damping = 1.5 * (1 - 0.5 + 0.5 * 3 / 4)
    assert sorted(vector.values) == pytest.approx([2.5 / (1 + damping), 2 * 2.5 / (2 + damping)])


@given(texts, st.sampled_from(["english", "german", "russian", "french", "spanish"]), st.floats(1, 500))
def test_weights_are_those_of_a_server(text: str, language: str, length: float) -> None:
    """The engine's encoder gives a server's very numbers."""
    theirs = edge.Bm25(edge.Bm25Config(language=language, avg_len=length))
    ours = Bm25Embeddings(language=language, avg_len=length)
    expected = theirs.embed_document(text.encode("utf-8", "replace").decode())
    assert ours.embed_documents([text]) == [SparseVector(expected.indices, expected.values)]
    asked = theirs.embed_query(text.encode("utf-8", "replace").decode())
    assert ours.embed_query(text) == SparseVector(asked.indices, asked.values)


def test_bm25_positions_are_unique_and_fit_in_32_bits() -> None:
    (vector,) = Bm25Embeddings().embed_documents([" ".join(f"word{n} word{n}" for n in range(5000))])
    assert len(set(vector.indices)) == len(vector) == 5000
    assert all(0 <= index < 2**32 for index in vector.indices)


def test_bm25_of_nothing_is_nothing() -> None:
    bm25 = Bm25Embeddings()
    assert bm25.embed_query("the of !?") == SparseVector([], []) == bm25.embed_documents([""])[0]
    assert bm25.embed_documents([]) == []
    assert len(bm25.embed_query("\ud800")) == 0


@pytest.mark.parametrize(
    ("options", "text", "same_as"),
    [
        ({"stem": False}, "cats", "cats"),
        ({}, "cats", "cat"),
        ({"stopwords": ["cat"]}, "the cat", "the"),
        ({"stopwords": [], "stem": False}, "the", "the"),
        ({"language": "german"}, "der Häuser", "Hause"),
        ({"ascii_folding": True, "stem": False}, "café", "cafe"),
        ({"min_token_len": 3}, "go home", "home"),
        ({"max_token_len": 3}, "go home", "go"),
        ({"lowercase": True}, "CAT", "cat"),
    ],
    ids=str,
)
def test_options(options: dict[str, Any], text: str, same_as: str) -> None:
    bm25 = Bm25Embeddings(**options)
    assert bm25.embed_query(text) == bm25.embed_query(same_as)
    assert len(bm25.embed_query(text)) == 1
    assert options.items() <= bm25.fingerprint.items()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"b": 2}, "BM25 cannot be so"),
        ({"k": -1}, "BM25 cannot be so"),
        ({"avg_len": 0}, "BM25 cannot be so"),
        ({"avg_len": "long"}, "BM25 cannot be so"),
        ({"language": "klingon"}, "klingon"),
        ({"tokenizer": "syllable"}, "BM25 cannot be so"),
        ({"stopwords": "the"}, "a list of words"),
        ({"stopwords": [1]}, "a list of words"),
        ({"stopwords": 5}, "a list of words"),
        ({"stopwords": b"the"}, "a list of words"),
        ({"avg_len": True}, "avg_len must be a number above 0"),
        ({"avg_len": math.nan}, "avg_len must be"),
        ({"k": "1"}, "k must be a number from 0"),
        ({"k": math.inf}, "k must be"),
        ({"b": None}, "b must be a number from 0 to 1"),
        ({"language": None}, "language must be a string"),
        ({"tokenizer": 5}, "tokenizer must be a string"),
        ({"stem": "no"}, "stem must be True or False"),
        ({"lowercase": 0}, "lowercase must be True or False"),
        ({"max_token_len": 1.5}, "max_token_len"),
        ({"min_token_len": -1}, "min_token_len"),
    ],
    ids=str,
)
def test_options_that_cannot_be(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        Bm25Embeddings(**options)


@given(st.lists(st.integers(1, 300), min_size=1, max_size=5))
def test_the_average_length_is_learned(lengths: list[int]) -> None:
    bm25 = Bm25Embeddings()
    given = [" ".join(f"word{number % 7}" for number in range(length)) for length in lengths]
    learned = bm25.learn(given)
    assert learned == {"avg_len": pytest.approx(sum(lengths) / len(lengths))}
    grown = bm25.with_learned(learned)
    assert grown.avg_len == learned["avg_len"]
    assert grown.embed_documents(given) == Bm25Embeddings(avg_len=grown.avg_len).embed_documents(given)
    assert (bm25.avg_len, bm25.learn([])) == (256, {})


def test_a_length_that_was_given_stays() -> None:
    bm25 = Bm25Embeddings(avg_len=7)
    assert bm25.learn(["some words"]) == {}
    assert bm25.with_learned({"avg_len": 9}).avg_len == 7
    assert Bm25Embeddings().with_learned({"avg_len": "x"}).avg_len == 256


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_copies_weigh_alike(make: Any) -> None:
    bm25 = Bm25Embeddings(stopwords=["red"]).with_learned({"avg_len": 9.5})
    assert make(bm25).embed_documents(["red apple"]) == bm25.embed_documents(["red apple"])


async def test_an_encoder_learns_by_its_model() -> None:
    encoder = SparseEncoder(Bm25Embeddings())
    learned = await encoder.learn(["two words", "three words more"])
    assert learned == {"avg_len": pytest.approx(2)}, "more is a stop word"
    assert await encoder.with_learned(learned).documents(["two words"]) == Bm25Embeddings(avg_len=2).embed_documents(
        ["two words"]
    )


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "qdrant_edge", None)
    with pytest.raises(ImportError, match=r"langchain-qdrant-async\[bm25\]"):
        Bm25Embeddings()
