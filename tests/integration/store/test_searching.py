"""Ways to search: rankings of the package and of a user, what a call may say, and what never reaches a server."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from langchain_core.documents import Document

from langchain_qdrant_async import (
    Asked,
    AsyncQdrantVectorStore,
    Collections,
    Connection,
    DeadlineExceeded,
    Diverse,
    Fields,
    Fused,
    InvalidInput,
    InvalidVector,
    Nearest,
    Policy,
    Ranking,
    Remote,
    Retry,
    Search,
    Unavailable,
)
from langchain_qdrant_async.document.values import to_fields
from langchain_qdrant_async.document.vectors import Sparse, to_vector
from langchain_qdrant_async.proto import collections, common, points
from langchain_qdrant_async.search.message import prefetch_query
from tests.embeddings import TableEmbeddings, WordEmbeddings

GEOMETRY = TableEmbeddings(
    {"east": [1.0, 0.0], "north": [0.0, 1.0], "north-east": [0.6, 0.8], "east-north": [0.8, 0.6]}
)
PLACES = {
    "a": ([1.0, 0.0], [0.0, 1.0], {1: 1.0}),
    "b": ([0.9, 0.1], [0.5, 0.5], {2: 1.0}),
    "c": ([0.5, 0.5], [1.0, 0.1], {1: 0.5, 3: 3.0}),
    "d": ([0.1, 0.9], [1.0, 0.0], {3: 1.0}),
}
"""Documents with their vectors in three fields: own, other and words."""


@pytest.fixture
async def store(connection: Connection, collection_name: str) -> AsyncQdrantVectorStore:
    """A store over a collection with two dense fields and a sparse one, of which it fills and reads the first."""
    dense = collections.VectorParams(size=2, distance=collections.Cosine)
    fields = collections.VectorParamsMap(map={"own": dense, "other": dense})
    sparse = collections.SparseVectorConfig(map={"words": collections.SparseVectorParams()})
    await connection.collections.Create(
        collections.CreateCollection(
            collection_name=collection_name,
            vectors_config=collections.VectorsConfig(params_map=fields),
            sparse_vectors_config=sparse,
        )
    )
    await connection.points.Upsert(
        points.UpsertPoints(collection_name=collection_name, points=map(_point, range(4)), wait=True)
    )
    return AsyncQdrantVectorStore(connection, collection_name, GEOMETRY, vector_name="own")


def _point(number: int) -> points.PointStruct:
    name, (own, other, words) = list(PLACES.items())[number]
    vectors = {"own": to_vector(own), "other": to_vector(other)}
    vectors["words"] = to_vector(Sparse(list(words), list(words.values())))
    payload = to_fields({"page_content": name, "metadata": {"name": name, "number": number}})
    named = points.Vectors(vectors=points.NamedVectors(vectors=vectors))
    return points.PointStruct(id=common.PointId(num=number), vectors=named, payload=payload)


def _names(found: list[tuple[Document, float]]) -> str:
    return "".join(each.page_content for each, _ in found)


# ── rankings ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_nearest_of_every_field(store: AsyncQdrantVectorStore) -> None:
    assert _names(await store.asearch_by(Nearest("east"))) == "abcd"
    assert _names(await store.asearch_by(Nearest([1.0, 0.0]))) == "abcd"
    assert _names(await store.asearch_by(Nearest([1, 0], using="own"))) == "abcd"
    assert _names(await store.asearch_by(Nearest([1.0, 0.0], using="other"), k=3)) == "dcb"
    assert _names(await store.asearch_by(Nearest(Sparse([3], [1.0]), using="words"))) == "cd"


async def test_the_methods_are_the_same_rankings(store: AsyncQdrantVectorStore) -> None:
    assert await store.asimilarity_search_with_score("north") == await store.asearch_by(Nearest("north"))
    ours = await store.amax_marginal_relevance_search_with_score("east", 2, 4, 0.1)
    assert ours == await store.asearch_by(Diverse("east", 4, 0.1), 2)
    by_vector = await store.amax_marginal_relevance_search_with_score_by_vector([1.0, 0.0], 2, 4, 0.1)
    assert ours == by_vector
    assert await store.amax_marginal_relevance_search("east", 2, 4, 0.1) == [each for each, _ in ours]


async def test_diverse_of_another_field_and_with_an_offset(store: AsyncQdrantVectorStore) -> None:
    assert _names(await store.asearch_by(Diverse([1.0, 0.0], 4, 0.0, using="other"), 2)) == "da"
    every = await store.amax_marginal_relevance_search("east", 4, 1, 0.3)
    rest = await store.amax_marginal_relevance_search("east", 3, 1, 0.3, offset=1)
    assert rest == every[1:]


@pytest.mark.parametrize("others", [1, 2])
async def test_fused_merges_by_rank(store: AsyncQdrantVectorStore, others: int) -> None:
    """Source: Qdrant's reciprocal rank fusion adds `1 / (k + rank)` for each ranking, ranks counted from 0."""
    rankings: list[Ranking] = [Nearest("east"), Nearest([1.0, 0.0], using="other")]
    rankings += [Nearest(Sparse([1, 2], [1.0, 0.1]), using="words")] * (others - 1)
    orders = ["abcd", "dcba", "acb"][: others + 1]
    expected = {name: sum(1 / (60 + order.index(name)) for order in orders if name in order) for name in PLACES}
    found = await store.asearch_by(Fused(rankings, fusion="rrf"))
    assert {each.page_content: score for each, score in found} == pytest.approx(expected)
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)


async def test_fused_over_the_same_field_twice(store: AsyncQdrantVectorStore) -> None:
    alone = await store.asearch_by(Nearest("east"))
    twice = await store.asearch_by(Fused([Nearest("east"), Nearest("east")], fusion="rrf"))
    assert _names(twice) == _names(alone)
    assert [score for _, score in twice] == pytest.approx([2 / (60 + rank) for rank in range(4)])
    both = await store.asearch_by(Fused([Nearest("east"), Nearest("north")], fusion="dbsf"))
    assert {each.page_content for each, _ in both} == set("abcd")


async def test_fused_pages_filters_and_thresholds(store: AsyncQdrantVectorStore) -> None:
    fused = Fused([Nearest("north-east"), Diverse([0.9, 0.2], 4, using="other")], limit=4)
    every = await store.asearch_by(fused)
    pages = [await store.asearch_by(fused, 1, offset=offset) for offset in range(4)]
    assert [page[0][1] for page in pages] == [score for _, score in every]
    chosen = await store.asearch_by(fused, filter={"number": {"$gte": 2}})
    assert set(_names(chosen)) == {"c", "d"}
    threshold = every[1][1]
    assert _names(await store.asearch_by(fused, score_threshold=threshold - 1e-6)) == _names(every)[:2]
    inner = Fused([fused, Nearest("east")])
    assert len(await store.asearch_by(inner, 3, search_params=points.SearchParams(exact=True))) == 3


async def test_texts_of_a_fusion_are_embedded_at_the_same_time(connection: Connection, collection_name: str) -> None:
    class Together(WordEmbeddings):
        both = asyncio.Barrier(2)

        async def aembed_query(self, text: str) -> list[float]:
            await self.both.wait()
            return await super().aembed_query(text)

    store = AsyncQdrantVectorStore(connection, collection_name, Together())
    await store.aadd_texts(["red apple", "yellow banana"])
    found = await store.asearch_by(Fused([Nearest("apple"), Nearest("banana")]), k=2, timeout=20)
    assert {each.page_content for each, _ in found} == {"red apple", "yellow banana"}


@dataclass(frozen=True)
class Like:
    """A user's own way to search: what is near a point that is there."""

    number: int

    async def asked(self, fields: Fields, search: Search) -> Asked:
        point = points.VectorInput(id=common.PointId(num=self.number))
        return Asked(points.Query(nearest=point), "other")


@dataclass(frozen=True)
class Rescored:
    """Another one: the candidates of one ranking in the order of another."""

    candidates: Ranking
    order: Ranking

    async def asked(self, fields: Fields, search: Search) -> Asked:
        candidates = prefetch_query(search, await self.candidates.asked(fields, search))
        return (await self.order.asked(fields, search))._replace(prefetch=[candidates])


async def test_rankings_of_a_user(store: AsyncQdrantVectorStore) -> None:
    assert _names(await store.asearch_by(Like(3), 3)) == "cba"
    assert _names(await asyncio.to_thread(store.search_by, Like(3), 2, {"name": {"$ne": "c"}})) == "ba"
    rescored = Rescored(Nearest([1.0, 0.0], using="other"), Nearest("east"))
    assert _names(await store.asearch_by(rescored, 2)) == "cd"
    assert len(await store.asearch_by(Fused([Like(3), rescored]), 4)) == 3


async def test_what_a_field_does_not_take(store: AsyncQdrantVectorStore) -> None:
    for ranking, error in (
        (Nearest([1.0, 0.0, 0.0]), InvalidVector),
        (Nearest([1.0], using="other"), InvalidVector),
        (Nearest("east", using="other"), InvalidInput),
        (Nearest([1.0, 0.0], using="nobody"), InvalidInput),
        (Fused([Nearest("east"), Nearest([1.0], using="other")]), InvalidVector),
    ):
        with pytest.raises(error):
            await store.asearch_by(ranking)


# ── the collection behind the name ───────────────────────────────────────────────────────────────────────────────


async def test_a_collection_that_is_not_there_yet_reads_as_empty(connection: Connection, collection_name: str) -> None:
    store = AsyncQdrantVectorStore(connection, collection_name, WordEmbeddings())
    assert await store.asearch_by(Fused([Nearest("apple")])) == []
    assert await store.aget_by_ids(["1"]) == []


async def test_a_dropped_collection_is_opened_anew(store: AsyncQdrantVectorStore, connection: Connection) -> None:
    assert len(await store.asearch_by(Nearest("east"))) == 4
    await Collections(connection).drop(store.collection_name)
    assert await store.asearch_by(Nearest("east")) == []
    other = AsyncQdrantVectorStore(connection, store.collection_name, GEOMETRY, vector_name="own")
    await other.aadd_texts(["north"], ids=["n"])
    assert _names(await store.asearch_by(Nearest("east"))) == "north"
    await Collections(connection).drop(store.collection_name)
    assert await store.aget_by_ids(["n"]) == []


# ── calls that cannot be meant ───────────────────────────────────────────────────────────────────────────────────

BY_TEXT = [
    "asimilarity_search",
    "asimilarity_search_with_score",
    "asimilarity_search_with_relevance_scores",
    "amax_marginal_relevance_search",
    "amax_marginal_relevance_search_with_score",
]
BY_VECTOR = [
    "asimilarity_search_by_vector",
    "asimilarity_search_with_score_by_vector",
    "amax_marginal_relevance_search_by_vector",
    "amax_marginal_relevance_search_with_score_by_vector",
]
FIRST: dict[str, Any] = {**dict.fromkeys(BY_TEXT, "east"), **{name: [1.0, 0.0] for name in BY_VECTOR}}
FIRST["asearch_by"] = Nearest("east")
METHODS = [*FIRST, *(name.removeprefix("a") for name in FIRST)]


@pytest.fixture
def refusing() -> Iterator[int]:
    """A port where nobody listens, and nobody else can begin to."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture
async def nowhere(refusing: int) -> AsyncIterator[AsyncQdrantVectorStore]:
    """A store that cannot reach anything: whatever it sends ends as `Unavailable`."""
    target = Remote(f"http://127.0.0.1:{refusing}")
    async with Connection(target, policy=Policy(retry=Retry(attempts=1))) as connection:
        yield AsyncQdrantVectorStore(connection, "docs", GEOMETRY)


async def _call(store: AsyncQdrantVectorStore, name: str, *args: Any, **kwargs: Any) -> Any:
    """The method's result, of either half, without a blocking call on this loop."""
    method = getattr(store, name)
    return await (method(*args, **kwargs) if name.startswith("a") else asyncio.to_thread(method, *args, **kwargs))


def _first(name: str) -> Any:
    return FIRST.get(name) or FIRST[f"a{name}"]


@pytest.mark.parametrize("name", METHODS)
async def test_a_call_that_is_right_is_sent(nowhere: AsyncQdrantVectorStore, name: str) -> None:
    with pytest.raises(Unavailable):
        await _call(nowhere, name, _first(name), k=2, offset=1, consistency="all", timeout=5)


@pytest.mark.parametrize("name", METHODS)
async def test_an_unknown_keyword_is_named_with_the_method(nowhere: AsyncQdrantVectorStore, name: str) -> None:
    for unknown, hint in (("ofset", "did you mean offset?"), ("colour", "it takes .*, search_params, offset, ")):
        with pytest.raises(TypeError, match=rf"^{name}\(\) got an unexpected keyword argument '{unknown}': {hint}"):
            await _call(nowhere, name, _first(name), **{unknown: 1})


@pytest.mark.parametrize("name", [each for each in METHODS if "relevance_scores" not in each])
async def test_missing_and_too_many_arguments_name_the_method(nowhere: AsyncQdrantVectorStore, name: str) -> None:
    with pytest.raises(TypeError, match=rf"^{name}\(\) missing a required argument: "):
        await _call(nowhere, name)
    with pytest.raises(TypeError, match=rf"^{name}\(\) too many positional arguments"):
        await _call(nowhere, name, _first(name), 4, None, None, None, None)


@pytest.mark.parametrize("name", ["aget_by_ids", "get_by_ids"])
async def test_reading_by_id_names_the_method(nowhere: AsyncQdrantVectorStore, name: str) -> None:
    with pytest.raises(TypeError, match=rf"{name}\(\) got an unexpected keyword argument 'k'"):
        await _call(nowhere, name, ["1"], k=1)
    with pytest.raises(Unavailable):
        await _call(nowhere, name, ["1"])


WRONG: list[dict[str, Any]] = [
    {"k": 0},
    {"k": 1.0},
    {"filter": {"year": {"$near": 1}}},
    {"offset": -1},
    {"score_threshold": "0.5"},
    {"search_params": {"exact": True}},
    {"consistency": "most"},
    {"timeout": 0},
]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        (name, wrong)
        for name in METHODS
        for wrong in WRONG
        if "relevance_scores" not in name or "score_threshold" not in wrong  # which LangChain takes for itself
    ],
)
async def test_a_wrong_value_is_never_sent(nowhere: AsyncQdrantVectorStore, name: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        await _call(nowhere, name, _first(name), **wrong)


@pytest.mark.parametrize("name", METHODS)
async def test_a_wrong_query_is_never_sent(nowhere: AsyncQdrantVectorStore, name: str) -> None:
    wrong: list[Any] = [5, None, b"east", [["east"]]] if "by" not in name else ["east", [], [math.nan], None, 5, ["a"]]
    for query in wrong:
        with pytest.raises(InvalidInput):
            await _call(nowhere, name, query)


async def test_wrong_numbers_of_a_ranking_are_never_sent(nowhere: AsyncQdrantVectorStore) -> None:
    for search in (
        nowhere.amax_marginal_relevance_search("east", fetch_k=0),
        nowhere.amax_marginal_relevance_search("east", lambda_mult=2),
        nowhere.aget_by_ids(["1"], consistency=0),
        nowhere.aget_by_ids(["1"], timeout=-1),
    ):
        with pytest.raises(InvalidInput):
            await search


async def test_without_an_embedding_no_text_is_sent(nowhere: AsyncQdrantVectorStore) -> None:
    store = AsyncQdrantVectorStore(nowhere.connection, "docs")
    for name in BY_TEXT:
        with pytest.raises(InvalidInput, match="this store has no embedding"):
            await _call(store, name, "east")


async def test_reading_by_id_has_a_deadline_for_all_of_it(connection: Connection, collection_name: str) -> None:
    store = AsyncQdrantVectorStore(connection, collection_name, WordEmbeddings())
    await store.aadd_texts(["text"], ids=["1"])
    assert len(await store.aget_by_ids(["1", "1"], timeout=20, consistency="majority")) == 1
    with pytest.raises(DeadlineExceeded):
        await store.aget_by_ids(["1"], timeout=1e-9)
