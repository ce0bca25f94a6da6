"""The Points service."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import qdrant_edge as edge
from grpc import StatusCode

from langchain_qdrant_async.engine.convert.filters import from_filter
from langchain_qdrant_async.engine.convert.hits import retrieved_point, scored_point
from langchain_qdrant_async.engine.convert.ids import distinct, to_point_id
from langchain_qdrant_async.engine.convert.indexes import from_request
from langchain_qdrant_async.engine.convert.selectors import payload_selector, vectors_selector
from langchain_qdrant_async.engine.operations import writes
from langchain_qdrant_async.engine.operations.effort import check_effort
from langchain_qdrant_async.engine.operations.groups import query_groups
from langchain_qdrant_async.engine.operations.matrices import matrix_of
from langchain_qdrant_async.engine.operations.queries import limit_of
from langchain_qdrant_async.engine.operations.reads import Steps, counted, found, found_in_batch, scrolled
from langchain_qdrant_async.engine.operations.strict_mode import admit
from langchain_qdrant_async.engine.services.rpc import reading, refused, writing
from langchain_qdrant_async.engine.shards.catalog import Catalog
from langchain_qdrant_async.engine.shards.shard import Shard
from langchain_qdrant_async.engine.status import Refusal, bad_request, invalid_field, wrong_input
from langchain_qdrant_async.proto import PointsServicer, points

_DEPRECATED = "deprecated, use Query, QueryBatch or QueryGroups"


class Points(PointsServicer):
    """Reads and writes of points. An RPC that is missing here answers UNIMPLEMENTED."""

    def __init__(self, catalog: Catalog) -> None:
        """Serve the collections of a catalog."""
        self._catalog = catalog

    async def writable(self, request: Any) -> None:
        """Return when the collection may be written to: not while its files are being copied."""
        while (shard := self._catalog.find(request.collection_name)) is not None and not shard.writable.is_set():
            await shard.writable.wait()

    @writing
    def Upsert(self, request: points.UpsertPoints) -> points.PointsOperationResponse:
        """Insert or replace points."""
        return self._write(writes.upsert, request)

    @writing
    def Delete(self, request: points.DeletePoints) -> points.PointsOperationResponse:
        """Remove points."""
        return self._write(writes.delete, request)

    @writing
    def SetPayload(self, request: points.SetPayloadPoints) -> points.PointsOperationResponse:
        """Merge fields into payloads."""
        return self._write(writes.set_payload, request)

    @writing
    def OverwritePayload(self, request: points.SetPayloadPoints) -> points.PointsOperationResponse:
        """Replace payloads."""
        return self._write(writes.overwrite_payload, request)

    @writing
    def DeletePayload(self, request: points.DeletePayloadPoints) -> points.PointsOperationResponse:
        """Remove fields from payloads."""
        return self._write(writes.delete_payload, request)

    @writing
    def ClearPayload(self, request: points.ClearPayloadPoints) -> points.PointsOperationResponse:
        """Remove payloads."""
        return self._write(writes.clear_payload, request)

    @writing
    def UpdateVectors(self, request: points.UpdatePointVectors) -> points.PointsOperationResponse:
        """Replace some vectors of points."""
        return self._write(writes.update_vectors, request)

    @writing
    def DeleteVectors(self, request: points.DeletePointVectors) -> points.PointsOperationResponse:
        """Remove some vectors of points."""
        return self._write(writes.delete_vectors, request)

    @writing
    def UpdateBatch(self, request: points.UpdateBatchPoints) -> points.UpdateBatchResponse:
        """Several writes in order. The first that fails ends the batch; those before it stay."""
        if not request.operations:
            raise invalid_field("operations", "value [] invalid, must be at least 1 characters")
        shard = self._catalog.shard(request.collection_name)
        operations = [writes.from_batch(operation) for operation in request.operations]
        results = [_written(shard, write, operation, wait=request.wait) for write, operation in operations]
        return points.UpdateBatchResponse(result=results)

    @writing
    def CreateFieldIndex(self, request: points.CreateFieldIndexCollection) -> points.PointsOperationResponse:
        """Index a payload field; doing so again changes nothing."""
        shard = self._catalog.shard(request.collection_name)
        _check_field_name(request.field_name)
        admit(shard, request)
        operation = edge.UpdateOperation.create_field_index(request.field_name, from_request(request))
        params = request.field_index_params if request.HasField("field_index_params") else None
        with self._catalog.changing(shard, shard.stored.with_index(request.field_name, params)):
            shard.update(operation)
        return points.PointsOperationResponse(result=_result(shard, wait=request.wait))

    @writing
    def DeleteFieldIndex(self, request: points.DeleteFieldIndexCollection) -> points.PointsOperationResponse:
        """Drop the index of a payload field; it need not exist."""
        shard = self._catalog.shard(request.collection_name)
        _check_field_name(request.field_name)
        with self._catalog.changing(shard, shard.stored.with_index(request.field_name, None)):
            shard.update(edge.UpdateOperation.delete_field_index(request.field_name))
        return points.PointsOperationResponse(result=_result(shard, wait=request.wait))

    @reading
    def Get(self, request: points.GetPoints) -> points.GetResponse:
        """Points by id, in the order of the ids, without those that are absent."""
        shard = self._read(request)
        records = shard.engine.retrieve(
            distinct(request.ids),  # type: ignore[arg-type]
            with_payload=payload_selector(request, default=False),
            with_vector=vectors_selector(request.with_vectors),
        )
        return points.GetResponse(result=map(retrieved_point, records))

    @reading
    def Scroll(self, request: points.ScrollPoints) -> Steps[points.ScrollResponse]:
        """Points by id or by a payload field, a page at a time."""
        self._read(request)
        _check_order(request)
        records, following = yield from scrolled(request, self._catalog)
        response = points.ScrollResponse(result=map(retrieved_point, records))
        if following is not None and not request.HasField("order_by"):
            response.next_page_offset.CopyFrom(to_point_id(following))
        return response

    @reading
    def Count(self, request: points.CountPoints) -> Steps[points.CountResponse]:
        """How many points a filter selects."""
        self._read(request)
        count = yield from counted(request, self._catalog)
        return points.CountResponse(result=points.CountResult(count=count))

    @reading
    def Facet(self, request: points.FacetCounts) -> points.FacetResponse:
        """The values of an indexed field and how many points have each."""
        shard = self._read(request)
        _check_field_name(request.key, "key")
        check_effort(request, shard)
        facet = edge.FacetRequest(request.key, limit_of(request), request.exact, _filter(request))
        return points.FacetResponse(hits=map(_facet_hit, shard.engine.facet(facet).hits))

    @reading
    def Query(self, request: points.QueryPoints) -> Steps[points.QueryResponse]:
        """Search of any kind."""
        self._read(request)
        hits = yield from found(request, self._catalog)
        return points.QueryResponse(result=_scored(hits, request))

    @reading
    def QueryBatch(self, request: points.QueryBatchPoints) -> Steps[points.QueryBatchResponse]:
        """Several searches in one call; one that is wrong fails all."""
        shard = self._catalog.shard(request.collection_name)
        for query in request.query_points:
            query.collection_name = request.collection_name
            _check_shard_keys(query)
        admit(shard, request)
        results = yield from found_in_batch(request.query_points, self._catalog)
        scored = (_scored(hits, query) for hits, query in zip(results, request.query_points, strict=True))
        return points.QueryBatchResponse(result=[points.BatchResult(result=each) for each in scored])

    @reading
    def QueryGroups(self, request: points.QueryPointGroups) -> Steps[points.QueryGroupsResponse]:
        """Search whose hits are grouped by the value of a payload field."""
        self._read(request)
        _check_field_name(request.group_by, "group_by")
        groups = yield from query_groups(request, self._catalog)
        return points.QueryGroupsResponse(result=points.GroupsResult(groups=groups))

    @reading
    def SearchMatrixPairs(self, request: points.SearchMatrixPoints) -> Steps[points.SearchMatrixPairsResponse]:
        """Distances within a random sample, as pairs of ids."""
        matrix = yield from matrix_of(request, self._read(request))
        return points.SearchMatrixPairsResponse(result=matrix.pairs())

    @reading
    def SearchMatrixOffsets(self, request: points.SearchMatrixPoints) -> Steps[points.SearchMatrixOffsetsResponse]:
        """Distances within a random sample, as a sparse matrix."""
        matrix = yield from matrix_of(request, self._read(request))
        return points.SearchMatrixOffsetsResponse(result=matrix.offsets())

    CreateVectorName = DeleteVectorName = refused(
        "vectors of an existing collection cannot be added or removed in the embedded Qdrant service"
    )
    Search = SearchBatch = SearchGroups = refused(_DEPRECATED)
    Recommend = RecommendBatch = RecommendGroups = refused(_DEPRECATED)
    Discover = DiscoverBatch = refused(_DEPRECATED)

    def _read(self, request: Any) -> Shard:
        shard = self._catalog.shard(request.collection_name)
        _check_shard_keys(request)
        admit(shard, request)
        return shard

    def _write(self, write: writes.Write, request: Any) -> points.PointsOperationResponse:
        shard = self._catalog.shard(request.collection_name)
        return points.PointsOperationResponse(result=_written(shard, write, request, wait=request.wait))


def _written(shard: Shard, write: writes.Write, request: Any, *, wait: bool) -> points.UpdateResult:
    """Do a write and say so. Without `wait`, a server answers before it could find a point absent."""
    _check_shard_keys(request, wrong_input)
    admit(shard, request)
    try:
        write(shard, request)
    except Refusal as refusal:
        if wait or refusal.code is not StatusCode.NOT_FOUND:
            raise
    return _result(shard, wait=wait)


def _result(shard: Shard, *, wait: bool) -> points.UpdateResult:
    status = points.Completed if wait else points.Acknowledged
    return points.UpdateResult(operation_id=shard.last_operation, status=status)


def _check_shard_keys(request: Any, refusal: Callable[[str], Refusal] = bad_request) -> None:
    """Raise if a request is meant for a part of the collection: there are no parts here."""
    for key in request.shard_key_selector.shard_keys:
        name = f'"{key.keyword}"' if key.HasField("keyword") else key.number
        raise refusal(f"Shard key {name} not found")


def _check_field_name(name: str, field: str = "field_name") -> None:
    if not name:
        raise invalid_field(field, 'value "" invalid, must be at least 1 characters')


def _filter(request: Any) -> edge.Filter | None:
    return from_filter(request.filter) if request.HasField("filter") else None


def _check_order(request: points.ScrollPoints) -> None:
    if request.HasField("order_by") and request.HasField("offset"):
        raise wrong_input(
            "Cannot use an `offset` when using `order_by`. The alternative for paging is to use `order_by.start_from` "
            "and a filter to exclude the IDs that you've already seen for the `order_by.start_from` value"
        )


def _scored(hits: Iterable[edge.ScoredPoint], request: points.QueryPoints) -> list[points.ScoredPoint]:
    wanted = vectors_selector(request.with_vectors)
    return [scored_point(hit, wanted) for hit in hits]


def _facet_hit(hit: edge.FacetHit) -> points.FacetHit:
    value = points.FacetValue()
    setattr(value, _FACET_FIELDS[type(hit.value)], hit.value)
    return points.FacetHit(value=value, count=hit.count)


_FACET_FIELDS = {bool: "bool_value", int: "integer_value", str: "string_value"}
