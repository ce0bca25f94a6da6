"""What a store says of its documents' metadata."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_qdrant_async import (
    AsyncQdrantVectorStore,
    Collections,
    CollectionSpec,
    Connection,
    InvalidInput,
    MetadataField,
    MetadataSchema,
)
from langchain_qdrant_async.proto import collections, points

SIZE = 4
EMBEDDING = DeterministicFakeEmbedding(size=SIZE)
INDEXES: dict[str, Any] = {
    "lang": "keyword",
    "n": "integer",
    "even": "bool",
    "score": "float",
    "at": "datetime",
    "my key": "keyword",
    "unused": "keyword",
}


def metadata(n: int) -> dict[str, Any]:
    at = f"2024-01-{n + 1:02}T10:00:00"
    fields = {"lang": "de" if n % 5 == 0 else "en", "n": n, "even": n % 2 == 0, "score": n / 2, "at": at}
    return fields | {"my key": "x", "tags": ["a", "b"][: n % 3], "author": {"name": f"Ada {n}"}}


@pytest.fixture
async def store(connection: Connection, collection_name: str) -> AsyncQdrantVectorStore:
    spec = CollectionSpec(collection_name, dimension=SIZE, quantization=None, payload_indexes=INDEXES)
    store = AsyncQdrantVectorStore(connection, embedding=EMBEDDING, spec=spec)
    await store.aadd_texts([f"text {n}" for n in range(25)], map(metadata, range(25)))
    return store


def by_name(schema: MetadataSchema) -> dict[str, MetadataField]:
    return {each.name: each for each in schema.fields}


async def test_fields_of_indexes_and_of_documents(store: AsyncQdrantVectorStore) -> None:
    schema = await store.ametadata_schema(descriptions={"lang": "language"})
    assert {each.name for each in schema.fields if each.indexed} == INDEXES.keys()
    assert {each.name for each in schema.fields if not each.indexed} == {"tags", "author.name"}
    fields = by_name(schema)
    assert fields["lang"] == MetadataField(
        "lang", "text", indexed=True, values=("en", "de"), complete=True, description="language"
    )
    assert fields["even"] == MetadataField("even", "boolean", indexed=True, values=(True, False), complete=True)
    assert fields["n"].kind == "integer"
    assert (len(fields["n"].values), fields["n"].complete) == (10, False)
    assert (fields["score"].kind, len(fields["score"].values)) == ("float", 3)
    assert fields["at"].kind == "datetime"
    assert fields["my key"].values == ("x",)
    assert fields["unused"] == MetadataField("unused", "text", indexed=True)
    assert (fields["tags"].kind, fields["tags"].listed, set(fields["tags"].values)) == ("text", True, {"a", "b"})
    assert (fields["author.name"].kind, len(fields["author.name"].values)) == ("text", 3)


async def test_each_field_is_named_as_a_filter_names_it(store: AsyncQdrantVectorStore) -> None:
    for each in (await store.ametadata_schema()).fields:
        assert all([await store.acount({each.name: value}) for value in each.values]), each


async def test_counted_values_are_all_documents_and_sampled_ones_a_few(store: AsyncQdrantVectorStore) -> None:
    fields = by_name(await store.ametadata_schema(sample=1))
    assert set(fields["lang"].values) == {"en", "de"}
    assert len(fields["author.name"].values) == 1
    assert all(each.values == () for each in (await store.ametadata_schema(values=0)).fields)
    german = by_name(await store.ametadata_schema({"lang": "de"}, values=5))
    assert german["lang"].values == ("de",)
    assert set(german["n"].values) == {0, 5, 10, 15, 20}
    assert german["n"].complete


async def test_an_index_that_counts_no_values(store: AsyncQdrantVectorStore, connection: Connection) -> None:
    only_ranges = collections.PayloadIndexParams(
        integer_index_params=collections.IntegerIndexParams(lookup=False, range=True)
    )
    request = points.CreateFieldIndexCollection(
        collection_name=store.collection_name,
        wait=True,
        field_name="metadata.size",
        field_type=points.FieldType.FieldTypeInteger,
        field_index_params=only_ranges,
    )
    await connection.points.CreateFieldIndex(request)
    await store.aadd_texts(["sized"], [{"size": 7}])
    size = by_name(await store.ametadata_schema())["size"]
    assert (size.kind, size.indexed, size.values) == ("integer", True, (7,))


async def test_indexes_made_meanwhile_are_seen(store: AsyncQdrantVectorStore, connection: Connection) -> None:
    assert not by_name(await store.ametadata_schema())["tags"].indexed
    await Collections(connection).index(store.collection_name, "tags", "keyword")
    tags = by_name(await store.ametadata_schema())["tags"]
    assert (tags.indexed, tags.complete, set(tags.values)) == (True, True, {"a", "b"})


async def test_metadata_may_lie_beside_the_text(connection: Connection, collection_name: str) -> None:
    store = AsyncQdrantVectorStore(connection, collection_name, EMBEDDING, metadata_payload_key=None)
    await store.scoped("ours").aadd_texts(["a text"], [{"lang": "en", "empty": []}], ["an id"])
    await Collections(connection).index(collection_name, "lang", "keyword", layout=store.layout)
    schema = await store.scoped("ours").ametadata_schema()
    assert schema.fields == (MetadataField("lang", "text", indexed=True, values=("en",), complete=True),)


async def test_a_tenant_sees_its_own_values(store: AsyncQdrantVectorStore) -> None:
    for tenant in ("ours", "theirs"):
        await store.scoped(tenant).aadd_texts(["x"], [{"lang": tenant, f"of {tenant}": tenant, "tags": [tenant]}])
    schema = await store.scoped("ours").ametadata_schema()
    assert "theirs" not in str(schema)
    fields = by_name(schema)
    assert fields["lang"].values == ("ours",)
    assert fields["tags"].values == ("ours",)
    assert {name for name, each in fields.items() if each.values} == {"lang", "tags", "of ours"}


@pytest.mark.may_block
async def test_blocking_twin(store: AsyncQdrantVectorStore) -> None:
    assert store.metadata_schema() == await store.ametadata_schema()


async def test_a_collection_that_is_not_there_has_no_fields(connection: Connection, collection_name: str) -> None:
    assert await AsyncQdrantVectorStore(connection, collection_name, EMBEDDING).ametadata_schema() == MetadataSchema()


async def test_what_cannot_be_meant(store: AsyncQdrantVectorStore) -> None:
    with pytest.raises(InvalidInput, match="values must be"):
        await store.ametadata_schema(values=-1)
    with pytest.raises(InvalidInput, match="sample must be"):
        await store.ametadata_schema(sample=0)
    with pytest.raises(TypeError, match=r"ametadata_schema\(\) got an unexpected keyword argument 'limit'"):
        await store.ametadata_schema(limit=3)  # type: ignore[call-arg]
