"""Requests to make or to change a collection -> its configuration, checked.

Every default is spelled out, as a Qdrant server reports it: clients rely on these fields being there.

Source: `config/config.yaml` of Qdrant v1.19.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from google.protobuf.message import Message

from langchain_qdrant_async.engine.convert.fields import given
from langchain_qdrant_async.engine.convert.schema import dense_params, unknown_vector
from langchain_qdrant_async.engine.operations.strict_mode import check_configuration
from langchain_qdrant_async.engine.status import invalid_field, malformed, unimplemented, wrong_input
from langchain_qdrant_async.proto import collections

_Request = collections.CreateCollection | collections.UpdateCollection

_HNSW = collections.HnswConfigDiff(
    m=16, ef_construct=100, full_scan_threshold=10_000, max_indexing_threads=0, on_disk=False
)
_OPTIMIZERS = collections.OptimizersConfigDiff(
    deleted_threshold=0.2,
    vacuum_min_vector_number=1000,
    default_segment_number=0,
    indexing_threshold=10_000,
    flush_interval_sec=5,
    max_optimization_threads=collections.MaxOptimizationThreads(setting=collections.MaxOptimizationThreads.Auto),
)
_WAL = collections.WalConfigDiff(wal_capacity_mb=32, wal_segments_ahead=0, wal_retain_closed=1)
_SINGLE = ("shard_number", "replication_factor", "write_consistency_factor")
_MAX_SIZE = 65_536
_NAME_BYTES = 200
_RANGES: dict[tuple[str, str], tuple[float, float]] = {
    ("hnsw_config", "ef_construct"): (4, math.inf),
    ("wal_config", "wal_capacity_mb"): (1, math.inf),
    ("wal_config", "wal_retain_closed"): (1, math.inf),
    ("optimizers_config", "deleted_threshold"): (0.0, 1.0),
    ("optimizers_config", "vacuum_min_vector_number"): (100, math.inf),
    ("optimizers_config", "max_segment_size"): (1, math.inf),
    **{("strict_mode_config", name): (1, math.inf) for name in ("max_query_limit", "max_timeout", "max_points_count")},
}
"""Source: `lib/api/build.rs` of Qdrant."""


def new_configuration(request: collections.CreateCollection) -> collections.CollectionConfig:
    """The configuration of the collection that a request asks for."""
    _check_vectors(request.vectors_config)
    _check_names(request)
    _check_ranges(request)
    _refuse_clusters(request)
    check_configuration(request.strict_mode_config)
    config = collections.CollectionConfig(
        params=_params(request), hnsw_config=_HNSW, optimizer_config=_OPTIMIZERS, wal_config=_WAL
    )
    config.hnsw_config.MergeFrom(request.hnsw_config)
    config.optimizer_config.MergeFrom(request.optimizers_config)
    config.wal_config.MergeFrom(request.wal_config)
    if request.HasField("strict_mode_config"):
        config.strict_mode_config.CopyFrom(request.strict_mode_config)
    if request.HasField("quantization_config"):
        config.quantization_config.CopyFrom(request.quantization_config)
    _add_metadata(config, request)
    return config


def changed_configuration(
    config: collections.CollectionConfig, request: collections.UpdateCollection
) -> collections.CollectionConfig:
    """A configuration with the changes that a request asks for, in its own terms: what it does not name stays."""
    _check_ranges(request)
    changed = collections.CollectionConfig()
    changed.CopyFrom(config)
    _change_vectors(changed.params, request)
    changed.hnsw_config.MergeFrom(request.hnsw_config)
    changed.optimizer_config.MergeFrom(request.optimizers_config)
    _change_params(changed.params, request.params)
    if request.HasField("quantization_config"):
        _change_quantization(changed, request.quantization_config)
    if request.HasField("strict_mode_config"):
        changed.strict_mode_config.MergeFrom(request.strict_mode_config)
        check_configuration(changed.strict_mode_config)
    _add_metadata(changed, request)
    for key in [key for key, value in request.metadata.items() if value.WhichOneof("kind") == "null_value"]:
        del changed.metadata[key]
    return changed


def _check_vectors(config: collections.VectorsConfig) -> None:
    for params in dense_params(config).values():
        if not 1 <= params.size <= _MAX_SIZE:
            raise invalid_field("size", f"value {params.size} invalid, must be from 1 to {_MAX_SIZE}", params)
        _check_distance(params.distance)


def _check_distance(distance: int) -> None:
    if distance == collections.UnknownDistance:
        raise malformed("Malformed distance parameter: UnknownDistance")
    if distance not in collections.Distance.values():
        raise malformed(f"Malformed distance parameter, unexpected value: {distance}")


def _check_names(request: collections.CreateCollection) -> None:
    dense, sparse = request.vectors_config.params_map.map, request.sparse_vectors_config.map
    _check_spelling("dense", dense)
    _check_spelling("sparse", sparse)
    for name in sparse:
        if not name:
            raise wrong_input("Sparse vector name cannot be empty")
        if name in dense:
            raise wrong_input(f"Dense and sparse vector names must be unique - duplicate found with '{name}'")


def _check_spelling(kind: str, names: Iterable[str]) -> None:
    """Raise if a name could not be that of a folder of the engine."""
    for name in names:
        problem = next((f'cannot contain "{char}" char' for char in "/\0" if char in name), "")
        if len(name.encode()) > _NAME_BYTES:
            problem = f"must be at most {_NAME_BYTES} bytes long"
        if problem:
            raise wrong_input(f"Invalid {kind} vector name `{name}`: vector name {problem}")


def _check_ranges(request: _Request) -> None:
    for section, settings in request.ListFields():
        for field, value in settings.ListFields() if section.name.endswith("_config") else ():
            low, high = _RANGES.get((section.name, field.name), (-math.inf, math.inf))
            if not isinstance(value, int | float) or low <= value <= high:
                continue
            bounds = f"{low} or larger" if high == math.inf else f"from {low} to {high}"
            raise invalid_field(f"{section.name}.{field.name}", f"value {value} invalid, must be {bounds}")


def _params(request: collections.CreateCollection) -> collections.CollectionParams:
    params = collections.CollectionParams(
        shard_number=1,
        on_disk_payload=request.on_disk_payload if request.HasField("on_disk_payload") else True,
        replication_factor=1,
        write_consistency_factor=1,
    )
    fields = given(request)
    for name in fields.keys() & {"vectors_config", "sparse_vectors_config", "payload", "id_tracker"}:
        getattr(params, name).CopyFrom(fields[name])
    if params.vectors_config.WhichOneof("config") is None:
        params.vectors_config.params_map.SetInParent()  # clients read the map without asking whether it is there
    return params


def _refuse_clusters(request: collections.CreateCollection) -> None:
    for name in _SINGLE:
        amount = given(request).get(name, 1)
        if amount == 0:
            raise invalid_field(name, "value 0 invalid, must be 1 or larger")
        if amount > 1:
            raise unimplemented(f"{name} above 1 is not supported by the embedded Qdrant service")
    if request.sharding_method == collections.Custom:
        raise unimplemented("sharding_method Custom is not supported by the embedded Qdrant service")


def _add_metadata(config: collections.CollectionConfig, request: _Request) -> None:
    for key, value in request.metadata.items():
        config.metadata[key].CopyFrom(value)


def _change_params(params: collections.CollectionParams, diff: collections.CollectionParamsDiff) -> None:
    """Every field of the diff is one of `CollectionParams`, too. `MergeFrom` would keep what is set to 0 or False."""
    for name, value in given(diff).items():
        if name in _SINGLE and value == 0:
            raise invalid_field(f"params.{name}", "value 0 invalid, must be 1 or larger")
        if isinstance(value, Message):
            getattr(params, name).CopyFrom(value)
        else:
            setattr(params, name, value)


def _change_vectors(params: collections.CollectionParams, request: collections.UpdateCollection) -> None:
    present = dense_params(params.vectors_config)
    for name, diff in dense_params(request.vectors_config).items():
        if name not in present:
            raise unknown_vector(name)
        _change_vector(present[name], diff)
    for name, sparse in request.sparse_vectors_config.map.items():
        if name not in params.sparse_vectors_config.map:
            raise unknown_vector(name)
        params.sparse_vectors_config.map[name].MergeFrom(sparse)


def _change_vector(params: collections.VectorParams, diff: collections.VectorParamsDiff) -> None:
    if diff.HasField("hnsw_config"):
        params.hnsw_config.MergeFrom(diff.hnsw_config)
    if diff.HasField("quantization_config"):
        _change_quantization(params, diff.quantization_config)
    if diff.HasField("on_disk"):
        params.on_disk = diff.on_disk
    if diff.HasField("memory"):
        params.memory = diff.memory


def _change_quantization(owner: Any, diff: collections.QuantizationConfigDiff) -> None:
    """A quantisation is replaced as a whole, or disabled."""
    kind = diff.WhichOneof("quantization")
    owner.ClearField("quantization_config")
    if kind is not None and kind != "disabled":
        getattr(owner.quantization_config, kind).CopyFrom(getattr(diff, kind))
