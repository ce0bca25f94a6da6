"""Queries on the wire -> the engine's, with every point id replaced by its vector.

The engine has no queries by id. A query is read twice: first for the ids that it refers to, which must not come back
as results, then to be built.

Source: `lib/collection/src/operations/universal_query/collection_query.rs` of Qdrant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import qdrant_edge as edge

from langchain_qdrant_async.engine.convert.filters import excluding, from_filter
from langchain_qdrant_async.engine.convert.formulas import from_formula
from langchain_qdrant_async.engine.convert.hits import payload_selector, vectors_selector
from langchain_qdrant_async.engine.convert.ids import PointId, from_point_id
from langchain_qdrant_async.engine.convert.vectors import EngineVector, checked, from_vector_input, unknown_vector
from langchain_qdrant_async.engine.operations.recommendations import average_vector, check_examples
from langchain_qdrant_async.engine.shards.catalog import Catalog
from langchain_qdrant_async.engine.shards.shard import Shard
from langchain_qdrant_async.engine.status import (
    absent_point,
    bad_request,
    invalid_field,
    malformed,
    not_found,
    unimplemented,
)
from langchain_qdrant_async.proto import points

Level = points.QueryPoints | points.PrefetchQuery | points.QueryPointGroups
"""One level of a query: the root, or a prefetch."""

_DEFAULT_LIMIT = 10
_DEFAULT_RRF_K = 2
_DEFAULT_DIVERSITY = 0.5


def from_query_points(request: points.QueryPoints, catalog: Catalog) -> edge.QueryRequest:
    """A whole query, for the shard of `request.collection_name`."""
    shard = catalog.shard(request.collection_name)
    limit = limit_of(request)
    return edge.QueryRequest(
        limit=limit,
        offset=request.offset,
        query=_scoring(request, shard, catalog, limit),
        prefetches=_prefetches(request, shard, catalog),
        with_vector=vectors_selector(request.with_vectors),
        with_payload=payload_selector(request.with_payload, default=False),
        filter=_root_filter(request, catalog),
        score_threshold=request.score_threshold if request.HasField("score_threshold") else None,
        params=from_params(request.params) if request.HasField("params") else None,
    )


def limit_of(request: Any, default: int = _DEFAULT_LIMIT) -> int:
    """How many points are wanted."""
    if not request.HasField("limit"):
        return default
    if request.limit == 0:
        raise invalid_field("limit", "value 0 invalid, must be 1 or larger")
    return int(request.limit)


def from_params(message: points.SearchParams) -> edge.SearchParams:
    """How to search."""
    given = {field.name: value for field, value in message.ListFields()}
    return edge.SearchParams(**{name: _PARAMS.get(name, _plain)(value) for name, value in given.items()})


def from_order(message: points.OrderBy) -> edge.OrderBy:
    """An order by payload field."""
    direction = edge.Direction.Desc if message.direction == points.Desc else edge.Direction.Asc
    return edge.OrderBy(message.key, direction, _start_from(message.start_from))


def _plain(value: Any) -> Any:
    return value


def _fields(message: Any) -> dict[str, Any]:
    return {field.name: value for field, value in message.ListFields()}


_PARAMS: dict[str, Callable[[Any], Any]] = {
    "quantization": lambda message: edge.QuantizationSearchParams(**_fields(message)),
    "acorn": lambda message: edge.AcornSearchParams(**_fields(message)),
    "idf": lambda message: edge.IdfParams(from_filter(message.corpus) if message.HasField("corpus") else None),
}


def _start_from(message: points.StartFrom) -> Any:
    kind = message.WhichOneof("value")
    if kind is None:
        return None
    value = getattr(message, kind)
    return value.ToJsonString() if kind == "timestamp" else value


def _prefetches(level: Level, shard: Shard, catalog: Catalog) -> list[edge.Prefetch] | None:
    return [_prefetch(prefetch, shard, catalog) for prefetch in level.prefetch] or None


def _prefetch(message: points.PrefetchQuery, shard: Shard, catalog: Catalog) -> edge.Prefetch:
    limit = limit_of(message)
    return edge.Prefetch(
        limit=limit,
        query=_scoring(message, shard, catalog, limit),
        prefetches=_prefetches(message, shard, catalog),
        params=from_params(message.params) if message.HasField("params") else None,
        filter=from_filter(message.filter) if message.HasField("filter") else None,
        score_threshold=message.score_threshold if message.HasField("score_threshold") else None,
    )


def _root_filter(request: points.QueryPoints, catalog: Catalog) -> edge.Filter | None:
    inner = from_filter(request.filter) if request.HasField("filter") else None
    referred = set(_referred_ids(request, catalog.resolve(request.collection_name), catalog))
    return excluding(referred, inner) if referred else inner


def _referred_ids(level: Level, collection: str, catalog: Catalog) -> Iterator[PointId]:
    """The points of the searched collection that this level and those below take vectors from."""
    if not level.HasField("lookup_from") or catalog.resolve(level.lookup_from.collection_name) == collection:
        yield from (from_point_id(example.id) for example in _examples(level.query) if example.HasField("id"))
    for prefetch in level.prefetch:
        yield from _referred_ids(prefetch, collection, catalog)


def _examples(query: points.Query) -> Iterator[points.VectorInput]:
    kind = query.WhichOneof("variant")
    find = _EXAMPLES.get(kind or "")
    if find is not None:
        yield from find(query)


_EXAMPLES: dict[str, Callable[[points.Query], list[points.VectorInput]]] = {
    "nearest": lambda query: [query.nearest],
    "nearest_with_mmr": lambda query: [query.nearest_with_mmr.nearest],
    "recommend": lambda query: [*query.recommend.positive, *query.recommend.negative],
    "discover": lambda query: [query.discover.target, *_sides(query.discover.context)],
    "context": lambda query: _sides(query.context),
    "relevance_feedback": lambda query: [
        query.relevance_feedback.target,
        *(item.example for item in query.relevance_feedback.feedback),
    ],
}


def _sides(context: points.ContextInput) -> list[points.VectorInput]:
    return [side for pair in context.pairs for side in (pair.positive, pair.negative)]


def _check(level: Level) -> None:
    """Refuse what the server refuses: parts that exclude each other."""
    kind = level.query.WhichOneof("variant")
    if level.prefetch and kind is None:
        raise bad_request("A query is needed to merge the prefetches. Can't have prefetches without defining a query.")
    if level.HasField("score_threshold"):
        _check_threshold(kind)
    if kind in {"fusion", "rrf"} and level.using:
        raise bad_request("Fusion queries cannot be combined with the 'using' field.")


def _check_threshold(kind: str | None) -> None:
    if kind is None:
        raise bad_request(
            "A query is needed to use the score_threshold. Can't have score_threshold without defining a query."
        )
    if kind == "order_by":
        raise bad_request("Can't use score_threshold with an order_by query.")


@dataclass(frozen=True, slots=True)
class _Scoring:
    """What building one level's query takes."""

    level: Level
    shard: Shard
    catalog: Catalog
    limit: int

    @property
    def using(self) -> str:
        return self.level.using

    def vector(self, example: points.VectorInput) -> EngineVector:
        """The vector that an example gives or refers to."""
        if example.HasField("id"):
            return self._stored(from_point_id(example.id))
        return checked(self.using, from_vector_input(example), self.shard.schema)

    def vectors(self, examples: Any) -> list[EngineVector]:
        return [self.vector(example) for example in examples]

    def pairs(self, context: points.ContextInput) -> list[edge.ContextPair]:
        return [edge.ContextPair(self.vector(pair.positive), self.vector(pair.negative)) for pair in context.pairs]

    def _stored(self, point_id: PointId) -> EngineVector:
        shard, name = self._source()
        if name not in shard.schema:
            raise unknown_vector(name)
        found = shard.vectors([point_id], name)
        if point_id not in found:
            raise absent_point(point_id)
        if name not in found[point_id]:
            raise not_found(f'Vector with name "{name}" for point not found')
        return found[point_id][name]

    def _source(self) -> tuple[Shard, str]:
        if not self.level.HasField("lookup_from"):
            return self.shard, self.using
        lookup = self.level.lookup_from
        name = lookup.vector_name if lookup.HasField("vector_name") else self.using
        return self.catalog.lookup(lookup.collection_name), name


def _scoring(level: Level, shard: Shard, catalog: Catalog, limit: int) -> Any:
    _check(level)
    kind = level.query.WhichOneof("variant")
    if kind is None:
        if level.HasField("query"):
            raise malformed("Query variant is missing")
        return None
    return _QUERIES[kind](getattr(level.query, kind), _Scoring(level, shard, catalog, limit))


def _nearest(message: points.VectorInput, scoring: _Scoring) -> edge.Query:
    return edge.Query.Nearest(scoring.vector(message), scoring.using)


def _recommend(message: points.RecommendInput, scoring: _Scoring) -> edge.Query:
    positives, negatives = scoring.vectors(message.positive), scoring.vectors(message.negative)
    if message.strategy == points.AverageVector:
        return edge.Query.Nearest(average_vector(positives, negatives), scoring.using)
    check_examples(positives, negatives)
    build = {
        points.BestScore: edge.Query.RecommendBestScore,
        points.SumScores: edge.Query.RecommendSumScores,
    }[message.strategy]
    return build(edge.RecommendQuery(positives, negatives), scoring.using)


def _discover(message: points.DiscoverInput, scoring: _Scoring) -> edge.Query:
    query = edge.DiscoverQuery(scoring.vector(message.target), scoring.pairs(message.context))
    return edge.Query.Discover(query, scoring.using)


def _context(message: points.ContextInput, scoring: _Scoring) -> edge.Query:
    return edge.Query.Context(edge.ContextQuery(scoring.pairs(message)), scoring.using)


def _feedback(message: points.RelevanceFeedbackInput, scoring: _Scoring) -> edge.Query:
    if not message.strategy.HasField("naive"):
        raise malformed("Feedback strategy is missing")
    naive = message.strategy.naive
    items = [edge.FeedbackItem(scoring.vector(item.example), item.score) for item in message.feedback]
    strategy = edge.NaiveFeedbackStrategy(naive.a, naive.b, naive.c)
    query = edge.FeedbackNaiveQuery(scoring.vector(message.target), items, strategy)
    return edge.Query.FeedbackNaive(query, scoring.using)


def _fusion(method: int, _: _Scoring) -> Any:
    return edge.Fusion.Dbsf() if method == points.DBSF else edge.Fusion.Rrf(_DEFAULT_RRF_K)


def _rrf(message: points.Rrf, _: _Scoring) -> Any:
    k = message.k if message.HasField("k") else _DEFAULT_RRF_K
    if k == 0:
        raise invalid_field("k", "value 0 invalid, must be 1 or larger")
    return edge.Fusion.Rrf(k, list(message.weights) or None)


def _mmr(message: points.NearestInputWithMmr, scoring: _Scoring) -> edge.Mmr:
    mmr = message.mmr
    diversity = mmr.diversity if mmr.HasField("diversity") else _DEFAULT_DIVERSITY
    if not 0.0 <= diversity <= 1.0:
        raise invalid_field("diversity", f"value {diversity} invalid, must be from 0.0 to 1.0")
    vector = scoring.vector(message.nearest)
    if isinstance(vector, edge.SparseVector):
        raise unimplemented("MMR on a sparse vector is not supported by the embedded Qdrant service")
    candidates = mmr.candidates_limit if mmr.HasField("candidates_limit") else scoring.limit
    return edge.Mmr(vector, 1.0 - diversity, candidates, scoring.using)


def _text(message: points.TextQuery, scoring: _Scoring) -> edge.TextQuery:
    bm25 = edge.Bm25Params(**_fields(message.bm25)) if message.HasField("bm25") else None
    return edge.TextQuery(scoring.using, message.query, bm25)


_QUERIES: dict[str, Callable[[Any, _Scoring], Any]] = {
    "nearest": _nearest,
    "nearest_with_mmr": _mmr,
    "recommend": _recommend,
    "discover": _discover,
    "context": _context,
    "relevance_feedback": _feedback,
    "order_by": lambda message, _: from_order(message),
    "fusion": _fusion,
    "rrf": _rrf,
    "sample": lambda _, __: edge.Sample.Random,
    "formula": lambda message, _: from_formula(message),
    "text": _text,
}
