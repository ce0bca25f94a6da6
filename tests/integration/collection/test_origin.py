"""The model and the reduction belong to the collection: stored with it, found again, and guarded."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import numpy as np
import pytest
from langchain_classic.embeddings.cache import CacheBackedEmbeddings
from langchain_core.embeddings import Embeddings
from langchain_core.stores import InMemoryByteStore

from langchain_qdrant_async import (
    AsyncQdrantVectorStore,
    CollectionMismatch,
    Collections,
    CollectionSpec,
    Connection,
    InvalidVector,
    ReducedEmbeddings,
    Remote,
    RpcError,
)
from langchain_qdrant_async.collection.collections import ORIGIN_POINT
from langchain_qdrant_async.collection.origin import Origin
from langchain_qdrant_async.embedding import EmbeddingCache, Reduction
from langchain_qdrant_async.proto import (
    CollectionsServicer,
    PointsServicer,
    add_CollectionsServicer_to_server,
    add_PointsServicer_to_server,
    collections,
    points,
)
from tests.embeddings import WordEmbeddings

WORDS = [
    "red",
    "green",
    "blue",
    "apple",
    "pear",
    "plum",
    "cat",
    "dog",
    "fox",
    "tree",
    "leaf",
    "root",
    "sun",
    "moon",
    "star",
]
TEXTS = [f"{a} {b}" for a in WORDS for b in WORDS]


def _reduced(size: int = 60, dimension: int = 20) -> ReducedEmbeddings:
    return ReducedEmbeddings(WordEmbeddings(size), dimension=dimension)


def _store(connection: Connection, name: str, embedding: Embeddings) -> AsyncQdrantVectorStore:
    return AsyncQdrantVectorStore(connection, name, embedding)


async def _best(store: AsyncQdrantVectorStore, query: str) -> set[str]:
    """The two nearest: the order of the words does not count."""
    return {each.page_content for each in await store.asimilarity_search(query, k=2)}


async def _origin(connection: Connection, name: str) -> Origin:
    owner = Collections(connection)
    stored = await owner.origin(await owner.describe(name))
    assert stored is not None
    return stored.origin


async def test_the_first_documents_choose_the_reduction(connection: Connection, collection_name: str) -> None:
    embedding = _reduced()
    store = _store(connection, collection_name, embedding)
    assert await store.asimilarity_search("apple") == [], "a search does not settle on anything"
    await store.aadd_texts(TEXTS)
    origin = await _origin(connection, collection_name)
    assert origin.reduction is not None
    assert (origin.reduction.kind, origin.reduction.samples) == ("principal-components", len(TEXTS))
    assert embedding.reduction is None, "the caller's own object may serve another collection"
    assert isinstance(store.embeddings, ReducedEmbeddings)
    assert store.embeddings.reduction is not None
    assert store.embeddings.reduction.fingerprint == origin.reduction.fingerprint
    assert await _best(store, "red apple") == {"red apple", "apple red"}


async def test_a_fit_on_few_texts_is_said(
    connection: Connection, collection_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = _store(connection, collection_name, _reduced())
    await store.aadd_texts(TEXTS[:3])
    assert "fitted on 3 texts only" in caplog.text
    caplog.clear()
    await store.aadd_texts(TEXTS)
    assert not caplog.text


async def test_each_text_is_embedded_once(connection: Connection, collection_name: str) -> None:
    class Counting(WordEmbeddings):
        texts = 0

        async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
            self.texts += len(texts)
            return await super().aembed_documents(texts)

    model = Counting(60)
    await _store(connection, collection_name, ReducedEmbeddings(model, dimension=20)).aadd_texts(TEXTS, batch_size=16)
    assert model.texts == len(TEXTS)
    plain = Counting(20)
    await _store(connection, collection_name + "-plain", plain).aadd_texts(TEXTS, batch_size=16)
    await Collections(connection).drop(collection_name + "-plain")
    assert plain.texts == len(TEXTS)


async def test_later_documents_and_other_stores_use_the_same_reduction(
    connection: Connection, collection_name: str
) -> None:
    await _store(connection, collection_name, _reduced()).aadd_texts(TEXTS)
    before = await _origin(connection, collection_name)
    other = _store(connection, collection_name, _reduced())
    assert await _best(other, "blue moon") == {"blue moon", "moon blue"}
    await other.aadd_texts(["something else entirely"])
    after = await _origin(connection, collection_name)
    assert before.reduction is not None
    assert after.reduction is not None
    assert before.reduction.fingerprint == after.reduction.fingerprint
    [(_, score)] = await other.asimilarity_search_with_score("something else entirely", k=1)
    assert score == pytest.approx(1, abs=1e-4)


PROGRAM = """
import sys
from langchain_qdrant_async import AsyncQdrantVectorStore, Connection, ReducedEmbeddings
from tests.embeddings import WordEmbeddings
with Connection(sys.argv[1]) as connection:
    store = AsyncQdrantVectorStore(connection, "docs", ReducedEmbeddings(WordEmbeddings(60), dimension=20))
    print(sorted(each.page_content for each in store.similarity_search("blue moon", k=2)))
"""


async def test_any_process_finds_the_reduction_again(tmp_path: Path) -> None:
    async with Connection(str(tmp_path)) as connection:
        await _store(connection, "docs", _reduced()).aadd_texts(TEXTS)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM, str(tmp_path), stdout=subprocess.PIPE, cwd=Path.cwd()
        )
        output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert output == b"['blue moon', 'moon blue']\n"


async def test_many_first_writers_agree_on_one_reduction(connection: Connection, collection_name: str) -> None:
    stores = [_store(connection, collection_name, _reduced()) for _ in range(6)]
    await asyncio.gather(*(store.aadd_texts(TEXTS[n::6]) for n, store in enumerate(stores)))
    for text in TEXTS[::20]:
        [(found, score)] = await stores[0].asimilarity_search_with_score(text, k=1)
        assert found.page_content.split() in (text.split(), text.split()[::-1])
        assert score == pytest.approx(1, abs=1e-4)


async def test_a_cache_around_the_embeddings(connection: Connection, collection_name: str) -> None:
    """LangChain's own cache: the reduction is found through it, and what it cached stays comparable."""
    kept = InMemoryByteStore()

    def cached() -> CacheBackedEmbeddings:
        return CacheBackedEmbeddings.from_bytes_store(_reduced(), kept, namespace="test", key_encoder="sha256")

    await _store(connection, collection_name, cached()).aadd_texts(TEXTS)
    later = _store(connection, collection_name, cached())
    await later.aadd_texts(["blue whale", "red apple"])
    assert "blue whale" in await _best(later, "blue whale")
    [(_, score), *_] = await later.asimilarity_search_with_score("red apple", k=1)
    assert score == pytest.approx(1, abs=1e-4)


async def test_an_empty_collection_made_beforehand(connection: Connection, collection_name: str) -> None:
    await Collections(connection).ensure(CollectionSpec(collection_name, dimension=20))
    store = _store(connection, collection_name, _reduced())
    assert await store.asimilarity_search("apple") == []
    await store.aadd_texts(TEXTS)
    assert (await _origin(connection, collection_name)).reduction is not None
    assert await _best(store, "red apple") == {"red apple", "apple red"}


async def test_first_writers_of_a_collection_made_beforehand_agree(
    connection: Connection, collection_name: str
) -> None:
    """Origins are settled after the collection is made: whoever was outrun writes again."""
    await Collections(connection).ensure(CollectionSpec(collection_name, dimension=20))
    stores = [_store(connection, collection_name, _reduced()) for _ in range(6)]

    async def write(number: int) -> None:
        for _ in range(number):
            await asyncio.sleep(0)
        await stores[number].aadd_texts([f"{text} {number}" for text in TEXTS])

    await asyncio.gather(*map(write, range(6)))
    reader = _store(connection, collection_name, _reduced())
    for number in range(6):
        for text in TEXTS[::20]:
            [(found, score)] = await reader.asimilarity_search_with_score(f"{text} {number}", k=1)
            assert found.page_content.split() in ([*text.split(), str(number)], [*text.split()[::-1], str(number)])
            assert score == pytest.approx(1, abs=1e-4)


async def test_whole_vectors_opened_with_a_reduction(connection: Connection, collection_name: str) -> None:
    await _store(connection, collection_name, WordEmbeddings(60)).aadd_texts(TEXTS)
    with pytest.raises(CollectionMismatch, match=r"the model's own 60 numbers, and this store has 20 numbers"):
        await _store(connection, collection_name, _reduced()).asimilarity_search("apple")


async def test_a_cache_around_the_embeddings_without_validation(connection: Connection, collection_name: str) -> None:
    await _store(connection, collection_name, _reduced()).aadd_texts(TEXTS)
    cached = CacheBackedEmbeddings.from_bytes_store(_reduced(), InMemoryByteStore(), key_encoder="sha256")
    store = AsyncQdrantVectorStore(connection, collection_name, cached, validate_collection_config=False)
    assert "red apple" in await _best(store, "red apple")


async def test_a_file_of_vectors_around_the_reduction(
    connection: Connection, collection_name: str, tmp_path: Path
) -> None:
    """Vectors of two reductions do not meet in it."""
    for name in (collection_name, f"{collection_name}-b"):
        reduced = _reduced()
        async with EmbeddingCache(tmp_path / "vectors.db", reduced) as kept:
            store = _store(connection, name, CacheBackedEmbeddings(reduced, kept))
            await store.aadd_texts([f"{text} {name}" for text in TEXTS])
            await store.aadd_texts(["shared text"])
        [(_, score)] = await _store(connection, name, _reduced()).asimilarity_search_with_score("shared text", k=1)
        assert score == pytest.approx(1, abs=1e-4)
    await Collections(connection).drop(f"{collection_name}-b")


async def test_a_reader_that_came_first_sees_what_another_store_writes(
    connection: Connection, collection_name: str
) -> None:
    await Collections(connection).ensure(CollectionSpec(collection_name, dimension=20))
    reader = _store(connection, collection_name, _reduced())
    assert await reader.asimilarity_search("apple") == []
    await _store(connection, collection_name, _reduced()).aadd_texts(TEXTS)
    assert await _best(reader, "red apple") == {"red apple", "apple red"}


# ── refusals name both sides ─────────────────────────────────────────────────────────────────────────────────────


async def _refused(attempt: Awaitable[object], *parts: str) -> None:
    with pytest.raises(CollectionMismatch) as caught:
        await attempt
    for part in parts:
        assert part in str(caught.value)


async def test_another_model(connection: Connection, collection_name: str) -> None:
    await _store(connection, collection_name, _reduced()).aadd_texts(TEXTS)
    other = _store(connection, collection_name, _reduced(size=61))
    for attempt in (other.asimilarity_search("apple"), other.aadd_texts(["apple"])):
        await _refused(attempt, '"size": 60', '"size": 61', "WordEmbeddings", "use that model")


async def test_another_model_of_the_same_size_without_any_reduction(
    connection: Connection, collection_name: str
) -> None:
    class Other(WordEmbeddings):
        pass

    await _store(connection, collection_name, WordEmbeddings(20)).aadd_texts(TEXTS)
    await _refused(
        _store(connection, collection_name, Other(20)).asimilarity_search("apple"), "WordEmbeddings", "Other"
    )
    unchecked = AsyncQdrantVectorStore(connection, collection_name, Other(20), validate_collection_config=False)
    assert len(await unchecked.asimilarity_search("apple")) == 4


async def test_another_reduction(connection: Connection, collection_name: str) -> None:
    await _store(connection, collection_name, _reduced()).aadd_texts(TEXTS)
    theirs = (await _origin(connection, collection_name)).reduction
    assert theirs is not None
    own = Reduction.random_projection(60, 20)
    other = ReducedEmbeddings(WordEmbeddings(60), dimension=20, reduction=own)
    await _refused(
        _store(connection, collection_name, other).asimilarity_search("apple"), theirs.fingerprint, own.fingerprint
    )
    same = ReducedEmbeddings(WordEmbeddings(60), dimension=20, reduction=Reduction.from_bytes(theirs.to_bytes()))
    assert len(await _store(connection, collection_name, same).asimilarity_search("apple")) == 4


async def test_another_size(connection: Connection, collection_name: str) -> None:
    await _store(connection, collection_name, _reduced()).aadd_texts(TEXTS)
    other = _store(connection, collection_name, _reduced(dimension=10))
    with pytest.raises((CollectionMismatch, InvalidVector), match="10"):
        await other.asimilarity_search("apple")
    with pytest.raises((CollectionMismatch, InvalidVector), match="10"):
        await other.aadd_texts(["apple"])
    await _refused(
        _store(connection, collection_name, WordEmbeddings(60)).asimilarity_search("apple"),
        "the model alone",
        "ReducedEmbeddings(model, dimension=20)",
    )


async def test_vectors_of_unknown_origin(connection: Connection, collection_name: str) -> None:
    vectors = np.random.default_rng(0).standard_normal((5, 20))
    await AsyncQdrantVectorStore(connection, collection_name).aadd_embeddings(["text"] * 5, vectors)
    await _refused(
        _store(connection, collection_name, _reduced()).asimilarity_search("apple"), "5 points", "reduction=..."
    )
    given = ReducedEmbeddings(WordEmbeddings(60), dimension=20, reduction=Reduction.random_projection(60, 20))
    assert len(await _store(connection, collection_name, given).asimilarity_search("apple")) == 4
    assert len(await _store(connection, collection_name, WordEmbeddings(20)).asimilarity_search("apple")) == 4


async def test_a_model_as_large_as_the_collection_is_left_alone(connection: Connection, collection_name: str) -> None:
    await _store(connection, collection_name, _reduced(size=20)).aadd_texts(TEXTS)
    assert (await _origin(connection, collection_name)).reduction is None
    plain = _store(connection, collection_name, WordEmbeddings(20))
    assert await _best(plain, "red apple") == {"red apple", "apple red"}


# ── servers that keep no metadata for collections ────────────────────────────────────────────────────────────────


class OldServer(CollectionsServicer, PointsServicer):
    """Passes everything on to a server of today, and skips the metadata of collections, as older ones do."""

    def __init__(self, connection: Connection) -> None:
        self._to = connection

    def __getattribute__(self, name: str) -> Any:
        if name in {"Create", "Update", "Get", "List", "Delete", "ListAliases", "Upsert", "Query", "Scroll", "Count"}:

            async def call(request: Any, context: Any) -> Any:
                return await object.__getattribute__(self, "_pass")(name, request, context)

            return call
        return super().__getattribute__(name)

    async def _pass(self, name: str, request: Any, context: Any) -> Any:
        if hasattr(request, "metadata"):
            request.ClearField("metadata")
        of_points = type(request).__module__ == points.QueryPoints.__module__
        stubs: Any = self._to.points if of_points else self._to.collections
        try:
            response = await getattr(stubs, name)(request)
        except RpcError as error:
            await context.abort(error.code, error.details)
        if isinstance(response, collections.GetCollectionInfoResponse):
            response.result.config.metadata.clear()
        return response


@pytest.fixture
async def old_server(connection: Connection) -> AsyncIterator[Connection]:
    server, servicer = grpc.aio.server(), OldServer(connection)
    add_PointsServicer_to_server(servicer, server)
    add_CollectionsServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with Connection(Remote(f"127.0.0.1:{port}")) as old:
        yield old
    await server.stop(None)


async def test_older_servers_keep_it_in_a_point_that_nobody_meets(old_server: Connection, collection_name: str) -> None:
    store = _store(old_server, collection_name, _reduced())
    await store.aadd_texts(TEXTS, [{"n": n} for n in range(len(TEXTS))])
    other = _store(old_server, collection_name, _reduced())
    assert await _best(other, "red apple") == {"red apple", "apple red"}
    assert len(await other.asimilarity_search("red apple", k=1000)) == len(TEXTS)
    await _refused(_store(old_server, collection_name, _reduced(size=61)).asimilarity_search("x"), '"size": 60')
    await other.adelete(filter={"n": {"$ne": 3}})
    assert [each.metadata["n"] for each in await other.asimilarity_search("x", k=1000)] == [3]
    await other.adelete(delete_all=True)
    assert await other.asimilarity_search("x", k=1000) == []
    assert (await _origin(old_server, collection_name)).reduction is not None, "it outlives the documents"
    stored = await old_server.points.Get(points.GetPoints(collection_name=collection_name, ids=[ORIGIN_POINT]))
    assert len(stored.result) == 1
