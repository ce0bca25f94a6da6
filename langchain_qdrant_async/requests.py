"""Builders of request messages, each named for the message it builds. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np

from langchain_qdrant_async.config import CollectionSpec, Hnsw, Layout, ScalarQuantization
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.proto import collections, common, json, points

Consistency: TypeAlias = int | Literal["all", "majority", "quorum"] | points.ReadConsistency
Ordering: TypeAlias = Literal["weak", "medium", "strong"] | points.WriteOrdering

M = TypeVar("M")

MOST = 2**31
"""What no count comes near; every field of Qdrant's messages holds it."""


@dataclass(frozen=True, slots=True)
class Search:
    """What a search asks for besides its vector."""

    k: int = 4
    """How many points, at least 1."""
    filter: common.Filter | None = None
    """Which points may be found."""
    params: points.SearchParams | None = None
    """How the index is searched: `hnsw_ef`, `exact`, quantisation."""
    offset: int = 0
    """How many of the best to leave out."""
    score_threshold: float | None = None
    """Worst score to return: a lower bound, or an upper one for Euclid and Manhattan."""
    consistency: points.ReadConsistency | None = None
    """How many replicas must agree."""

    def __post_init__(self) -> None:
        whole_number("k", self.k, at_least=1)
        whole_number("offset", self.offset, at_least=0)
        given = self.score_threshold
        if given is not None and (isinstance(given, bool) or not isinstance(given, int | float | np.number)):
            raise InvalidInput(f"score_threshold must be a number, not {given!r}")


@dataclass(frozen=True, slots=True)
class Diversity:
    """How unlike each other the documents of a maximal-marginal-relevance search are to be.

    LangChain's `lambda_mult` is 1 for the least diversity and 0 for the most; Qdrant's `diversity` is its opposite.

    Source: Qdrant `collection_query.rs`: `lambda = 1 - diversity`.
    """

    fetch_k: int
    """How many candidates to choose from; never fewer than are to be returned."""
    lambda_mult: float
    """0 for the most diversity, 1 for none."""

    def __post_init__(self) -> None:
        whole_number("fetch_k", self.fetch_k, at_least=1)
        given = self.lambda_mult
        if isinstance(given, bool) or not isinstance(given, int | float | np.number) or not 0 <= given <= 1:
            raise InvalidInput(f"lambda_mult must be between 0 (most diverse) and 1 (least diverse), not {given!r}")


def whole_number(name: str, value: object, *, at_least: int) -> int:
    """The value, when it is a whole number that is large enough, numpy's among them.

    Raises:
        InvalidInput: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < at_least:
        raise InvalidInput(f"{name} must be a whole number, {at_least} or more, not {value!r}")
    if value >= MOST:
        raise InvalidInput(f"{name} must be below {MOST:,}, not {value!r}")
    return int(value)


def query_points(collection: str, vector: points.DenseVector, search: Search, layout: Layout) -> points.QueryPoints:
    """The nearest points of a vector, with payload and without vectors."""
    return _query_points(collection, points.Query(nearest=points.VectorInput(dense=vector)), search, layout)


def mmr_query_points(
    collection: str, vector: points.DenseVector, search: Search, layout: Layout, diversity: Diversity
) -> points.QueryPoints:
    """Points near a vector and unlike each other, chosen by the server."""
    mmr = points.Mmr(diversity=1 - diversity.lambda_mult, candidates_limit=max(diversity.fetch_k, search.k))
    nearest = points.NearestInputWithMmr(nearest=points.VectorInput(dense=vector), mmr=mmr)
    return _query_points(collection, points.Query(nearest_with_mmr=nearest), search, layout)


def _query_points(collection: str, query: points.Query, search: Search, layout: Layout) -> points.QueryPoints:
    return points.QueryPoints(
        collection_name=collection,
        query=query,
        using=layout.vector_name or None,
        filter=search.filter,
        params=search.params,
        score_threshold=search.score_threshold,
        limit=search.k,
        offset=search.offset or None,
        with_payload=points.WithPayloadSelector(enable=True),
        read_consistency=search.consistency,
    )


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


def point_struct(
    point_id: common.PointId, vector: points.DenseVector, payload: Mapping[str, Any], layout: Layout
) -> points.PointStruct:
    """One point with its one vector."""
    value = points.Vector(dense=vector)
    named = points.NamedVectors(vectors={layout.vector_name: value}) if layout.vector_name else None
    vectors = points.Vectors(vectors=named) if named else points.Vectors(vector=value)
    return points.PointStruct(id=point_id, vectors=vectors, payload=payload)


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


def create_collection(
    spec: CollectionSpec, timeout_s: float | None = None, *, metadata: Mapping[str, json.Value] | None = None
) -> collections.CreateCollection:
    """The collection that a spec describes."""
    vector = collections.VectorParams(
        size=spec.dimension, distance=_DISTANCES[spec.distance.value], on_disk=spec.vectors_on_disk
    )
    name = spec.layout.vector_name
    return collections.CreateCollection(
        collection_name=spec.name,
        vectors_config=collections.VectorsConfig(params_map=collections.VectorParamsMap(map={name: vector}))
        if name
        else collections.VectorsConfig(params=vector),
        hnsw_config=hnsw_config_diff(spec.hnsw),
        quantization_config=quantization_config(spec.quantization),
        timeout=None if timeout_s is None else max(1, round(timeout_s)),
        metadata=metadata,
    )


def update_collection(name: str, hnsw: Hnsw) -> collections.UpdateCollection:
    """New parameters of the index of a collection."""
    return collections.UpdateCollection(collection_name=name, hnsw_config=hnsw_config_diff(hnsw))


def change_aliases(alias: str, name: str, *, replace: bool) -> collections.ChangeAliases:
    """Let an alias mean a collection; `replace` takes it from the one that it means now, in the same step."""
    old = collections.AliasOperations(delete_alias=collections.DeleteAlias(alias_name=alias))
    new = collections.AliasOperations(create_alias=collections.CreateAlias(collection_name=name, alias_name=alias))
    return collections.ChangeAliases(actions=[old, new] if replace else [new])


def hnsw_config_diff(hnsw: Hnsw) -> collections.HnswConfigDiff | None:
    """The parameters that were given; None when none were."""
    diff = collections.HnswConfigDiff(
        m=hnsw.m,
        ef_construct=hnsw.ef_construct,
        full_scan_threshold=hnsw.full_scan_threshold,
        on_disk=hnsw.on_disk,
    )
    return diff if diff.ByteSize() else None


def quantization_config(
    quantization: ScalarQuantization | collections.QuantizationConfig | None,
) -> collections.QuantizationConfig | None:
    """Int8 scalar quantisation, or what came as Qdrant's own message."""
    if not isinstance(quantization, ScalarQuantization):
        return quantization
    scalar = collections.ScalarQuantization(
        type=collections.QuantizationType.Int8, quantile=quantization.quantile, always_ram=quantization.always_ram
    )
    return collections.QuantizationConfig(scalar=scalar)


def create_field_index(collection: str, key: str, kind: str) -> points.CreateFieldIndexCollection:
    """A payload index, built when the answer comes."""
    return points.CreateFieldIndexCollection(
        collection_name=collection, field_name=key, field_type=_FIELD_TYPES[kind], wait=True
    )


def search_params(given: Any) -> points.SearchParams | None:
    """Search parameters: Qdrant's message, or the model of the same name of qdrant-client's REST half.

    Raises:
        InvalidInput: it is neither.
    """
    if given is None or isinstance(given, points.SearchParams):
        return given
    if type(given).__name__ == "SearchParams":
        from qdrant_client.conversions.conversion import RestToGrpc

        return RestToGrpc.convert_search_params(given)
    raise InvalidInput(f"search_params must be a SearchParams, not {type(given).__name__}")


def read_consistency(given: object) -> points.ReadConsistency | None:
    """How many replicas must agree on a read: a number of them, `"all"`, `"majority"`, `"quorum"`, or the message.

    Raises:
        InvalidInput: it is none of these.
    """
    if given is None or isinstance(given, points.ReadConsistency):
        return given
    if isinstance(given, int) and not isinstance(given, bool) and given > 0:
        return points.ReadConsistency(factor=given)
    name = str(getattr(given, "value", given))
    if name not in _CONSISTENCIES:
        raise InvalidInput(
            f"consistency must be a number of replicas or one of {', '.join(_CONSISTENCIES)}, not {given!r}"
        )
    return points.ReadConsistency(type=_CONSISTENCIES[name])


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


_DISTANCES = {
    "Cosine": collections.Distance.Cosine,
    "Dot": collections.Distance.Dot,
    "Euclid": collections.Distance.Euclid,
    "Manhattan": collections.Distance.Manhattan,
}

_FIELD_TYPES = {
    "keyword": points.FieldType.FieldTypeKeyword,
    "integer": points.FieldType.FieldTypeInteger,
    "float": points.FieldType.FieldTypeFloat,
    "bool": points.FieldType.FieldTypeBool,
    "datetime": points.FieldType.FieldTypeDatetime,
    "text": points.FieldType.FieldTypeText,
    "geo": points.FieldType.FieldTypeGeo,
    "uuid": points.FieldType.FieldTypeUuid,
}

_CONSISTENCIES = {
    "all": points.ReadConsistencyType.All,
    "majority": points.ReadConsistencyType.Majority,
    "quorum": points.ReadConsistencyType.Quorum,
}

_ORDERINGS = {
    "weak": points.WriteOrderingType.Weak,
    "medium": points.WriteOrderingType.Medium,
    "strong": points.WriteOrderingType.Strong,
}
