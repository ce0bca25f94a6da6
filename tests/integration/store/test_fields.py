"""Stores over collections with several vector fields: written row by row, each field by its own encoder."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from langchain_qdrant_async import (
    AsyncQdrantVectorStore,
    CollectionSpec,
    Connection,
    InvalidInput,
    InvalidVector,
    Layout,
    Nearest,
    VectorField,
)
from langchain_qdrant_async.document.vectors import Sparse
from langchain_qdrant_async.proto import points
from tests.embeddings import WordEmbeddings

TEXTS = ["red cat", "red dog", "blue cat", "green tree"]
PLACES = {word: place for place, word in enumerate(sorted({word for text in TEXTS for word in text.split()}))}


class Words:
    """A weight of one for each word."""

    async def documents(self, texts: list[str]) -> list[Sparse]:
        return [await self.query(text) for text in texts]

    async def query(self, text: str) -> Sparse:
        places = [PLACES[word] for word in text.split() if word in PLACES]
        return Sparse(places, [1.0] * len(places))


class Tokens:
    """A vector for each word."""

    async def documents(self, texts: list[str]) -> list[np.ndarray[Any, Any]]:
        return [await self.query(text) for text in texts]

    async def query(self, text: str) -> np.ndarray[Any, Any]:
        return np.eye(len(PLACES), dtype=np.float32)[[PLACES[word] for word in text.split()]]


FIELDS = (
    VectorField("words", "sparse", encoder=Words()),
    VectorField("tokens", "multi", len(PLACES), encoder=Tokens()),
)


@pytest.fixture
def store(connection: Connection, collection_name: str) -> AsyncQdrantVectorStore:
    spec = CollectionSpec(collection_name, dimension=20, quantization=None, vectors=FIELDS)
    return AsyncQdrantVectorStore(connection, embedding=WordEmbeddings(20), spec=spec)


@pytest.mark.parametrize("field", ["words", "tokens"])
async def test_a_text_finds_by_any_field(store: AsyncQdrantVectorStore, field: str) -> None:
    await store.aadd_texts(TEXTS, ids=TEXTS)
    found = await store.asearch_by(Nearest("red cat", using=field), k=1)
    assert [each.id for each, _ in found] == ["red cat"]
    assert [each.id for each in await store.asimilarity_search("blue cat", k=1)] == ["blue cat"]


async def test_points_hold_every_field(
    connection: Connection, store: AsyncQdrantVectorStore, collection_name: str
) -> None:
    await store.aadd_texts(TEXTS, ids=range(len(TEXTS)), batch_size=3)
    selector = points.WithVectorsSelector(enable=True)
    request = points.ScrollPoints(collection_name=collection_name, with_vectors=selector)
    for point in (await connection.points.Scroll(request)).result:
        assert set(point.vectors.vectors.vectors) == {"", "words", "tokens"}


async def test_given_vectors_stand_beside_made_ones(store: AsyncQdrantVectorStore) -> None:
    await store.aadd_embeddings(TEXTS, np.eye(4, 20), ids=TEXTS)
    [found] = await store.asimilarity_search_by_vector(np.eye(4, 20)[2], k=1)
    assert found.id == "blue cat"
    [(found, _)] = await store.asearch_by(Nearest("green tree", using="words"), k=1)
    assert found.id == "green tree"


async def test_vectors_of_any_kind_are_searched_by(store: AsyncQdrantVectorStore) -> None:
    await store.aadd_texts(TEXTS, ids=TEXTS)
    [(found, score)] = await store.asearch_by(Nearest(Sparse([PLACES["green"]], [2.0]), using="words"), k=1)
    assert (found.id, score) == ("green tree", 2.0)
    rows = np.eye(len(PLACES))[[PLACES["blue"], PLACES["cat"]]]
    [(found, score)] = await store.asearch_by(Nearest(rows, using="tokens"), k=1)
    assert found.id == "blue cat"
    assert score == pytest.approx(2.0)


async def test_a_store_without_any_dense_vector(connection: Connection, collection_name: str) -> None:
    spec = CollectionSpec(collection_name, vectors=FIELDS[:1], layout=Layout(vector_name="words"))
    store = AsyncQdrantVectorStore(connection, spec=spec)
    await store.aadd_texts(TEXTS, ids=TEXTS)
    assert [each.id for each in await store.asimilarity_search("tree green", k=1)] == ["green tree"]
    again = AsyncQdrantVectorStore(connection, spec=spec)
    assert [each.id for each in await again.asimilarity_search("dog", k=4)] == ["red dog"]


@pytest.mark.parametrize(
    ("ranking", "kind", "message"),
    [
        (Nearest("red", using="nothing"), InvalidInput, "has no vector 'nothing'; there are"),
        (Nearest([1.0, 2.0], using="words"), InvalidInput, "takes a Sparse"),
        (Nearest([1.0, 2.0]), InvalidVector, "2 numbers"),
        (Nearest([[1.0, 2.0]], using="tokens"), InvalidVector, "2 numbers"),
        (Nearest(Sparse([1], [1.0])), InvalidInput, "takes a vector"),
    ],
)
async def test_queries_that_do_not_fit_their_field(
    store: AsyncQdrantVectorStore, ranking: Nearest, kind: type[Exception], message: str
) -> None:
    await store.aadd_texts(TEXTS)
    with pytest.raises(kind, match=message):
        await store.asearch_by(ranking)


async def test_a_field_without_an_encoder_is_left_empty(connection: Connection, collection_name: str) -> None:
    spec = CollectionSpec(collection_name, dimension=20, vectors=[VectorField("words", "sparse")])
    store = AsyncQdrantVectorStore(connection, embedding=WordEmbeddings(20), spec=spec)
    await store.aadd_texts(TEXTS)
    with pytest.raises(InvalidInput, match="nothing embeds texts for the vector 'words'"):
        await store.asearch_by(Nearest("red", using="words"))
