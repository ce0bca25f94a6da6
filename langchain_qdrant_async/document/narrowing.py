"""Requests of a whole collection -> the same of a tenant's part of it. Pure: no I/O, no clock.

One table says for every RPC how it is narrowed; what is not in it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import Any

from langchain_qdrant_async.document.ids import from_point_id
from langchain_qdrant_async.document.layout import ORIGINAL_ID_KEY
from langchain_qdrant_async.document.scope import Scope
from langchain_qdrant_async.document.walk import walk
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.proto import common, json, points

_Payload = MutableMapping[str, json.Value]


def narrow(method: str, request: Any, scope: Scope) -> Any:
    """The request, of a tenant's part of the collection; the one given is not changed.

    Args:
        method: the RPC's name, `Query`.
        request: of the whole collection.
        scope: the part.

    Raises:
        InvalidInput: it would reach beyond the part, or change which part a point is in.
    """
    narrowed = type(request)()
    narrowed.CopyFrom(request)
    if scope.levels:
        if method not in _NARROW:
            raise InvalidInput(f"{method} is of a whole collection: call it on the store that scoped() was called on")
        _NARROW[method](narrowed, scope)
    for each in _parts(narrowed):
        _keep_to_shards(each, scope)
    return narrowed


def examples_in(request: Any) -> list[common.PointId]:
    """The points that are named to have their vectors taken or changed; the messages themselves, to be replaced."""
    named = [each.id for each in walk(request, points.VectorInput) if each.HasField("id")]
    return named + [each.id for each in walk(request, points.PointVectors)]


def scroll_for(request: Any, ids: Sequence[common.PointId], scope: Scope) -> points.ScrollPoints:
    """What finds the points of these ids in a tenant's part, with what a request for them asks of each."""
    chosen = common.Filter(must=[common.Condition(has_id=common.HasIdCondition(has_id=ids))])
    scroll = points.ScrollPoints(
        collection_name=request.collection_name,
        filter=scope.narrowed(chosen),
        limit=len(scope.ids_of(ids)),
        with_payload=points.WithPayloadSelector(enable=False),
    )
    if isinstance(request, points.GetPoints):
        scroll.with_payload.CopyFrom(request.with_payload)
        scroll.with_vectors.CopyFrom(request.with_vectors)
    if isinstance(request, points.GetPoints) and request.HasField("read_consistency"):
        scroll.read_consistency.CopyFrom(request.read_consistency)
    _keep_to_shards(scroll, scope)
    return scroll


def found_of(
    ids: Sequence[common.PointId], found: Sequence[points.RetrievedPoint], scope: Scope
) -> list[points.RetrievedPoint | None]:
    """What was found for each id: the tenant's own point before one that bears the id itself."""
    by_id = {from_point_id(each.id): each for each in found}
    meant = ([by_id.get(from_point_id(each)) for each in scope.ids_of([given])] for given in ids)
    return [next((each for each in candidates if each is not None), None) for candidates in meant]


def _parts(request: Any) -> Iterator[Any]:
    """The request and the requests that it holds."""
    yield request
    if isinstance(request, points.QueryBatchPoints):
        yield from request.query_points
    if isinstance(request, points.UpdateBatchPoints):
        yield from (getattr(each, each.WhichOneof("operation") or "") for each in request.operations)


def _keep_to_shards(request: Any, scope: Scope) -> None:
    if scope.selector is None or "shard_key_selector" not in request.DESCRIPTOR.fields_by_name:
        return
    if request.HasField("shard_key_selector") and request.shard_key_selector != scope.selector:
        raise InvalidInput(f"this store is scoped to the shard key {scope.shard_key!r}; another was asked for")
    request.shard_key_selector.CopyFrom(scope.selector)


def _filtered(request: Any, scope: Scope) -> None:
    request.filter.CopyFrom(scope.narrowed(request.filter))


def _asked(request: Any, scope: Scope) -> None:
    """Every search in it: its own and those whose points are its candidates."""
    for each in walk(request, points.QueryPoints, points.QueryPointGroups, points.PrefetchQuery):
        if each.HasField("lookup_from"):
            raise InvalidInput("lookup_from takes vectors of another collection as a whole: a scoped store may not")
        scope.translate(each.query)
        _filtered(each, scope)


def _grouped(request: points.QueryPointGroups, scope: Scope) -> None:
    if request.HasField("with_lookup"):
        raise InvalidInput("with_lookup reads another collection as a whole: a scoped store may not")
    _asked(request, scope)


def _upserted(request: Any, scope: Scope) -> None:
    for point in request.points:
        if point.HasField("id"):  # else it is refused
            if ORIGINAL_ID_KEY not in point.payload:
                point.payload[ORIGINAL_ID_KEY].string_value = from_point_id(point.id)
            point.id.CopyFrom(scope.id_of(point.id))
        for level in scope.levels:
            _stamp(point.payload, level.keys, level)
    if request.HasField("update_filter"):
        scope.translate(request.update_filter)


def _stamp(payload: _Payload, keys: Sequence[str], scope: Scope) -> None:
    """Write the tenant into a payload."""
    head, *rest = keys
    kind = payload[head].WhichOneof("kind") if head in payload else None
    if rest and kind in {None, "struct_value"}:
        _stamp(payload[head].struct_value.fields, rest, scope)
    elif rest or (kind is not None and payload[head] != scope.value):
        raise InvalidInput(f"{scope.path!r} says whose a document is: this store is scoped to {scope.tenant!r}")
    else:
        payload[head].CopyFrom(scope.value)


def _selected(selector: points.PointsSelector, scope: Scope) -> None:
    match selector.WhichOneof("points_selector_one_of"):
        case "points":
            named = common.Condition(has_id=common.HasIdCondition(has_id=selector.points.ids))
            selector.filter.CopyFrom(scope.narrowed(common.Filter(must=[named])))
        case "filter":
            selector.filter.CopyFrom(scope.narrowed(selector.filter))


def _deleted(request: Any, scope: Scope) -> None:
    _selected(request.points, scope)


def _payload_set(request: Any, scope: Scope) -> None:
    """A tenant stays what it is when fields are merged over it, or into the object at a key."""
    _selected(request.points_selector, scope)
    for level in scope.levels:
        _keep_tenant(request, level)


def _keep_tenant(request: Any, scope: Scope) -> None:
    keys = [*scope.keys]
    for step in _steps(request.key):
        if keys and step != keys.pop(0):
            return
    if not keys:
        raise InvalidInput(f"{scope.path!r} says whose a document is, and cannot be changed in a scoped store")
    if keys[0] in request.payload:
        _stamp(request.payload, keys, scope)


def _steps(path: str) -> list[str]:
    """The keys of a payload path, without quotes and indices, so that no spelling of one is missed."""
    return [each for each in _PUNCTUATION.sub("", path).split(".") if each]


_PUNCTUATION = re.compile(r'"|\[[^\]]*\]')


def _payload_overwritten(_request: Any, _scope: Scope) -> None:
    raise InvalidInput("a whole payload says whose a document is, and by which id it goes: set fields of it instead")


def _payload_deleted(request: Any, scope: Scope) -> None:
    for key in request.keys:
        steps = _steps(key)
        if steps == [ORIGINAL_ID_KEY] or any([*level.keys[: len(steps)]] == steps for level in scope.levels):
            raise InvalidInput(f"{key!r} says whose a document is, or by which id it goes, and cannot be deleted")
    _selected(request.points_selector, scope)


def _vectors_updated(request: points.UpdatePointVectors, scope: Scope) -> None:
    """Its points are looked up, as they are named one by one."""
    if request.HasField("update_filter"):
        scope.translate(request.update_filter)


def _vectors_deleted(request: Any, scope: Scope) -> None:
    _selected(request.points_selector, scope)


def _batched(request: points.UpdateBatchPoints, scope: Scope) -> None:
    for operation in request.operations:
        kind = operation.WhichOneof("operation") or ""
        if kind not in _OPERATIONS:
            raise InvalidInput(f"a scoped store cannot do {kind or 'nothing'} in a batch: do it by itself")
        _OPERATIONS[kind](getattr(operation, kind), scope)


def _as_it_is(request: Any, scope: Scope) -> None:
    """An index is the whole collection's, and tells nobody anything."""


def _index_deleted(request: points.DeleteFieldIndexCollection, scope: Scope) -> None:
    if request.field_name in {level.path for level in scope.levels}:
        raise InvalidInput(
            f"the index of {request.field_name!r} is every tenant's: delete it in the store of the collection"
        )


_Narrow = Callable[[Any, Scope], None]

_NARROW: dict[str, _Narrow] = {
    "Query": _asked,
    "QueryBatch": _asked,
    "QueryGroups": _grouped,
    "Scroll": _filtered,
    "Count": _filtered,
    "Facet": _filtered,
    "SearchMatrixPairs": _filtered,
    "SearchMatrixOffsets": _filtered,
    "Get": _as_it_is,
    "Upsert": _upserted,
    "Delete": _deleted,
    "SetPayload": _payload_set,
    "OverwritePayload": _payload_overwritten,
    "DeletePayload": _payload_deleted,
    "UpdateVectors": _vectors_updated,
    "DeleteVectors": _vectors_deleted,
    "UpdateBatch": _batched,
    "CreateFieldIndex": _as_it_is,
    "DeleteFieldIndex": _index_deleted,
}
"""How each RPC is narrowed; `Get` is asked as a scroll, since ids alone know no tenant."""

_OPERATIONS: dict[str, _Narrow] = {
    "upsert": _upserted,
    "delete_points": _deleted,
    "set_payload": _payload_set,
    "overwrite_payload": _payload_overwritten,
    "delete_payload": _payload_deleted,
    "delete_vectors": _vectors_deleted,
}
