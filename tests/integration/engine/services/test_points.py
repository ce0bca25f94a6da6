"""Reads and writes of points, over a real socket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from grpc import StatusCode

from langchain_qdrant_async.proto import collections, common, points
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
NAMED = collections.VectorsConfig(
    params_map=collections.VectorParamsMap(
        map={
            "a": dense_params(2, collections.Dot),
            "m": dense_params(
                2, collections.Dot, multivector_config=collections.MultiVectorConfig(comparator=collections.MaxSim)
            ),
        }
    )
)
SPARSE = collections.SparseVectorConfig(map={"s": collections.SparseVectorParams()})


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


async def with_vectors(stubs: Stubs, an_id: Any = 1) -> points.VectorsOutput:
    (found,) = await stubs.get(an_id, with_vectors=points.WithVectorsSelector(enable=True))
    return found.vectors


async def test_writes_are_numbered_and_say_whether_they_are_done(stubs: Stubs) -> None:
    await stubs.create(vectors_config=dense_config(2))
    results = [await stubs.upsert(point(number, [1, 0]), wait=number == 2) for number in (1, 2, 3)]
    assert [(each.operation_id, each.status) for each in results] == [
        (0, points.Acknowledged),
        (1, points.Completed),
        (2, points.Acknowledged),
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
    (one,) = await named.get(1, with_vectors=points.WithVectorsSelector(include=points.VectorsSelector(names=["a"])))
    assert list(one.vectors.vectors.vectors) == ["a"]
    with Refused(StatusCode.INVALID_ARGUMENT, "Wrong input: Not existing vector name error: zz"):
        await named.get(1, with_vectors=points.WithVectorsSelector(include=points.VectorsSelector(names=["zz"])))


async def test_deprecated_vector_fields_are_read(named: Stubs) -> None:
    old = {
        "a": points.Vector(data=[3, 4]),
        "m": points.Vector(data=[1, 2, 3, 4], vectors_count=2),
        "s": points.Vector(data=[0.5], indices=points.SparseIndices(data=[9])),
    }
    await named.upsert(
        points.PointStruct(id=point_id(2), vectors=points.Vectors(vectors=points.NamedVectors(vectors=old)))
    )
    found = (await with_vectors(named, 2)).vectors.vectors
    assert list(found["a"].dense.data) == [3, 4]
    assert [list(row.data) for row in found["m"].multi_dense.vectors] == [[1, 2], [3, 4]]
    assert list(found["s"].sparse.indices) == [9]


async def test_a_cosine_vector_comes_back_normalised(stubs: Stubs) -> None:
    await stubs.create(vectors_config=dense_config(2, collections.Cosine))
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
    await plain.upsert(*both, update_mode=points.InsertOnly)
    assert (await plain.payload(1), await plain.payload(8)) == ({"n": 1, "kind": "k1"}, {"new": True})
    await plain.upsert(point(2, [9, 9], new=True), point(7, [9, 9]), update_mode=points.UpdateOnly)
    assert (await plain.payload(2), await plain.get(7)) == ({"new": True}, [])
    odd = common.Filter(must=[match("kind", keyword="k1")])
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
    include = points.WithPayloadSelector(include=points.PayloadIncludeSelector(fields=["a.b"]))
    exclude = points.WithPayloadSelector(exclude=points.PayloadExcludeSelector(fields=["a.b", "d"]))
    (included,) = await plain.get(5, with_payload=include)
    (excluded,) = await plain.get(5, with_payload=exclude)
    assert included.payload == payload({"a": {"b": 1}})
    assert excluded.payload == payload({"a": {"c": 2}})


async def test_scrolling_meets_every_point_once(plain: Stubs) -> None:
    await plain.upsert(point(UUID, [1, 0]))
    seen, offset = [], None
    while True:
        page = await plain.points.Scroll(points.ScrollPoints(collection_name=plain.collection, limit=2, offset=offset))
        seen += [plain_id(found.id) for found in page.result]
        if not page.HasField("next_page_offset"):
            break
        offset = page.next_page_offset
    assert seen == [1, 2, 3, UUID]


async def test_scrolling_by_a_field(plain: Stubs) -> None:
    order = points.OrderBy(key="n", direction=points.Desc)
    request = points.ScrollPoints(collection_name=plain.collection, limit=2, order_by=order)
    with Refused(StatusCode.INVALID_ARGUMENT, "Wrong input: No range index for `order_by` key: `n`."):
        await plain.points.Scroll(request)
    await index(plain, "n", points.FieldTypeInteger)
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
    page = await plain.points.Scroll(points.ScrollPoints(collection_name=plain.collection))
    assert (len(page.result), page.result[0].payload["n"].integer_value) == (10, 1)
    assert await plain.count() == 23
    assert await plain.count(filter=common.Filter(must=[match("kind", keyword="k1")])) == 2
    with Refused(
        StatusCode.INVALID_ARGUMENT, "Validation error in body: [limit: value 0 invalid, must be 1 or larger]"
    ):
        await plain.points.Scroll(points.ScrollPoints(collection_name=plain.collection, limit=0))


async def test_deleting_by_id_and_by_filter(plain: Stubs) -> None:
    await plain.points.Delete(write(plain, points.DeletePoints, points=selected(1, 1, 99)))
    assert await plain.matching() == [2, 3]
    condition = points.PointsSelector(filter=common.Filter(must=[match("kind", keyword="k0")]))
    await plain.points.Delete(write(plain, points.DeletePoints, points=condition))
    assert await plain.matching() == [3]
    await plain.points.Delete(write(plain, points.DeletePoints, points=selected()))
    with Refused(StatusCode.INVALID_ARGUMENT, "PointSelector is missing"):
        await plain.points.Delete(write(plain, points.DeletePoints))


async def test_payload_operations(plain: Stubs) -> None:
    async def change(rpc: str, kind: Any, **fields: Any) -> None:
        await getattr(plain.points, rpc)(write(plain, kind, **fields))

    await change(
        "SetPayload", points.SetPayloadPoints, payload=payload({"o": {"x": 1}}), points_selector=selected(1, 1)
    )
    await change("SetPayload", points.SetPayloadPoints, payload=payload({"y": 2}), key="o", points_selector=selected(1))
    assert await plain.payload(1) == {"n": 1, "kind": "k1", "o": {"x": 1, "y": 2}}
    await change("DeletePayload", points.DeletePayloadPoints, keys=["o.x", "n"], points_selector=selected(1))
    assert await plain.payload(1) == {"kind": "k1", "o": {"y": 2}}
    odd = points.PointsSelector(filter=common.Filter(must=[match("kind", keyword="k1")]))
    await change("OverwritePayload", points.SetPayloadPoints, payload=payload({"only": True}), points_selector=odd)
    assert (await plain.payload(1), await plain.payload(3)) == ({"only": True}, {"only": True})
    await change("ClearPayload", points.ClearPayloadPoints, points=selected(1))
    assert (await plain.payload(1), await plain.payload(2)) == ({}, {"n": 2, "kind": "k0"})


async def test_an_absent_point_is_an_error_after_the_present_ones_are_changed(plain: Stubs) -> None:
    request = write(plain, points.SetPayloadPoints, payload=payload({"new": 1}), points_selector=selected(77, 1))
    with Refused(StatusCode.NOT_FOUND, "Not found: No point with id 77 found"):
        await plain.points.SetPayload(request)
    assert (await plain.payload(1))["new"] == 1
    request.wait = False
    assert (await plain.points.SetPayload(request)).result.status == points.Acknowledged


async def test_vector_operations(named: Stubs) -> None:
    update = points.PointVectors(id=point_id(1), vectors=vectors({"a": [8, 9]}))
    await named.points.UpdateVectors(write(named, points.UpdatePointVectors, points=[update]))
    names = points.VectorsSelector(names=["m"])
    await named.points.DeleteVectors(
        write(named, points.DeletePointVectors, points_selector=selected(1), vectors=names)
    )
    found = (await with_vectors(named)).vectors.vectors
    assert (sorted(found), list(found["a"].dense.data)) == (["a", "s"], [8, 9])
    absent = points.PointVectors(id=point_id(5), vectors=vectors({"a": [8, 9]}))
    with Refused(StatusCode.NOT_FOUND, "Not found: No point with id 5 found"):
        await named.points.UpdateVectors(write(named, points.UpdatePointVectors, points=[absent]))
    with Refused(StatusCode.INVALID_ARGUMENT, "Not existing vector name error: zz"):
        await named.points.DeleteVectors(
            write(
                named,
                points.DeletePointVectors,
                points_selector=selected(1),
                vectors=points.VectorsSelector(names=["zz"]),
            )
        )


async def test_a_batch_of_writes_ends_at_the_first_that_fails(plain: Stubs) -> None:
    operation = points.PointsUpdateOperation
    writes = [
        operation(upsert=operation.PointStructList(points=[point(10, [1, 0])])),
        operation(delete_points=operation.DeletePoints(points=selected(1))),
        operation(clear_payload_deprecated=selected(2)),
        operation(
            set_payload=operation.SetPayload(payload=payload({"x": 1}), points_selector=selected(3)),
        ),
    ]
    response = await plain.points.UpdateBatch(write(plain, points.UpdateBatchPoints, operations=writes))
    assert [each.status for each in response.result] == [points.Completed] * 4
    assert await plain.matching() == [2, 3, 10]
    assert (await plain.payload(2), (await plain.payload(3))["x"]) == ({}, 1)
    failing = [
        operation(delete_deprecated=selected(10)),
        operation(upsert=operation.PointStructList(points=[point(11, [1, 0, 0])])),
        operation(upsert=operation.PointStructList(points=[point(12, [1, 0])])),
    ]
    with Refused(StatusCode.INVALID_ARGUMENT, "Vector dimension error"):
        await plain.points.UpdateBatch(write(plain, points.UpdateBatchPoints, operations=failing))
    assert await plain.matching() == [2, 3]


async def index(stubs: Stubs, name: str, kind: Any = None, **fields: Any) -> None:
    request = write(stubs, points.CreateFieldIndexCollection, field_name=name, field_type=kind, **fields)
    await stubs.points.CreateFieldIndex(request)


async def schema_of(stubs: Stubs) -> dict[str, collections.PayloadSchemaInfo]:
    response = await stubs.collections.Get(collections.GetCollectionInfoRequest(collection_name=stubs.collection))
    return dict(response.result.payload_schema)


INDEXES = {
    points.FieldTypeKeyword: collections.PayloadIndexParams(
        keyword_index_params=collections.KeywordIndexParams(is_tenant=True)
    ),
    points.FieldTypeInteger: collections.PayloadIndexParams(
        integer_index_params=collections.IntegerIndexParams(lookup=True, range=False)
    ),
    points.FieldTypeFloat: collections.PayloadIndexParams(
        float_index_params=collections.FloatIndexParams(on_disk=True)
    ),
    points.FieldTypeGeo: collections.PayloadIndexParams(geo_index_params=collections.GeoIndexParams(on_disk=False)),
    points.FieldTypeBool: collections.PayloadIndexParams(bool_index_params=collections.BoolIndexParams(on_disk=True)),
    points.FieldTypeDatetime: collections.PayloadIndexParams(
        datetime_index_params=collections.DatetimeIndexParams(is_principal=True)
    ),
    points.FieldTypeUuid: collections.PayloadIndexParams(
        uuid_index_params=collections.UuidIndexParams(is_tenant=False)
    ),
    points.FieldTypeText: collections.PayloadIndexParams(
        text_index_params=collections.TextIndexParams(
            tokenizer=collections.Multilingual,
            lowercase=True,
            min_token_len=2,
            max_token_len=20,
            phrase_matching=True,
            stopwords=collections.StopwordsSet(languages=["english"], custom=["qdrant"]),
            stemmer=collections.StemmingAlgorithm(snowball=collections.SnowballParams(language="english")),
        )
    ),
}


@pytest.mark.parametrize("kind", INDEXES, ids=points.FieldType.Name)
async def test_every_kind_of_index(plain: Stubs, kind: Any) -> None:
    await index(plain, "bare", kind)
    await index(plain, "with", kind, field_index_params=INDEXES[kind])
    await index(plain, "with", kind, field_index_params=INDEXES[kind])
    schema = await schema_of(plain)
    name = points.FieldType.Name(kind).removeprefix("FieldType")
    assert [collections.PayloadSchemaType.Name(schema[each].data_type) for each in ("bare", "with")] == [name, name]
    assert (schema["bare"].HasField("params"), schema["with"].params) == (False, INDEXES[kind])
    await plain.points.DeleteFieldIndex(write(plain, points.DeleteFieldIndexCollection, field_name="with"))
    await plain.points.DeleteFieldIndex(write(plain, points.DeleteFieldIndexCollection, field_name="absent"))
    assert list(await schema_of(plain)) == ["bare"]


async def test_indexes_that_cannot_be_made(plain: Stubs) -> None:
    with Refused(StatusCode.INVALID_ARGUMENT, "field_name"):
        await index(plain, "", points.FieldTypeKeyword)
    with Refused(StatusCode.INVALID_ARGUMENT, "do not match"):
        await index(plain, "n", points.FieldTypeKeyword, field_index_params=INDEXES[points.FieldTypeInteger])
    with Refused(StatusCode.INVALID_ARGUMENT, "Invalid json path: 'a['"):
        await index(plain, "a[", points.FieldTypeKeyword)


async def test_facets(plain: Stubs) -> None:
    request = points.FacetCounts(collection_name=plain.collection, key="kind")
    with Refused(StatusCode.INVALID_ARGUMENT, "Wrong input: No appropriate index for faceting: `kind`."):
        await plain.points.Facet(request)
    await index(plain, "kind", points.FieldTypeKeyword)
    await index(plain, "n", points.FieldTypeInteger)
    hits = (await plain.points.Facet(request)).hits
    assert [(hit.value.string_value, hit.count) for hit in hits] == [("k1", 2), ("k0", 1)]
    request = points.FacetCounts(
        collection_name=plain.collection, key="n", exact=True, filter=common.Filter(must=[match("kind", keyword="k0")])
    )
    assert [(hit.value.integer_value, hit.count) for hit in (await plain.points.Facet(request)).hits] == [(2, 1)]


SPARSE_PAIR = points.SparseVector(indices=[1, 2], values=[1.0])
BAD_VECTORS: dict[str, tuple[Any, str]] = {
    "size": ({"a": [1, 2, 3]}, "Wrong input: Vector dimension error: expected dim: 2, got 3 for vector 'a'"),
    "empty": ({"a": []}, "Wrong input: Vector dimension error: expected dim: 2, got 0 for vector 'a'"),
    "name": ({"zz": [1, 2]}, "Wrong input: Not existing vector name error: zz"),
    "unnamed": ([1, 2], "Wrong input: Not existing vector name error: "),
    "sparse for dense": ({"a": {1: 1.0}}, "Wrong input: Conversion between sparse and regular vectors failed"),
    "dense for sparse": ({"s": [1, 2]}, "Wrong input: Conversion between sparse and regular vectors failed"),
    "multi for dense": ({"a": [[1, 2], [3, 4]]}, "Wrong input: Conversion between multi and regular vectors failed"),
    "ragged": (
        {"m": [[1, 2], [3]]},
        "[].data: all vectors must have the same dimension, found vector with dimension 1]",
    ),
    "row of none": ({"m": [[]]}, "[].data: all vectors must be non-empty]"),
}


@pytest.mark.parametrize("case", BAD_VECTORS)
async def test_a_malformed_vector_is_refused_before_anything_is_written(named: Stubs, case: str) -> None:
    data, text = BAD_VECTORS[case]
    with Refused(StatusCode.INVALID_ARGUMENT, text):
        await named.upsert(point(5, {"a": [1, 2]}), point(6, data), wait=False)
    assert await named.matching() == [1]


RAW_VECTORS: dict[str, tuple[points.Vector, str]] = {
    "unequal": (points.Vector(sparse=SPARSE_PAIR), "must be the same length as indices"),
    "duplicate": (points.Vector(sparse=points.SparseVector(indices=[1, 1], values=[1.0, 2.0])), "must be unique"),
    "old unequal": (
        points.Vector(data=[1.0], indices=points.SparseIndices(data=[1, 2])),
        "must be the same length as indices",
    ),
    "old ragged": (points.Vector(data=[1.0, 2.0, 3.0], vectors_count=2), "not divisible by vectors count"),
    "no rows": (points.Vector(multi_dense=points.MultiDenseVector()), "must not be empty"),
    "inference": (points.Vector(document=points.Document(text="x", model="m")), "Inference model 'm' is not available"),
}


@pytest.mark.parametrize("case", RAW_VECTORS)
async def test_a_vector_that_would_panic_the_engine_is_refused(named: Stubs, case: str) -> None:
    data, text = RAW_VECTORS[case]
    name = {"old ragged": "m", "no rows": "m"}.get(case, "s")
    code = StatusCode.UNIMPLEMENTED if case == "inference" else StatusCode.INVALID_ARGUMENT
    bad = points.Vectors(vectors=points.NamedVectors(vectors={name: data}))
    with Refused(code, text):
        await named.upsert(points.PointStruct(id=point_id(6), vectors=bad))
    assert await named.matching() == [1]
    with Refused(code, text):
        update = points.PointVectors(id=point_id(1), vectors=bad)
        await named.points.UpdateVectors(write(named, points.UpdatePointVectors, points=[update]))
    await named.upsert(point(2, {"a": [1, 2]}))


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (points.PointStruct(vectors=vectors([1, 2])), "Empty ID is not allowed"),
        (points.PointStruct(id=common.PointId(), vectors=vectors([1, 2])), "No ID options provided"),
        (points.PointStruct(id=common.PointId(uuid="nope"), vectors=vectors([1, 2])), "Unable to parse UUID: nope"),
        (points.PointStruct(id=point_id(1)), "Expected some vectors"),
        (points.PointStruct(id=point_id(1), vectors=points.Vectors()), "No Vector Provided"),
        (
            points.PointStruct(id=point_id(1), vectors=points.Vectors(vector=vector({1: 1.0}))),
            "Sparse vector must be named",
        ),
    ],
)
async def test_points_that_cannot_be_read(plain: Stubs, bad: points.PointStruct, text: str) -> None:
    with Refused(StatusCode.INVALID_ARGUMENT, text):
        await plain.upsert(bad)


async def test_components_that_are_no_numbers_are_stored_as_by_a_server(plain: Stubs) -> None:
    await plain.upsert(point(9, [float("inf"), 1]))
    assert list((await with_vectors(plain, 9)).vector.dense.data) == [float("inf"), 1]


async def test_a_shard_key_is_unknown(plain: Stubs) -> None:
    selector = points.ShardKeySelector(shard_keys=[collections.ShardKey(keyword="eu")])
    with Refused(StatusCode.INVALID_ARGUMENT, 'Wrong input: Shard key "eu" not found'):
        await plain.upsert(point(1, [1, 0]), shard_key_selector=selector)
    with Refused(StatusCode.INVALID_ARGUMENT, 'Bad request: Shard key "eu" not found'):
        await plain.query(shard_key_selector=selector)


async def test_what_the_engine_cannot_do_is_unimplemented_with_the_reason(plain: Stubs) -> None:
    with Refused(StatusCode.UNIMPLEMENTED, "deprecated, use Query"):
        await plain.points.Search(points.SearchPoints(collection_name=plain.collection))
    with Refused(StatusCode.UNIMPLEMENTED, "vectors of an existing collection"):
        await plain.points.CreateVectorName(points.CreateVectorNameRequest(collection_name=plain.collection))


async def test_a_message_of_any_size(plain: Stubs) -> None:
    await plain.upsert(*(point(number, [1, 0], text="x" * 20_000) for number in range(1000)))
    assert len(await plain.get(*range(1000), with_payload=points.WithPayloadSelector(enable=True))) == 1000


MANY = range(1_000, 4_000)


async def amount(stubs: Stubs, condition: common.Condition) -> int:
    return await stubs.count(filter=common.Filter(must=[condition]))


async def test_very_many_points_count_as_last_given(plain: Stubs) -> None:
    before = await plain.count()
    again = [point(number, [2, number], turn=2) for number in MANY[::3]]
    await plain.upsert(*(point(number, [1, number], turn=1) for number in MANY), *again)
    assert await plain.count() == before + len(MANY)
    assert await amount(plain, match("turn", integer=2)) == len(MANY[::3])
    assert await plain.payload(MANY[3]) == {"turn": 2}


async def test_very_many_points_are_checked_before_one_is_written(plain: Stubs) -> None:
    before = await plain.count()
    with Refused(StatusCode.INVALID_ARGUMENT, "Vector dimension error"):
        await plain.upsert(*(point(number, [1, 0]) for number in MANY), point(1, [1, 0, 0]))
    assert await plain.count() == before


async def test_of_very_many_points_new_ones_alone_may_be_written(plain: Stubs) -> None:
    await plain.upsert(*(point(number, [1, 0], kept=True) for number in MANY[::2]))
    new = [point(number, [1, 0], kept=False) for number in MANY]
    await plain.upsert(*new, update_mode=points.InsertOnly)
    assert await amount(plain, match("kept", boolean=True)) == len(MANY) // 2
    assert await amount(plain, match("kept", boolean=False)) == len(MANY) // 2
