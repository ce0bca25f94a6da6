"""Any embeddings, brought to exactly the wanted size, and every wrong answer of a model told apart."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import numpy as np
import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings

from langchain_qdrant_async.embedding import ReducedEmbeddings, Reduction
from langchain_qdrant_async.embedding.async_model import THREADS
from langchain_qdrant_async.errors import EmbeddingError, InvalidInput


class Scripted(Embeddings):
    """A model without async methods that gives what it is told to, and remembers the threads that called it."""

    def __init__(self, rows: Any) -> None:
        self.rows = rows
        self.threads: list[threading.Thread] = []

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.threads.append(threading.current_thread())
        return self.rows  # type: ignore[no-any-return]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


class Native(Scripted):
    """The same with async methods of its own."""

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        return self.embed_documents(texts)

    async def aembed_query(self, text: str) -> list[float]:
        return self.embed_query(text)


TEXTS = ["one", "two"]


@pytest.mark.parametrize("size", [100, 101, 384, 1536])
async def test_always_gives_the_dimension(size: int) -> None:
    embeddings = ReducedEmbeddings(DeterministicFakeEmbedding(size=size))
    documents = embeddings.embed_documents(TEXTS)
    assert [len(row) for row in documents] == [100, 100]
    assert documents == await embeddings.aembed_documents(TEXTS)
    np.testing.assert_allclose(embeddings.embed_query("one"), documents[0], rtol=1e-5, atol=1e-7)
    assert await embeddings.aembed_query("one") == embeddings.embed_query("one")
    assert type(documents[0][0]) is float


async def test_arrays_are_the_lists_without_the_lists() -> None:
    embeddings = ReducedEmbeddings(DeterministicFakeEmbedding(size=384), 7)
    matrix = await embeddings.aembed_documents_array(TEXTS)
    assert matrix.shape == (2, 7)
    assert matrix.dtype == np.float32
    assert embeddings.embed_documents_array(TEXTS).tolist() == matrix.tolist() == embeddings.embed_documents(TEXTS)
    vector = await embeddings.aembed_query_array("one")
    assert vector.shape == (7,)
    assert embeddings.embed_query_array("one").tolist() == vector.tolist()


def test_a_model_of_the_right_size_is_left_as_it_is() -> None:
    model = DeterministicFakeEmbedding(size=100)
    assert np.allclose(ReducedEmbeddings(model).embed_query("one"), model.embed_query("one"), atol=1e-6)


async def test_no_texts_give_no_vectors_and_no_call() -> None:
    model = Scripted([])
    embeddings = ReducedEmbeddings(model)
    assert embeddings.embed_documents([]) == await embeddings.aembed_documents([]) == []
    assert embeddings.embed_documents_array([]).shape == (0, 100)
    assert not model.threads


async def test_a_model_without_async_methods_runs_on_threads_of_ours() -> None:
    model = Scripted([[1.0, 0.0, 0.0]])
    await ReducedEmbeddings(model, 3).aembed_query("one")
    assert model.threads[0].name.startswith("embedding-calls")


async def test_a_model_with_async_methods_is_awaited() -> None:
    model = Native([[1.0, 0.0, 0.0]])
    await ReducedEmbeddings(model, 3).aembed_query("one")
    assert model.threads == [threading.current_thread()]


async def test_a_blocking_model_gets_a_bounded_number_of_threads() -> None:
    gate = threading.Barrier(4)

    class Meeting(Scripted):
        def embed_query(self, text: str) -> list[float]:
            gate.wait(timeout=10)
            return super().embed_query(text)

    model = Meeting([[1.0, 0.0, 0.0]])
    embeddings = ReducedEmbeddings(model, 3)
    await asyncio.gather(*(embeddings.aembed_query(str(n)) for n in range(100)))
    assert 4 <= len({thread.name for thread in model.threads}) <= THREADS


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1.0] * 64, [1.0] * 64], "gives 64 numbers for a text and 100 are needed"),
        ([[1.0] * 120], "1 vectors for 2 texts"),
        ([[1.0] * 120, [1.0] * 119], "different sizes in one answer, 119 and 120"),
        ([[1.0] * 120, [1.0] * 119 + [float("nan")]], "nan as component 119 of the vector of text 1"),
        ([[1e39] * 120, [1.0] * 120], "inf as component 0 of the vector of text 0"),
        ([[1.0] * 120, ["x"] * 120], "not a number"),
        ([1.0, 2.0], "not a list of vectors"),
        ([[], []], "shape"),
    ],
)
async def test_what_is_not_a_vector_for_each_text_is_refused(rows: Any, message: str) -> None:
    for model in (Scripted(rows), Native(rows)):
        with pytest.raises(EmbeddingError, match=message):
            ReducedEmbeddings(model).embed_documents(TEXTS)
        with pytest.raises(EmbeddingError, match=message):
            await ReducedEmbeddings(model).aembed_documents(TEXTS)


async def test_a_model_that_changes_its_size_is_refused() -> None:
    model = Scripted([[1.0] * 120])
    embeddings = ReducedEmbeddings(model)
    embeddings.embed_query("one")
    model.rows = [[1.0] * 130]
    with pytest.raises(EmbeddingError, match=r"130 numbers .* made for 120"):
        await embeddings.aembed_query("one")


async def test_what_the_model_gave_is_not_changed() -> None:
    rows = [[3.0] * 100, [4.0] * 100]
    embeddings = ReducedEmbeddings(Native(rows))
    embeddings.embed_documents_array(TEXTS)[:] = 0
    (await embeddings.aembed_documents_array(TEXTS))[:] = 0
    assert rows == [[3.0] * 100, [4.0] * 100]


@pytest.mark.parametrize("texts", ["one", [1], [None], [b"one"]])
async def test_only_lists_of_strings_are_embedded(texts: Any) -> None:
    embeddings = ReducedEmbeddings(DeterministicFakeEmbedding(size=100))
    with pytest.raises(InvalidInput, match="string"):
        embeddings.embed_documents(texts)
    with pytest.raises(InvalidInput, match="string"):
        await embeddings.aembed_documents(texts)
    with pytest.raises(InvalidInput, match="only strings"):
        await embeddings.aembed_query(texts[0] if isinstance(texts, list) else 5)  # type: ignore[arg-type]


def test_settings_that_cannot_be_are_refused_at_once() -> None:
    model = DeterministicFakeEmbedding(size=384)
    with pytest.raises(InvalidInput, match="dimension must be a whole number, 1 or more"):
        ReducedEmbeddings(model, 0)
    with pytest.raises(InvalidInput, match="gives 50 numbers and dimension is 100"):
        ReducedEmbeddings(model, 100, Reduction.truncation(384, 50))
    with pytest.raises(InvalidInput, match="SentenceTransformerEmbeddings\\(name\\)"):
        ReducedEmbeddings("all-MiniLM-L6-v2")  # type: ignore[arg-type]
