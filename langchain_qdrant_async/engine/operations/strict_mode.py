"""Strict mode: what a collection refuses to do, in a server's order and words. Pure.

Source: `lib/collection/src/operations/verification` of Qdrant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sized
from typing import Any

from langchain_qdrant_async.engine.convert.fields import given
from langchain_qdrant_async.engine.convert.schema import dense_params
from langchain_qdrant_async.engine.operations.groups import group_size_of
from langchain_qdrant_async.engine.operations.matrices import sizes_of
from langchain_qdrant_async.engine.operations.queries import limit_of
from langchain_qdrant_async.engine.operations.required_indexes import Indexes, unindexed_in_filter, unindexed_in_formula
from langchain_qdrant_async.engine.shards.shard import Shard
from langchain_qdrant_async.engine.status import Refusal, bad_request, unimplemented
from langchain_qdrant_async.proto import collections, common, points

_UNKNOWN = (
    "read_rate_limit",
    "write_rate_limit",
    "max_collection_vector_size_bytes",
    "max_collection_payload_size_bytes",
    "max_resident_memory_percent",
)


def check_configuration(config: collections.StrictModeConfig) -> None:
    """Raise if strict mode is to limit what the engine does not measure: rates, and sizes in bytes."""
    for name in given(config).keys() & set(_UNKNOWN) if config.enabled else ():
        raise unimplemented(f"strict_mode_config.{name} is not supported by the embedded Qdrant service")


def admit(shard: Shard, request: Any) -> None:
    """Raise if the collection's strict mode refuses a request."""
    config = shard.stored.config.strict_mode_config
    if config.enabled:
        _StrictMode(shard, config).check(request)


class _StrictMode:
    """The strict mode of a collection, as it is at this moment."""

    def __init__(self, shard: Shard, config: collections.StrictModeConfig) -> None:
        self._shard = shard
        self._config = config
        self._limits: dict[str, Any] = given(config)

    def check(self, request: Any) -> None:
        if "timeout" in request.DESCRIPTOR.fields_by_name and request.HasField("timeout"):
            self._check_limit("max_timeout", request.timeout, "timeout")
        check = _CHECKS.get(request.DESCRIPTOR.name)
        if check is not None:
            check(self, request)

    def query(self, request: points.QueryPoints | points.PrefetchQuery, *, rescored: bool = True) -> None:
        """A query at any level.

        Args:
            request: the query.
            rescored: whether it may scan everything that a prefetch has found.
        """
        for prefetch in request.prefetch:
            self.query(prefetch, rescored=False)
        self._check_query(request, may_scan=rescored and len(request.prefetch) > 0)
        self._check_found(request, limit_of(request))

    def batch(self, request: points.QueryBatchPoints) -> None:
        """Several queries."""
        self._check_limit("search_max_batchsize", len(request.query_points), "search batch size")
        for query in request.query_points:
            self.check(query)

    def groups(self, request: points.QueryPointGroups) -> None:
        """A grouped query. Its prefetches are not looked at, as on a server."""
        self._check_query(request, may_scan=len(request.prefetch) > 0)
        if self._refuses("unindexed_filtering_retrieve"):
            self._check_grouping(request.group_by)
        self._check_found(request, limit_of(request) * group_size_of(request))

    def matrix(self, request: points.SearchMatrixPoints) -> None:
        """Distances within a sample."""
        sample, neighbours = sizes_of(request)
        self._check_found(request, sample * neighbours)

    def listing(self, request: points.ScrollPoints | points.FacetCounts) -> None:
        """Points or values that a filter selects."""
        self._check_found(request, limit_of(request))

    def count(self, request: points.CountPoints) -> None:
        """How many a filter selects."""
        self._check_filter(request, "unindexed_filtering_retrieve")
        self._check_exact(exact=request.exact if request.HasField("exact") else True)

    def insertion(self, request: Any) -> None:
        """Points with their vectors."""
        self._insertion(request, "upsert limit")

    def vectors(self, request: Any) -> None:
        """Vectors of points."""
        self._insertion(request, "update limit")

    def selection(self, request: Any) -> None:
        """A change of points that are selected."""
        selector = request.points if request.DESCRIPTOR.name in _BY_POINTS else request.points_selector
        if selector.HasField("filter"):
            self._check_filter(selector, "unindexed_filtering_update")

    def index(self, request: points.CreateFieldIndexCollection) -> None:
        """One more payload index."""
        schema = self._shard.engine.info().payload_schema
        most = self._limits.get("max_payload_index_count")
        if most is not None and request.field_name not in schema and len(schema) >= most:
            raise _refusal(
                f"Collection already has the maximum number of payload indices ({most})",
                "Please delete an existing index before creating a new one.",
            )

    # ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _insertion(self, request: Any, name: str) -> None:
        self._check_limit("upsert_max_batchsize", len(request.points), name)
        most = self._limits.get("max_points_count")
        if most is not None and self._shard.engine.info().points_count >= most:
            raise bad_request(f"Max points count limit of {most} reached!")
        sparse = _mosts(self._config.sparse_config.sparse_config, "max_length")
        rows = _mosts(self._config.multivector_config.multivector_config, "max_vectors")
        if sparse or rows:
            for point in request.points:
                _check_sizes(point.vectors, rows, sparse)

    def _check_found(self, request: Any, limit: int) -> None:
        self._check_limit("max_query_limit", limit, "limit")
        self._check_filter(request, "unindexed_filtering_retrieve")
        if "params" in request.DESCRIPTOR.fields_by_name and request.HasField("params"):
            self._check_params(request.params)

    def _check_params(self, params: points.SearchParams) -> None:
        quantization = params.quantization
        if quantization.HasField("oversampling"):
            self._check_limit("search_max_oversampling", quantization.oversampling, "oversampling")
        if params.HasField("hnsw_ef"):
            self._check_limit("search_max_hnsw_ef", params.hnsw_ef, "hnsw_ef")
        self._check_exact(exact=params.exact)

    def _check_exact(self, *, exact: bool) -> None:
        if exact and self._refuses("search_allow_exact"):
            raise _refusal("Exact search disabled!", "Set exact=false.")

    def _check_query(self, request: Any, *, may_scan: bool) -> None:
        if not may_scan and self._refuses("search_allow_exact"):
            self._check_scan(request)
        if request.query.HasField("formula") and self._refuses("unindexed_filtering_retrieve"):
            lacking = unindexed_in_formula(request.query.formula.expression, self._indexes)
            self._check_indexed(lacking, "use a different formula expression")

    def _check_scan(self, request: Any) -> None:
        """Raise if vectors would be compared one by one, because none of them are indexed.

        The embedded engine has no index for each tenant (`payload_m`), so no filter makes up for it.
        """
        variant = request.query.WhichOneof("variant")
        params = dense_params(self._shard.stored.config.params.vectors_config).get(request.using)
        if variant in _WITHOUT_VECTORS or params is None:
            return
        edges = params.hnsw_config.m if params.hnsw_config.HasField("m") else self._shard.stored.config.hnsw_config.m
        if not edges:
            on = f" on '{request.using}'" if request.using else ""
            raise _refusal(
                f"Request is forbidden{on} because global vector indexing is disabled (hnsw_config.m = 0)",
                "Use tenant-specific filter, enable global vector indexing or enable strict mode `search_allow_exact`"
                " option",
            )

    def _check_grouping(self, key: str) -> None:
        kind = self._indexes.kinds.get(key)
        if kind is None:
            raise _refusal(f'Index required but not found for "{key}"', _GROUPABLE)
        if kind not in {"keyword", "integer", "uuid", "bool"}:
            raise _refusal(f'Index of type "{kind.capitalize()}" found for "{key}"', _GROUPABLE)

    def _check_filter(self, request: Any, permission: str) -> None:
        if not request.HasField("filter"):
            return
        if self._refuses(permission):
            self._check_indexed(unindexed_in_filter(request.filter, self._indexes), "use a different filter")
        _check_bound(self._limits.get("filter_max_conditions"), _amount(request.filter), _MANY)
        _check_bound(self._limits.get("condition_max_size"), _largest(request.filter), _LARGE)

    def _check_indexed(self, lacking: tuple[str, Iterable[str]] | None, otherwise: str) -> None:
        if lacking is not None:
            key, kinds = lacking
            raise _refusal(
                f'Index required but not found for "{key}" of one of the following types: [{", ".join(kinds)}]',
                f"Create an index for this key or {otherwise}.",
            )

    def _check_limit(self, setting: str, value: float, name: str) -> None:
        most = self._limits.get(setting)
        if most is not None and value > most:
            raise _refusal(
                f'Limit exceeded {value:g} > {most:g} for "{name}"',
                f'Reduce the "{name}" parameter to or below {most:g}.',
            )

    def _refuses(self, permission: str) -> bool:
        return self._limits.get(permission) is False

    @property
    def _indexes(self) -> Indexes:
        return Indexes.of(self._shard.engine.info().payload_schema, self._shard.stored.indexes)


_Check = Callable[[_StrictMode, Any], None]
_CHECKS: dict[str, _Check] = {
    "QueryPoints": _StrictMode.query,
    "QueryBatchPoints": _StrictMode.batch,
    "QueryPointGroups": _StrictMode.groups,
    "SearchMatrixPoints": _StrictMode.matrix,
    "ScrollPoints": _StrictMode.listing,
    "FacetCounts": _StrictMode.listing,
    "CountPoints": _StrictMode.count,
    **dict.fromkeys(("UpsertPoints", "PointStructList"), _StrictMode.insertion),
    **dict.fromkeys(("UpdatePointVectors", "UpdateVectors"), _StrictMode.vectors),
    **dict.fromkeys(("SetPayloadPoints", "DeletePayloadPoints", "DeletePointVectors"), _StrictMode.selection),
    **dict.fromkeys(("SetPayload", "OverwritePayload", "DeletePayload", "DeleteVectors"), _StrictMode.selection),
    **dict.fromkeys(("DeletePoints", "ClearPayloadPoints", "ClearPayload"), _StrictMode.selection),
    "CreateFieldIndexCollection": _StrictMode.index,
}
"""By the name of the message: those of a batch have names of their own."""
_BY_POINTS = frozenset(("DeletePoints", "ClearPayloadPoints", "ClearPayload"))
"""Messages whose selector is called `points`."""
_WITHOUT_VECTORS = frozenset((None, "fusion", "rrf", "order_by", "formula", "sample"))
_GROUPABLE = "Create an index supporting `match` for this key."
_MANY = ("Filter condition", "Reduce the amount of conditions of your filter.")
_LARGE = ("Condition size", "Reduce the size of your condition.")


def _refusal(problem: str, help_text: str) -> Refusal:
    return bad_request(f"{problem}. Help: {help_text}")


def _check_bound(most: int | None, amount: int, said: tuple[str, str]) -> None:
    if most is not None and amount > most:
        raise _refusal(f"{said[0]} limit reached ({amount} > {most})", said[1])


def _amount(message: common.Filter) -> int:
    """How many conditions there are, at all levels."""
    return sum(1 if inner is None else _amount(inner) for _, inner in _conditions(message))


def _largest(message: common.Filter) -> int:
    """The most values that one condition compares with."""
    sizes = (_values(each) if inner is None else _largest(inner) for each, inner in _conditions(message))
    return max(sizes, default=0)


def _conditions(message: common.Filter) -> Iterable[tuple[common.Condition, common.Filter | None]]:
    """The conditions, each with the filter that it is, if it is one."""
    for group in (message.must, message.must_not, message.should, message.min_should.conditions):
        for each in group:
            kind = each.WhichOneof("condition_one_of")
            inner = {"filter": each.filter, "nested": each.nested.filter}.get(kind or "")
            yield each, inner


def _values(condition: common.Condition) -> int:
    if condition.HasField("has_id"):
        return len(condition.has_id.has_id)
    match = condition.field.match
    kind = match.WhichOneof("match_value")
    if kind in {"keywords", "except_keywords"}:
        return len(getattr(match, kind).strings)
    return len(getattr(match, kind).integers) if kind in {"integers", "except_integers"} else 0


def _mosts(configs: Any, name: str) -> dict[str, int]:
    return {vector: getattr(each, name) for vector, each in configs.items() if each.HasField(name)}


def _check_sizes(vectors: points.Vectors, rows: dict[str, int], sparse: dict[str, int]) -> None:
    named = dict(vectors.vectors.vectors) or {"": vectors.vector}
    for name, vector in named.items():
        _check_vector(name, vector.sparse.indices, sparse, ("Sparse vector", "indices"))
        _check_vector(name, vector.multi_dense.vectors, rows, ("Multivector", "vectors"))


def _check_vector(name: str, parts: Sized, mosts: dict[str, int], said: tuple[str, str]) -> None:
    if len(parts) > mosts.get(name, len(parts)):
        raise bad_request(f"{said[0]} '{name}' has a limit of {mosts[name]} {said[1]}, but {len(parts)} were provided!")
