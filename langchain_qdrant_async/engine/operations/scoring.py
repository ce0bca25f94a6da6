"""What one level of a query scores points by, with every point id replaced by its vector.

Source: `lib/collection/src/operations/universal_query/collection_query.rs` of Qdrant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import qdrant_edge as edge

from langchain_qdrant_async.engine.convert.fields import given, member
from langchain_qdrant_async.engine.convert.formulas import from_formula
from langchain_qdrant_async.engine.convert.ids import PointId, from_point_id
from langchain_qdrant_async.engine.convert.orders import from_order
from langchain_qdrant_async.engine.convert.schema import EngineVector, checked, unknown_vector
from langchain_qdrant_async.engine.convert.vectors import from_vector_input
from langchain_qdrant_async.engine.operations.recommendations import average_vector, check_examples
from langchain_qdrant_async.engine.shards.catalog import Catalog
from langchain_qdrant_async.engine.shards.shard import Shard
from langchain_qdrant_async.engine.status import (
    InvalidField,
    absent_point,
    bad_request,
    invalid_field,
    malformed,
    not_found,
    refuse_if_long,
    unimplemented,
)
from langchain_qdrant_async.proto import points

Level = points.QueryPoints | points.PrefetchQuery | points.QueryPointGroups
"""One level of a query: the root, or a prefetch."""

_DEFAULT_RRF_K = 2
_DEFAULT_DIVERSITY = 0.5
_MOST_CANDIDATES = 16_384
_PAIR_S, _COMPONENT_S, _CHOICE_S = 3e-9, 1e-10, 5e-9
"""What MMR takes: each two candidates are compared, by each component, and each choice with those before it."""
_ROWS = 16
"""What a stored multivector is taken to have."""


def scoring_of(level: Level, shard: Shard, catalog: Catalog, limit: int) -> Any:
    """What the engine scores the points of one level by; None: nothing, they come in the order of their ids."""
    _check(level)
    kind = level.query.WhichOneof("variant")
    if kind is None:
        if level.HasField("query"):
            raise malformed("Query variant is missing")
        return None
    return _QUERIES[kind](getattr(level.query, kind), _Scoring(level, shard, catalog, limit))


def examples_of(query: points.Query) -> Iterator[points.VectorInput]:
    """The vectors and the point ids that a query scores by."""
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


def rows_of(example: points.VectorInput) -> int:
    """How many rows a vector of a query has."""
    if example.HasField("id"):
        return _ROWS
    return len(example.multi_dense.vectors) or 1


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
    """The level."""
    shard: Shard
    """What is searched."""
    catalog: Catalog
    """Where other collections are found, that vectors may be taken from."""
    limit: int
    """How many points are wanted."""

    @property
    def using(self) -> str:
        return self.level.using

    def vector(self, example: points.VectorInput) -> EngineVector:
        """The vector that an example gives or refers to."""
        if example.HasField("id"):
            return self._stored(from_point_id(example.id))
        try:
            return checked(self.using, from_vector_input(example), self.shard.schema)
        except InvalidField as refusal:
            raise refusal.of(getattr(example, str(example.WhichOneof("variant")))) from None

    def vectors(self, examples: Any) -> list[EngineVector]:
        return [self.vector(example) for example in examples]

    def pairs(self, context: points.ContextInput) -> list[edge.ContextPair]:
        return [self._pair(pair) for pair in context.pairs]

    def _pair(self, pair: points.ContextInputPair) -> edge.ContextPair:
        _require(pair, "positive", "ContextPair positive is missing")
        _require(pair, "negative", "ContextPair negative is missing")
        return edge.ContextPair(self.vector(pair.positive), self.vector(pair.negative))

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


def _nearest(message: points.VectorInput, scoring: _Scoring) -> edge.Query:
    return edge.Query.Nearest(scoring.vector(message), scoring.using)


def _recommend(message: points.RecommendInput, scoring: _Scoring) -> edge.Query:
    positives, negatives = scoring.vectors(message.positive), scoring.vectors(message.negative)
    build = _STRATEGIES.get(message.strategy)
    if build is None:
        return edge.Query.Nearest(average_vector(positives, negatives), scoring.using)
    check_examples(positives, negatives)
    return build(edge.RecommendQuery(positives, negatives), scoring.using)


_STRATEGIES: dict[int, Callable[[edge.RecommendQuery, str], edge.Query]] = {
    points.BestScore: edge.Query.RecommendBestScore,
    points.SumScores: edge.Query.RecommendSumScores,
}
"""Every other number means the average, as it does on the server."""


def _discover(message: points.DiscoverInput, scoring: _Scoring) -> edge.Query:
    _require(message, "target", "DiscoverInput target is missing")
    _require(message, "context", "DiscoverInput context is missing")
    query = edge.DiscoverQuery(scoring.vector(message.target), scoring.pairs(message.context))
    return edge.Query.Discover(query, scoring.using)


def _context(message: points.ContextInput, scoring: _Scoring) -> edge.Query:
    return edge.Query.Context(edge.ContextQuery(scoring.pairs(message)), scoring.using)


def _feedback(message: points.RelevanceFeedbackInput, scoring: _Scoring) -> edge.Query:
    if not message.strategy.HasField("naive"):
        raise malformed("strategy is missing")
    naive = message.strategy.naive
    if naive.b < 0:
        raise invalid_field("b", f"value {naive.b} invalid, must be 0.0 or larger", naive)
    items = [edge.FeedbackItem(scoring.vector(item.example), item.score) for item in message.feedback]
    strategy = edge.NaiveFeedbackStrategy(naive.a, naive.b, naive.c)
    query = edge.FeedbackNaiveQuery(scoring.vector(message.target), items, strategy)
    return edge.Query.FeedbackNaive(query, scoring.using)


def _fusion(method: int, _: _Scoring) -> Any:
    return member(_FUSIONS, method, "fusion type")()


_FUSIONS: dict[int, Callable[[], Any]] = {
    points.RRF: lambda: edge.Fusion.Rrf(_DEFAULT_RRF_K),
    points.DBSF: edge.Fusion.Dbsf,
}


def _rrf(message: points.Rrf, _: _Scoring) -> Any:
    k = message.k if message.HasField("k") else _DEFAULT_RRF_K
    if k == 0:
        raise invalid_field("k", "value 0 invalid, must be 1 or larger", message)
    return edge.Fusion.Rrf(k, list(message.weights) or None)


def _mmr(message: points.NearestInputWithMmr, scoring: _Scoring) -> edge.Mmr:
    _require(message, "nearest", "nearest vector is missing")
    _require(message, "mmr", "mmr is missing")
    diversity, candidates = _diversity(message.mmr), _candidates(message.mmr, scoring.limit)
    vector = scoring.vector(message.nearest)
    _check_diversity(scoring, rows_of(message.nearest), candidates)
    if isinstance(vector, edge.SparseVector):
        raise unimplemented("MMR on a sparse vector is not supported by the embedded Qdrant service")
    return edge.Mmr(vector, 1.0 - diversity, candidates, scoring.using)


def _check_diversity(scoring: _Scoring, rows: int, candidates: int) -> None:
    """Raise for a choice that would keep the engine busy for long."""
    points_count = scoring.shard.size.points
    components = rows * scoring.shard.schema[scoring.using].size if scoring.using in scoring.shard.schema else 0
    among = min(candidates, points_count)
    chosen = min(scoring.limit, among)
    seconds = among * among * (_PAIR_S + components * _COMPONENT_S) + chosen * chosen * among * _CHOICE_S
    refuse_if_long(seconds, "ask for fewer points or candidates")


def _diversity(mmr: points.Mmr) -> float:
    diversity = mmr.diversity if mmr.HasField("diversity") else _DEFAULT_DIVERSITY
    if not 0.0 <= diversity <= 1.0:
        raise invalid_field("diversity", f"value {diversity} invalid, must be from 0.0 to 1.0", mmr)
    return diversity


def _candidates(mmr: points.Mmr, limit: int) -> int:
    if mmr.candidates_limit > _MOST_CANDIDATES:
        problem = f"value {mmr.candidates_limit} invalid, must be {_MOST_CANDIDATES} or smaller"
        raise invalid_field("candidates_limit", problem, mmr)
    return mmr.candidates_limit if mmr.HasField("candidates_limit") else limit


_SAMPLES: dict[int, Any] = {points.Random: edge.Sample.Random}


def _require(message: Any, field: str, complaint: str) -> None:
    if not message.HasField(field):
        raise malformed(complaint)


def _text(message: points.TextQuery, scoring: _Scoring) -> edge.TextQuery:
    bm25 = edge.Bm25Params(**given(message.bm25)) if message.HasField("bm25") else None
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
    "sample": lambda number, _: member(_SAMPLES, number, "sample type"),
    "formula": lambda message, _: from_formula(message),
    "text": _text,
}
