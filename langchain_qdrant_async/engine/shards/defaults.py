"""A collection's configuration with every default spelled out, as a Qdrant server reports it.

Source: `config/config.yaml` of Qdrant v1.19. Clients rely on these fields being there.
"""

from __future__ import annotations

from langchain_qdrant_async.engine.status import unimplemented
from langchain_qdrant_async.proto import collections

Config = collections.CollectionConfig

_HNSW = collections.HnswConfigDiff(
    m=16, ef_construct=100, full_scan_threshold=10_000, max_indexing_threads=0, on_disk=False
)
_OPTIMIZERS = collections.OptimizersConfigDiff(
    deleted_threshold=0.2,
    vacuum_min_vector_number=1000,
    default_segment_number=0,
    indexing_threshold=10_000,
    flush_interval_sec=5,
)
_WAL = collections.WalConfigDiff(wal_capacity_mb=32, wal_segments_ahead=0, wal_retain_closed=1)
_SINGLE = ("shard_number", "replication_factor", "write_consistency_factor")


def config_of(request: collections.CreateCollection) -> Config:
    """The configuration of the collection that a request asks for."""
    _refuse_clusters(request)
    config = Config(params=_params(request), hnsw_config=_HNSW, optimizer_config=_OPTIMIZERS, wal_config=_WAL)
    config.hnsw_config.MergeFrom(request.hnsw_config)
    config.optimizer_config.MergeFrom(request.optimizers_config)
    config.wal_config.MergeFrom(request.wal_config)
    config.strict_mode_config.enabled = False
    config.strict_mode_config.MergeFrom(request.strict_mode_config)
    if request.HasField("quantization_config"):
        config.quantization_config.CopyFrom(request.quantization_config)
    for key, value in request.metadata.items():
        config.metadata[key].CopyFrom(value)
    return config


def _params(request: collections.CreateCollection) -> collections.CollectionParams:
    params = collections.CollectionParams(
        shard_number=1,
        on_disk_payload=request.on_disk_payload if request.HasField("on_disk_payload") else True,
        replication_factor=1,
        write_consistency_factor=1,
    )
    given = {field.name: value for field, value in request.ListFields()}
    for name in given.keys() & {"vectors_config", "sparse_vectors_config", "payload", "id_tracker"}:
        getattr(params, name).CopyFrom(given[name])
    return params


def _refuse_clusters(request: collections.CreateCollection) -> None:
    for name in _SINGLE:
        if getattr(request, name) > 1:
            raise unimplemented(f"{name} above 1 is not supported by the embedded Qdrant service")
    if request.sharding_method == collections.Custom:
        raise unimplemented("sharding_method Custom is not supported by the embedded Qdrant service")
    if request.strict_mode_config.enabled:
        raise unimplemented("strict_mode_config is not supported by the embedded Qdrant service")
