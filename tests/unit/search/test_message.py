"""Builders of messages, without any server."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from langchain_qdrant_async.collection.message import create_collection, update_collection
from langchain_qdrant_async.collection.spec import CollectionSpec, Hnsw
from langchain_qdrant_async.document.layout import Layout
from langchain_qdrant_async.document.message import batches, point_struct
from langchain_qdrant_async.document.vectors import to_dense
from langchain_qdrant_async.filters import to_filter
from langchain_qdrant_async.proto import collections, common, points
from langchain_qdrant_async.search.message import prefetch_query, query_points
from langchain_qdrant_async.search.ranking import Nearest
from langchain_qdrant_async.search.search import Asked, Search

ASKED = Asked(points.Query(nearest=points.VectorInput(dense=to_dense([1.0]))))


def test_a_plain_search_asks_for_payload_and_no_vectors() -> None:
    request = query_points("docs", Search(Nearest([1.0])), ASKED)
    assert request.with_payload.enable
    assert not request.HasField("with_vectors")
    assert not request.HasField("using")
    assert (request.limit, request.HasField("offset")) == (4, False)
    assert query_points("docs", Search(Nearest([1.0])), ASKED._replace(using="own")).using == "own"


def test_everything_that_a_search_says_is_in_the_request() -> None:
    chosen, params = to_filter({"lang": "en"}), points.SearchParams(hnsw_ef=7)
    search = Search(Nearest([1.0]), 5, chosen, 3, 0.5, params, points.ReadConsistency(factor=2), 9.0)
    request = query_points("docs", search, ASKED)
    assert (request.collection_name, request.query, request.limit, request.offset) == ("docs", ASKED.query, 5, 3)
    assert (request.filter, request.params, request.score_threshold) == (chosen, params, 0.5)
    assert request.read_consistency.factor == 2


def test_a_prefetch_reaches_as_far_as_the_search_and_leaves_nothing_out() -> None:
    chosen, params = to_filter({"lang": "en"}), points.SearchParams(hnsw_ef=7)
    prefetch = prefetch_query(Search(Nearest([1.0]), 5, chosen, 3, 0.5, params), ASKED._replace(using="own"))
    assert (prefetch.limit, prefetch.using, prefetch.score_threshold) == (8, "own", 0.5)
    assert (prefetch.query, prefetch.filter, prefetch.params) == (ASKED.query, chosen, params)


def test_points_have_their_vectors_by_field() -> None:
    vector = points.Vector(dense=to_dense([1.0]))
    unnamed = point_struct(common.PointId(num=1), {"": vector}, {})
    named = point_struct(common.PointId(num=1), {"own": vector}, {})
    both = point_struct(common.PointId(num=1), {"": vector, "own": vector}, {})
    assert unnamed.vectors.vector.dense.data == [1.0]
    assert named.vectors.vectors.vectors["own"].dense.data == [1.0]
    assert sorted(both.vectors.vectors.vectors) == ["", "own"]


def test_a_collection_with_everything_said() -> None:
    native = collections.QuantizationConfig(binary=collections.BinaryQuantization(always_ram=True))
    spec = CollectionSpec(
        "docs", quantization=native, hnsw=Hnsw(m=8), layout=Layout(vector_name="own"), vectors_on_disk=True
    )
    request = create_collection(spec, timeout_s=10)
    assert request.vectors_config.params_map.map["own"].on_disk
    assert (request.hnsw_config.m, request.timeout, request.quantization_config) == (8, 10, native)
    plain = create_collection(CollectionSpec("docs", quantization=None))
    assert not plain.HasField("quantization_config")
    assert not plain.HasField("hnsw_config")
    assert not plain.HasField("timeout")


def test_an_update_says_only_what_changes() -> None:
    assert update_collection("docs", Hnsw(ef_construct=200)) == collections.UpdateCollection(
        collection_name="docs", hnsw_config=collections.HnswConfigDiff(ef_construct=200)
    )


@given(
    st.lists(st.integers(0, 50), max_size=40),
    st.integers(1, 10),
    st.integers(1, 100),
)
def test_batches_keep_order_and_lose_nothing(sizes: list[int], count: int, size_bytes: int) -> None:
    cut = list(batches(list(enumerate(sizes)), count=count, size_bytes=size_bytes))
    assert [item for batch in cut for item in batch] == list(range(len(sizes)))
    for batch in cut:
        assert 1 <= len(batch) <= count
        assert len(batch) == 1 or sum(sizes[item] for item in batch) <= size_bytes
