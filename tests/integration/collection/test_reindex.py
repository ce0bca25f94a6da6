"""A new model or reduction, without a reader who sees an empty or a mixed collection."""

from __future__ import annotations

import asyncio
import itertools
import random
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

import numpy as np
import pytest

from langchain_qdrant_async import (
    AsyncQdrantVectorStore,
    CollectionMismatch,
    Collections,
    CollectionSpec,
    Connection,
    InvalidInput,
    ReducedEmbeddings,
    ScalarQuantization,
)
from langchain_qdrant_async.document.floats import as_stored
from langchain_qdrant_async.embedding import Reduction
from langchain_qdrant_async.proto import collections
from tests.embeddings import WordEmbeddings

TEXTS = [f"{word} {number}" for word in ("red", "green", "blue", "black", "white") for number in range(60)]


class OtherModel(WordEmbeddings):
    """Another model, whose vectors mean something else: each word has another direction."""

    def _vector(self, text: str) -> list[float]:
        return super()._vector(" ".join(f"{word}!" for word in text.split()))


class GatedModel(WordEmbeddings):
    """Says that it was asked for documents, and waits until it may answer."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.fingerprint = {"class": "WordEmbeddings", "size": size}
        self.open, self.entered = asyncio.Event(), asyncio.Event()
        self.open.set()

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        self.entered.set()
        await self.open.wait()
        return await super().aembed_documents(texts)


def _reduced() -> ReducedEmbeddings:
    return ReducedEmbeddings(WordEmbeddings(60), dimension=20)


@pytest.fixture
async def alias(connection: Connection) -> AsyncIterator[str]:
    name = f"alias-{uuid.uuid4().hex[:12]}"
    yield name
    owner = Collections(connection)
    for each in await owner.names():
        if each.startswith(name):
            await owner.drop(each)


@pytest.fixture
async def store(connection: Connection, alias: str) -> AsyncQdrantVectorStore:
    spec = CollectionSpec(
        f"{alias}-1", dimension=20, payload_indexes={"n": "integer"}, quantization=ScalarQuantization(quantile=0.9)
    )
    made = AsyncQdrantVectorStore(connection, embedding=_reduced(), spec=spec)
    await made.aadd_texts(TEXTS, [{"n": n} for n in range(len(TEXTS))], range(len(TEXTS)))
    await Collections(connection).alias(alias, spec.name)
    return AsyncQdrantVectorStore(connection, alias, _reduced())


async def _exact(store: AsyncQdrantVectorStore, text: str) -> bool:
    """Whether a text finds itself, at no distance: its vector and the query's are of one kind."""
    found = await store.asimilarity_search_with_score(text, k=3)
    return any(each.page_content == text and abs(score - 1) < 1e-3 for each, score in found)


async def test_aliases(connection: Connection, alias: str) -> None:
    owner = Collections(connection)
    for number in (1, 2):
        await owner.ensure(CollectionSpec(f"{alias}-{number}", dimension=2))
        await owner.alias(alias, f"{alias}-{number}")
        assert (await owner.aliases())[alias] == f"{alias}-{number}"


async def test_a_new_reduction(connection: Connection, store: AsyncQdrantVectorStore, alias: str) -> None:
    await store.aadd_texts([f"new {n}" for n in range(50)], [{"n": 1000 + n} for n in range(50)])
    seen: list[tuple[int, int]] = []
    done = await store.areindex(on_progress=lambda *counts: seen.append(counts))
    assert (done.alias, done.replaced, done.documents) == (alias, f"{alias}-1", len(TEXTS) + 50)
    assert seen[-1] == (len(TEXTS) + 50, len(TEXTS) + 50)
    owner = Collections(connection)
    assert (await owner.aliases())[alias] == done.collection
    assert f"{alias}-1" not in await owner.names()
    info = await owner.describe(done.collection)
    assert info.payload_indexes == {"metadata.n": "integer"}
    assert info.message.config.quantization_config.scalar.quantile == pytest.approx(0.9)
    assert await _exact(store, "new 7")
    assert [each.id for each in await store.asimilarity_search("red 5", k=1, filter={"n": 5})] == ["5"]


async def test_another_model_of_another_size(connection: Connection, store: AsyncQdrantVectorStore, alias: str) -> None:
    await store.areindex(OtherModel(33), keep_old=True)
    assert f"{alias}-1" in await Collections(connection).names()
    fresh = AsyncQdrantVectorStore(connection, alias, OtherModel(33))
    for each in (store, fresh):
        assert await _exact(each, "blue 7")
    with pytest.raises(CollectionMismatch, match="OtherModel"):
        await AsyncQdrantVectorStore(connection, alias, _reduced()).asimilarity_search("x")


async def test_readers_never_see_an_empty_or_mixed_collection(
    connection: Connection, store: AsyncQdrantVectorStore, alias: str
) -> None:
    other = AsyncQdrantVectorStore(connection, alias, _reduced())
    answers: list[bool] = []
    stop = asyncio.Event()

    async def read(reader: AsyncQdrantVectorStore) -> None:
        while not stop.is_set():
            answers.append(await _exact(reader, f"green {len(answers) % 60}"))

    readers = [asyncio.create_task(read(each)) for each in (store, other, other)]
    first = await store.areindex()
    second = await store.areindex()
    assert first.collection != second.collection
    answers += [await _exact(other, f"green {n}") for n in range(20)]
    stop.set()
    await asyncio.gather(*readers)
    assert all(answers)
    assert await Collections(connection).find(first.collection) is None


async def test_documents_written_meanwhile_are_taken_over(
    connection: Connection, store: AsyncQdrantVectorStore, alias: str
) -> None:
    writer = AsyncQdrantVectorStore(connection, alias, _reduced())
    pending: list[Callable[[], Awaitable[object]]] = [
        lambda: writer.aadd_texts([f"late {n}" for n in range(5)]),
        lambda: writer.adelete(["0"]),
        lambda: writer.aadd_texts(["changed"], ids=["1"]),
    ]

    def during(seen: int, total: int) -> None:
        if pending:
            tasks.append(asyncio.ensure_future(pending.pop()()))

    tasks: list[asyncio.Future[object]] = []
    done = await store.areindex(on_progress=during)
    await asyncio.gather(*tasks)
    assert done.passes > 1
    assert not pending
    for n in range(5):
        assert await _exact(store, f"late {n}")
    assert await store.aget_by_ids(["0"]) == []
    assert [each.page_content for each in await store.aget_by_ids(["1"])] == ["changed"]
    assert await _exact(store, "changed")


async def test_what_stores_write_during_the_switch_is_not_lost(
    connection: Connection, store: AsyncQdrantVectorStore, alias: str
) -> None:
    """Three stores add, change and delete without a pause while the collection is replaced again and again."""
    kept = {str(n): text for n, text in enumerate(TEXTS)}
    stop = asyncio.Event()

    async def write(writer: AsyncQdrantVectorStore, first: int) -> None:
        chance = random.Random(first)
        mine = [str(n) for n in range(first, len(TEXTS), 3)]
        for number in itertools.count():
            if stop.is_set():
                return
            id_, text = chance.choice([*mine, f"{first}-{number}"]), f"written {first} {number}"
            if chance.random() < 0.3 and id_ in mine:
                mine.remove(id_)
                await writer.adelete([id_])
                kept.pop(id_, None)
            else:
                await writer.aadd_texts([text], ids=[id_])
                kept[id_] = text
            await asyncio.sleep(0)

    others = [store, *(AsyncQdrantVectorStore(connection, alias, _reduced()) for _ in range(2))]
    writers = [asyncio.create_task(write(each, n)) for n, each in enumerate(others)]
    for _ in range(4):
        await store.areindex()
    stop.set()
    await asyncio.gather(*writers)
    reader = AsyncQdrantVectorStore(connection, alias, _reduced())
    found = await reader.asimilarity_search("written", k=5_000)
    assert {each.id: each.page_content for each in found} == kept
    sample = random.Random(0).sample(sorted(kept), 20)
    assert all([await _exact(reader, kept[id_]) for id_ in sample])


async def test_a_write_into_a_collection_that_is_replaced_meanwhile_reaches_the_new_one(
    connection: Connection, store: AsyncQdrantVectorStore, alias: str
) -> None:
    slow = AsyncQdrantVectorStore(connection, alias, ReducedEmbeddings(GatedModel(60), dimension=20))
    gate = slow.embedding.embeddings  # type: ignore[union-attr]
    assert isinstance(gate, GatedModel)
    await slow.asimilarity_search("red 1")
    gate.open.clear()
    writing = asyncio.create_task(slow.aadd_texts(["red late", "red later"], ids=["late", "later"], batch_size=1))
    await gate.entered.wait()
    await store.areindex()
    gate.open.set()
    assert await writing == ["late", "later"]
    assert len(await store.aget_by_ids(["late", "later"])) == 2
    assert await _exact(store, "red later")


async def test_floats_come_through_as_they_are(
    connection: Connection, store: AsyncQdrantVectorStore, alias: str
) -> None:
    """Qdrant rounds some floats each time that they are written: a copy of a copy would drift away."""
    drawn = (random.Random(n).uniform(1, 2) * 10.0 ** (n % 200) for n in itertools.count())
    drifting = (each for each in drawn if len({each, as_stored(each), as_stored(as_stored(each))}) == 3)
    numbers = list(itertools.islice(drifting, 20))
    await store.aadd_texts(
        [f"red {each}" for each in numbers], [{"x": each, "deep": [{"x": each}]} for each in numbers]
    )
    for _ in range(2):
        assert (await store.areindex()).passes == 2
    found = await store.asimilarity_search("red", k=1_000, filter={"x": {"$exists": True}})
    assert sorted(each.metadata["x"] for each in found) == sorted(numbers)
    assert all(each.metadata["deep"] == [{"x": each.metadata["x"]}] for each in found)


async def test_an_alias_that_somebody_moves_is_followed(connection: Connection, alias: str) -> None:
    owner = Collections(connection)
    for number in (1, 2):
        made = AsyncQdrantVectorStore(connection, f"{alias}-{number}", WordEmbeddings(20))
        await made.aadd_texts([f"text {number}"], ids=[str(number)])
    await owner.alias(alias, f"{alias}-1")
    reader, writer = (AsyncQdrantVectorStore(connection, alias, WordEmbeddings(20)) for _ in range(2))
    for each in (reader, writer):
        assert [found.id for found in await each.asimilarity_search("text")] == ["1"]
    await owner.alias(alias, f"{alias}-2")
    await writer.adelete(delete_all=True)
    assert await AsyncQdrantVectorStore(connection, f"{alias}-1").aget_by_ids(["1"]), "the retired one is left alone"
    async with asyncio.timeout(20):
        while await reader.asimilarity_search("text"):  # noqa: ASYNC110  nothing tells readers of a moved alias
            await asyncio.sleep(0.05)


async def test_a_collections_own_name_is_refused_before_anything_is_built(
    connection: Connection, store: AsyncQdrantVectorStore, alias: str
) -> None:
    before = await Collections(connection).names()
    with pytest.raises(InvalidInput, match="name of a collection"):
        await store.areindex(alias=f"{alias}-1")
    assert await Collections(connection).names() == before


@pytest.mark.parametrize("into", ["current", "alias", "live"])
async def test_no_collection_of_its_own_is_written_over(
    connection: Connection, store: AsyncQdrantVectorStore, alias: str, into: str
) -> None:
    await AsyncQdrantVectorStore(connection, f"{alias}-live", WordEmbeddings(20)).aadd_texts(["live"], ids=["live"])
    names = {"current": f"{alias}-1", "alias": alias, "live": f"{alias}-live"}
    with pytest.raises(InvalidInput, match="collection of its own"):
        await store.areindex(into=names[into])
    assert await AsyncQdrantVectorStore(connection, f"{alias}-live").aget_by_ids(["live"])
    assert len(await store.asimilarity_search("red", k=1_000)) == len(TEXTS)


async def test_a_job_that_is_run_again_destroys_nothing(store: AsyncQdrantVectorStore, alias: str) -> None:
    await store.areindex(into=f"{alias}-2")
    with pytest.raises(InvalidInput, match="collection of its own"):
        await store.areindex(into=f"{alias}-2")
    assert len(await store.asimilarity_search("red", k=1_000)) == len(TEXTS)


async def test_two_at_once_do_not_both_switch(
    connection: Connection, store: AsyncQdrantVectorStore, alias: str
) -> None:
    other, writer = (AsyncQdrantVectorStore(connection, alias, _reduced()) for _ in range(2))
    done, begun = asyncio.Event(), asyncio.Event()
    written: list[str] = []

    async def write() -> None:
        while not done.is_set():
            written.extend(await writer.aadd_texts([f"red {len(written)}"]))

    writing = asyncio.create_task(write())
    first = asyncio.create_task(store.areindex(on_progress=lambda *_: begun.set()))
    await begun.wait()
    with pytest.raises(CollectionMismatch, match="is being reindexed into"):
        await other.areindex()
    await first
    done.set()
    await writing
    assert {each.id for each in await store.aget_by_ids(written)} == set(written)
    assert (await other.areindex(keep_old=True)).replaced == (await first).collection
    assert (await other.areindex()).alias == alias


async def test_other_vectors_would_be_lost(connection: Connection, alias: str) -> None:
    params = collections.VectorParamsMap(
        map={name: collections.VectorParams(size=20, distance=collections.Distance.Cosine) for name in "ab"}
    )
    request = collections.CreateCollection(
        collection_name=f"{alias}-1", vectors_config=collections.VectorsConfig(params_map=params)
    )
    await connection.collections.Create(request)
    store = AsyncQdrantVectorStore(connection, f"{alias}-1", WordEmbeddings(20), vector_name="a")
    await store.aadd_texts(["red"])
    with pytest.raises(InvalidInput, match="other vectors, 'b'"):
        await store.areindex(OtherModel(20), alias=alias)


async def test_a_fit_to_the_models_own_size_is_fitted_again(connection: Connection, alias: str) -> None:
    model = WordEmbeddings(20)
    whole = Reduction.fit(np.asarray(model.embed_documents(TEXTS), np.float32), 20)
    store = AsyncQdrantVectorStore(connection, f"{alias}-1", ReducedEmbeddings(model, 20, whole))
    await store.aadd_texts(TEXTS)
    await store.areindex(alias=alias)
    fitted = cast("ReducedEmbeddings", store.embeddings).reduction
    assert fitted is not None
    assert fitted.kind == "principal-components"


async def test_one_that_was_interrupted_is_continued(
    connection: Connection, store: AsyncQdrantVectorStore, alias: str
) -> None:
    def break_off(seen: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await store.areindex(into=f"{alias}-2", on_progress=break_off)
    assert await _exact(store, "red 1"), "the old one is still in use"
    begun = (await Collections(connection).describe(f"{alias}-2")).points_count
    assert begun > 0
    done = await store.areindex(into=f"{alias}-2")
    assert (done.collection, done.documents) == (f"{alias}-2", len(TEXTS) - begun)
    assert await _exact(store, "red 1")


async def test_what_cannot_be_switched(connection: Connection, alias: str) -> None:
    named = AsyncQdrantVectorStore(connection, f"{alias}-1", _reduced())
    with pytest.raises(InvalidInput, match="no documents"):
        await named.areindex()
    await named.aadd_texts(TEXTS)
    with pytest.raises(InvalidInput, match="not an alias.*alias=..."):
        await named.areindex()
    done = await named.areindex(alias=alias)
    assert done.replaced in await Collections(connection).names(), "others may use it by its own name"
    assert named.collection_name == alias
    plain = AsyncQdrantVectorStore(connection, f"{alias}-3", WordEmbeddings(20))
    await plain.aadd_texts(TEXTS)
    with pytest.raises(InvalidInput, match="pass the embedding to change to"):
        await plain.areindex(alias=f"{alias}-x")


async def test_drift(connection: Connection, store: AsyncQdrantVectorStore) -> None:
    before = await store.adrift()
    assert before.fitted is not None
    assert before.now.explained_variance > before.fitted.explained_variance - 0.1
    await store.aadd_texts([f"subject{n} matter{n}" for n in range(600)])
    after = await store.adrift()
    assert after.now.explained_variance < before.now.explained_variance - 0.1
    plain = AsyncQdrantVectorStore(connection, "nothing-here", WordEmbeddings(20))
    with pytest.raises(InvalidInput, match="no reduction that could drift"):
        await plain.adrift()
