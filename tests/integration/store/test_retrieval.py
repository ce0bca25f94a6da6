"""Searching by meaning, by words, by both and by tokens: of a store, and of a call."""

from __future__ import annotations

import asyncio
import copy
import pickle
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from langchain_core.documents import Document
from qdrant_client import models

from langchain_qdrant_async import (
    AsyncQdrantVectorStore,
    Branch,
    CollectionMismatch,
    Collections,
    CollectionSpec,
    Connection,
    Dbsf,
    Fused,
    InvalidInput,
    Nearest,
    Rescored,
    RetrievalMode,
    Rrf,
    ServerEncoder,
    Unimplemented,
    VectorField,
    WeightedSum,
)
from langchain_qdrant_async.compat import QdrantVectorStore
from langchain_qdrant_async.embedding import Bm25Embeddings, MultiEncoder, SparseEmbeddings, SparseVector
from langchain_qdrant_async.proto import collections, common, points
from tests.embeddings import WordEmbeddings

SIZE = 16
TEXTS = {
    "1": "red apple on the table",
    "2": "green apple in the garden",
    "3": "yellow banana",
    "4": "the quick brown fox",
    "5": "zebra",
}


class Words(SparseEmbeddings):
    """A weight of one for each word; the same in every process, and none for what is no ASCII."""

    idf = True

    def embed_documents(self, texts: list[str]) -> list[SparseVector]:
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> SparseVector:
        words = text.split() if text.isascii() else []
        places = {sum(ord(letter) * 31**at for at, letter in enumerate(word)) % 2**32 for word in words}
        return SparseVector(sorted(places), [1.0] * len(places))


class Tokens:
    """A vector for each word."""

    def embed_documents(self, texts: list[str]) -> list[list[list[float]]]:
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[list[float]]:
        return [[float(len(word) == size) for size in range(SIZE)] for word in text.split()]


EMBEDDING = WordEmbeddings(SIZE)


@pytest.fixture(params=["none", "spec"])
async def store(request: pytest.FixtureRequest, connection: Connection, collection_name: str) -> AsyncQdrantVectorStore:
    spec = CollectionSpec(collection_name, dimension=SIZE) if request.param == "spec" else None
    store = AsyncQdrantVectorStore(
        connection, collection_name, EMBEDDING, spec=spec, retrieval_mode="hybrid", sparse_embedding=Words()
    )
    await store.aadd_texts(list(TEXTS.values()), [{"n": int(n)} for n in TEXTS], list(TEXTS))
    return store


def ids(found: list[Any]) -> list[str]:
    return [str(each.id if isinstance(each, Document) else each[0].id) for each in found]


async def test_each_document_is_found_by_both(store: AsyncQdrantVectorStore, connection: Connection) -> None:
    info = await Collections(connection).describe(store.collection_name)
    assert info.sparse_vectors == ("langchain-sparse",)
    params = info.message.config.params.sparse_vectors_config.map["langchain-sparse"]
    assert params.modifier == collections.Modifier.Idf
    assert set(ids(await store.asimilarity_search("apple", k=2))) == {"1", "2"}
    assert ids(await store.asimilarity_search("zebra", k=1)) == ["5"]
    assert store.retrieval_mode is RetrievalMode.HYBRID


async def test_one_store_searches_in_every_mode(store: AsyncQdrantVectorStore) -> None:
    assert ids(await store.asimilarity_search("fox", k=9, retrieval_mode="sparse")) == ["4"]
    assert len(await store.asimilarity_search("fox", k=9, retrieval_mode=RetrievalMode.DENSE)) == len(TEXTS)
    assert len(await store.asimilarity_search("fox", k=9)) == len(TEXTS)
    retriever = store.as_retriever(search_kwargs={"k": 9, "retrieval_mode": "sparse"})
    assert ids(await retriever.ainvoke("banana")) == ["3"]


@pytest.mark.parametrize("query", ["", "日本語", "nothing of that"])
async def test_a_query_without_a_known_word(store: AsyncQdrantVectorStore, query: str) -> None:
    """The order of the branch that finds something is left alone."""
    assert await store.asimilarity_search(query, k=9, retrieval_mode="sparse") == []
    dense = await store.asimilarity_search(query, k=9, retrieval_mode="dense")
    for fusion in ("rrf", "dbsf"):
        assert ids(await store.asimilarity_search(query, k=9, hybrid_fusion=fusion)) == ids(dense)


async def test_texts_without_a_word_are_stored(store: AsyncQdrantVectorStore) -> None:
    await store.aadd_texts(["日本語", ""], ids=["6", "7"])
    assert [each.page_content for each in await store.aget_by_ids(["6", "7"])] == ["日本語", ""]
    assert {"6", "7"} <= set(ids(await store.asimilarity_search("apple", k=9)))


@pytest.mark.parametrize(
    "fusion",
    [
        "rrf",
        "dbsf",
        Rrf(k=10, weights=[1, 2]),
        Dbsf(),
        WeightedSum([1, 0.1]),
        models.FusionQuery(fusion=models.Fusion.RRF),
        models.RrfQuery(rrf=models.Rrf(k=3)),
        models.Fusion.DBSF,
        points.Rrf(k=5),
        points.Query(fusion=points.Fusion.DBSF),
    ],
    ids=str,
)
async def test_fusions(store: AsyncQdrantVectorStore, fusion: Any) -> None:
    found = await store.asimilarity_search_with_score("brown fox", k=9, hybrid_fusion=fusion)
    assert found[0][0].id == "4"
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    pages = [
        await store.asimilarity_search_with_score("brown fox", k=1, offset=at, hybrid_fusion=fusion) for at in range(3)
    ]
    assert [page[0][1] for page in pages] == pytest.approx([score for _, score in found[:3]])


async def test_the_scores_of_a_weighted_sum(store: AsyncQdrantVectorStore) -> None:
    dense = dict(await _scores(store, "brown fox", retrieval_mode="dense"))
    sparse = dict(await _scores(store, "brown fox", retrieval_mode="sparse"))
    both = dict(await _scores(store, "brown fox", hybrid_fusion=WeightedSum([2, 0.5])))
    expected = {each: 2 * dense.get(each, 0) + 0.5 * sparse.get(each, 0) for each in dense | sparse}
    assert both == pytest.approx(expected, abs=1e-5)


async def _scores(store: AsyncQdrantVectorStore, query: str, **options: Any) -> list[tuple[str, float]]:
    found = await store.asimilarity_search_with_score(query, k=9, **options)
    return [(each.id or "", score) for each, score in found]


async def test_a_threshold_is_of_the_fused_score_and_branches_have_their_own(store: AsyncQdrantVectorStore) -> None:
    (_, best), *_ = await store.asimilarity_search_with_score("brown fox", k=9)
    assert ids(await store.asimilarity_search("brown fox", k=9, score_threshold=best - 1e-6)) == ["4"]
    words = Branch(Nearest("apple", using="langchain-sparse"), score_threshold=1e9)
    assert len(await store.asearch_by(Fused([Branch(Nearest("apple"), {"n": {"$lte": 2}}), words]), k=9)) == 2
    most = Branch(Nearest("apple"), limit=1, search_params=models.SearchParams(exact=True))
    assert len(await store.asearch_by(Fused([most, words]), k=9)) == 1


async def test_filters_hold_for_every_branch(store: AsyncQdrantVectorStore) -> None:
    for mode in ("dense", "sparse", "hybrid"):
        found = await store.asimilarity_search("apple", k=9, filter={"n": 2}, retrieval_mode=mode)
        assert ids(found) == ["2"]


async def test_marginal_relevance_of_what_both_find(store: AsyncQdrantVectorStore) -> None:
    found = await store.amax_marginal_relevance_search("apple", k=3, fetch_k=5)
    assert len(set(ids(found))) == 3
    by_meaning = await store.amax_marginal_relevance_search("apple", k=3, fetch_k=5, retrieval_mode="dense")
    assert len(set(ids(by_meaning))) == 3


@pytest.mark.parametrize("mode", ["sparse", "hybrid", None])
async def test_scores_without_bounds_are_no_relevances(store: AsyncQdrantVectorStore, mode: Any) -> None:
    with pytest.raises(InvalidInput, match="relevance_score_fn"):
        await store.asimilarity_search_with_relevance_scores("apple", retrieval_mode=mode)
    store.relevance_score_fn = lambda score: score / (1 + score)
    found = await store.asimilarity_search_with_relevance_scores("apple", retrieval_mode=mode)
    assert all(0 <= score <= 1 for _, score in found)


async def test_dense_scores_are_relevances_in_a_hybrid_store(store: AsyncQdrantVectorStore) -> None:
    found = await store.asimilarity_search_with_relevance_scores("apple", retrieval_mode="dense")
    assert all(0 <= score <= 1 for _, score in found)


async def test_vectors_alone_search_by_meaning(store: AsyncQdrantVectorStore) -> None:
    vector = await EMBEDDING.aembed_query("apple")
    assert ids(await store.asimilarity_search_by_vector(vector, k=9)) == ids(
        await store.asimilarity_search("apple", k=9, retrieval_mode="dense")
    )


async def test_both_vectors_of_a_text_are_made_at_the_same_time(connection: Connection, collection_name: str) -> None:
    both = asyncio.Barrier(2)

    class Waiting(WordEmbeddings):
        async def aembed_query(self, text: str) -> list[float]:
            await both.wait()
            return await super().aembed_query(text)

    class WaitingWords(Words):
        async def aembed_query(self, text: str) -> SparseVector:
            await both.wait()
            return self.embed_query(text)

    store = AsyncQdrantVectorStore(
        connection, collection_name, Waiting(SIZE), retrieval_mode="hybrid", sparse_embedding=WaitingWords()
    )
    await store.aadd_texts(["an apple"])
    assert len(await store.asimilarity_search("apple", timeout=20)) == 1


async def test_words_alone(connection: Connection, collection_name: str) -> None:
    store = AsyncQdrantVectorStore(connection, collection_name, retrieval_mode="sparse", sparse_embedding=Words())
    await store.aadd_texts(list(TEXTS.values()), ids=list(TEXTS))
    info = await Collections(connection).describe(collection_name)
    assert (dict(info.vectors), info.sparse_vectors) == ({}, ("langchain-sparse",))
    assert ids(await store.asimilarity_search("fox", k=9)) == ["4"]
    assert ids(await copy.copy(store).asimilarity_search("fox", k=9)) == ["4"]
    with pytest.raises(InvalidInput, match="sparse vector alone"):
        await store.asimilarity_search("fox", retrieval_mode="dense")
    with pytest.raises(InvalidInput, match="no relevance"):
        await store.asimilarity_search_with_relevance_scores("fox")


async def test_tokens_beside_meaning(connection: Connection, collection_name: str) -> None:
    tokens = VectorField("tokens", "multi", SIZE, encoder=MultiEncoder(Tokens()))
    spec = CollectionSpec(collection_name, dimension=SIZE, quantization=None, vectors=[tokens])
    store = AsyncQdrantVectorStore(connection, embedding=EMBEDDING, spec=spec, sparse_embedding=Words())
    await store.aadd_texts(list(TEXTS.values()), ids=list(TEXTS))
    query = "aaaaaa bbbbb ccc"  # words as long as some of the garden
    found = await store.asimilarity_search_with_score(query, k=1, retrieval_mode="multivector")
    assert ids(found) == ["2"]
    rescored = Rescored(candidates=Nearest(query), by=Nearest(query, using="tokens"))
    assert await store.asearch_by(rescored, k=1) == found
    few = Rescored(Branch(Nearest("apple"), {"n": 99}), Nearest(query, using="tokens"), limit=2)
    assert await store.asearch_by(few, k=1) == []
    assert ids(await store.asimilarity_search("fox", k=9, retrieval_mode="sparse")) == ["4"], "written as well"


async def test_a_store_that_is_dense_writes_words_for_others(connection: Connection, collection_name: str) -> None:
    dense = AsyncQdrantVectorStore(connection, collection_name, EMBEDDING, sparse_embedding=Words())
    await dense.aadd_texts(["an apple"])
    hybrid = AsyncQdrantVectorStore(
        connection, collection_name, EMBEDDING, retrieval_mode="hybrid", sparse_embedding=Words()
    )
    assert len(await hybrid.asimilarity_search("apple", retrieval_mode="sparse")) == 1


async def test_a_collection_without_words_is_no_hybrid_one(connection: Connection, collection_name: str) -> None:
    await AsyncQdrantVectorStore(connection, collection_name, EMBEDDING).aadd_texts(["an apple"])
    for mode in ("hybrid", "sparse"):
        store = AsyncQdrantVectorStore(
            connection, collection_name, EMBEDDING, retrieval_mode=mode, sparse_embedding=Words()
        )
        with pytest.raises(CollectionMismatch, match="langchain-sparse"):
            await store.asimilarity_search("apple")
        with pytest.raises(CollectionMismatch, match="langchain-sparse"):
            await store.aadd_texts(["another"])


async def test_vectors_come_back_when_they_are_asked_for(store: AsyncQdrantVectorStore) -> None:
    (plain,) = await store.asimilarity_search("zebra", k=1)
    assert plain.metadata == {"n": 5}
    (every,) = await store.asimilarity_search("zebra", k=1, with_vectors=True)
    assert set(every.metadata["_vectors"]) == {"", "langchain-sparse"}
    assert np.allclose(every.metadata["_vectors"][""], await EMBEDDING.aembed_query("zebra"), atol=1e-2)
    assert len(every.metadata["_vectors"]["langchain-sparse"]["indices"]) == 1
    (one,) = await store.asimilarity_search("zebra", k=1, with_vectors=["langchain-sparse"])
    assert set(one.metadata["_vectors"]) == {"langchain-sparse"}


async def test_payload_comes_back_as_it_is_asked_for(store: AsyncQdrantVectorStore) -> None:
    await store.aadd_texts(["a lone walrus"], [{"a": {"b": 1, "c": 2}, "d": 3}], ["walrus"])
    (none,) = await store.asimilarity_search("walrus", k=1, with_payload=False)
    assert (none.id, none.page_content, none.metadata) == ("walrus", "", {})
    (some,) = await store.asimilarity_search("walrus", k=1, with_payload=["a.b"])
    assert (some.id, some.page_content, some.metadata) == ("walrus", "a lone walrus", {"a": {"b": 1}})


@pytest.mark.parametrize("mode", ["dense", "sparse", "hybrid"])
async def test_shards_are_named_in_every_mode(store: AsyncQdrantVectorStore, mode: Any) -> None:
    with pytest.raises(Exception, match="Shard key .?eu.? not found"):
        await store.asimilarity_search("apple", retrieval_mode=mode, shard_key="eu")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"retrieval_mode": "both"}, "no retrieval_mode 'both'; there are 'dense'"),
        ({"retrieval_mode": "multivector"}, "needs one: CollectionSpec"),
        ({"retrieval_mode": "dense", "hybrid_fusion": "rrf"}, "is for retrieval_mode 'hybrid'"),
        ({"hybrid_fusion": "sum"}, "a fusion is"),
        ({"hybrid_fusion": Rrf(weights=[1])}, "1 weights for 2 rankings"),
        ({"hybrid_fusion": models.RrfQuery(rrf=models.Rrf(weights=[1, 2, 3]))}, "3 weights for 2 rankings"),
        ({"with_vectors": "all"}, "with_vectors must be"),
        ({"with_payload": 1}, "with_payload must be"),
        ({"shard_key": 1.5}, "shard_key must be"),
        ({"shard_key": []}, "shard_key must be"),
    ],
    ids=str,
)
async def test_what_cannot_be_meant(store: AsyncQdrantVectorStore, options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        await store.asimilarity_search("apple", **options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"retrieval_mode": "hybrid"}, "needs a sparse_embedding"),
        ({"retrieval_mode": "sparse"}, "needs a sparse_embedding"),
        ({"retrieval_mode": "multivector"}, "needs one: CollectionSpec"),
        ({"retrieval_mode": "hybrid", "sparse_embedding": 5}, "must make sparse vectors"),
        ({"retrieval_mode": 5}, "no retrieval_mode 5"),
        ({"sparse_vector_name": 5}, "sparse_vector_name must be"),
    ],
    ids=str,
)
def test_stores_that_cannot_be(connection: Connection, options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        AsyncQdrantVectorStore(connection, "docs", EMBEDDING, **options)


async def test_copies_retrieve_alike(store: AsyncQdrantVectorStore) -> None:
    for copied in (copy.copy(store), pickle.loads(pickle.dumps(store))):
        assert ids(await copied.asimilarity_search("fox", k=9, retrieval_mode="sparse")) == ["4"]
        assert copied.retrieval_mode is RetrievalMode.HYBRID
        if copied.connection is not store.connection:
            await copied.connection.aclose()


@pytest.mark.parametrize("mode", [models.Fusion.RRF, None])
async def test_the_names_of_langchain_qdrant(connection: Connection, collection_name: str, mode: Any) -> None:
    moved = QdrantVectorStore(
        connection,
        collection_name,
        EMBEDDING,
        RetrievalMode.HYBRID,
        sparse_embedding=Words(),
        sparse_vector_name="words",
    )
    await moved.aadd_texts(list(TEXTS.values()), ids=list(TEXTS))
    fusion = None if mode is None else models.FusionQuery(fusion=mode)
    found = await moved.asimilarity_search_with_score("brown fox", 9, None, None, 0, None, None, fusion)
    assert [score for _, score in found][:1] == pytest.approx([1.0]), "1 / (2 + 0) for each"
    assert ids(await moved.asimilarity_search("fox", k=9, retrieval_mode="sparse")) == ["4"]


async def test_bm25_learns_the_length_of_the_texts_and_the_collection_keeps_it(
    connection: Connection, collection_name: str
) -> None:
    def opened() -> AsyncQdrantVectorStore:
        return AsyncQdrantVectorStore(
            connection, collection_name, EMBEDDING, retrieval_mode="hybrid", sparse_embedding=Bm25Embeddings()
        )

    short = ["red apple tree", "green apple garden", "quick brown fox"]
    await opened().aadd_texts(short, ids=["1", "2", "3"])
    await opened().aadd_texts(["blue berry bush"], ids=["4"])
    for each in ("1", "4"):
        (found,) = await opened().asimilarity_search("x", k=1, filter={"$has_id": [each]}, with_vectors=True)
        values = found.metadata["_vectors"]["langchain-sparse"]["values"]
        assert values == pytest.approx([1.0] * 3, abs=1e-3), "as long as all are on the average"


async def test_words_are_found_that_qdrant_itself_encoded(connection: Connection, collection_name: str) -> None:
    """What `qdrant/bm25` writes on a server is found by our queries, and the other way round."""
    store = AsyncQdrantVectorStore(
        connection, collection_name, EMBEDDING, retrieval_mode="hybrid", sparse_embedding=Bm25Embeddings()
    )
    await store.aadd_texts(["red apples"], ids=["1"])
    text = points.Document(text="a banana for breakfast", model="qdrant/bm25")
    vectors = {
        "": points.Vector(dense=points.DenseVector(data=[1.0] * SIZE)),
        "langchain-sparse": points.Vector(document=text),
    }
    point = points.PointStruct(
        id=common.PointId(num=2), vectors=points.Vectors(vectors=points.NamedVectors(vectors=vectors))
    )
    await connection.points.Upsert(points.UpsertPoints(collection_name=collection_name, points=[point], wait=True))
    assert ids(await store.asimilarity_search("bananas", k=9, retrieval_mode="sparse")) == ["2"]
    asked = points.Query(nearest=points.VectorInput(document=points.Document(text="apple", model="qdrant/bm25")))
    request = points.QueryPoints(collection_name=collection_name, query=asked, using="langchain-sparse", limit=9)
    assert [each.id.num for each in (await connection.points.Query(request)).result] == [1]


async def test_qdrant_may_encode_the_words(connection: Connection, collection_name: str) -> None:
    store = AsyncQdrantVectorStore(
        connection,
        collection_name,
        EMBEDDING,
        retrieval_mode="hybrid",
        sparse_embedding=ServerEncoder("qdrant/bm25", {"avg_len": 5}),
    )
    await store.aadd_texts(list(TEXTS.values()), ids=list(TEXTS))
    assert set(ids(await store.asimilarity_search("apples", k=9, retrieval_mode="sparse"))) == {"1", "2"}
    assert ids(await store.asimilarity_search("foxes", k=1)) == ["4"]
    info = await Collections(connection).describe(collection_name)
    assert info.message.config.params.sparse_vectors_config.map["langchain-sparse"].modifier == collections.Modifier.Idf
    ours = AsyncQdrantVectorStore(
        connection, collection_name, EMBEDDING, retrieval_mode="sparse", sparse_embedding=Bm25Embeddings()
    )
    assert set(ids(await ours.asimilarity_search("apples", k=9))) == {"1", "2"}, "either reads what the other wrote"


async def test_models_that_the_engine_does_not_have_are_refused_by_name(
    connection: Connection, collection_name: str
) -> None:
    field = VectorField("", size=SIZE, encoder=ServerEncoder("some/model"))
    store = AsyncQdrantVectorStore(connection, spec=CollectionSpec(collection_name, vectors=[field]))
    with pytest.raises(Unimplemented, match="some/model"):
        await store.aadd_texts(["a text"])
    with pytest.raises(InvalidInput, match="named by a string"):
        ServerEncoder("")


class Loaded:
    """A model as fastembed's are: generators of objects with numpy arrays."""

    model_name = "Qdrant/bm25"

    def embed(self, documents: list[str], batch_size: int = 256) -> Any:
        return (self._vector(each) for each in documents)

    def query_embed(self, query: str) -> Any:
        yield self._vector(query)

    def _vector(self, text: str) -> Any:
        found = Words().embed_query(text)
        return SimpleNamespace(indices=np.array(found.indices, np.int64), values=np.array(found.values))


async def test_fastembeds_own_models_are_taken(connection: Connection, collection_name: str) -> None:
    store = AsyncQdrantVectorStore(
        connection, collection_name, EMBEDDING, retrieval_mode="sparse", sparse_embedding=Loaded()
    )
    await store.aadd_texts(list(TEXTS.values()), ids=list(TEXTS))
    assert [each.id for each in await store.asimilarity_search("brown fox", k=1)] == ["4"]
    info = await Collections(connection).describe(collection_name)
    params = info.message.config.params.sparse_vectors_config.map["langchain-sparse"]
    assert params.modifier == collections.Modifier.Idf
