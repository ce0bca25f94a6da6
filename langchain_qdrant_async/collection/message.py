"""Collections -> request messages, each builder named for the message it builds. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from langchain_qdrant_async.collection.field import VectorField
from langchain_qdrant_async.collection.options import collection_options, vector_options
from langchain_qdrant_async.collection.spec import CollectionSpec, Hnsw, ScalarQuantization
from langchain_qdrant_async.proto import collections, json


def create_collection(
    spec: CollectionSpec, timeout_s: float | None = None, *, metadata: Mapping[str, json.Value] | None = None
) -> collections.CreateCollection:
    """The collection that a spec describes."""
    asked = _described(spec, timeout_s, metadata)
    asked.MergeFrom(collection_options(spec.options))
    return asked


def _described(
    spec: CollectionSpec, timeout_s: float | None, metadata: Mapping[str, json.Value] | None
) -> collections.CreateCollection:
    return collections.CreateCollection(
        collection_name=spec.name,
        vectors_config=_vectors_config(spec.fields),
        sparse_vectors_config=_sparse_vectors_config(spec.fields),
        hnsw_config=hnsw_config_diff(spec.hnsw),
        quantization_config=quantization_config(spec.quantization),
        timeout=None if timeout_s is None else max(1, round(timeout_s)),
        metadata=metadata,
        strict_mode_config=spec.strict_mode,
    )


def _vectors_config(fields: Mapping[str, VectorField]) -> collections.VectorsConfig | None:
    params = {name: _vector_params(each) for name, each in fields.items() if each.kind != "sparse"}
    if params.keys() == {""}:
        return collections.VectorsConfig(params=params[""])
    return collections.VectorsConfig(params_map=collections.VectorParamsMap(map=params)) if params else None


def _vector_params(field: VectorField) -> collections.VectorParams:
    late = collections.MultiVectorConfig(comparator=collections.MultiVectorComparator.MaxSim)
    params = collections.VectorParams(
        size=field.size or 0,
        distance=_DISTANCES[field.distance.value],
        on_disk=field.on_disk,
        multivector_config=late if field.kind == "multi" else None,
    )
    params.MergeFrom(cast("collections.VectorParams", vector_options(field.kind, field.options)))
    return params


def _sparse_vectors_config(fields: Mapping[str, VectorField]) -> collections.SparseVectorConfig | None:
    params = {name: _sparse_params(each) for name, each in fields.items() if each.kind == "sparse"}
    return collections.SparseVectorConfig(map=params) if params else None


def _sparse_params(field: VectorField) -> collections.SparseVectorParams:
    params = collections.SparseVectorParams(modifier=_MODIFIERS[field.idf])
    params.MergeFrom(cast("collections.SparseVectorParams", vector_options(field.kind, field.options)))
    return params


def update_collection(name: str, hnsw: Hnsw) -> collections.UpdateCollection:
    """New parameters of the index of a collection."""
    return collections.UpdateCollection(collection_name=name, hnsw_config=hnsw_config_diff(hnsw))


def update_metadata(name: str, metadata: Mapping[str, json.Value]) -> collections.UpdateCollection:
    """New values of some keys of a collection's metadata; the others stay."""
    return collections.UpdateCollection(collection_name=name, metadata=metadata)


def delete_alias(alias: str) -> collections.ChangeAliases:
    """Let an alias mean nothing."""
    action = collections.AliasOperations(delete_alias=collections.DeleteAlias(alias_name=alias))
    return collections.ChangeAliases(actions=[action])


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


_DISTANCES = {
    "Cosine": collections.Distance.Cosine,
    "Dot": collections.Distance.Dot,
    "Euclid": collections.Distance.Euclid,
    "Manhattan": collections.Distance.Manhattan,
}


_MODIFIERS = {False: None, True: collections.Modifier.Idf}
