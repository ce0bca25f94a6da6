"""Points -> request messages, each builder named for the message it builds. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypeVar

from langchain_qdrant_async.errors import InvalidInput, RpcError
from langchain_qdrant_async.proto import common, json, points

Ordering: TypeAlias = Literal["weak", "medium", "strong"] | points.WriteOrdering


M = TypeVar("M")


def upsert_points(
    collection: str,
    batch: Sequence[points.PointStruct],
    ordering: points.WriteOrdering | None = None,
    *,
    only: common.Filter | None = None,
    mode: points.UpdateMode.ValueType | None = None,
) -> points.UpsertPoints:
    """Write points, and answer when it is done.

    Args:
        collection: its name.
        batch: the points.
        ordering: order of writes in a cluster.
        only: of the points that exist, those that may be replaced.
        mode: whether points may be new, or exist.
    """
    return points.UpsertPoints(
        collection_name=collection, points=batch, wait=True, ordering=ordering, update_filter=only, update_mode=mode
    )


def set_payload(collection: str, payload: Mapping[str, json.Value], chosen: common.Filter) -> points.SetPayloadPoints:
    """Merge fields into the payloads of what a filter selects, and answer when it is done."""
    selector = points.PointsSelector(filter=chosen)
    return points.SetPayloadPoints(collection_name=collection, payload=payload, points_selector=selector, wait=True)


def delete_payload(collection: str, keys: Sequence[str], chosen: common.Filter) -> points.DeletePayloadPoints:
    """Remove fields from the payloads of what a filter selects, and answer when it is done."""
    selector = points.PointsSelector(filter=chosen)
    return points.DeletePayloadPoints(collection_name=collection, keys=keys, points_selector=selector, wait=True)


def update_batch_points(
    collection: str, operations: Sequence[points.PointsUpdateOperation], ordering: points.WriteOrdering | None = None
) -> points.UpdateBatchPoints:
    """Several changes one after another, in one call that answers when they are done."""
    return points.UpdateBatchPoints(collection_name=collection, operations=operations, wait=True, ordering=ordering)


def point_vectors(point_id: common.PointId, name: str, vector: points.Vector) -> points.PointVectors:
    """A vector of a point; the empty name is Qdrant's default vector."""
    if name == "":
        return points.PointVectors(id=point_id, vectors=points.Vectors(vector=vector))
    named = points.Vectors(vectors=points.NamedVectors(vectors={name: vector}))
    return points.PointVectors(id=point_id, vectors=named)


def update_point_vectors(
    collection: str, batch: Sequence[points.PointVectors], ordering: points.WriteOrdering | None = None
) -> points.UpdatePointVectors:
    """Replace vectors of points, and answer when it is done."""
    return points.UpdatePointVectors(collection_name=collection, points=batch, wait=True, ordering=ordering)


def point_struct(
    point_id: common.PointId, vectors: Mapping[str, points.Vector], payload: Mapping[str, Any]
) -> points.PointStruct:
    """One point with its vectors by field; the empty name is Qdrant's default vector."""
    if len(vectors) == 1 and "" in vectors:
        return points.PointStruct(id=point_id, vectors=points.Vectors(vector=vectors[""]), payload=payload)
    named = points.Vectors(vectors=points.NamedVectors(vectors=vectors))
    return points.PointStruct(id=point_id, vectors=named, payload=payload)


def delete_points(
    collection: str, selector: Sequence[common.PointId] | common.Filter, ordering: points.WriteOrdering | None = None
) -> points.DeletePoints:
    """Delete points by id or by filter, and answer when it is done."""
    chosen = (
        points.PointsSelector(filter=selector)
        if isinstance(selector, common.Filter)
        else points.PointsSelector(points=points.PointsIdsList(ids=selector))
    )
    return points.DeletePoints(collection_name=collection, points=chosen, wait=True, ordering=ordering)


def get_points(
    collection: str, ids: Sequence[common.PointId], consistency: points.ReadConsistency | None = None
) -> points.GetPoints:
    """Points by id, with payload and without vectors."""
    return points.GetPoints(
        collection_name=collection,
        ids=ids,
        with_payload=points.WithPayloadSelector(enable=True),
        read_consistency=consistency,
    )


def scroll_points(
    collection: str, limit: int, offset: common.PointId | None = None, *, with_payload: bool = True
) -> points.ScrollPoints:
    """A page of points by ascending id, without vectors."""
    return points.ScrollPoints(
        collection_name=collection,
        limit=limit,
        offset=offset,
        with_payload=points.WithPayloadSelector(enable=with_payload),
    )


def sample_points(collection: str, limit: int, key: str) -> points.QueryPoints:
    """Points by chance, with one key of their payload."""
    return points.QueryPoints(
        collection_name=collection,
        query=points.Query(sample=points.Sample.Random),
        limit=limit,
        with_payload=points.WithPayloadSelector(include=points.PayloadIncludeSelector(fields=[key])),
    )


def write_ordering(given: object) -> points.WriteOrdering | None:
    """How writes are ordered in a cluster: `"weak"`, `"medium"`, `"strong"`, or the message.

    Raises:
        InvalidInput: it is none of these.
    """
    if given is None or isinstance(given, points.WriteOrdering):
        return given
    name = str(getattr(given, "value", given))
    if name not in _ORDERINGS:
        raise InvalidInput(f"ordering must be one of {', '.join(_ORDERINGS)}, not {given!r}")
    return points.WriteOrdering(type=_ORDERINGS[name])


def batches(sized: Iterable[tuple[M, int]], *, count: int, size_bytes: int) -> Iterator[list[M]]:
    """Cut items into batches of at most `count` and about `size_bytes`; a larger single item goes alone.

    Args:
        sized: items with their size in bytes.
        count: items in a batch, at most.
        size_bytes: bytes in a batch, at most.
    """
    batch: list[M] = []
    total = 0
    for item, size in sized:
        if batch and (len(batch) == count or total + size > size_bytes):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += size
    if batch:
        yield batch


_ORDERINGS = {
    "weak": points.WriteOrderingType.Weak,
    "medium": points.WriteOrderingType.Medium,
    "strong": points.WriteOrderingType.Strong,
}


def check_completed(response: points.PointsOperationResponse, what: str) -> None:
    """Nothing, when a write is done.

    Raises:
        RpcError: the server took the write on and did not finish it: its own time ran out, or its clock was refused.
    """
    import grpc

    status = response.result.status
    if status != points.UpdateStatus.Completed:
        name = points.UpdateStatus.Name(status)
        raise RpcError(
            f"{what} was not completed: the server answered {name}. The same call may be repeated: ids make it safe",
            code=grpc.StatusCode.DEADLINE_EXCEEDED,
            details=name,
        )
