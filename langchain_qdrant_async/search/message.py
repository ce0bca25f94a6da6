"""Searches -> request messages, each builder named for the message it builds. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_qdrant_async.document.layout import PRIVATE_KEYS, Layout
from langchain_qdrant_async.document.paths import to_path
from langchain_qdrant_async.proto import common, points
from langchain_qdrant_async.search.params import with_rescoring
from langchain_qdrant_async.search.search import Asked, Grouping, Search

_LAYOUT = Layout()


def query_points(collection: str, search: Search, asked: Asked, layout: Layout = _LAYOUT) -> points.QueryPoints:
    """The points that a search asks for.

    Args:
        collection: its name.
        search: what is asked.
        asked: its ranking, as written for this collection.
        layout: where a document stands in a point.
    """
    return points.QueryPoints(
        collection_name=collection,
        query=asked.query,
        prefetch=asked.prefetch or None,
        using=asked.using or None,
        filter=search.filter,
        params=with_rescoring(search.params, asked.params),
        score_threshold=search.score_threshold,
        limit=_limit(search, asked),
        offset=search.offset or None,
        with_payload=payload_selector(search.with_payload, layout),
        with_vectors=search.with_vectors,
        read_consistency=search.consistency,
        shard_key_selector=search.shards,
    )


def query_point_groups(
    collection: str, search: Search, asked: Asked, grouping: Grouping, layout: Layout = _LAYOUT
) -> points.QueryPointGroups:
    """The best points of the groups with the best points, `search.k` groups of them.

    Args:
        collection: its name.
        search: what is asked.
        asked: its ranking, as written for this collection.
        grouping: what makes a group.
        layout: where a document stands in a point.
    """
    return points.QueryPointGroups(
        collection_name=collection,
        query=asked.query,
        prefetch=asked.prefetch or None,
        using=asked.using or None,
        filter=search.filter,
        params=with_rescoring(search.params, asked.params),
        score_threshold=search.score_threshold,
        limit=search.k,
        group_size=grouping.size,
        group_by=to_path(grouping.field, layout.metadata_key, where="group_by"),
        with_payload=payload_selector(search.with_payload, layout),
        with_vectors=search.with_vectors,
        read_consistency=search.consistency,
        shard_key_selector=search.shards,
    )


def query_batch_points(collection: str, requests: Sequence[points.QueryPoints]) -> points.QueryBatchPoints:
    """Several searches in one call; how many replicas must agree is said for all of them."""
    return points.QueryBatchPoints(
        collection_name=collection,
        query_points=requests,
        read_consistency=requests[0].read_consistency if requests[0].HasField("read_consistency") else None,
    )


def payload_selector(chosen: bool | Sequence[str], layout: Layout) -> points.WithPayloadSelector:  # noqa: FBT001  as given
    """What of the payload comes back: all of it; of the metadata none; or the text and some fields of the metadata.

    What the store itself keeps always does, since a document's id may be among it.
    """
    if chosen is True:
        return points.WithPayloadSelector(enable=True)
    fields = [to_path(each, layout.metadata_key, where="with_payload") for each in chosen or ()]
    kept = [*PRIVATE_KEYS, *([layout.content_key] if chosen else ()), *fields]
    return points.WithPayloadSelector(include=points.PayloadIncludeSelector(fields=kept))


def is_divisible(request: points.QueryPoints) -> bool:
    """Whether a search can be asked in pages: the nearest points can, one after another.

    What merges candidates, or chooses among them, would do so otherwise for each page.
    """
    return not request.prefetch and request.query.HasField("nearest")


def page_of(request: points.QueryPoints, known: Sequence[points.ScoredPoint], most: int) -> points.QueryPoints:
    """The best points that are not known yet, without leaving out any at the beginning.

    They are named rather than counted: where scores are equal, the order may be another one each time.

    Args:
        request: the whole search, or the page before.
        known: what that page has found.
        most: how many to ask for.
    """
    page = points.QueryPoints()
    page.CopyFrom(request)
    page.offset, page.limit = 0, most
    if known:
        found = common.HasIdCondition(has_id=[each.id for each in known])
        page.filter.must_not.append(common.Condition(has_id=found))
    return page


def _limit(search: Search, asked: Asked) -> int:
    """How many points to ask for.

    Source: a recorded server, which chooses `limit` unlike points and then leaves `offset` of them out.
    """
    diverse = search.offset and asked.query is not None and asked.query.HasField("nearest_with_mmr")
    return search.reach if diverse else search.k


def prefetch_query(search: Search, asked: Asked) -> points.PrefetchQuery:
    """The same points as candidates of another search; a prefetch leaves nothing out, so it reaches further instead."""
    return points.PrefetchQuery(
        query=asked.query,
        prefetch=asked.prefetch,
        using=asked.using or None,
        filter=search.filter,
        params=with_rescoring(search.params, asked.params),
        score_threshold=search.score_threshold,
        limit=search.reach,
    )
