"""The stores of tenants: every public method keeps to its tenant, whatever ids, filters and metadata it is given."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_qdrant_async import AsyncQdrantVectorStore, Collections, CollectionSpec, Connection
from langchain_qdrant_async.errors import InvalidInput, InvalidRequest, NotFound
from langchain_qdrant_async.proto import common, points
from langchain_qdrant_async.search.ranking import Nearest
from langchain_qdrant_async.transport.scoped import whole_of

Store = AsyncQdrantVectorStore
SIZE = 8
EMBEDDING = DeterministicFakeEmbedding(size=SIZE)
TEXTS = [f"text {number}" for number in range(6)]
IDS = ["0", "1", "two", "3", "00000000-0000-4000-8000-000000000004", "fünf"]
VECTOR = [1.0] * SIZE


@pytest.fixture(params=[None, "owner"], ids=["a key of its own", "a metadata field"])
def field(request: pytest.FixtureRequest) -> str | None:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def whole(connection: Connection, collection_name: str) -> Store:
    return Store(connection, collection_name, EMBEDDING)


@pytest.fixture
async def ours(whole: Store, field: str | None) -> AsyncIterator[Store]:
    """A tenant whose collection holds another's documents, too: with the same ids, texts and metadata."""
    for tenant in ("ours", "theirs"):
        store = whole.scoped(tenant, field=field)
        assert await store.aadd_texts(TEXTS, [{"of": tenant, "n": n} for n in range(len(TEXTS))], IDS) == IDS
    yield whole.scoped("ours", field=field)
    theirs = whole.scoped("theirs", field=field)
    found = await theirs.asimilarity_search("text 1", k=100)
    assert sorted((each.page_content, each.metadata["of"]) for each in found) == [(text, "theirs") for text in TEXTS]
    assert {each.id for each in found} == set(IDS)


Read = Callable[[Store], Awaitable[Any]]


async def _listed(found: AsyncIterator[Any]) -> list[Any]:
    return [each async for each in found]


async def _with(store: Store, found: Awaitable[list[Any]], *examples: str) -> list[Any]:
    """What is found, and the examples, which are not."""
    return [*await found, *await store.aget_by_ids(examples)]


async def _in_groups(store: Store) -> list[Any]:
    groups = await store.asimilarity_search_grouped("text 1", "n", k=100)
    return [hit for each in groups for hit in each.hits]


async def _in_batch(store: Store) -> list[Any]:
    return [each for part in await store.aquery_batch(["text 1", Nearest("text 2")], k=100) for each in part]


async def _in_matrix(store: Store) -> list[Any]:
    return (await store.adistance_matrix(100)).documents


COUNTS: dict[str, Read] = {
    "acount": lambda store: store.acount(),
    "afacet": lambda store: store.afacet("of"),
    "ametadata_schema": lambda store: store.ametadata_schema(),
}

READS: dict[str, Read] = {
    "aget_by_ids": lambda store: store.aget_by_ids(IDS),
    "asearch_by": lambda store: store.asearch_by(Nearest("text 1"), k=100),
    "asimilarity_search": lambda store: store.asimilarity_search("text 1", k=100),
    "asimilarity_search_with_score": lambda store: store.asimilarity_search_with_score("text 1", k=100),
    "asimilarity_search_by_vector": lambda store: store.asimilarity_search_by_vector(VECTOR, k=100),
    "asimilarity_search_with_score_by_vector": (
        lambda store: store.asimilarity_search_with_score_by_vector(VECTOR, k=100)
    ),
    "asimilarity_search_with_relevance_scores": (
        lambda store: store.asimilarity_search_with_relevance_scores("text 1", k=100)
    ),
    "amax_marginal_relevance_search": lambda store: store.amax_marginal_relevance_search("text 1", k=100, fetch_k=100),
    "amax_marginal_relevance_search_with_score": (
        lambda store: store.amax_marginal_relevance_search_with_score("text 1", k=100, fetch_k=100)
    ),
    "amax_marginal_relevance_search_by_vector": (
        lambda store: store.amax_marginal_relevance_search_by_vector(VECTOR, k=100, fetch_k=100)
    ),
    "amax_marginal_relevance_search_with_score_by_vector": (
        lambda store: store.amax_marginal_relevance_search_with_score_by_vector(VECTOR, k=100, fetch_k=100)
    ),
    "ascroll": lambda store: _listed(store.ascroll(batch_size=2, slices=2)),
    "arecommend": lambda store: _with(store, store.arecommend(["0"], k=100), "0"),
    "arecommend_with_score": lambda store: _with(store, store.arecommend_with_score(["0"], ["1"], k=100), "0", "1"),
    "adiscover": lambda store: _with(store, store.adiscover("0", k=100), "0"),
    "adiscover_with_score": lambda store: _with(
        store, store.adiscover_with_score(context=[("0", "1")], k=100), "0", "1"
    ),
    "asimilarity_search_grouped": _in_groups,
    "aquery_batch": _in_batch,
    "asample": lambda store: store.asample(100),
    "adistance_matrix": _in_matrix,
    "asearch": lambda store: store.asearch("text 1", "similarity", k=100),
}
WRITES: dict[str, Callable[[Store], Awaitable[Any]]] = {
    "aadd_texts": lambda store: store.aadd_texts(["new"], ids=[IDS[0]]),
    "aadd_documents": lambda store: store.aadd_documents([Document("new", id=IDS[1])]),
    "aadd_embeddings": lambda store: store.aadd_embeddings(["new"], [VECTOR], ids=[IDS[2]]),
    "adelete": lambda store: store.adelete(IDS[:3]),
    "adelete_by_filter": lambda store: store.adelete_by_filter({"n": {"$gte": 0}}),
    "aset_metadata": lambda store: store.aset_metadata({"of": "changed", "l": []}, filter={"n": {"$gte": 0}}),
    "adelete_metadata": lambda store: store.adelete_metadata(["of"], IDS),
    "aupdate_vectors": lambda store: store.aupdate_vectors(IDS, [[-1.0] * SIZE] * len(IDS)),
}
OF_THE_COLLECTION = {"areindex", "adrift"}
INDEXES = {"acreate_index", "adelete_index", "aexplain"}
"""An index is the whole collection's, and tells nobody anything."""
MADE = {"aclose", "afrom_texts", "afrom_documents", "afrom_existing_collection"}


def methods() -> set[str]:
    """The public methods that talk to Qdrant."""
    return {
        name
        for name in dir(Store)
        if name.startswith("a") and name != "as_retriever" and hasattr(Store, name.removeprefix("a"))
    }


def test_every_method_is_tried() -> None:
    assert methods() == READS.keys() | COUNTS.keys() | WRITES.keys() | OF_THE_COLLECTION | INDEXES | MADE


def documents(found: list[Any]) -> list[Document]:
    return [each if isinstance(each, Document) else each[0] for each in found]


@pytest.mark.parametrize("name", READS)
async def test_reads_find_the_tenants_documents_alone(ours: Store, name: str) -> None:
    found = documents(await READS[name](ours))
    assert {each.metadata["of"] for each in found} == {"ours"}
    assert {each.id for each in found} == set(IDS)


async def test_counts_are_of_the_tenants_documents(ours: Store, whole: Store, connection: Connection) -> None:
    await Collections(connection).index(whole.collection_name, "of", "keyword")
    assert await ours.acount() == len(IDS)
    assert await ours.acount({"of": "theirs"}) == 0
    assert await ours.afacet("of") == [("ours", len(IDS))]
    fields = {each.name: each.values for each in (await ours.ametadata_schema()).fields}
    assert fields["of"] == ("ours",)
    assert "theirs" not in str(fields)


@pytest.mark.parametrize("name", WRITES)
async def test_writes_leave_the_others_documents_alone(ours: Store, name: str) -> None:
    await WRITES[name](ours)  # the fixture looks at theirs


async def test_the_tenant_shows_in_metadata_only_where_a_field_was_named(ours: Store, field: str | None) -> None:
    (found,) = await ours.aget_by_ids(["two"])
    assert found.metadata == {"of": "ours", "n": 2} | ({} if field is None else {field: "ours"})


FILTERS: list[Any] = [
    {"of": "theirs"},
    {"$or": [{"of": "theirs"}, {"of": {"$ne": "ours"}}]},
    {"$not": {"of": "ours"}},
    {"owner": "theirs"},
    {"owner": {"$ne": "ours"}},
    {"_tenant": "theirs"},
    common.Filter(
        must=[common.Condition(field=common.FieldCondition(key="_tenant", match=common.Match(keyword="theirs")))]
    ),
    common.Filter(
        should=[common.Condition(filter=common.Filter(must_not=[common.Condition(has_id=common.HasIdCondition())]))],
        must=[
            common.Condition(field=common.FieldCondition(key="metadata.of", match=common.Match(keyword="theirs"))),
        ],
    ),
]


@pytest.mark.parametrize("condition", FILTERS, ids=str)
async def test_no_filter_leads_to_another_tenants_documents(ours: Store, condition: Any) -> None:
    found = await ours.asimilarity_search("text 1", k=100, filter=condition)
    assert {each.metadata["of"] for each in found} <= {"ours"}
    await ours.adelete(filter=condition)  # the fixture looks at theirs


async def test_no_id_leads_to_another_tenants_documents(ours: Store, whole: Store, field: str | None) -> None:
    stored = [each.id for each in (await _points(whole)) if _tenant(each) == "theirs"]
    known = [each.uuid for each in stored]
    assert await ours.aget_by_ids(known) == []
    await ours.adelete(known)
    await ours.aadd_texts(["mine"] * len(known), ids=known)
    assert len(await whole.scoped("theirs", field=field).aget_by_ids(IDS)) == len(IDS)


async def test_metadata_cannot_say_that_it_is_anothers(whole: Store) -> None:
    ours = whole.scoped("ours", field="owner")
    with pytest.raises(InvalidInput, match="scoped to 'ours'"):
        await ours.aadd_texts(["a text"], [{"owner": "theirs"}])
    await ours.aadd_texts(["a text"], [{"owner": "ours"}], ["1"])
    own = whole.scoped("ours")
    await own.aadd_texts(["another"], [{"_tenant": "theirs"}], ["2"])
    assert [each.metadata for each in await own.aget_by_ids(["2"])] == [{"_tenant": "theirs"}]
    assert await whole.scoped("theirs").asimilarity_search("another") == []


async def test_indexes_are_everybodys_but_the_tenants_own(ours: Store, field: str | None) -> None:
    await ours.acreate_index("of", "keyword")
    assert (await ours.aexplain({"of": "ours"})).indexed
    await ours.adelete_index("of")
    if field is not None:
        with pytest.raises(InvalidInput, match="every tenant's"):
            await ours.adelete_index(field)


async def test_no_change_leads_to_another_tenant(ours: Store, whole: Store, field: str | None) -> None:
    theirs = [each.id.uuid for each in (await _points(whole)) if _tenant(each) == "theirs"]
    assert await ours.aset_metadata({"of": "changed"}, theirs) == 0
    assert await ours.adelete_by_filter({"of": "theirs"}) == 0
    with pytest.raises(NotFound, match=theirs[0]):
        await ours.aupdate_vectors(theirs, [[-1.0] * SIZE] * len(theirs))
    for name, change in (("owner", {"owner": "theirs"}), ("owner", {"owner": "theirs", "none": None})):
        if field == name:
            with pytest.raises(InvalidInput, match="scoped to 'ours'"):
                await ours.aset_metadata(change, IDS)
            with pytest.raises(InvalidInput, match="cannot be deleted"):
                await ours.adelete_metadata([name], IDS)
    assert await ours.aset_metadata({"of": "ours", "none": None}, IDS) == len(IDS)
    assert {each.metadata["of"] for each in await ours.aget_by_ids(IDS)} == {"ours"}


async def test_everything_of_a_tenant_is_deleted_and_nothing_else(ours: Store) -> None:
    assert await ours.adelete(delete_all=True)
    assert await ours.asimilarity_search("text 1", k=100) == []


async def test_what_others_wrote_with_the_field_is_the_tenants(whole: Store) -> None:
    await whole.aadd_texts(["old", "older"], [{"owner": "ours"}, {"owner": "theirs"}], ["7", "8"])
    ours = whole.scoped("ours", field="owner")
    assert [each.id for each in await ours.asimilarity_search("old")] == ["7"]
    assert [each.id for each in await ours.aget_by_ids(["7", "8"])] == ["7"]
    await ours.adelete(["7", "8"])
    assert [each.id for each in await whole.aget_by_ids(["7", "8"])] == ["8"]


async def test_tenants_may_be_numbers_and_parts_of_parts(whole: Store) -> None:
    seven = whole.scoped(7, field="org.id")
    user = seven.scoped("ann")
    await seven.aadd_texts(["for all"], ids=["1"])
    await user.aadd_texts(["for ann"], ids=["1"])
    await whole.scoped(8, field="org.id").scoped("ann").aadd_texts(["elsewhere"], ids=["1"])
    assert {each.page_content for each in await seven.asimilarity_search("x")} == {"for all", "for ann"}
    assert [each.page_content for each in await user.asimilarity_search("x")] == ["for ann"]
    assert [(each.id, each.metadata) for each in await user.aget_by_ids(["1"])] == [("1", {"org": {"id": 7}})]
    with pytest.raises(InvalidInput, match="already"):
        user.scoped(9, field="org.id")


async def test_the_first_write_makes_the_tenants_index(whole: Store, connection: Connection) -> None:
    await whole.scoped("ours", field="owner").aadd_texts(["a text"])
    await whole.scoped(7, field="number").aadd_texts(["a text"])
    info = await Collections(connection).describe(whole.collection_name)
    schema = info.message.payload_schema
    assert schema["metadata.owner"].params.keyword_index_params.is_tenant
    assert schema["metadata.number"].params.integer_index_params.lookup


async def test_the_index_is_made_again_with_the_collection(whole: Store, connection: Connection) -> None:
    for _ in range(2):
        await whole.scoped("ours").aadd_texts(["a text"])
        info = await Collections(connection).describe(whole.collection_name)
        assert "_tenant" in info.payload_indexes
        await Collections(connection).drop(whole.collection_name)


async def test_many_tenants_write_at_once(whole: Store) -> None:
    tenants = [f"tenant {number}" for number in range(20)]
    await asyncio.gather(*(whole.scoped(each).aadd_texts([each] * 3, ids=["a", "b", "c"]) for each in tenants))
    found = await asyncio.gather(*(whole.scoped(each).asimilarity_search("x", k=10) for each in tenants))
    assert [[each.page_content for each in part] for part in found] == [[each] * 3 for each in tenants]


@pytest.mark.parametrize("name", sorted((READS | COUNTS | WRITES).keys()))
async def test_every_method_names_the_shards(whole: Store, name: str) -> None:
    """The embedded engine has no shard keys, and says so of each request that names one."""
    await whole.aadd_texts(TEXTS, ids=IDS)
    with pytest.raises(InvalidRequest, match="Shard key .?acme.? not found"):
        await (READS | COUNTS | WRITES)[name](whole.scoped(shard_key="acme"))
    with pytest.raises(InvalidRequest, match="Shard key .?7.? not found"):
        await (READS | COUNTS | WRITES)[name](whole.scoped("acme", shard_key=7))


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, lambda store: pickle.loads(pickle.dumps(store))])
async def test_copies_are_scoped(ours: Store, make: Callable[[Store], Store]) -> None:
    copied = make(ours)
    assert {each.metadata["of"] for each in await copied.asimilarity_search("text 1", k=100)} == {"ours"}
    if (whole := whole_of(copied.connection)) is not whole_of(ours.connection):
        await whole.aclose()


async def test_closing_a_tenants_store_closes_nothing(connection: Connection, collection_name: str) -> None:
    async with Store(connection.target, collection_name, EMBEDDING) as whole:  # which owns its connection
        await whole.aadd_texts(["a text"])
        async with whole.scoped("ours") as ours:
            await ours.aadd_texts(["ours"])
        assert len(await whole.asimilarity_search("a text")) == 2


@pytest.mark.parametrize("name", sorted(OF_THE_COLLECTION))
async def test_what_is_of_the_whole_collection_is_refused(ours: Store, name: str) -> None:
    with pytest.raises(InvalidInput, match="of the whole collection"):
        await getattr(ours, name)()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "needs what tells the tenant apart"),
        ({"tenant": ""}, "tenant must be a string"),
        ({"tenant": True}, "tenant must be a string"),
        ({"tenant": 1.5}, "tenant must be a string"),
        ({"tenant": 2**63}, "tenant must be a string"),
        ({"tenant": ["a"]}, "tenant must be a string"),
        ({"tenant": "\ud800"}, "tenant"),
        ({"shard_key": 1.5}, "shard_key must be a string"),
        ({"field": "owner"}, "needs the value"),
        ({"tenant": "a", "field": "a b"}, "named by letters"),
        ({"tenant": "a", "field": '"a"'}, "named by letters"),
        ({"tenant": "a", "field": ""}, "named by letters"),
    ],
)
def test_what_is_no_tenant_is_refused(whole: Store, given: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        whole.scoped(**given)


async def test_other_payload_layouts_have_tenants_too(connection: Connection, collection_name: str) -> None:
    whole = Store(connection, collection_name, EMBEDDING, metadata_payload_key=None)
    for tenant in ("ours", "theirs"):
        await whole.scoped(tenant, field="owner").aadd_texts(["a text"], [{"n": 1}], ["1"])
        await whole.scoped(tenant).aadd_texts(["another"], [{"n": 2}], ["1"])
    assert [each.metadata for each in await whole.scoped("ours", field="owner").aget_by_ids(["1"])] == [
        {"n": 1, "owner": "ours"}
    ]
    assert [each.metadata for each in await whole.scoped("ours").aget_by_ids(["1"])] == [{"n": 2}]


async def test_a_vector_is_not_taken_of_another_tenants_point(ours: Store, whole: Store) -> None:
    theirs = [each.id for each in (await _points(whole)) if _tenant(each) == "theirs"]
    for named in (theirs[0], common.PointId(num=99)):
        request = points.QueryPoints(
            collection_name=whole.collection_name, query=points.Query(nearest=points.VectorInput(id=named))
        )
        with pytest.raises(NotFound, match="in this scope"):
            await ours.connection.points.Query(request)
    own = points.Query(nearest=points.VectorInput(id=common.PointId(num=1)))
    answer = await ours.connection.points.Query(
        points.QueryPoints(collection_name=whole.collection_name, query=own, limit=100)
    )
    assert len(answer.result) == len(IDS) - 1


async def _points(whole: Store) -> list[points.RetrievedPoint]:
    request = points.ScrollPoints(collection_name=whole.collection_name, limit=1_000)
    return [*(await whole.connection.points.Scroll(request)).result]


def _tenant(point: points.RetrievedPoint) -> str:
    value = point.payload.get("_tenant") or point.payload["metadata"].struct_value.fields["owner"]
    return str(value.string_value)


async def test_a_reindexing_keeps_the_tenants(connection: Connection, collection_name: str) -> None:
    alias = f"{collection_name}-alias"
    spec = CollectionSpec(collection_name, dimension=SIZE)
    whole = Store(connection, embedding=EMBEDDING, spec=spec)
    for tenant in ("ours", "theirs"):
        await whole.scoped(tenant).aadd_texts([f"of {tenant}"], ids=["1"])
    await Collections(connection).alias(alias, collection_name)
    named = Store(connection, alias, EMBEDDING)
    done = await named.areindex(DeterministicFakeEmbedding(size=SIZE + 1))
    try:
        ours = named.scoped("ours")
        assert [each.page_content for each in await ours.aget_by_ids(["1"])] == ["of ours"]
        assert [each.page_content for each in await ours.asimilarity_search("x")] == ["of ours"]
    finally:
        await Collections(connection).drop(done.collection)
