"""Requests as a tenant may make them: each RPC is narrowed, or refused."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message_factory import GetMessageClass
from qdrant_client.grpc import points_service_pb2

from langchain_qdrant_async.document.narrowing import narrow
from langchain_qdrant_async.document.scope import Scope, scope_of
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.proto import collections, common, json, points
from tests.engine_messages import nearest, payload, point, point_id, selected

OURS = Scope("ours", ("metadata", "owner"))
SHARDS = Scope("ours", shard_key="acme")
SERVICE = points_service_pb2.DESCRIPTOR.services_by_name["Points"]
REFUSED = {
    *("ClearPayload", "CreateVectorName", "DeleteVectorName"),
    *("Search", "SearchBatch", "SearchGroups", "Recommend", "RecommendBatch", "RecommendGroups", "Discover"),
    "DiscoverBatch",
}


def message_of(method: str) -> Any:
    return GetMessageClass(SERVICE.methods_by_name[method].input_type)()


@pytest.mark.parametrize("method", [each.name for each in SERVICE.methods])
def test_every_rpc_is_narrowed_or_refused(method: str) -> None:
    request = message_of(method)
    if method in REFUSED | {"OverwritePayload"}:
        with pytest.raises(InvalidInput):
            narrow(method, request, OURS)
        return
    narrowed = narrow(method, request, SHARDS)
    assert narrowed is not request
    assert request == message_of(method)
    if "shard_key_selector" in request.DESCRIPTOR.fields_by_name:
        assert narrowed.shard_key_selector == SHARDS.selector
    if "filter" in request.DESCRIPTOR.fields_by_name:
        assert narrowed.filter.must[0].field.key == "_tenant"


def test_every_search_inside_a_search_is_narrowed() -> None:
    inner = points.PrefetchQuery(query=nearest([1, 0]), limit=3)
    middle = points.PrefetchQuery(prefetch=[inner, inner], query=nearest([1, 0]))
    request = points.QueryBatchPoints(query_points=[points.QueryPoints(prefetch=[middle])])
    narrowed = narrow("QueryBatch", request, SHARDS)
    (query,) = narrowed.query_points
    assert query.shard_key_selector == SHARDS.selector
    every = [query, query.prefetch[0], *query.prefetch[0].prefetch]
    assert all(each.filter.must[0].field.match.keyword == "ours" for each in every)


@pytest.mark.parametrize("place", ["filter", "nested", "minimum", "formula"])
def test_ids_are_the_tenants_wherever_they_stand(place: str) -> None:
    has_id = common.Condition(has_id=common.HasIdCondition(has_id=[point_id(1)]))
    request = points.QueryPoints()
    if place == "formula":
        request.query.formula.expression.condition.CopyFrom(has_id)
    elif place == "nested":
        nested = common.NestedCondition(key="a", filter=common.Filter(must_not=[has_id]))
        request.filter.CopyFrom(common.Filter(must=[common.Condition(nested=nested)]))
    elif place == "minimum":
        request.filter.CopyFrom(common.Filter(min_should=common.MinShould(conditions=[has_id], min_count=1)))
    else:
        request.filter.CopyFrom(common.Filter(should=[common.Condition(filter=common.Filter(must=[has_id]))]))
    narrowed = narrow("Query", request, OURS)
    assert OURS.id_of(point_id(1)).uuid in str(narrowed)


@pytest.mark.parametrize(
    "request_",
    [
        points.QueryPoints(lookup_from=points.LookupLocation(collection_name="other")),
        points.QueryPoints(prefetch=[points.PrefetchQuery(lookup_from=points.LookupLocation(collection_name="other"))]),
    ],
)
def test_vectors_of_other_collections_are_refused(request_: points.QueryPoints) -> None:
    with pytest.raises(InvalidInput, match="lookup_from"):
        narrow("Query", request_, OURS)


def test_points_of_other_collections_are_refused() -> None:
    request = points.QueryPointGroups(with_lookup=points.WithLookup(collection="other"))
    with pytest.raises(InvalidInput, match="with_lookup"):
        narrow("QueryGroups", request, OURS)


@pytest.mark.parametrize("keys", [["metadata"], ["metadata.owner"], ['"metadata"."owner"'], ["a", "_original_id"]])
def test_the_tenant_cannot_be_deleted(keys: list[str]) -> None:
    request = points.DeletePayloadPoints(keys=keys, points_selector=selected(1))
    with pytest.raises(InvalidInput, match="cannot be deleted"):
        narrow("DeletePayload", request, OURS)
    batch = points.PointsUpdateOperation.DeletePayload(keys=keys, points_selector=selected(1))
    operation = points.PointsUpdateOperation(delete_payload=batch)
    with pytest.raises(InvalidInput, match="cannot be deleted"):
        narrow("UpdateBatch", points.UpdateBatchPoints(operations=[operation]), OURS)


def test_other_fields_can_be_deleted() -> None:
    request = points.DeletePayloadPoints(keys=["metadata.lang", "metadata.owner_of"], points_selector=selected(1))
    narrowed = narrow("DeletePayload", request, OURS)
    assert narrowed.points_selector.WhichOneof("points_selector_one_of") == "filter"


@pytest.mark.parametrize(
    ("key", "fields"),
    [
        (None, {"metadata": {"owner": "theirs"}}),
        (None, {"metadata": "nothing"}),
        ("metadata", {"owner": "theirs"}),
        ('"metadata"', {"owner": None}),
        ("metadata.owner", {"x": 1}),
        ("metadata.owner.x", {"x": 1}),
    ],
)
def test_the_tenant_cannot_be_changed(key: str | None, fields: dict[str, Any]) -> None:
    request = points.SetPayloadPoints(payload=payload(fields), points_selector=selected(1), key=key)
    with pytest.raises(InvalidInput, match="says whose"):
        narrow("SetPayload", request, OURS)


@pytest.mark.parametrize(
    ("key", "fields", "written"),
    [
        (None, {"metadata": {"n": 1}}, {"metadata": {"n": 1, "owner": "ours"}}),
        (None, {"other": 1}, {"other": 1}),
        ("metadata", {"n": 1}, {"n": 1}),
        ("metadata.inner", {"owner": "x"}, {"owner": "x"}),
    ],
)
def test_fields_are_set_beside_the_tenant(key: str | None, fields: dict[str, Any], written: dict[str, Any]) -> None:
    request = points.SetPayloadPoints(payload=payload(fields), points_selector=selected(1), key=key)
    assert dict(narrow("SetPayload", request, OURS).payload) == payload(written)


def test_a_point_keeps_the_id_that_it_goes_by() -> None:
    request = points.UpsertPoints(points=[point(1, [1, 0]), point(2, [1, 0], _original_id="two")])
    first, second = narrow("Upsert", request, OURS).points
    assert first.id == OURS.id_of(point_id(1))
    assert first.payload["_original_id"] == json.Value(string_value="1")
    assert second.payload["_original_id"] == json.Value(string_value="two")


def test_ids_of_two_tenants_never_meet() -> None:
    scopes = [
        *(scope_of(tenant, field, None, "metadata") for tenant in ("a", "1", 1, "a.b") for field in (None, "a", "b")),
        scope_of("b", "b", None, "metadata", scope_of("a", "a", None, "metadata")),
        scope_of("a", "a", None, "metadata", scope_of("b", "b", None, "metadata")),
    ]
    ids = {scope.id_of(point_id(7)).uuid for scope in scopes}
    assert len(ids) == len(scopes)


def test_another_shard_key_is_refused() -> None:
    other = points.ShardKeySelector(shard_keys=[collections.ShardKey(keyword="other")])
    with pytest.raises(InvalidInput, match="another was asked for"):
        narrow("Count", points.CountPoints(shard_key_selector=other), SHARDS)


def test_the_index_of_tenants_stays() -> None:
    with pytest.raises(InvalidInput, match="every tenant's"):
        narrow("DeleteFieldIndex", points.DeleteFieldIndexCollection(field_name="metadata.owner"), OURS)
    other = points.DeleteFieldIndexCollection(field_name="metadata.lang")
    assert narrow("DeleteFieldIndex", other, OURS) == other
