"""Texts become what a vector field holds, off the loop, and every wrong answer of a model is told apart."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings

from langchain_qdrant_async.embedding import Bm25Embeddings, ReducedEmbeddings, Reduction, SparseVector
from langchain_qdrant_async.embedding.async_model import AsyncModel, ModelThreads
from langchain_qdrant_async.embedding.encoder import DenseEncoder, Encoder, MultiEncoder, SparseEncoder
from langchain_qdrant_async.errors import EmbeddingError, InvalidInput

TEXTS = ["one", "two"]


class Told:
    """Gives what it is told to, and remembers the threads that called it."""

    def __init__(self, rows: Any) -> None:
        self.rows = rows
        self.threads: list[threading.Thread] = []

    def embed_documents(self, texts: list[str]) -> Any:
        self.threads.append(threading.current_thread())
        if isinstance(self.rows, Exception):
            raise self.rows
        return self.rows

    def embed_query(self, text: str) -> Any:
        return self.embed_documents([text])[0]


class ToldDense(Told, Embeddings):
    """As LangChain's: the async methods are those that it gives."""


class Awaited(ToldDense):
    """With async methods of its own."""

    async def aembed_documents(self, texts: list[str]) -> Any:
        return self.embed_documents(texts)

    async def aembed_query(self, text: str) -> Any:
        return self.embed_query(text)


class Arrays(Awaited):
    """With arrays, and nothing else to call."""

    def embed_documents_array(self, texts: list[str]) -> Any:
        raise AssertionError("blocking")

    def embed_query_array(self, text: str) -> Any:
        raise AssertionError("blocking")

    async def aembed_documents_array(self, texts: list[str]) -> Any:
        return np.asarray(self.rows, np.float32)

    async def aembed_query_array(self, text: str) -> Any:
        return np.asarray(self.rows[0], np.float32)

    async def aembed_documents(self, texts: list[str]) -> Any:
        raise AssertionError("lists")

    async def aembed_query(self, text: str) -> Any:
        raise AssertionError("lists")


@pytest.fixture
def threads() -> ModelThreads:
    return ModelThreads()


@pytest.mark.parametrize("model", [ToldDense, Awaited, Arrays])
async def test_a_dense_field_holds_a_vector_for_each_text(model: type[ToldDense], threads: ModelThreads) -> None:
    encoder: Encoder = DenseEncoder(model([[1.0, 2.0], [3.0, 4.0]]), threads)
    matrix = await encoder.documents(TEXTS)
    assert isinstance(matrix, np.ndarray)
    assert matrix.dtype == np.float32
    assert matrix.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    vector = await encoder.query("one")
    assert vector.dtype == np.float32
    assert vector.tolist() == [1.0, 2.0]
    threads.close()


async def test_blocking_models_run_on_the_threads_and_others_are_awaited(threads: ModelThreads) -> None:
    blocking, awaited = ToldDense([[1.0]]), Awaited([[1.0]])
    await DenseEncoder(blocking, threads).query("one")
    await DenseEncoder(awaited, threads).query("one")
    assert blocking.threads[0].name.startswith("embedding-calls")
    assert awaited.threads == [threading.current_thread()]
    threads.close()


async def test_async_methods_that_borrow_the_default_executor_are_not_used(threads: ModelThreads) -> None:
    class Borrowing(Told):
        async def aembed_documents(self, texts: list[str]) -> Any:
            raise AssertionError("the loop's default executor")

        aembed_documents.__module__ = "langchain_qdrant.sparse_embeddings"

    model = Borrowing([SparseVector([1], [1.0])])
    assert await SparseEncoder(model, threads).documents(["one"]) == [SparseVector([1], [1.0])]
    assert model.threads[0].name.startswith("embedding-calls")
    threads.close()


async def test_no_texts_are_no_call(threads: ModelThreads) -> None:
    model = ToldDense([])
    assert (await DenseEncoder(model, threads).documents([])).shape == (0, 0)
    assert await SparseEncoder(model, threads).documents([]) == []
    assert await MultiEncoder(model, threads).documents([]) == []
    assert not model.threads


async def test_what_a_dense_model_gave_is_not_handed_on_as_a_view(threads: ModelThreads) -> None:
    given = np.ones((2, 3), np.float32)
    encoder = DenseEncoder(Awaited(given), threads)
    (await encoder.documents(TEXTS))[:] = 0
    (await encoder.query("one"))[:] = 0
    assert given.all()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1.0]], "Awaited gave 1 vectors for 2 texts"),
        ([[1.0], [1.0, 2.0]], "different sizes in one answer, 1 and 2"),
        ([[1.0], [float("inf")]], "inf as component 0 of the vector of text 1"),
        (RuntimeError("out of memory"), "Awaited failed: RuntimeError: out of memory"),
    ],
)
async def test_what_is_not_a_vector_for_each_text_is_refused(rows: Any, message: str, threads: ModelThreads) -> None:
    with pytest.raises(EmbeddingError, match=message):
        await DenseEncoder(Awaited(rows), threads).documents(TEXTS)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([float("nan")], "nan as component 0"),
        ([1e39], "inf as component 0"),
        ([], "shape"),
        (["x"], "not a number"),
        (1.0, "not a list of vectors"),
        ([[1.0]], "shape"),
    ],
)
async def test_a_query_that_is_not_a_vector_is_refused(row: Any, message: str, threads: ModelThreads) -> None:
    with pytest.raises(EmbeddingError, match=message):
        await DenseEncoder(Awaited([row]), threads).query("one")


async def test_our_own_errors_and_missing_packages_come_as_they_are(threads: ModelThreads) -> None:
    for error in (ImportError("pip install it"), InvalidInput("no")):
        with pytest.raises(type(error)) as caught:
            await AsyncModel(Awaited(error), threads).query("one")
        assert caught.value is error


def test_what_cannot_embed_is_refused_at_once(threads: ModelThreads) -> None:
    with pytest.raises(InvalidInput, match="object cannot embed texts: it has no method embed_documents"):
        SparseEncoder(object(), threads)  # type: ignore[arg-type]


async def test_a_reduction_settled_after_the_encoder_was_made_is_used(threads: ModelThreads) -> None:
    reduced = ReducedEmbeddings(DeterministicFakeEmbedding(size=20), 5)
    encoder = DenseEncoder(reduced, threads)
    reduction = Reduction.truncation(20, 5)
    reduced.adopt(reduction)
    assert (await encoder.query("one")).tolist() == reduced.embed_query("one")
    assert encoder.embedding is reduced


async def test_a_sparse_field_holds_weights_of_words(threads: ModelThreads) -> None:
    bm25 = Bm25Embeddings()
    encoder: Encoder = SparseEncoder(bm25, threads)
    assert await encoder.documents(["a cat", "two dogs"]) == bm25.embed_documents(["a cat", "two dogs"])
    assert await encoder.query("cats") == bm25.embed_query("cats")


async def test_an_encoder_has_threads_of_its_own_where_none_are_given() -> None:
    model = Told([SparseVector()])
    await SparseEncoder(model).query("one")
    assert model.threads[0].name.startswith("embedding-calls")


async def test_sparse_vectors_of_others_become_ours(threads: ModelThreads) -> None:
    class Theirs:
        indices = (1, 2)
        values = (0.5, 1.0)

    encoder = SparseEncoder(Told([Theirs()]), threads)
    assert await encoder.documents(["one"]) == [SparseVector([1, 2], [0.5, 1.0])]
    assert await encoder.query("one") == SparseVector([1, 2], [0.5, 1.0])
    threads.close()


@pytest.mark.parametrize(
    ("rows", "message"),
    [([SparseVector()], "1 vectors for 2 texts"), ([SparseVector(), 5], "not a sparse vector: int")],
)
async def test_what_is_not_a_sparse_vector_for_each_text_is_refused(
    rows: Any, message: str, threads: ModelThreads
) -> None:
    with pytest.raises(EmbeddingError, match=message):
        await SparseEncoder(Told(rows), threads).documents(TEXTS)
    threads.close()


async def test_a_multi_field_holds_a_matrix_for_each_text(threads: ModelThreads) -> None:
    encoder: Encoder = MultiEncoder(Told([[[1.0, 2.0]], np.ones((3, 2))]), threads)
    first, second = await encoder.documents(TEXTS)
    assert first.dtype == second.dtype == np.float32
    assert first.tolist() == [[1.0, 2.0]]
    assert second.shape == (3, 2)
    assert (await encoder.query("one")).tolist() == [[1.0, 2.0]]
    threads.close()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[[1.0]]], "1 vectors for 2 texts"),
        ([[[1.0]], []], "no vectors for a text"),
        ([[[1.0]], 1.0], "no vectors for a text"),
        ([[[1.0]], [1.0]], "not a list of vectors"),
        ([[[1.0]], [[1.0, 2.0]]], "different sizes in one answer, 1 and 2"),
        ([[[1.0]], [[float("nan")]]], "nan as component 0"),
    ],
)
async def test_what_is_not_a_matrix_for_each_text_is_refused(rows: Any, message: str, threads: ModelThreads) -> None:
    with pytest.raises(EmbeddingError, match=message):
        await MultiEncoder(Told(rows), threads).documents(TEXTS)
    threads.close()
