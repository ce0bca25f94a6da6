"""BM25 as sparse vectors, with words alone."""

from __future__ import annotations

import pytest

from langchain_qdrant_async.embedding import Bm25Embeddings, SparseVector
from langchain_qdrant_async.embedding.sparse.bm25 import plural_stem
from langchain_qdrant_async.errors import InvalidInput


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
