"""Queries on the wire -> the engine's, with every point id replaced by its vector.

The engine has no queries by id. A query is read twice: first for the ids that it refers to, which must not come back
as results, then to be built.

Source: `lib/collection/src/operations/universal_query/collection_query.rs` of Qdrant.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import qdrant_edge as edge

from langchain_qdrant_async.engine.convert.filters import excluding, from_filter
from langchain_qdrant_async.engine.convert.ids import PointId, from_point_id
from langchain_qdrant_async.engine.convert.params import from_params
from langchain_qdrant_async.engine.convert.selectors import payload_selector, vectors_selector
from langchain_qdrant_async.engine.operations.scoring import Level, examples_of, scoring_of
from langchain_qdrant_async.engine.shards.catalog import Catalog
from langchain_qdrant_async.engine.shards.shard import Shard
from langchain_qdrant_async.engine.status import invalid_field
from langchain_qdrant_async.proto import points

_DEFAULT_LIMIT = 10


def from_query_points(
    request: points.QueryPoints, catalog: Catalog, piece: edge.Filter | None = None
) -> edge.QueryRequest:
    """A whole query, for the shard of `request.collection_name`.

    Args:
        request: the query.
        catalog: where that shard is, and others that vectors are taken from.
        piece: `root_filter` and more; then what is found among these points before the offset is left out.
    """
    shard = catalog.shard(request.collection_name)
    limit = limit_of(request)
    whole = piece is None and request.query.WhichOneof("variant") not in _WITHOUT_OFFSET
    return edge.QueryRequest(
        limit=limit if piece is None else limit + request.offset,
        offset=request.offset if whole else 0,
        query=scoring_of(request, shard, catalog, limit),
        prefetches=_prefetches(request, shard, catalog),
        with_vector=vectors_selector(request.with_vectors),
        with_payload=payload_selector(request, default=False),
        filter=root_filter(request, catalog) if piece is None else piece,
        score_threshold=request.score_threshold if request.HasField("score_threshold") else None,
        params=_params(request),
    )


def cut(request: points.QueryPoints) -> int:
    """How many of the hits are to be left out at the beginning, where the engine does not see to the offset.

    Source: `intermediates_to_final_list` in `lib/collection/src/collection/query.rs` of Qdrant: what is relevant and
    diverse is chosen first, `limit` of it, and only then is the beginning left out.
    """
    return request.offset if request.query.HasField("nearest_with_mmr") else 0


_WITHOUT_OFFSET = frozenset(("sample", "nearest_with_mmr"))
"""A random sample has no beginning to leave out; a server ignores the offset."""


def limit_of(request: Any, default: int = _DEFAULT_LIMIT) -> int:
    """How many points are wanted."""
    if not request.HasField("limit"):
        return default
    if request.limit == 0:
        raise invalid_field("limit", "value 0 invalid, must be 1 or larger", request)
    return int(request.limit)


def _prefetches(level: Level, shard: Shard, catalog: Catalog) -> list[edge.Prefetch] | None:
    return [_prefetch(prefetch, shard, catalog) for prefetch in level.prefetch] or None


def _prefetch(message: points.PrefetchQuery, shard: Shard, catalog: Catalog) -> edge.Prefetch:
    limit = limit_of(message)
    inner = _prefetches(message, shard, catalog)
    query = scoring_of(message, shard, catalog, limit)
    return edge.Prefetch(
        limit=limit,
        query=query if inner else _leaf(query),
        prefetches=inner,
        params=_params(message),
        filter=from_filter(message.filter) if message.HasField("filter") else None,
        score_threshold=message.score_threshold if message.HasField("score_threshold") else None,
    )


def _leaf(query: Any) -> Any:
    """What a prefetch without prefetches searches for: to be diverse is left to the level above, as on the server."""
    return edge.Query.Nearest(query.vector, query.using) if isinstance(query, edge.Mmr) else query


def _params(message: Level) -> edge.SearchParams | None:
    return from_params(message.params) if message.HasField("params") else None


def root_filter(request: points.QueryPoints, catalog: Catalog) -> edge.Filter | None:
    """The filter of a query, which does not find the points that it takes vectors from."""
    inner = from_filter(request.filter) if request.HasField("filter") else None
    referred = set(_referred_ids(request, catalog.resolve(request.collection_name), catalog))
    return excluding(referred, inner) if referred else inner


def _referred_ids(level: Level, collection: str, catalog: Catalog) -> Iterator[PointId]:
    """The points of the searched collection that this level and those below take vectors from."""
    if not level.HasField("lookup_from") or catalog.resolve(level.lookup_from.collection_name) == collection:
        yield from (from_point_id(example.id) for example in examples_of(level.query) if example.HasField("id"))
    for prefetch in level.prefetch:
        yield from _referred_ids(prefetch, collection, catalog)
