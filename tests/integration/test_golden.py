"""What was stored before the package was rebuilt is found by a store, and a store writes the same requests."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from langchain_qdrant_async import (
    AsyncQdrantVectorStore,
    CollectionMismatch,
    Collections,
    CollectionSpec,
    Connection,
    Embedded,
    ReducedEmbeddings,
    Reduction,
)
from langchain_qdrant_async.proto import points
from tests.golden.scenes import (
    DIMENSION,
    FOLDER,
    GIVEN_IDS,
    LAYOUTS,
    METADATA,
    ORIGINS,
    TEXTS,
    GoldenEmbeddings,
    golden,
    stored_origin,
    upserted,
)

IDS = [str(given) for given in GIVEN_IDS]
REGISTRY = "registry.json"


def plain(metadata: Any) -> str:
    return json.dumps(metadata or {}, sort_keys=True, default=lambda number: number.item())


@pytest.mark.parametrize("layout", LAYOUTS)
async def test_a_store_upserts_as_before(connection: Connection, collection_name: str, layout: str) -> None:
    assert await upserted(connection, collection_name, layout) == golden("points.json")[layout]


@pytest.mark.parametrize("layout", LAYOUTS)
async def test_a_store_finds_what_was_upserted(connection: Connection, collection_name: str, layout: str) -> None:
    request = points.UpsertPoints.FromString(golden("points.json")[layout])
    request.collection_name = collection_name
    spec = CollectionSpec(collection_name, dimension=DIMENSION, layout=LAYOUTS[layout])
    await Collections(connection).create(spec)
    await connection.points.Upsert(request)
    await _has_the_documents(
        AsyncQdrantVectorStore(connection, collection_name, GoldenEmbeddings(DIMENSION), spec=spec)
    )


@pytest.mark.parametrize("origin", ORIGINS)
async def test_a_store_tells_the_origin_as_before(connection: Connection, collection_name: str, origin: str) -> None:
    assert await stored_origin(connection, collection_name, origin) == golden("origins.json")[origin]


# ── the folder of an engine ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An engine's folder from before."""
    content = gzip.decompress((FOLDER / "engine.tar.gz").read_bytes())
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(tmp_path / "engine", filter="data")
    return tmp_path / "engine"


@pytest.fixture
async def opened(folder: Path) -> AsyncIterator[Connection]:
    async with Connection(Embedded(folder)) as connection:
        yield connection


async def test_the_documents_of_a_folder_are_found(opened: Connection) -> None:
    reduced = AsyncQdrantVectorStore(opened, "docs", ReducedEmbeddings(GoldenEmbeddings(), DIMENSION))
    await _has_the_documents(reduced)
    await _has_the_documents(_flat(opened, GoldenEmbeddings()))


async def test_the_alias_of_a_folder_means_its_collection(opened: Connection) -> None:
    assert await Collections(opened).aliases() == {"latest": "docs"}
    await _has_the_documents(AsyncQdrantVectorStore(opened, "latest", ReducedEmbeddings(GoldenEmbeddings(), DIMENSION)))


async def test_the_indexes_of_a_folder_are_there(opened: Connection) -> None:
    info = await Collections(opened).describe("docs")
    assert info.payload_indexes == {"metadata.lang": "keyword", "metadata.year": "integer", "page_content": "text"}
    assert info.message.payload_schema["page_content"].params.text_index_params.lowercase
    store = AsyncQdrantVectorStore(opened, "docs", ReducedEmbeddings(GoldenEmbeddings(), DIMENSION))
    hits = await store.asimilarity_search("a text", k=20, filter={"lang": "en", "year": {"$gte": 2020}})
    assert [hit.id for hit in hits] == [IDS[2]]


async def test_the_origin_in_a_folder_is_known(opened: Connection) -> None:
    store = AsyncQdrantVectorStore(opened, "docs", ReducedEmbeddings(GoldenEmbeddings(), DIMENSION))
    await store.asimilarity_search("a text")
    assert isinstance(store.embeddings, ReducedEmbeddings)
    assert store.embeddings.reduction is not None
    stored = golden("reductions.json")["principal-components"]
    assert store.embeddings.reduction.fingerprint == Reduction.from_bytes(stored).fingerprint
    with pytest.raises(CollectionMismatch, match='"size": 11'):
        await _flat(opened, GoldenEmbeddings(11)).asimilarity_search("a text")


async def test_a_folder_takes_new_documents(folder: Path) -> None:
    for number in range(2):
        async with Connection(Embedded(folder)) as connection:
            store = AsyncQdrantVectorStore(connection, "docs", ReducedEmbeddings(GoldenEmbeddings(), DIMENSION))
            await store.aadd_texts([f"new text {number}"], [{"lang": "new"}])
            found = await store.asimilarity_search(f"new text {number}", k=20, filter={"lang": "new"})
            assert found[0].page_content == f"new text {number}"
            assert len(found) == number + 1
            await _has_the_documents(store)


async def test_opening_a_folder_changes_nothing_in_its_registry(folder: Path) -> None:
    before = (folder / REGISTRY).read_bytes()
    async with Connection(Embedded(folder)) as connection:
        assert await Collections(connection).names() == ["docs", "flat"]
    assert (folder / REGISTRY).read_bytes() == before


async def test_a_registry_that_is_written_anew_says_the_same(folder: Path) -> None:
    before = (folder / REGISTRY).read_text()
    async with Connection(Embedded(folder)) as connection:
        await Collections(connection).create(CollectionSpec("passing", dimension=1))
        assert (folder / REGISTRY).read_text() != before
        await Collections(connection).drop("passing")
    assert _ordered((folder / REGISTRY).read_text()) == _ordered(before)


def _flat(connection: Connection, embedding: GoldenEmbeddings) -> AsyncQdrantVectorStore:
    return AsyncQdrantVectorStore(connection, "flat", embedding, metadata_payload_key=None)


def _ordered(registry: str) -> str:
    """The entries of maps have no order of their own."""
    return json.dumps(json.loads(registry), ensure_ascii=False, indent=1, sort_keys=True)


async def _has_the_documents(store: AsyncQdrantVectorStore) -> None:
    """By their ids as they were given, and by search."""
    found = await store.aget_by_ids(GIVEN_IDS)
    assert [each.id for each in found] == IDS
    assert [each.page_content for each in found] == TEXTS
    assert [plain(each.metadata) for each in found] == [plain(each) for each in METADATA]
    hits = await store.asimilarity_search(TEXTS[-1], k=1)
    assert [hit.id for hit in hits] == IDS[-1:]
