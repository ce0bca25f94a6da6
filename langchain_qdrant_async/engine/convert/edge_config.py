"""A collection's configuration -> the engine's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import qdrant_edge as edge

from langchain_qdrant_async.engine.convert.fields import optional
from langchain_qdrant_async.engine.convert.schema import dense_params
from langchain_qdrant_async.proto import collections


def edge_config(config: collections.CollectionConfig) -> edge.EdgeConfig:
    """The whole configuration of a shard.

    One search thread: the engine holds the interpreter's lock, so more would only cost (29-46 % of CPU per query).
    """
    params = config.params
    return edge.EdgeConfig(
        vectors={name: _vector(vector) for name, vector in dense_params(params.vectors_config).items()},
        sparse_vectors={name: _sparse(sparse) for name, sparse in _sparse_params(params).items()},
        on_disk_payload=params.on_disk_payload,
        payload_memory=_memory(params.payload),
        id_tracker_memory=_memory(params.id_tracker),
        hnsw_config=_hnsw(config.hnsw_config, config.hnsw_config),
        quantization_config=_quantization(config),
        optimizers=_optimizers(config.optimizer_config),
        max_search_threads=1,
    )


_PLACEHOLDER = "without vectors"
"""The engine wants a vector space. A collection without one gets this, which no point and no request can name."""


def _sparse_params(params: collections.CollectionParams) -> Mapping[str, collections.SparseVectorParams]:
    named = params.sparse_vectors_config.map
    empty = not named and not dense_params(params.vectors_config)
    return {_PLACEHOLDER: collections.SparseVectorParams()} if empty else named


def _vector(params: collections.VectorParams) -> edge.EdgeVectorParams:
    multi = edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim)
    return edge.EdgeVectorParams(
        params.size,
        getattr(edge.Distance, collections.Distance.Name(params.distance)),
        on_disk=optional(params, "on_disk"),
        multivector_config=multi if params.HasField("multivector_config") else None,
        datatype=_datatype(params),
        quantization_config=_quantization(params),
        hnsw_config=_hnsw(params.hnsw_config, _HNSW) if params.HasField("hnsw_config") else None,
        memory=_memory(params),
    )


def _sparse(params: collections.SparseVectorParams) -> edge.EdgeSparseVectorParams:
    return edge.EdgeSparseVectorParams(
        full_scan_threshold=optional(params.index, "full_scan_threshold"),
        on_disk=optional(params.index, "on_disk"),
        modifier=edge.Modifier.Idf if params.modifier == collections.Idf else None,
        datatype=_datatype(params.index),
        memory=_memory(params.index),
    )


_HNSW = collections.HnswConfigDiff(m=16, ef_construct=100, full_scan_threshold=10_000)


def _hnsw(diff: collections.HnswConfigDiff, base: collections.HnswConfigDiff) -> edge.HnswIndexConfig:
    whole = collections.HnswConfigDiff()
    whole.CopyFrom(base)
    whole.MergeFrom(diff)
    return edge.HnswIndexConfig(
        whole.m,
        whole.ef_construct,
        whole.full_scan_threshold,
        whole.max_indexing_threads,
        on_disk=optional(whole, "on_disk"),
        payload_m=optional(whole, "payload_m"),
        inline_storage=optional(whole, "inline_storage"),
        memory=_memory(whole),
    )


_OPTIMIZER_FIELDS = (
    "deleted_threshold",
    "vacuum_min_vector_number",
    "default_segment_number",
    "max_segment_size",
    "indexing_threshold",
    "prevent_unoptimized",
)


def _optimizers(config: collections.OptimizersConfigDiff) -> edge.EdgeOptimizersConfig:
    return edge.EdgeOptimizersConfig(**{name: optional(config, name) for name in _OPTIMIZER_FIELDS})


def _quantization(owner: collections.CollectionConfig | collections.VectorParams) -> Any:
    kind = owner.quantization_config.WhichOneof("quantization")
    return None if kind is None else _QUANTIZATIONS[kind](getattr(owner.quantization_config, kind))


def _scalar(message: collections.ScalarQuantization) -> edge.ScalarQuantizationConfig:
    quantile = optional(message, "quantile")
    return edge.ScalarQuantizationConfig(edge.ScalarType.Int8, quantile, **_placement(message))


def _product(message: collections.ProductQuantization) -> edge.ProductQuantizationConfig:
    ratio = getattr(edge.CompressionRatio, collections.CompressionRatio.Name(message.compression).upper())
    return edge.ProductQuantizationConfig(ratio, **_placement(message))


def _binary(message: collections.BinaryQuantization) -> edge.BinaryQuantizationConfig:
    return edge.BinaryQuantizationConfig(
        encoding=_named(edge.BinaryQuantizationEncoding, collections.BinaryQuantizationEncoding, message, "encoding"),
        query_encoding=_query_encoding(message),
        **_placement(message),
    )


def _query_encoding(message: collections.BinaryQuantization) -> Any:
    if not message.HasField("query_encoding"):
        return None
    name = collections.BinaryQuantizationQueryEncoding.Setting.Name(message.query_encoding.setting)
    return getattr(edge.BinaryQuantizationQueryEncoding, name)


def _turbo(message: collections.TurboQuantization) -> edge.TurboQuantQuantizationConfig:
    bits = _named(edge.TurboQuantBitSize, collections.TurboQuantBitSize, message, "bits")
    return edge.TurboQuantQuantizationConfig(bits=bits, **_placement(message))


_QUANTIZATIONS: dict[str, Callable[[Any], Any]] = {
    "scalar": _scalar,
    "product": _product,
    "binary": _binary,
    "turboquant": _turbo,
}


def _placement(message: Any) -> dict[str, Any]:
    return {"always_ram": optional(message, "always_ram"), "memory": _memory(message)}


def _datatype(message: Any) -> Any:
    """The storage type of a vector; `Default` is the engine's own choice."""
    return _named(edge.VectorStorageDatatype, collections.Datatype, message, "datatype") if message.datatype else None


def _memory(message: Any) -> Any:
    return _named(edge.Memory, collections.Memory, message, "memory") if message.memory else None


def _named(choices: Any, names: Any, message: Any, field: str) -> Any:
    """The engine's member of the same name as the message's enum value."""
    return getattr(choices, names.Name(getattr(message, field))) if message.HasField(field) else None
