"""Payload indexes made by a store, before and after the documents, and filters explained by them."""

from __future__ import annotations

from typing import Any

import pytest
from qdrant_client import models

from langchain_qdrant_async import (
    AsyncQdrantVectorStore,
    CollectionMismatch,
    Collections,
    CollectionSpec,
    Connection,
    InvalidInput,
    InvalidRequest,
    NotFound,
    PayloadIndex,
)
from langchain_qdrant_async.proto import collections, common
from tests.embeddings import WordEmbeddings

SIZE = 8
EMBEDDING = WordEmbeddings(SIZE)

INDEXES: dict[str, PayloadIndex] = {
    "keyword": PayloadIndex("keyword", is_tenant=True, on_disk=True, enable_hnsw=False),
    "integer": PayloadIndex("integer", lookup=True, range=False, is_principal=False, on_disk=True),
    "float": PayloadIndex("float", on_disk=True, is_principal=True),
    "bool": PayloadIndex("bool", on_disk=True),
    "datetime": PayloadIndex("datetime", is_principal=True),
    "geo": PayloadIndex("geo", on_disk=False),
    "uuid": PayloadIndex("uuid", is_tenant=True),
    "text": PayloadIndex(
        "text",
        tokenizer="word",
        lowercase=True,
        min_token_len=2,
        max_token_len=20,
        phrase_matching=True,
        stopwords="english",
        stemmer="english",
        ascii_folding=True,
    ),
    "words": PayloadIndex("text", tokenizer=models.TokenizerType.WHITESPACE, stopwords=["the", "a"]),
    "prefix": PayloadIndex("keyword", prefix={}),
    "plain": PayloadIndex("keyword"),
}


async def described(connection: Connection, name: str) -> Any:
    return (await Collections(connection).describe(name)).message.payload_schema


@pytest.mark.parametrize("before", [True, False], ids=["with the collection", "afterwards"])
async def test_every_kind_with_its_parameters(connection: Connection, collection_name: str, before: bool) -> None:
    spec = CollectionSpec(collection_name, dimension=SIZE, payload_indexes=INDEXES if before else {})
    store = AsyncQdrantVectorStore(connection, embedding=EMBEDDING, spec=spec)
    await store.aadd_texts(["a text"], [{"keyword": "x"}])
    for name, index in INDEXES.items() if not before else ():
        await store.acreate_index(name, index)
    schema = await described(connection, collection_name)
    assert {key.removeprefix("metadata."): each.data_type for key, each in schema.items()} == {
        name: collections.PayloadSchemaType.Value(index.kind.capitalize()) for name, index in INDEXES.items()
    }
    for name, index in INDEXES.items():
        wanted = index.message()
        if wanted is not None:
            assert schema[f"metadata.{name}"].params == wanted


async def test_an_index_of_the_spec_is_there_before_the_first_document(
    connection: Connection, collection_name: str
) -> None:
    strict = collections.StrictModeConfig(enabled=True, unindexed_filtering_retrieve=False)
    spec = CollectionSpec(
        collection_name, dimension=SIZE, payload_indexes={"n": PayloadIndex("integer", range=False)}, strict_mode=strict
    )
    store = AsyncQdrantVectorStore(connection, embedding=EMBEDDING, spec=spec)
    await store.aadd_texts(["a", "b"], [{"n": 1}, {"n": 2}])
    assert await store.acount({"n": 2}) == 1, "an index for lookups alone answers an equality"
    assert len(await store.asimilarity_search("a", filter={"n": 2.0})) == 1
    with pytest.raises(InvalidRequest, match="Index required"):
        await store.acount({"n": {"$gt": 1}})


async def test_the_spec_makes_what_is_missing_and_refuses_another_kind(
    connection: Connection, collection_name: str
) -> None:
    spec = CollectionSpec(collection_name, dimension=SIZE)
    await Collections(connection).ensure(spec)
    more = CollectionSpec(collection_name, dimension=SIZE, payload_indexes={"t": INDEXES["text"]})
    await Collections(connection).ensure(more)
    assert (await described(connection, collection_name))["metadata.t"].params.text_index_params.phrase_matching
    other = CollectionSpec(collection_name, dimension=SIZE, payload_indexes={"t": "keyword"})
    with pytest.raises(CollectionMismatch, match="indexes 't' as text where keyword"):
        await Collections(connection).ensure(other)


async def test_the_refusal_names_the_call_and_the_call_helps(connection: Connection, collection_name: str) -> None:
    strict = collections.StrictModeConfig(enabled=True, unindexed_filtering_retrieve=False)
    spec = CollectionSpec(collection_name, dimension=SIZE, strict_mode=strict)
    store = AsyncQdrantVectorStore(connection, embedding=EMBEDDING, spec=spec)
    await store.aadd_texts(["a text"], [{"author": {"name": "Ada"}}])
    with pytest.raises(InvalidRequest) as raised:
        await store.asimilarity_search("a", filter={"author.name": "Ada"})
    call = 'store.acreate_index("author.name", "keyword")'
    assert f"`await {call}`" in str(raised.value)
    await eval(call)
    assert len(await store.asimilarity_search("a", filter={"author.name": "Ada"})) == 1
    await store.adelete_index("author.name")
    await store.adelete_index("author.name")
    assert await described(connection, collection_name) == {}


async def test_without_a_collection_there_is_nothing_to_index(connection: Connection, collection_name: str) -> None:
    store = AsyncQdrantVectorStore(connection, collection_name, EMBEDDING)
    for call in (store.acreate_index("a"), store.adelete_index("a")):
        with pytest.raises(NotFound, match="payload_indexes"):
            await call
    assert not (await store.aexplain({"a": 1})).indexed


async def test_a_reindexing_keeps_the_parameters(connection: Connection, collection_name: str) -> None:
    alias = f"{collection_name}-alias"
    spec = CollectionSpec(collection_name, dimension=SIZE, payload_indexes=INDEXES)
    await AsyncQdrantVectorStore(connection, embedding=EMBEDDING, spec=spec).aadd_texts(["a text"])
    before = await described(connection, collection_name)
    await Collections(connection).alias(alias, collection_name)
    done = await AsyncQdrantVectorStore(connection, alias, EMBEDDING).areindex(WordEmbeddings(SIZE + 1))
    try:
        after = await described(connection, done.collection)
        assert {key: each.params for key, each in after.items()} == {key: each.params for key, each in before.items()}
    finally:
        await Collections(connection).drop(done.collection)


async def test_a_reindexing_keeps_where_payloads_lie(connection: Connection, collection_name: str) -> None:
    alias = f"{collection_name}-alias"
    options = {"on_disk_payload": True, "shard_number": 1}
    spec = CollectionSpec(collection_name, dimension=SIZE, options=options)
    await AsyncQdrantVectorStore(connection, embedding=EMBEDDING, spec=spec).aadd_texts(["a text"])
    await Collections(connection).alias(alias, collection_name)
    done = await AsyncQdrantVectorStore(connection, alias, EMBEDDING).areindex(WordEmbeddings(SIZE + 1))
    try:
        assert options.items() <= (await Collections(connection).describe(done.collection)).options.items()
    finally:
        await Collections(connection).drop(done.collection)


async def test_a_filter_is_explained(connection: Connection, collection_name: str) -> None:
    spec = CollectionSpec(
        collection_name, dimension=SIZE, payload_indexes={"lang": "keyword", "n": "integer", "on": "datetime"}
    )
    store = AsyncQdrantVectorStore(connection, embedding=EMBEDDING, spec=spec)
    await store.aadd_texts(["a text"])
    plan = await store.aexplain(
        {
            "lang": "en",
            "n": 5,
            "on": {"$gte": "2024-01-01"},
            "author.name": "Ada",
            "$or": [{"x": {"$gt": 1.5}}, {"text": {"$text": "red fox"}}, {"$not": {"flag": True}}],
            "parts": {"$nested": {"id": 7}},
            "place": {"$geo_near": {"center": [1, 2], "radius": 3}},
            "$id": ["1"],
        }
    )
    found = {each.key.removeprefix("metadata."): (each.index, each.needs) for each in plan.conditions}
    assert found == {
        "lang": ("keyword", None),
        "n": ("integer", None),
        "on": ("datetime", None),
        "author.name": (None, "keyword"),
        "x": (None, "float"),
        "text": (None, "text"),
        "flag": (None, "bool"),
        "parts[].id": (None, "integer"),
        "place": (None, "geo"),
        "": (None, None),
    }
    assert not plan.indexed
    text = str(plan)
    assert 'metadata.lang: match { keyword: "en" }: index keyword' in text
    assert "before 1.19" in text
    assert "document: has id: needs no index" in text
    assert (await store.aexplain({"lang": "en", "n": 5})).indexed
    assert str(await store.aexplain(None)) == "selects everything"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("word", {}), "no payload index of kind 'word'"),
        ((5, {}), "no payload index of kind 5"),
        (("keyword", {"tenant": True}), "did you mean is_tenant"),
        (("keyword", {"is_tenant": "yes"}), "PayloadIndex"),
        (("text", {"tokenizer": "letters"}), "there are Unknown, Prefix"),
        (("text", {"min_token_len": -1}), "PayloadIndex"),
        (("geo", {"lookup": True}), "PayloadIndex"),
    ],
)
def test_an_index_that_cannot_be_meant_is_refused(given: tuple[Any, dict[str, Any]], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        PayloadIndex(given[0], **given[1])


@pytest.mark.parametrize(
    "given",
    [
        "keyword",
        models.PayloadSchemaType.KEYWORD,
        PayloadIndex("keyword", is_tenant=True),
        models.KeywordIndexParams(type="keyword", is_tenant=True),  # type: ignore[arg-type]
        collections.KeywordIndexParams(is_tenant=True),
        collections.PayloadIndexParams(keyword_index_params=collections.KeywordIndexParams(is_tenant=True)),
    ],
    ids=lambda given: type(given).__name__,
)
async def test_qdrant_clients_parameters_are_taken(connection: Connection, collection_name: str, given: Any) -> None:
    store = AsyncQdrantVectorStore(connection, collection_name, EMBEDDING)
    await store.aadd_texts(["a text"])
    await store.acreate_index("lang", given)
    schema = (await described(connection, collection_name))["metadata.lang"]
    assert schema.data_type == collections.PayloadSchemaType.Keyword
    assert schema.params.keyword_index_params.is_tenant is not isinstance(given, str | models.PayloadSchemaType)


async def test_rest_text_parameters_are_taken(connection: Connection, collection_name: str) -> None:
    store = AsyncQdrantVectorStore(connection, collection_name, EMBEDDING)
    await store.aadd_texts(["a text"])
    rest = models.TextIndexParams(
        type=models.TextIndexType.TEXT,
        tokenizer=models.TokenizerType.MULTILINGUAL,
        stopwords=models.StopwordsSet(languages=[models.Language.ENGLISH], custom=["foo"]),
        stemmer=models.SnowballParams(type=models.Snowball.SNOWBALL, language=models.SnowballLanguage.ENGLISH),
    )
    await store.acreate_index("text", rest)
    params = (await described(connection, collection_name))["metadata.text"].params.text_index_params
    assert (params.tokenizer, params.stemmer.snowball.language) == (collections.TokenizerType.Multilingual, "english")
    assert (list(params.stopwords.languages), list(params.stopwords.custom)) == (["english"], ["foo"])


async def test_the_callers_own_filter_is_not_changed(connection: Connection, collection_name: str) -> None:
    store = AsyncQdrantVectorStore(connection, collection_name, EMBEDDING)
    await store.aadd_texts(["a", "b"], [{"n": 1}, {"n": 1.0}])
    own = common.Filter(
        must=[common.Condition(field=common.FieldCondition(key="metadata.n", range=common.Range(gte=1, lte=1)))]
    )
    given = own.SerializeToString()
    assert await store.acount(own) == 2
    await store.acreate_index("n", "integer")
    fresh = AsyncQdrantVectorStore(connection, collection_name, EMBEDDING)
    for _ in range(2):
        assert await fresh.acount(own) == 2, "an index of integers takes 1.0 for 1"
        assert len(await fresh.asimilarity_search("a", filter=own)) == 2
    assert await store.acount(own) == 2, "whether the store knows of the index or not"
    assert own.SerializeToString() == given


@pytest.mark.may_block
def test_the_blocking_twins(connection: Connection, collection_name: str) -> None:
    store = AsyncQdrantVectorStore(connection, collection_name, EMBEDDING)
    store.add_texts(["a"], [{"n": 1}])
    store.create_index("n", "integer", timeout=10)
    assert store.explain({"n": 1}).indexed
    store.delete_index("n")
    assert not store.explain({"n": 1}).indexed
