"""Changing documents where they are."""

from __future__ import annotations

import asyncio
import datetime as dt
import math
import random
from typing import Any

import numpy as np
import pytest

from langchain_qdrant_async import (
    AsyncQdrantVectorStore,
    Collections,
    CollectionSpec,
    Connection,
    InvalidInput,
    InvalidPayload,
    NotFound,
    VectorField,
)
from langchain_qdrant_async.document.vectors import Sparse
from langchain_qdrant_async.proto import collections, points
from tests.embeddings import WordEmbeddings

SIZE = 16
EMBEDDING = WordEmbeddings(SIZE)
FLOAT = 0.30000000000000016
"""A float that Qdrant rounds."""
METADATA: dict[str, dict[str, Any]] = {
    "1": {"a": 1, "tags": [], "deep": {"list": [], "n": FLOAT}, "f": FLOAT, "my.key": "x", "null": None},
    "two": {"a": 2, "parts": [{"id": 1, "x": []}, {"id": 2}], "f": 0.5},
    "3": {},
}
LAYOUTS = ["metadata", None]


@pytest.fixture(params=LAYOUTS, ids=["under metadata", "beside the text"])
async def store(request: pytest.FixtureRequest, connection: Connection, collection_name: str) -> AsyncQdrantVectorStore:
    store = AsyncQdrantVectorStore(connection, collection_name, EMBEDDING, metadata_payload_key=request.param)
    await store.aadd_texts([f"text {each}" for each in METADATA], METADATA.values(), METADATA)
    return store


async def stored(store: AsyncQdrantVectorStore) -> dict[str | None, dict[str, Any]]:
    return {each.id: each.metadata async for each in store.ascroll()}


async def payload(store: AsyncQdrantVectorStore, key: str) -> list[Any]:
    request = points.ScrollPoints(collection_name=store.collection_name, limit=100)
    found = (await store.connection.points.Scroll(request)).result
    return [each.payload[key] for each in found if key in each.payload]


# Metadata


async def test_fields_are_set_and_the_others_stay(store: AsyncQdrantVectorStore) -> None:
    before = await store.asimilarity_search_with_score("text 1", k=9)
    assert await store.aset_metadata({"a": 7, "new": {"x": [1]}}, ["1", "two", "missing"]) == 2
    expected = {key: each | ({"a": 7, "new": {"x": [1]}} if key != "3" else {}) for key, each in METADATA.items()}
    assert await stored(store) == expected
    after = await store.asimilarity_search_with_score("text 1", k=9)
    assert [(each.id, each.page_content, score) for each, score in after] == [
        (each.id, each.page_content, score) for each, score in before
    ]


async def test_no_ids_are_no_documents(store: AsyncQdrantVectorStore) -> None:
    assert await store.aset_metadata({"a": 7}, []) == 0
    assert await store.adelete_metadata(["a"], iter([])) == 0
    await store.aupdate_vectors([], [])
    assert await stored(store) == METADATA


async def test_fields_are_set_where_a_filter_selects(store: AsyncQdrantVectorStore) -> None:
    assert await store.aset_metadata({"a": 9}, filter={"a": {"$gte": 2}}) == 1
    assert {key: each.get("a") for key, each in (await stored(store)).items()} == {"1": 1, "two": 9, "3": None}


async def test_what_comes_back_is_what_was_set(store: AsyncQdrantVectorStore) -> None:
    when = dt.datetime(2024, 1, 2, tzinfo=dt.UTC)
    await store.aset_metadata({"f": 0.1, "x": FLOAT, "when": when, "tags": ["a"], 'q"': 1, "e": {"l": []}}, ["1", "3"])
    found = await stored(store)
    for each in ("1", "3"):
        assert found[each]["x"] == FLOAT
        assert (found[each]["f"], found[each]["tags"], found[each]['q"']) == (0.1, ["a"], 1)
        assert found[each]["when"] == "2024-01-02T00:00:00Z"
        assert await store.acount({"$id": [each], "e.l": {"$exists": True}}) == 1
    assert found["1"]["deep"] == METADATA["1"]["deep"]


async def test_empty_lists_are_there_or_not_as_the_change_says(store: AsyncQdrantVectorStore) -> None:
    there = {"tags": {"$exists": True}}
    assert await store.acount(there) == 1
    await store.aset_metadata({"tags": []}, ["3"])
    assert await store.acount(there) == 2
    await store.adelete_metadata(["tags"], ["1", "3"])
    assert await store.acount(there) == 0
    assert await store.acount({"deep.list": {"$exists": True}}) == 1
    await store.aset_metadata({"deep": 5}, ["1"])
    assert await store.acount({"deep.list": {"$exists": True}}) == 0
    await store.adelete_metadata(["parts[].x", "f"], filter={"a": {"$exists": True}})
    assert await payload(store, "_empty_lists") == []
    assert await payload(store, "_exact_floats") == []


async def test_fields_are_deleted(store: AsyncQdrantVectorStore) -> None:
    assert await store.adelete_metadata(["a", "deep.n", '"my.key"', "no-such"], ["1", "two", "missing"]) == 2
    found = await stored(store)
    assert found["1"] == {"tags": [], "deep": {"list": []}, "f": FLOAT, "null": None}
    assert found["two"] == {key: value for key, value in METADATA["two"].items() if key != "a"}
    await store.adelete_metadata(["parts[].id"], filter={"parts": {"$exists": True}})
    assert (await stored(store))["two"]["parts"] == [{"x": []}, {}]


async def test_a_null_is_set(connection: Connection, collection_name: str) -> None:
    """Qdrant takes a null that is merged for a deletion."""
    store = AsyncQdrantVectorStore(connection, collection_name, EMBEDDING)
    await store.aadd_texts(list(METADATA), METADATA.values(), METADATA)
    for part in (store, store.scoped("ours", field="owner")):
        await part.aadd_texts(["new"], [{"f": FLOAT, "l": [], "i": 2**60}], ["new"])
        assert await part.aset_metadata({"none": None, "b": {"c": None}}, ["1", "new"]) == (2 if part is store else 1)
        [new] = await part.aget_by_ids(["new"])
        new.metadata.pop("owner", None)
        assert new.metadata == {"f": FLOAT, "l": [], "i": 2**60, "none": None, "b": {"c": None}}
    assert (await stored(store))["1"] == METADATA["1"] | {"none": None, "b": {"c": None}}
    flat = AsyncQdrantVectorStore(connection, collection_name, EMBEDDING, metadata_payload_key=None)
    with pytest.raises(InvalidPayload, match="null"):
        await flat.aset_metadata({"none": None}, ["1"])


async def test_changes_of_different_fields_at_once_lose_nothing(store: AsyncQdrantVectorStore) -> None:
    await asyncio.gather(*(store.aset_metadata({f"field {n}": n, f"list {n}": []}, ["two"]) for n in range(20)))
    [found] = await store.aget_by_ids(["two"])
    assert found.metadata | {f"field {n}": n for n in range(20)} == found.metadata


async def test_many_documents_are_changed_page_by_page(connection: Connection, collection_name: str) -> None:
    store = AsyncQdrantVectorStore(connection, collection_name, EMBEDDING)
    await store.aadd_texts([f"t{n}" for n in range(2_500)], [{"n": n, "l": []} for n in range(2_500)])
    assert await store.aset_metadata({"done": True}, filter={"done": {"$exists": False}}) == 2_500
    assert await store.acount({"done": True, "l": {"$exists": True}}) == 2_500
    strict = collections.StrictModeConfig(enabled=True, max_query_limit=100, unindexed_filtering_update=False)
    await connection.collections.Update(
        collections.UpdateCollection(collection_name=collection_name, strict_mode_config=strict)
    )
    await Collections(connection).index(collection_name, "n", "integer")
    fresh = AsyncQdrantVectorStore(connection, collection_name, EMBEDDING)
    assert await fresh.aset_metadata({"done": False}, filter={"n": {"$lt": 250}}) == 250


async def test_random_changes_leave_what_python_would(store: AsyncQdrantVectorStore) -> None:
    """Against dictionaries: nested and empty lists, rounded floats, keys of all kinds."""
    dice = random.Random(20_261_201)
    keys = ["a", "tags", "deep", "my.key", 'q"', "ä b", "x-y", "a[0]", ""]
    values: list[Any] = [1, -0.0, FLOAT, "", "x", [], [[]], {}, {"l": []}, {"l": [{"m": []}], "f": FLOAT}, True, 2**62]
    expected = {key: dict(each) for key, each in METADATA.items()}
    for _ in range(60):
        chosen = dice.sample(list(METADATA), dice.randint(1, 3))
        change = {dice.choice(keys): dice.choice(values) for _ in range(dice.randint(1, 3))}
        if dice.random() < 0.6:
            await store.aset_metadata(change, chosen)
            for key in chosen:
                expected[key].update(change)
        else:
            names = [each for each in change if each not in {'q"', ""}] or ["a"]
            await store.adelete_metadata([f'"{each}"' for each in names], chosen)
            for key in chosen:
                expected[key] = {name: value for name, value in expected[key].items() if name not in names}
        assert await stored(store) == expected
        for name in ("tags", "deep.l", "deep.l[].m", '"my.key"', '"a[0]"'):
            for wanted in (True, False):
                selected = [each.id async for each in store.ascroll({name: {"$exists": wanted}})]
                there = {key for key, each in expected.items() if _exists(each, name) is wanted}
                assert set(selected) == there, (name, wanted, expected)


def _exists(metadata: dict[str, Any], name: str) -> bool:
    if name.startswith('"'):
        return name.strip('"') in metadata
    head, *rest = name.split(".")
    holders: list[Any] = [metadata]
    for step in (head, *rest):
        found = [
            each[step.removesuffix("[]")]
            for each in holders
            if isinstance(each, dict) and step.removesuffix("[]") in each
        ]
        holders = [item for each in found if isinstance(each, list) for item in each] if step.endswith("[]") else found
    return bool(holders)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda store: store.aset_metadata({}, ["1"]), "which fields to set"),
        (lambda store: store.aset_metadata(None, ["1"]), "which fields to set"),
        (lambda store: store.aset_metadata({"a": math.nan}, ["1"]), "a"),
        (lambda store: store.aset_metadata({"a": object()}, ["1"]), "a"),
        (lambda store: store.aset_metadata({"a": 1}), "exactly one of"),
        (lambda store: store.aset_metadata({"a": 1}, ["1"], filter={"a": 1}), "exactly one of"),
        (lambda store: store.aset_metadata({"a": 1}, filter={}), "an empty filter"),
        (lambda store: store.aset_metadata({"a": 1}, "1"), "a list of ids"),
        (lambda store: store.aset_metadata({"a": 1}, ["1"], ordering="first"), "ordering must be"),
        (lambda store: store.adelete_metadata("a", ["1"]), "list of names"),
        (lambda store: store.adelete_metadata([], ["1"]), "at least one name"),
        (lambda store: store.adelete_metadata([5], ["1"]), "at least one name"),
        (lambda store: store.adelete_metadata([""], ["1"]), "empty name"),
        (lambda store: store.adelete_metadata(["tags[0]"], ["1"]), "of an element"),
        (lambda store: store.adelete_metadata(["tags[]"], ["1"]), "of an element"),
        (lambda store: store.aupdate_vectors(["1"], []), "0 embeddings for 1 ids"),
        (lambda store: store.aupdate_vectors(["1"], [[1.0, float("nan")]]), "nan|finite"),
        (lambda store: store.aupdate_vectors(["1"], "x"), "a list of vectors"),
        (lambda store: store.aupdate_vectors(["1"], [[1.0] * 3]), "has 16|16 numbers|3"),
        (lambda store: store.aupdate_vectors(["1"], [Sparse([1], [1.0])]), "takes a vector of numbers"),
        (lambda store: store.aupdate_vectors(["1"], [[1.0] * SIZE], using="x"), "no vector 'x'"),
        (lambda store: store.adelete_by_filter({}), "an empty filter"),
        (lambda store: store.adelete_by_filter(None), "exactly one of"),
        (lambda store: store.aadd_texts(["x"], update_mode="replace"), "update_mode must be one of"),
        (lambda store: store.aadd_texts(["x"], update_filter={"$no": 1}), "no operator"),
    ],
)
async def test_what_cannot_be_meant_changes_nothing(store: AsyncQdrantVectorStore, call: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        await call(store)
    assert await stored(store) == METADATA


@pytest.mark.parametrize("method", ["aset_metadata", "adelete_metadata", "aupdate_vectors", "adelete_by_filter"])
async def test_an_unknown_option_is_named(store: AsyncQdrantVectorStore, method: str) -> None:
    arguments = {"aset_metadata": ({"a": 1}, ["1"]), "adelete_metadata": (["a"], ["1"]), "aupdate_vectors": ([], [])}
    with pytest.raises(TypeError, match=rf"{method}\(\) got an unexpected keyword argument 'orderin'.*ordering"):
        await getattr(store, method)(*arguments.get(method, ({"a": 1},)), orderin="weak")


async def test_metadata_beside_the_text_does_not_reach_the_text(connection: Connection, collection_name: str) -> None:
    store = AsyncQdrantVectorStore(connection, collection_name, EMBEDDING, metadata_payload_key=None)
    await store.aadd_texts(["text"], ids=["1"])
    with pytest.raises(InvalidPayload, match="page_content"):
        await store.aset_metadata({"page_content": "other"}, ["1"])
    with pytest.raises(InvalidInput, match="the text of the document"):
        await store.adelete_metadata(["page_content"], ["1"])
    with pytest.raises(InvalidPayload, match="_original_id"):
        await store.aset_metadata({"_original_id": "other"}, ["1"])


async def test_a_collection_that_is_not_there_has_nothing_to_change(
    connection: Connection, collection_name: str
) -> None:
    store = AsyncQdrantVectorStore(connection, collection_name, EMBEDDING)
    assert await store.aset_metadata({"a": 1}, ["1"]) == 0
    assert await store.adelete_metadata(["a"], filter={"a": 1}) == 0
    assert await store.adelete_by_filter({"a": 1}) == 0


# Vectors


async def test_a_vector_is_replaced_and_all_else_stays(store: AsyncQdrantVectorStore) -> None:
    vectors = np.array(EMBEDDING.embed_documents(["zebra", "lion"]))
    await store.aupdate_vectors(["two", "1"], vectors)
    assert [each.id for each in await store.asimilarity_search("zebra", k=1)] == ["two"]
    assert [each.id for each in await store.asimilarity_search("lion", k=1)] == ["1"]
    assert await stored(store) == METADATA


async def test_a_missing_document_is_named_as_the_caller_did(store: AsyncQdrantVectorStore) -> None:
    for part in (store, store.scoped("tenant")):
        with pytest.raises(NotFound, match="'no-such'"):
            await part.aupdate_vectors(["no-such"], [[1.0] * SIZE])


async def test_vectors_of_other_fields(connection: Connection, collection_name: str) -> None:
    fields = [VectorField("", size=SIZE), VectorField("words", "sparse"), VectorField("tokens", "multi", size=2)]
    spec = CollectionSpec(collection_name, vectors=fields, quantization=None)
    store = AsyncQdrantVectorStore(connection, embedding=EMBEDDING, spec=spec)
    await store.aadd_texts(["a text"], ids=["1"])
    await store.aupdate_vectors(["1"], [Sparse([7], [0.5])], using="words")
    await store.aupdate_vectors(["1"], [[[1.0, 0.0], [0.0, 1.0]]], using="tokens")
    [(found, _)] = await store.asimilarity_search_with_score("a text", k=1, with_vectors=True)
    vectors = found.metadata["_vectors"]
    assert vectors["words"] == {"indices": [7], "values": [0.5]}
    assert vectors["tokens"] == [[1.0, 0.0], [0.0, 1.0]]
    assert len(vectors[""]) == SIZE


# Deletions and conditions


async def test_deletions_are_counted(store: AsyncQdrantVectorStore) -> None:
    assert await store.adelete_by_filter({"a": {"$gte": 1}}) == 2
    assert await store.adelete_by_filter({"a": {"$gte": 1}}) == 0
    assert set(await stored(store)) == {"3"}


async def test_only_new_documents_are_written(store: AsyncQdrantVectorStore) -> None:
    ids = await store.aadd_texts(["other", "new"], [{"a": 5}, {"a": 6}], ["1", "new"], update_mode="insert_only")
    assert ids == ["1", "new"]
    assert await stored(store) == METADATA | {"new": {"a": 6}}


async def test_only_known_documents_are_written(store: AsyncQdrantVectorStore) -> None:
    documents = [(await store.aget_by_ids(["3"]))[0]]
    documents[0].metadata["a"] = 5
    await store.aadd_documents(documents, update_mode="update_only")
    await store.aadd_embeddings(["new"], [[1.0] * SIZE], [{}], ["new"], update_mode="update_only")
    assert await stored(store) == METADATA | {"3": {"a": 5}}


async def test_a_document_is_replaced_only_where_a_filter_selects_it(store: AsyncQdrantVectorStore) -> None:
    metadatas = [{"a": 10}, {"a": 20}, {"a": 30}]
    await store.aadd_texts(["x", "y", "z"], metadatas, ["1", "two", "new"], update_filter={"a": {"$lt": 2}})
    assert await stored(store) == METADATA | {"1": {"a": 10}, "new": {"a": 30}}


@pytest.mark.may_block
def test_the_blocking_twins_do_the_same(connection: Connection, collection_name: str) -> None:
    store = AsyncQdrantVectorStore(connection, collection_name, EMBEDDING)
    store.add_texts(["a", "b"], ids=["1", "2"], update_mode="upsert")
    assert store.set_metadata({"x": 1, "y": 2}, ["1"]) == 1
    assert store.delete_metadata(["y"], ["1"]) == 1
    store.update_vectors(["1"], [[1.0] * SIZE])
    assert store.delete_by_filter({"x": 1}) == 1
