"""Reads and writes of points, over a real socket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from grpc import StatusCode

from langchain_qdrant_async.proto import collections as C  # noqa: N812
from langchain_qdrant_async.proto import common as M  # noqa: N812
from langchain_qdrant_async.proto import points as P  # noqa: N812
from tests.engine_messages import (
    Refused,
    Stubs,
    dense_config,
    dense_params,
    match,
    payload,
    plain_id,
    point,
    point_id,
    selected,
    vector,
    vectors,
)

pytest_plugins = ("tests.engine_fixtures",)

UUID = "5c56c793-69f3-4fbf-87e6-c4bf54c28c26"
NAMED = C.VectorsConfig(
    params_map=C.VectorParamsMap(
        map={
            "a": dense_params(2, C.Dot),
            "m": dense_params(2, C.Dot, multivector_config=C.MultiVectorConfig(comparator=C.MaxSim)),
        }
    )
)
SPARSE = C.SparseVectorConfig(map={"s": C.SparseVectorParams()})


@pytest.fixture
async def plain(stubs: Stubs) -> Stubs:
    """A collection with one unnamed vector and three points."""
    await stubs.create(vectors_config=dense_config(2))
    await stubs.upsert(*(point(number, [number, 1], n=number, kind=f"k{number % 2}") for number in (1, 2, 3)))
    return stubs


@pytest.fixture
async def named(stubs: Stubs) -> Stubs:
    """A collection with a dense, a multi and a sparse vector, and one point."""
    await stubs.create(vectors_config=NAMED, sparse_vectors_config=SPARSE)
    await stubs.upsert(point(1, {"a": [1, 2], "m": [[1, 0], [0, 1]], "s": {7: 0.5, 3: 0.25}}))
    return stubs


def write(stubs: Stubs, kind: Any, **fields: Any) -> Any:
    return kind(collection_name=stubs.collection, **({"wait": True} | fields))


async def with_vectors(stubs: Stubs, an_id: Any = 1) -> P.VectorsOutput:
    (found,) = await stubs.get(an_id, with_vectors=P.WithVectorsSelector(enable=True))
    return found.vectors


async def test_writes_are_numbered_and_say_whether_they_are_done(stubs: Stubs) -> None:
    await stubs.create(vectors_config=dense_config(2))
    results = [await stubs.upsert(point(number, [1, 0]), wait=number == 2) for number in (1, 2, 3)]
    assert [(each.operation_id, each.status) for each in results] == [
        (0, P.Acknowledged),
        (1, P.Completed),
        (2, P.Acknowledged),
    ]


@pytest.mark.parametrize("spelling", [UUID, UUID.upper(), UUID.replace("-", ""), f"urn:uuid:{UUID}", f"{{{UUID}}}"])
async def test_a_uuid_is_spelled_canonically_in_answers(plain: Stubs, spelling: str) -> None:
    await plain.upsert(point(spelling, [1, 0]))
    assert [plain_id(found.id) for found in await plain.get(UUID)] == [UUID]


@pytest.mark.parametrize("number", [0, 2**63, 2**64 - 1])
async def test_every_unsigned_number_is_an_id(plain: Stubs, number: int) -> None:
    await plain.upsert(point(number, [1, 0]))
    assert [plain_id(found.id) for found in await plain.get(number)] == [number]


PAYLOAD = {
    "integer": 1,
    "float": 1.0,
    "large": 2**53 + 1,
    "largest": 2**63 - 1,
    "smallest": -(2**63),
    "tiny": 5e-324,
    "null": None,
    "true": True,
    "empty": "",
    "list": [1, [2.5, None, []], {}],
    "object": {"a": {"b": [True]}, "": "empty key", "a.b": "dotted"},
    "ключ": "значение 🎉\0",
}


async def test_payloads_come_back_as_given(plain: Stubs) -> None:
    await plain.upsert(point(1, [1, 0], **PAYLOAD))
    assert json.dumps(await plain.payload(1), sort_keys=True) == json.dumps(PAYLOAD, sort_keys=True)


async def test_a_number_that_json_lacks_is_refused(plain: Stubs) -> None:
    with Refused(StatusCode.INVALID_ARGUMENT, "cannot convert to json number"):
        await plain.upsert(point(1, [1, 0], x=float("nan")))


async def test_vectors_come_back_in_the_shape_of_the_collection(plain: Stubs) -> None:
    assert list((await with_vectors(plain)).vector.dense.data) == [1, 1]


async def test_named_vectors_of_every_kind_come_back(named: Stubs) -> None:
    found = (await with_vectors(named)).vectors.vectors
    assert list(found["a"].dense.data) == [1, 2]
    assert [list(row.data) for row in found["m"].multi_dense.vectors] == [[1, 0], [0, 1]]
    assert dict(zip(found["s"].sparse.indices, found["s"].sparse.values, strict=True)) == {3: 0.25, 7: 0.5}
    (one,) = await named.get(1, with_vectors=P.WithVectorsSelector(include=P.VectorsSelector(names=["a"])))
    assert list(one.vectors.vectors.vectors) == ["a"]
    with Refused(StatusCode.INVALID_ARGUMENT, "Wrong input: Not existing vector name error: zz"):
        await named.get(1, with_vectors=P.WithVectorsSelector(include=P.VectorsSelector(names=["zz"])))


async def test_deprecated_vector_fields_are_read(named: Stubs) -> None:
    old = {
        "a": P.Vector(data=[3, 4]),
        "m": P.Vector(data=[1, 2, 3, 4], vectors_count=2),
        "s": P.Vector(data=[0.5], indices=P.SparseIndices(data=[9])),
    }
    await named.upsert(P.PointStruct(id=point_id(2), vectors=P.Vectors(vectors=P.NamedVectors(vectors=old))))
    found = (await with_vectors(named, 2)).vectors.vectors
    assert list(found["a"].dense.data) == [3, 4]
    assert [list(row.data) for row in found["m"].multi_dense.vectors] == [[1, 2], [3, 4]]
    assert list(found["s"].sparse.indices) == [9]


async def test_a_cosine_vector_comes_back_normalised(stubs: Stubs) -> None:
    await stubs.create(vectors_config=dense_config(2, C.Cosine))
    await stubs.upsert(point(1, [3, 4]), point(2, [0, 0]))
    assert list((await with_vectors(stubs)).vector.dense.data) == pytest.approx([0.6, 0.8])
    assert list((await with_vectors(stubs, 2)).vector.dense.data) == [0, 0]


async def test_an_upsert_replaces_the_whole_point(named: Stubs) -> None:
    await named.upsert(point(1, {"s": {1: 1.0}}, new=True))
    assert list((await with_vectors(named)).vectors.vectors) == ["s"]
    await named.upsert(point(1, {}))
    assert await named.payload(1) == {}
    assert not (await with_vectors(named)).vectors.vectors


async def test_the_last_of_two_points_with_one_id_wins(plain: Stubs) -> None:
    await plain.upsert(point(9, [1, 0], which="first"), point(9, [2, 0], which="last"))
    assert await plain.payload(9) == {"which": "last"}


async def test_conditional_upserts(plain: Stubs) -> None:
    both = (point(1, [9, 9], new=True), point(8, [9, 9], new=True))
    await plain.upsert(*both, update_mode=P.InsertOnly)
    assert (await plain.payload(1), await plain.payload(8)) == ({"n": 1, "kind": "k1"}, {"new": True})
    await plain.upsert(point(2, [9, 9], new=True), point(7, [9, 9]), update_mode=P.UpdateOnly)
    assert (await plain.payload(2), await plain.get(7)) == ({"new": True}, [])
    odd = M.Filter(must=[match("kind", keyword="k1")])
    await plain.upsert(point(1, [9, 9]), point(2, [8, 8]), point(6, [9, 9]), update_filter=odd)
    assert (await plain.payload(1), await plain.payload(2)) == ({}, {"new": True})
    assert len(await plain.get(6)) == 1


async def test_points_are_got_in_the_order_asked_for(plain: Stubs) -> None:
    await plain.upsert(point(UUID, [1, 0]))
    found = await plain.get(3, UUID, 77, 1, 3)
    assert [plain_id(each.id) for each in found] == [3, UUID, 1]
    assert not found[0].payload


async def test_payload_selectors(plain: Stubs) -> None:
    await plain.upsert(point(5, [1, 0], a={"b": 1, "c": 2}, d=3))
    include = P.WithPayloadSelector(include=P.PayloadIncludeSelector(fields=["a.b"]))
    exclude = P.WithPayloadSelector(exclude=P.PayloadExcludeSelector(fields=["a.b", "d"]))
    (included,) = await plain.get(5, with_payload=include)
    (excluded,) = await plain.get(5, with_payload=exclude)
    assert included.payload == payload({"a": {"b": 1}})
    assert excluded.payload == payload({"a": {"c": 2}})


async def test_scrolling_meets_every_point_once(plain: Stubs) -> None:
    await plain.upsert(point(UUID, [1, 0]))
    seen, offset = [], None
    while True:
        page = await plain.points.Scroll(P.ScrollPoints(collection_name=plain.collection, limit=2, offset=offset))
        seen += [plain_id(found.id) for found in page.result]
        if not page.HasField("next_page_offset"):
            break
        offset = page.next_page_offset
    assert seen == [1, 2, 3, UUID]


async def test_scrolling_by_a_field(plain: Stubs) -> None:
    order = P.OrderBy(key="n", direction=P.Desc)
    request = P.ScrollPoints(collection_name=plain.collection, limit=2, order_by=order)
    with Refused(StatusCode.INVALID_ARGUMENT, "Wrong input: No range index for `order_by` key: `n`."):
        await plain.points.Scroll(request)
    await index(plain, "n", P.FieldTypeInteger)
    page = await plain.points.Scroll(request)
    assert [(found.id.num, found.order_value.int) for found in page.result] == [(3, 3), (2, 2)]
    assert not page.HasField("next_page_offset")
    request.order_by.start_from.integer = 1
    assert [found.id.num for found in (await plain.points.Scroll(request)).result] == [1]
    request.offset.num = 1
    with Refused(StatusCode.INVALID_ARGUMENT, "Wrong input: Cannot use an `offset` when using `order_by`"):
        await plain.points.Scroll(request)


async def test_scroll_and_count_defaults(plain: Stubs) -> None:
    await plain.upsert(*(point(number, [1, 0]) for number in range(10, 30)))
    page = await plain.points.Scroll(P.ScrollPoints(collection_name=plain.collection))
    assert (len(page.result), page.result[0].payload["n"].integer_value) == (10, 1)
    assert await plain.count() == 23
    assert await plain.count(filter=M.Filter(must=[match("kind", keyword="k1")])) == 2
    with Refused(
        StatusCode.INVALID_ARGUMENT, "Validation error in body: [limit: value 0 invalid, must be 1 or larger]"
    ):
        await plain.points.Scroll(P.ScrollPoints(collection_name=plain.collection, limit=0))


async def test_deleting_by_id_and_by_filter(plain: Stubs) -> None:
    await plain.points.Delete(write(plain, P.DeletePoints, points=selected(1, 1, 99)))
    assert await plain.matching() == [2, 3]
    condition = P.PointsSelector(filter=M.Filter(must=[match("kind", keyword="k0")]))
    await plain.points.Delete(write(plain, P.DeletePoints, points=condition))
    assert await plain.matching() == [3]
    await plain.points.Delete(write(plain, P.DeletePoints, points=selected()))
    with Refused(StatusCode.INVALID_ARGUMENT, "PointSelector is missing"):
        await plain.points.Delete(write(plain, P.DeletePoints))


async def test_payload_operations(plain: Stubs) -> None:
    async def change(rpc: str, kind: Any, **fields: Any) -> None:
        await getattr(plain.points, rpc)(write(plain, kind, **fields))

    await change("SetPayload", P.SetPayloadPoints, payload=payload({"o": {"x": 1}}), points_selector=selected(1, 1))
    await change("SetPayload", P.SetPayloadPoints, payload=payload({"y": 2}), key="o", points_selector=selected(1))
    assert await plain.payload(1) == {"n": 1, "kind": "k1", "o": {"x": 1, "y": 2}}
    await change("DeletePayload", P.DeletePayloadPoints, keys=["o.x", "n"], points_selector=selected(1))
    assert await plain.payload(1) == {"kind": "k1", "o": {"y": 2}}
    odd = P.PointsSelector(filter=M.Filter(must=[match("kind", keyword="k1")]))
    await change("OverwritePayload", P.SetPayloadPoints, payload=payload({"only": True}), points_selector=odd)
    assert (await plain.payload(1), await plain.payload(3)) == ({"only": True}, {"only": True})
    await change("ClearPayload", P.ClearPayloadPoints, points=selected(1))
    assert (await plain.payload(1), await plain.payload(2)) == ({}, {"n": 2, "kind": "k0"})


async def test_an_absent_point_is_an_error_after_the_present_ones_are_changed(plain: Stubs) -> None:
    request = write(plain, P.SetPayloadPoints, payload=payload({"new": 1}), points_selector=selected(77, 1))
    with Refused(StatusCode.NOT_FOUND, "Not found: No point with id 77 found"):
        await plain.points.SetPayload(request)
    assert (await plain.payload(1))["new"] == 1
    request.wait = False
    assert (await plain.points.SetPayload(request)).result.status == P.Acknowledged


async def test_vector_operations(named: Stubs) -> None:
    update = P.PointVectors(id=point_id(1), vectors=vectors({"a": [8, 9]}))
    await named.points.UpdateVectors(write(named, P.UpdatePointVectors, points=[update]))
    names = P.VectorsSelector(names=["m"])
    await named.points.DeleteVectors(write(named, P.DeletePointVectors, points_selector=selected(1), vectors=names))
    found = (await with_vectors(named)).vectors.vectors
    assert (sorted(found), list(found["a"].dense.data)) == (["a", "s"], [8, 9])
    absent = P.PointVectors(id=point_id(5), vectors=vectors({"a": [8, 9]}))
    with Refused(StatusCode.NOT_FOUND, "Not found: No point with id 5 found"):
        await named.points.UpdateVectors(write(named, P.UpdatePointVectors, points=[absent]))
    with Refused(StatusCode.INVALID_ARGUMENT, "Not existing vector name error: zz"):
        await named.points.DeleteVectors(
            write(named, P.DeletePointVectors, points_selector=selected(1), vectors=P.VectorsSelector(names=["zz"]))
        )


async def test_a_batch_of_writes_ends_at_the_first_that_fails(plain: Stubs) -> None:
    operation = P.PointsUpdateOperation
    writes = [
        operation(upsert=operation.PointStructList(points=[point(10, [1, 0])])),
        operation(delete_points=operation.DeletePoints(points=selected(1))),
        operation(clear_payload_deprecated=selected(2)),
        operation(
            set_payload=operation.SetPayload(payload=payload({"x": 1}), points_selector=selected(3)),
        ),
    ]
    response = await plain.points.UpdateBatch(write(plain, P.UpdateBatchPoints, operations=writes))
    assert [each.status for each in response.result] == [P.Completed] * 4
    assert await plain.matching() == [2, 3, 10]
    assert (await plain.payload(2), (await plain.payload(3))["x"]) == ({}, 1)
    failing = [
        operation(delete_deprecated=selected(10)),
        operation(upsert=operation.PointStructList(points=[point(11, [1, 0, 0])])),
        operation(upsert=operation.PointStructList(points=[point(12, [1, 0])])),
    ]
    with Refused(StatusCode.INVALID_ARGUMENT, "Vector dimension error"):
        await plain.points.UpdateBatch(write(plain, P.UpdateBatchPoints, operations=failing))
    assert await plain.matching() == [2, 3]


async def index(stubs: Stubs, name: str, kind: Any = None, **fields: Any) -> None:
    request = write(stubs, P.CreateFieldIndexCollection, field_name=name, field_type=kind, **fields)
    await stubs.points.CreateFieldIndex(request)


async def schema_of(stubs: Stubs) -> dict[str, C.PayloadSchemaInfo]:
    response = await stubs.collections.Get(C.GetCollectionInfoRequest(collection_name=stubs.collection))
    return dict(response.result.payload_schema)


INDEXES = {
    P.FieldTypeKeyword: C.PayloadIndexParams(keyword_index_params=C.KeywordIndexParams(is_tenant=True)),
    P.FieldTypeInteger: C.PayloadIndexParams(integer_index_params=C.IntegerIndexParams(lookup=True, range=False)),
    P.FieldTypeFloat: C.PayloadIndexParams(float_index_params=C.FloatIndexParams(on_disk=True)),
    P.FieldTypeGeo: C.PayloadIndexParams(geo_index_params=C.GeoIndexParams(on_disk=False)),
    P.FieldTypeBool: C.PayloadIndexParams(bool_index_params=C.BoolIndexParams(on_disk=True)),
    P.FieldTypeDatetime: C.PayloadIndexParams(datetime_index_params=C.DatetimeIndexParams(is_principal=True)),
    P.FieldTypeUuid: C.PayloadIndexParams(uuid_index_params=C.UuidIndexParams(is_tenant=False)),
    P.FieldTypeText: C.PayloadIndexParams(
        text_index_params=C.TextIndexParams(
            tokenizer=C.Multilingual,
            lowercase=True,
            min_token_len=2,
            max_token_len=20,
            phrase_matching=True,
            stopwords=C.StopwordsSet(languages=["english"], custom=["qdrant"]),
            stemmer=C.StemmingAlgorithm(snowball=C.SnowballParams(language="english")),
        )
    ),
}


@pytest.mark.parametrize("kind", INDEXES, ids=P.FieldType.Name)
async def test_every_kind_of_index(plain: Stubs, kind: Any) -> None:
    await index(plain, "bare", kind)
    await index(plain, "with", kind, field_index_params=INDEXES[kind])
    await index(plain, "with", kind, field_index_params=INDEXES[kind])
    schema = await schema_of(plain)
    name = P.FieldType.Name(kind).removeprefix("FieldType")
    assert [C.PayloadSchemaType.Name(schema[each].data_type) for each in ("bare", "with")] == [name, name]
    assert (schema["bare"].HasField("params"), schema["with"].params) == (False, INDEXES[kind])
    await plain.points.DeleteFieldIndex(write(plain, P.DeleteFieldIndexCollection, field_name="with"))
    await plain.points.DeleteFieldIndex(write(plain, P.DeleteFieldIndexCollection, field_name="absent"))
    assert list(await schema_of(plain)) == ["bare"]


async def test_indexes_that_cannot_be_made(plain: Stubs) -> None:
    with Refused(StatusCode.INVALID_ARGUMENT, "field_name"):
        await index(plain, "", P.FieldTypeKeyword)
    with Refused(StatusCode.INVALID_ARGUMENT, "do not match"):
        await index(plain, "n", P.FieldTypeKeyword, field_index_params=INDEXES[P.FieldTypeInteger])
    with Refused(StatusCode.INVALID_ARGUMENT, "Invalid json path: 'a['"):
        await index(plain, "a[", P.FieldTypeKeyword)


async def test_facets(plain: Stubs) -> None:
    request = P.FacetCounts(collection_name=plain.collection, key="kind")
    with Refused(StatusCode.INVALID_ARGUMENT, "Wrong input: No appropriate index for faceting: `kind`."):
        await plain.points.Facet(request)
    await index(plain, "kind", P.FieldTypeKeyword)
    await index(plain, "n", P.FieldTypeInteger)
    hits = (await plain.points.Facet(request)).hits
    assert [(hit.value.string_value, hit.count) for hit in hits] == [("k1", 2), ("k0", 1)]
    request = P.FacetCounts(
        collection_name=plain.collection, key="n", exact=True, filter=M.Filter(must=[match("kind", keyword="k0")])
    )
    assert [(hit.value.integer_value, hit.count) for hit in (await plain.points.Facet(request)).hits] == [(2, 1)]


SPARSE_PAIR = P.SparseVector(indices=[1, 2], values=[1.0])
BAD_VECTORS: dict[str, tuple[Any, str]] = {
    "size": ({"a": [1, 2, 3]}, "Wrong input: Vector dimension error: expected dim: 2, got 3 for vector 'a'"),
    "empty": ({"a": []}, "Wrong input: Vector dimension error: expected dim: 2, got 0 for vector 'a'"),
    "name": ({"zz": [1, 2]}, "Wrong input: Not existing vector name error: zz"),
    "unnamed": ([1, 2], "Wrong input: Not existing vector name error: "),
    "sparse for dense": ({"a": {1: 1.0}}, "Wrong input: Conversion between sparse and regular vectors failed"),
    "dense for sparse": ({"s": [1, 2]}, "Wrong input: Conversion between sparse and regular vectors failed"),
    "multi for dense": ({"a": [[1, 2], [3, 4]]}, "Wrong input: Conversion between multi and regular vectors failed"),
    "ragged": ({"m": [[1, 2], [3]]}, "Wrong input: Vector dimension error: expected dim: 2, got 1"),
    "row of none": ({"m": [[]]}, "Wrong input: Vector dimension error: expected dim: 2, got 0"),
}


@pytest.mark.parametrize("case", BAD_VECTORS)
async def test_a_malformed_vector_is_refused_before_anything_is_written(named: Stubs, case: str) -> None:
    data, text = BAD_VECTORS[case]
    with Refused(StatusCode.INVALID_ARGUMENT, text):
        await named.upsert(point(5, {"a": [1, 2]}), point(6, data), wait=False)
    assert await named.matching() == [1]


RAW_VECTORS: dict[str, tuple[P.Vector, str]] = {
    "unequal": (P.Vector(sparse=SPARSE_PAIR), "must be the same length as indices"),
    "duplicate": (P.Vector(sparse=P.SparseVector(indices=[1, 1], values=[1.0, 2.0])), "must be unique"),
    "old unequal": (P.Vector(data=[1.0], indices=P.SparseIndices(data=[1, 2])), "must be the same length as indices"),
    "old ragged": (P.Vector(data=[1.0, 2.0, 3.0], vectors_count=2), "not divisible by vectors count"),
    "no rows": (P.Vector(multi_dense=P.MultiDenseVector()), "must not be empty"),
    "inference": (P.Vector(document=P.Document(text="x", model="m")), "Inference model 'm' is not available"),
}


@pytest.mark.parametrize("case", RAW_VECTORS)
async def test_a_vector_that_would_panic_the_engine_is_refused(named: Stubs, case: str) -> None:
    data, text = RAW_VECTORS[case]
    name = {"old ragged": "m", "no rows": "m"}.get(case, "s")
    code = StatusCode.UNIMPLEMENTED if case == "inference" else StatusCode.INVALID_ARGUMENT
    bad = P.Vectors(vectors=P.NamedVectors(vectors={name: data}))
    with Refused(code, text):
        await named.upsert(P.PointStruct(id=point_id(6), vectors=bad))
    assert await named.matching() == [1]
    with Refused(code, text):
        update = P.PointVectors(id=point_id(1), vectors=bad)
        await named.points.UpdateVectors(write(named, P.UpdatePointVectors, points=[update]))
    await named.upsert(point(2, {"a": [1, 2]}))


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (P.PointStruct(vectors=vectors([1, 2])), "Empty ID is not allowed"),
        (P.PointStruct(id=M.PointId(), vectors=vectors([1, 2])), "No ID options provided"),
        (P.PointStruct(id=M.PointId(uuid="nope"), vectors=vectors([1, 2])), "Unable to parse UUID: nope"),
        (P.PointStruct(id=point_id(1)), "Expected some vectors"),
        (P.PointStruct(id=point_id(1), vectors=P.Vectors()), "No Vector Provided"),
        (P.PointStruct(id=point_id(1), vectors=P.Vectors(vector=vector({1: 1.0}))), "Sparse vector must be named"),
    ],
)
async def test_points_that_cannot_be_read(plain: Stubs, bad: P.PointStruct, text: str) -> None:
    with Refused(StatusCode.INVALID_ARGUMENT, text):
        await plain.upsert(bad)


async def test_components_that_are_no_numbers_are_stored_as_by_a_server(plain: Stubs) -> None:
    await plain.upsert(point(9, [float("inf"), 1]))
    assert list((await with_vectors(plain, 9)).vector.dense.data) == [float("inf"), 1]


async def test_a_shard_key_is_unknown(plain: Stubs) -> None:
    selector = P.ShardKeySelector(shard_keys=[C.ShardKey(keyword="eu")])
    with Refused(StatusCode.INVALID_ARGUMENT, "Wrong input: Shard key eu not found"):
        await plain.upsert(point(1, [1, 0]), shard_key_selector=selector)
    with Refused(StatusCode.INVALID_ARGUMENT, "Bad request: Shard key eu not found"):
        await plain.query(shard_key_selector=selector)


async def test_what_the_engine_cannot_do_is_unimplemented_with_the_reason(plain: Stubs) -> None:
    with Refused(StatusCode.UNIMPLEMENTED, "deprecated, use Query"):
        await plain.points.Search(P.SearchPoints(collection_name=plain.collection))
    with Refused(StatusCode.UNIMPLEMENTED, "distance matrices"):
        await plain.points.SearchMatrixPairs(P.SearchMatrixPoints(collection_name=plain.collection))


async def test_a_message_of_any_size(plain: Stubs) -> None:
    await plain.upsert(*(point(number, [1, 0], text="x" * 20_000) for number in range(1000)))
    assert len(await plain.get(*range(1000), with_payload=P.WithPayloadSelector(enable=True))) == 1000
