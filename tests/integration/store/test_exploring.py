"""Finding documents by examples, in groups, several searches at once, by chance, by order, and with boosts."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from langchain_core.documents import Document

from langchain_qdrant_async import (
    AsyncQdrantVectorStore,
    Boosted,
    Branch,
    Closeness,
    Collections,
    Connection,
    Distance,
    Feedback,
    FieldValue,
    Fused,
    InvalidFilter,
    InvalidInput,
    Nearest,
    NotFound,
    Ordered,
    Proximity,
    Recency,
    Recommended,
    Text,
    WeightedSum,
    When,
)
from langchain_qdrant_async.proto import collections
from tests.embeddings import WordEmbeddings

SIZE = 64
EMBEDDING = WordEmbeddings(SIZE)
BERLIN, PARIS, SYDNEY = {"lon": 13.4, "lat": 52.5}, {"lon": 2.35, "lat": 48.85}, {"lon": 151.2, "lat": -33.9}
DOCUMENTS = [
    Document(
        "red apple",
        id="apple",
        metadata={"kind": "fruit", "n": 1, "on": "2024-01-01", "at": BERLIN, "my.key": 5, "f": 0.5},
    ),
    Document("red cherry", id="cherry", metadata={"kind": "fruit", "n": 2, "on": "2024-01-03", "at": PARIS, "f": 1.5}),
    Document("green apple", id="green", metadata={"kind": "fruit", "n": 3, "on": "2024-01-02", "at": SYDNEY}),
    Document("red car", id="car", metadata={"kind": "machine", "n": 2**60, "on": "2024-02-01T12:00:00+02:00"}),
    Document("green car", id="7", metadata={"kind": "machine", "n": 2**60 + 1, "tags": ["a", "b"]}),
    Document("a zebra", id="zebra", metadata={}),
]
IDS = {str(each.id) for each in DOCUMENTS}


@pytest.fixture
async def store(connection: Connection, collection_name: str) -> AsyncQdrantVectorStore:
    store = AsyncQdrantVectorStore(connection, collection_name, EMBEDDING)
    await store.aadd_documents(DOCUMENTS)
    return store


@pytest.fixture(params=[Distance.EUCLID, Distance.MANHATTAN])
async def far(request: pytest.FixtureRequest, connection: Connection, collection_name: str) -> AsyncQdrantVectorStore:
    """A store in which a lower score is nearer."""
    store = AsyncQdrantVectorStore(connection, collection_name, EMBEDDING, distance=request.param)
    await store.aadd_documents(DOCUMENTS)
    return store


def ids(found: list[Any]) -> list[str | None]:
    return [each.id if isinstance(each, Document) else each[0].id for each in found]


# By examples


async def test_examples_may_be_ids_documents_texts_and_vectors(store: AsyncQdrantVectorStore) -> None:
    vector = EMBEDDING.embed_query("red apple")
    by_id = await store.arecommend(["apple"], k=3)
    assert by_id[0].id in {"cherry", "green", "car"}  # each has a word of it
    assert "apple" not in ids(by_id)
    assert ids(await store.arecommend([DOCUMENTS[0]], k=3)) == ids(by_id)
    for example in (Text("red apple"), Document("red apple"), vector, np.array(vector)):
        assert ids(await store.arecommend([example], k=4))[0] == "apple"


async def test_what_is_unlike_goes_down(store: AsyncQdrantVectorStore) -> None:
    found = await store.arecommend_with_score(["apple"], ["car"], k=5)
    assert ids(found)[0] == "green"  # an apple, and not red
    assert found[0][1] > found[1][1]


@pytest.mark.parametrize("strategy", ["average_vector", "best_score", "sum_scores"])
async def test_every_strategy_recommends(store: AsyncQdrantVectorStore, strategy: Any) -> None:
    found = await store.arecommend([Text("red car"), "cherry"], strategy=strategy, k=2, filter={"kind": "machine"})
    assert ids(found)[0] == "car"


async def test_negative_examples_alone_do_for_the_strategies_that_score_each(store: AsyncQdrantVectorStore) -> None:
    found = await store.arecommend(negative=["apple"], strategy="best_score", k=9)
    assert set(ids(found)) == IDS - {"apple"}
    with pytest.raises(InvalidInput, match="needs an example"):
        await store.arecommend(negative=["apple"])


async def test_a_missing_example_is_named_as_the_caller_did(store: AsyncQdrantVectorStore) -> None:
    for search in (
        store.arecommend(["pear"]),
        store.adiscover("pear"),
        store.asimilarity_search_grouped(Recommended(["pear"]), "kind"),
        store.aquery_batch(["red", Fused([Nearest("red"), Branch(Recommended(["apple", "pear"]))])]),
    ):
        with pytest.raises(NotFound, match="'pear'"):
            await search
    with pytest.raises(NotFound, match="'pear'"):
        await store.scoped("tenant").arecommend(["pear"])


async def test_pairs_tell_where_to_look(store: AsyncQdrantVectorStore) -> None:
    found = ids(await store.adiscover(Text("red"), [(Text("car"), Text("apple"))], k=6))
    assert max(found.index(each) for each in ("car", "7")) < min(found.index(each) for each in ("apple", "green"))
    apples = await store.adiscover(context=[(Text("apple"), Text("car"))], k=2)
    assert {"apple", "green"} == set(ids(apples))
    assert ids(await store.adiscover("apple", k=2)) != ["apple"]


async def test_a_better_judge_moves_the_search(store: AsyncQdrantVectorStore) -> None:
    plain = ids(await store.asearch_by(Nearest("red"), k=6))
    judged = Feedback("red", [("car", 1.0), ("apple", 0.0), ("cherry", 0.0)], a=0.1, b=0.5, c=1.0)
    found = ids(await store.asearch_by(judged, k=6))
    assert found.index("7") < plain.index("7")  # the other car


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda store: store.arecommend(), "needs an example"),
        (lambda store: store.arecommend("apple"), "a list of examples"),
        (lambda store: store.arecommend([None]), r"positive\[0\] takes an id"),
        (lambda store: store.arecommend([{"a": 1}]), r"positive\[0\] takes an id"),
        (lambda store: store.arecommend(["a"], [True]), r"negative\[0\] takes an id"),
        (lambda store: store.arecommend([[float("nan")]]), "not finite|nan"),
        (lambda store: store.arecommend([""]), "empty"),
        (lambda store: store.arecommend(["a"], strategy="worst"), "strategy must be one of"),
        (lambda store: store.arecommend(["a"], using="other"), "no vector 'other'"),
        (lambda store: store.adiscover(), "needs a target"),
        (lambda store: store.adiscover("a", [("b",)]), r"context\[0\] must be a pair"),
        (lambda store: store.adiscover("a", "bc"), "list of pairs"),
        (lambda store: store.asearch_by(Feedback("a", [], 1, 1, 1)), "feedback is a list"),
        (lambda store: store.asearch_by(Feedback("a", [("b", "good")], 1, 1, 1)), r"feedback\[0\] must be a pair"),  # type: ignore[list-item]
        (lambda store: store.asearch_by(Feedback("a", [("b", 1)], 1, -1, 1)), "Feedback.b must be a number"),
        (lambda store: store.asimilarity_search_grouped("red", "kind", group_size=0), "group_size must be"),
        (lambda store: store.asimilarity_search_grouped("red", ""), "empty name"),
        (lambda store: store.asimilarity_search_grouped("red", "kind", offset=1), "no offset"),
        (lambda store: store.asimilarity_search_grouped(5, "kind"), "a query is a string"),
        (lambda store: store.aquery_batch("red"), "a list of texts"),
        (lambda store: store.aquery_batch(["red", None]), "a query is a string"),
        (lambda store: store.aquery_batch(["red"], filter=[{}, {}]), "2 filters for 1 queries"),
        (lambda store: store.asample(0), "k must be"),
        (lambda store: store.adistance_matrix(1), "sample must be"),
        (lambda store: store.asimilarity_search("red", boost=[]), "a boost is missing"),
        (lambda store: store.asimilarity_search("red", boost=0.5), "a boost is one of"),
        (lambda store: store.asimilarity_search_with_relevance_scores("red", boost=When({}, 1)), "boosted retrieval"),
    ],
)
async def test_what_cannot_be_meant_is_refused(store: AsyncQdrantVectorStore, call: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        await call(store)


# In groups


async def test_groups_hold_the_best_of_each(store: AsyncQdrantVectorStore) -> None:
    found = await store.asimilarity_search_grouped("red car", "kind", k=5, group_size=2)
    assert [each.key for each in found] == ["machine", "fruit"]
    assert ids(found[0].documents)[0] == "car"
    assert [len(each.hits) for each in found] == [2, 2]
    assert found[0].hits[0][1] >= found[1].hits[0][1]


async def test_an_element_of_a_list_is_a_group_and_numbers_are(store: AsyncQdrantVectorStore) -> None:
    by_tag = await store.asimilarity_search_grouped("car", "tags", k=5)
    assert {each.key for each in by_tag} == {"a", "b"}
    by_number = await store.asimilarity_search_grouped("car", "n", k=9, filter={"n": {"$lt": 5}})
    assert {each.key for each in by_number} == {1, 2, 3}


async def test_any_ranking_can_be_grouped(store: AsyncQdrantVectorStore) -> None:
    merged = Fused([Nearest("red"), Nearest("car")])
    found = await store.asimilarity_search_grouped(merged, "kind", k=2, group_size=1)
    assert (found[0].key, ids(found[0].hits)) == ("machine", ["car"])
    boosted = await store.asimilarity_search_grouped("red car", "kind", group_size=1, boost=When({"kind": "fruit"}, 9))
    assert [each.key for each in boosted] == ["fruit", "machine"]


# Several at once


async def test_a_batch_finds_what_each_query_finds(store: AsyncQdrantVectorStore) -> None:
    queries: list[Any] = ["red apple", Nearest("green car"), Recommended(["apple"])] + [f"text {n}" for n in range(150)]
    found = await store.aquery_batch(queries, k=3)
    assert len(found) == len(queries)
    alone = [await store.asearch_by(each if hasattr(each, "asked") else Nearest(each), k=3) for each in queries]
    scores = [[score for part in parts for _, score in part] for parts in (found, alone)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-6)
    assert ids(found[0]) == ids(alone[0])


async def test_each_query_of_a_batch_may_have_a_filter(store: AsyncQdrantVectorStore) -> None:
    found = await store.aquery_batch(["red", "red"], k=9, filter=[{"kind": "fruit"}, None])
    assert set(ids(found[0])) == {"apple", "cherry", "green"}
    assert set(ids(found[1])) == IDS
    assert await store.aquery_batch([]) == []


async def test_a_batch_keeps_to_what_a_collection_gives_at_once(
    store: AsyncQdrantVectorStore, connection: Connection
) -> None:
    strict = collections.StrictModeConfig(enabled=True, max_query_limit=2, search_max_batchsize=1)
    await connection.collections.Update(
        collections.UpdateCollection(collection_name=store.collection_name, strict_mode_config=strict)
    )
    fresh = AsyncQdrantVectorStore(connection, store.collection_name, EMBEDDING)
    assert [len(each) for each in await fresh.aquery_batch(["red", "car"], k=5)] == [5, 5]
    assert [len(each) for each in await fresh.aquery_batch(["red", "car"], k=2)] == [2, 2]
    listed = [each.id async for each in fresh.ascroll()]
    assert set(listed) == IDS


async def test_a_collection_that_is_not_there_has_nothing(connection: Connection, collection_name: str) -> None:
    store = AsyncQdrantVectorStore(connection, collection_name, EMBEDDING)
    assert await store.aquery_batch(["a", "b"]) == [[], []]
    assert await store.asimilarity_search_grouped("a", "kind") == []
    assert await store.arecommend([Text("a")]) == []
    assert await store.asample() == []
    nothing = await store.adistance_matrix()
    assert (nothing.documents, nothing.dense().shape) == ([], (0, 0))


# By chance, and to each other


async def test_samples_differ(store: AsyncQdrantVectorStore) -> None:
    samples = [tuple(ids(await store.asample(3))) for _ in range(20)]
    assert all(set(each) <= IDS and len(set(each)) == 3 for each in samples)
    assert len(set(samples)) > 1
    assert set(ids(await store.asample(99, {"kind": "fruit"}))) == {"apple", "cherry", "green"}


async def test_a_matrix_has_the_score_of_each_pair(store: AsyncQdrantVectorStore) -> None:
    found = await store.adistance_matrix(50, 50)
    assert set(ids(found.documents)) == IDS
    square = found.dense(missing=-9)
    vectors = np.array(EMBEDDING.embed_documents([each.page_content for each in found.documents]))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    off = ~np.eye(len(vectors), dtype=bool)
    assert square[off] == pytest.approx((vectors @ vectors.T)[off], abs=1e-5)
    assert (square[~off] == -9).all()
    two_of = {"$min_should": {"conditions": [{"kind": "fruit"}, {"n": {"$lt": 3}}, {"f": 0.5}], "min_count": 2}}
    assert set(ids((await store.adistance_matrix(50, 50, two_of)).documents)) == {"apple", "cherry"}


# In order


async def in_order(found: AsyncIterator[Document]) -> list[str | None]:
    return [each.id async for each in found]


async def test_documents_come_in_the_order_of_a_field(store: AsyncQdrantVectorStore, connection: Connection) -> None:
    collections = Collections(connection)
    await collections.index(store.collection_name, "n", "integer")
    await collections.index(store.collection_name, "on", "datetime")
    await collections.index(store.collection_name, "f", "float")
    assert await in_order(store.ascroll(order_by="n")) == ["apple", "cherry", "green", "car", "7"]
    assert await in_order(store.ascroll(order_by="n", batch_size=1)) == ["apple", "cherry", "green", "car", "7"]
    down = Ordered("on", descending=True, start_from=dt.date(2024, 1, 31))
    assert await in_order(store.ascroll(order_by=down, batch_size=1)) == ["cherry", "green", "apple"]
    assert await in_order(store.ascroll({"kind": "fruit"}, order_by="f", batch_size=1)) == ["apple", "cherry"]
    assert list(ids(await store.asearch_by(Ordered("n", start_from=2), k=2, offset=1))) == ["green", "car"]
    assert await in_order(store.ascroll(order_by=Ordered("n", start_from=2**59))) == ["car", "7"]


@pytest.mark.parametrize("batch_size", [1, 2, 7, 100])
async def test_an_order_leaves_none_out_and_gives_none_twice(
    connection: Connection, collection_name: str, batch_size: int
) -> None:
    """Many of one value, documents with several values, and without one."""
    store = AsyncQdrantVectorStore(connection, collection_name, EMBEDDING)
    values: list[Any] = [1] * 23 + [[1, 2]] * 5 + [2] * 9 + [[3, 1, 3]] * 2 + [None, "x", []] + [5, 4]
    await store.aadd_texts([f"t{n}" for n in range(len(values))], [{"v": each} for each in values])
    await Collections(connection).index(collection_name, "v", "integer")
    for descending in (False, True):
        found = [each async for each in store.ascroll(order_by=Ordered("v", descending), batch_size=batch_size)]
        assert len(found) == len({each.id for each in found}) == len(values) - 3
        best = max if descending else min
        firsts = [
            best(each.metadata["v"]) if isinstance(each.metadata["v"], list) else each.metadata["v"] for each in found
        ]
        assert firsts == sorted(firsts, reverse=descending)


@pytest.mark.parametrize("slices", [1, 2, 5])
async def test_slices_are_all_of_it(connection: Connection, collection_name: str, slices: int) -> None:
    store = AsyncQdrantVectorStore(connection, collection_name, EMBEDDING)
    texts = [f"text {n}" for n in range(100)]
    await store.aadd_texts(texts, [{"odd": n % 2} for n in range(100)])
    found = [each.page_content async for each in store.ascroll(slices=slices, batch_size=7)]
    assert Counter(found) == Counter(texts)
    odd = [each.page_content async for each in store.ascroll({"odd": 1}, slices=slices, batch_size=7)]
    assert Counter(odd) == Counter(texts[1::2])


@pytest.mark.may_block
def test_the_blocking_twin_goes_through_all_as_well(connection: Connection, collection_name: str) -> None:
    store = AsyncQdrantVectorStore(connection, collection_name, EMBEDDING)
    store.add_documents(DOCUMENTS)
    assert {each.id for each in store.scroll(slices=3, batch_size=2)} == IDS
    assert ids(store.recommend(["apple"], ["car"], k=1)) == ["green"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"slices": 0}, "slices must be"),
        ({"slices": 2, "order_by": "n"}, "no order among them"),
        ({"order_by": 5}, "order_by is a metadata field"),
        ({"order_by": ""}, "empty name"),
    ],
)
async def test_a_scroll_that_cannot_be_meant_is_refused(
    store: AsyncQdrantVectorStore, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        await anext(store.ascroll(**given))


# With boosts


BOOSTS: dict[str, tuple[Any, str]] = {
    "recency": (Recency("on", dt.timedelta(days=1), weight=5, now=dt.date(2024, 2, 1)), "car"),
    "recency in seconds": (Recency("on", 86_400, weight=9, now="2024-01-03"), "cherry"),
    "recency of now": (Recency("on", dt.timedelta(days=1_000), weight=500), "car"),
    "proximity": (Proximity("at", [2.3, 48.8], 100_000, weight=5), "cherry"),
    "proximity by distance": (Proximity("at", SYDNEY, 100_000, weight=5, shape="linear", midpoint=0.1), "green"),
    "closeness": (Closeness("n", 3, 0.5, weight=5), "green"),
    "closeness of a key with a dot": (Closeness('"my.key"', 5, 0.5, weight=5), "apple"),
    "closeness of those without": (Closeness("n", 100, 1, weight=50, default=100), "zebra"),
    "value": (FieldValue("f", 100), "cherry"),
    "value of those without": (FieldValue("f", -1, default=1e6), "apple"),
    "filter": (When({"n": 3}, 5), "green"),
    "several": ([When({"kind": "fruit"}, 5), FieldValue("n", 5.0), When({"n": {"$gt": 3}}, -1e30)], "green"),
}


@pytest.mark.parametrize("name", BOOSTS)
async def test_metadata_moves_a_document_up(store: AsyncQdrantVectorStore, name: str) -> None:
    boost, first = BOOSTS[name]
    found = await store.asimilarity_search_with_score("red", k=6, boost=boost)
    assert ids(found)[0] == first
    assert len(found) == len(IDS)


async def test_a_boost_is_added_to_the_score(store: AsyncQdrantVectorStore) -> None:
    plain = {d.id: s for d, s in await store.asimilarity_search_with_score("red", k=9)}
    for each, score in await store.asimilarity_search_with_score("red", k=9, boost=When({"kind": "fruit"}, 0.25)):
        fruit = each.metadata.get("kind") == "fruit"
        assert score == pytest.approx(plain[each.id] + 0.25 * fruit, abs=1e-6)
    shares = Boosted(Nearest("red"), When({"kind": "fruit"}, 0.25), multiply=True)
    for each, score in await store.asearch_by(shares, k=9):
        fruit = each.metadata.get("kind") == "fruit"
        assert score == pytest.approx(plain[each.id] * (1 + 0.25 * fruit), abs=1e-6)


async def test_a_half_life_halves(store: AsyncQdrantVectorStore) -> None:
    boost = Recency("on", dt.timedelta(days=2), weight=8, now="2024-01-03")
    plain = {d.id: s for d, s in await store.asimilarity_search_with_score("red", k=9)}
    found = {d.id: s for d, s in await store.asimilarity_search_with_score("red", k=9, boost=boost)}
    added = {key: found[key] - plain[key] for key in ("cherry", "apple", "green", "zebra")}
    assert added == pytest.approx({"cherry": 8, "apple": 4, "green": 8 * 0.5**0.5, "zebra": 0}, abs=1e-4)


async def test_a_distance_is_taken_off(far: AsyncQdrantVectorStore) -> None:
    """Qdrant adds scores as if more were always better; of distances less is."""
    nearest = await far.asimilarity_search_with_score("red apple", k=9)
    assert ids(nearest)[0] == "apple"
    assert nearest[0][1] < nearest[-1][1]
    boosted = await far.asimilarity_search_with_score("red apple", k=9, boost=When({"kind": "nothing"}, 1))
    assert [score for _, score in boosted] == pytest.approx([-score for _, score in nearest], abs=1e-5)
    for fusion in ("dbsf", "rrf", WeightedSum([1.0])):
        merged = await far.asearch_by(Fused([Nearest("red apple")], fusion=fusion), k=9)
        assert ids(merged)[0] == "apple"
        assert merged[0][1] > merged[-1][1]
    found = await far.amax_marginal_relevance_search("red apple", k=1, boost=When({"n": 3}, 99))
    assert ids(found) == ["apple"]


async def test_boosts_hold_in_every_mode_and_for_what_is_diverse(store: AsyncQdrantVectorStore) -> None:
    boost = When({"n": 3}, 100)
    diverse = await store.amax_marginal_relevance_search("red apple", k=2, fetch_k=2, boost=boost)
    assert "green" in ids(diverse)
    nested = Boosted(Fused([Nearest("red"), Boosted(Nearest("car"), boost)], fusion="rrf"), boost)
    assert ids(await store.asearch_by(nested, k=1)) == ["green"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Recency("on", 0), "half_life must be a number above 0"),
        (lambda: Recency("on", dt.timedelta(days=-1)), "half_life must be"),
        (lambda: Recency("on", 1, now="yesterday"), "only an int or a float, and a date"),
        (lambda: Recency("on", 1, now=5), "must be a date"),  # type: ignore[arg-type]
        (lambda: Recency("on", 1, weight=float("inf")), "weight must be"),
        (lambda: Recency("", 1), "empty name"),
        (lambda: Recency(5, 1), "name of a metadata field"),  # type: ignore[arg-type]
        (lambda: Proximity("at", [200, 0], 1), "longitudes go from"),
        (lambda: Proximity("at", BERLIN, 0), "scale must be"),
        (lambda: Proximity("at", BERLIN, 1, midpoint=1), "between 0 and 1"),
        (lambda: Proximity("at", BERLIN, 1, shape="round"), "shape must be one of"),  # type: ignore[arg-type]
        (lambda: Closeness("n", "3", 1), "target must be"),  # type: ignore[arg-type]
        (lambda: Closeness("n", 3, 1, default="x"), "default must be"),  # type: ignore[arg-type]
        (lambda: FieldValue("n", True), "weight must be"),
        (lambda: When({"a": 1}, None), "weight must be"),  # type: ignore[arg-type]
        (lambda: Boosted("red", When({}, 1)), "a ranking is one such as"),  # type: ignore[arg-type]
        (lambda: Boosted(Nearest("red"), When({}, 1), limit=0), "limit must be"),
    ],
)
def test_a_boost_that_cannot_be_meant_is_refused(make: Any, said: str) -> None:
    with pytest.raises((InvalidInput, InvalidFilter), match=said):
        make()
