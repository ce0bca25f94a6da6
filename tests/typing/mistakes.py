"""What users write by mistake: each line that says so is an error in mypy and in pyright, and no other is."""

from __future__ import annotations

from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.language_models.fake_chat_models import FakeListChatModel

from langchain_qdrant_async import AsyncQdrantVectorStore, CollectionSpec, Connection, self_query_retriever
from langchain_qdrant_async.compat import QdrantVectorStore

EMBEDDING = DeterministicFakeEmbedding(size=100)


async def awaiting(store: AsyncQdrantVectorStore) -> None:
    await store.asimilarity_search("a", filtre={"n": 1})  # error expected
    await store.asimilarity_search("a", k="4")  # error expected
    await store.asimilarity_search_with_score("a", 4, None, 0.5)  # error expected
    await store.aadd_texts(["a"], ordering="strongest")  # error expected
    await store.adelete(filters={"n": 1})  # error expected
    await store.adelete("a", "b")  # error expected
    await AsyncQdrantVectorStore.afrom_texts(["a"], EMBEDDING, locaton=":memory:")  # error expected
    await AsyncQdrantVectorStore.afrom_documents([Document("a")], EMBEDDING, ulr="http://localhost")  # error expected
    (await store.asimilarity_search("a"))[0].page_contents  # error expected
    store.asimilarity_search("a")[0]  # error expected


def blocking(store: AsyncQdrantVectorStore) -> None:
    store.similarity_search("a", filtre={"n": 1})  # error expected
    store.similarity_search("a", k="4")  # error expected
    store.similarity_search()  # error expected
    store.similarity_search("a", score_treshold=0.5)  # error expected
    store.similarity_search_with_score("a", 4, None, 0.5)  # error expected
    store.similarity_search_by_vector("a")  # error expected
    store.similarity_search_with_relevance_scores("a", treshold=0.5)  # error expected
    store.max_marginal_relevance_search("a", fetchk=9)  # error expected
    store.add_texts(["a"], metadata=[{"n": 1}])  # error expected
    store.add_texts(1)  # error expected
    store.add_documents(["a"])  # error expected
    store.add_documents([Document("a")], batchsize=3)  # error expected
    store.delete(filters={"n": 1})  # error expected
    store.delete(["1"], timeout="soon")  # error expected
    store.get_by_ids(ids=["1"])  # error expected
    store.reindex(keepold=True)  # error expected
    store.close(1)  # error expected
    store.as_retriever(filter={"n": 1})  # error expected
    store.as_retriever(search_type="near")  # error expected
    store.similarity_search("a")[0].page_contents  # error expected
    store.metadata_schema(values="many")  # error expected
    self_query_retriever(FakeListChatModel(responses=[]), store, "x", [], search_typ="mmr")  # error expected


def made(connection: Connection) -> None:
    AsyncQdrantVectorStore(connection, "docs", EMBEDDING, vectorname="x")  # error expected
    AsyncQdrantVectorStore.from_texts(["a"], EMBEDDING, locaton=":memory:")  # error expected
    AsyncQdrantVectorStore.from_texts(["a"], EMBEDDING, location=":memory:", spec="docs")  # error expected
    AsyncQdrantVectorStore.from_documents([Document("a")], EMBEDDING, grpcport=6334)  # error expected
    AsyncQdrantVectorStore.from_existing_collection("docs", EMBEDDING, grpc_port="6334")  # error expected
    CollectionSpec("docs", dimensions=100)  # error expected
    Connection("http://localhost:6334", apikey="x")  # error expected
    QdrantVectorStore(connection, "docs", EMBEDDING, contentkey="x")  # error expected
    QdrantVectorStore.from_texts(["a"], EMBEDDING, locaton=":memory:")  # error expected
    QdrantVectorStore.construct_instance(EMBEDDING, collectionname="x")  # error expected


def moved(store: QdrantVectorStore) -> None:
    store.similarity_search("a", 4, {"n": 1}, None, "0")  # error expected
    store.similarity_search("a", filtre={"n": 1})  # error expected
    store.max_marginal_relevance_search("a", lambda_mul=0.5)  # error expected
