"""The Collections service."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from langchain_qdrant_async.engine.convert.indexes import fill_schema
from langchain_qdrant_async.engine.convert.vectors import unknown_vector
from langchain_qdrant_async.engine.services.rpc import refused, rpc
from langchain_qdrant_async.engine.shards.catalog import Catalog, check_new_name, no_collection
from langchain_qdrant_async.engine.shards.defaults import Config, config_of
from langchain_qdrant_async.engine.shards.shard import Shard
from langchain_qdrant_async.engine.status import invalid_field, malformed, not_found, unimplemented, wrong_input
from langchain_qdrant_async.proto import CollectionsServicer, collections

_STANDALONE = "Qdrant is running in standalone mode"
_MAX_SIZE = 65_536


class Collections(CollectionsServicer):
    """Collections and aliases. What needs a cluster is answered as a standalone server answers it."""

    def __init__(self, catalog: Catalog, *, optimised: bool) -> None:
        """Serve the collections of a catalog.

        Args:
            catalog: what to serve.
            optimised: whether an optimiser looks after it.
        """
        self._catalog = catalog
        self._waiting = collections.Yellow if optimised else collections.Grey

    @rpc
    def Create(self, request: collections.CreateCollection) -> collections.CollectionOperationResponse:
        """Make a collection."""
        check_vectors(request.vectors_config)
        check_ranges(request)
        self._catalog.create(request.collection_name, config_of(request))
        return collections.CollectionOperationResponse(result=True)

    @rpc
    def Get(self, request: collections.GetCollectionInfoRequest) -> collections.GetCollectionInfoResponse:
        """Describe a collection, with every default spelled out."""
        shard = self._catalog.shard(request.collection_name)
        info = _describe(shard)
        info.status = self._waiting if shard.is_due else collections.Green
        return collections.GetCollectionInfoResponse(result=info)

    @rpc
    def List(self, _: collections.ListCollectionsRequest) -> collections.ListCollectionsResponse:
        """The names of the collections, sorted."""
        names = (collections.CollectionDescription(name=name) for name in self._catalog.names)
        return collections.ListCollectionsResponse(collections=names)

    @rpc
    def Delete(self, request: collections.DeleteCollection) -> collections.CollectionOperationResponse:
        """Drop a collection. False if there is none; an alias is not followed."""
        return collections.CollectionOperationResponse(result=self._catalog.delete(request.collection_name))

    @rpc
    def CollectionExists(self, request: collections.CollectionExistsRequest) -> collections.CollectionExistsResponse:
        """Whether a name means a collection."""
        exists = self._catalog.exists(request.collection_name)
        return collections.CollectionExistsResponse(result=collections.CollectionExists(exists=exists))

    @rpc
    def Update(self, request: collections.UpdateCollection) -> collections.CollectionOperationResponse:
        """Change a collection's configuration."""
        shard = self._catalog.shard(request.collection_name)
        check_ranges(request)
        changed = Config()
        changed.CopyFrom(shard.stored.config)
        _change(changed, request)
        shard.reconfigure(changed)
        self._catalog.publish()
        return collections.CollectionOperationResponse(result=True)

    @rpc
    def UpdateAliases(self, request: collections.ChangeAliases) -> collections.CollectionOperationResponse:
        """Change aliases one by one; those before a failing one stay changed."""
        try:
            for action in request.actions:
                self._alias(action)
        finally:
            self._catalog.publish()
        return collections.CollectionOperationResponse(result=True)

    @rpc
    def ListAliases(self, _: collections.ListAliasesRequest) -> collections.ListAliasesResponse:
        """All aliases."""
        return collections.ListAliasesResponse(aliases=self._aliases(lambda _target: True))

    @rpc
    def ListCollectionAliases(
        self, request: collections.ListCollectionAliasesRequest
    ) -> collections.ListAliasesResponse:
        """The aliases of one collection."""
        return collections.ListAliasesResponse(aliases=self._aliases(lambda target: target == request.collection_name))

    @rpc
    def CollectionClusterInfo(
        self, request: collections.CollectionClusterInfoRequest
    ) -> collections.CollectionClusterInfoResponse:
        """One local shard that is active."""
        points = self._catalog.shard(request.collection_name).engine.info().points_count
        shard = collections.LocalShardInfo(shard_id=0, points_count=points, state=collections.Active)
        return collections.CollectionClusterInfoResponse(shard_count=1, local_shards=[shard])

    @rpc
    def ListShardKeys(self, request: collections.ListShardKeysRequest) -> collections.ListShardKeysResponse:
        """No shard keys."""
        self._catalog.shard(request.collection_name)
        return collections.ListShardKeysResponse()

    UpdateCollectionClusterSetup = refused(_STANDALONE)
    CreateShardKey = refused(_STANDALONE)
    DeleteShardKey = refused(_STANDALONE)

    def _aliases(self, wanted: Callable[[str], bool]) -> list[collections.AliasDescription]:
        return [
            collections.AliasDescription(alias_name=alias, collection_name=target)
            for alias, target in sorted(self._catalog.aliases.items())
            if wanted(target)
        ]

    def _alias(self, action: collections.AliasOperations) -> None:
        match action.WhichOneof("action"):
            case "create_alias":
                self._create_alias(action.create_alias)
            case "rename_alias":
                self._rename_alias(action.rename_alias)
            case "delete_alias":
                self._catalog.aliases.pop(action.delete_alias.alias_name, None)
            case _:
                raise malformed("Malformed AliasOperation type")

    def _create_alias(self, request: collections.CreateAlias) -> None:
        if request.collection_name not in self._catalog.names:
            raise no_collection(request.collection_name)
        self._check_alias(request.alias_name)
        self._catalog.aliases[request.alias_name] = request.collection_name

    def _rename_alias(self, request: collections.RenameAlias) -> None:
        if request.old_alias_name not in self._catalog.aliases:
            raise not_found(f"Alias {request.old_alias_name} does not exists!")
        self._check_alias(request.new_alias_name)
        self._catalog.aliases[request.new_alias_name] = self._catalog.aliases.pop(request.old_alias_name)

    def _check_alias(self, name: str) -> None:
        check_new_name(name)
        if name in self._catalog.names:
            raise wrong_input(f"Can't create alias with name {name}. Collection with the same name already exists")


def check_vectors(config: collections.VectorsConfig) -> None:
    """Raise for vectors that no collection can have."""
    for params in [*config.params_map.map.values(), *([config.params] if config.HasField("params") else [])]:
        if not 1 <= params.size <= _MAX_SIZE:
            raise invalid_field("size", f"value {params.size} invalid, must be from 1 to {_MAX_SIZE}")
        if params.distance == collections.UnknownDistance:
            raise malformed("Distance is not specified")


_RANGES: dict[tuple[str, str], tuple[float, float]] = {
    ("hnsw_config", "ef_construct"): (4, math.inf),
    ("wal_config", "wal_capacity_mb"): (1, math.inf),
    ("wal_config", "wal_retain_closed"): (1, math.inf),
    ("optimizers_config", "deleted_threshold"): (0.0, 1.0),
    ("optimizers_config", "vacuum_min_vector_number"): (100, math.inf),
    ("optimizers_config", "max_segment_size"): (1, math.inf),
}
"""Source: `lib/api/build.rs` of Qdrant."""


def check_ranges(request: collections.CreateCollection | collections.UpdateCollection) -> None:
    """Raise for settings outside their allowed ranges."""
    for section, settings in request.ListFields():
        for field, value in settings.ListFields() if section.name.endswith("_config") else ():
            low, high = _RANGES.get((section.name, field.name), (-math.inf, math.inf))
            if not isinstance(value, int | float) or low <= value <= high:
                continue
            bounds = f"{low} or larger" if high == math.inf else f"from {low} to {high}"
            raise invalid_field(f"{section.name}.{field.name}", f"value {value} invalid, must be {bounds}")


def _describe(shard: Shard) -> collections.CollectionInfo:
    found = shard.engine.info()
    info = collections.CollectionInfo(
        optimizer_status=collections.OptimizerStatus(ok=not shard.backlog.error, error=shard.backlog.error),
        segments_count=found.segments_count,
        points_count=found.points_count,
        indexed_vectors_count=found.indexed_vectors_count,
        config=shard.stored.config,
        update_queue=collections.UpdateQueueInfo(length=0),
    )
    for name, index in found.payload_schema.items():
        fill_schema(info.payload_schema[name], index, shard.stored.indexes.get(name))
    return info


def _change(config: Config, request: collections.UpdateCollection) -> None:
    """Merge a request into a configuration, in the request's own terms: what it does not name stays."""
    if request.strict_mode_config.enabled:
        raise unimplemented("strict_mode_config is not supported by the embedded Qdrant service")
    _change_vectors(config.params, request)
    config.hnsw_config.MergeFrom(request.hnsw_config)
    config.optimizer_config.MergeFrom(request.optimizers_config)
    _change_params(config.params, request.params)
    if request.HasField("quantization_config"):
        _change_quantization(config, request.quantization_config)
    for key, value in request.metadata.items():
        config.metadata[key].CopyFrom(value)


def _change_params(params: collections.CollectionParams, diff: collections.CollectionParamsDiff) -> None:
    """Every field of the diff is one of `CollectionParams`, too."""
    params.MergeFrom(collections.CollectionParams(**{field.name: value for field, value in diff.ListFields()}))


def _change_vectors(params: collections.CollectionParams, request: collections.UpdateCollection) -> None:
    dense = dict(request.vectors_config.params_map.map)
    if request.vectors_config.HasField("params"):
        dense[""] = request.vectors_config.params
    for name, diff in dense.items():
        _change_vector(_dense(params, name), diff)
    for name, sparse in request.sparse_vectors_config.map.items():
        if name not in params.sparse_vectors_config.map:
            raise unknown_vector(name)
        params.sparse_vectors_config.map[name].MergeFrom(sparse)


def _dense(params: collections.CollectionParams, name: str) -> collections.VectorParams:
    config = params.vectors_config
    if not name and config.HasField("params"):
        return config.params
    if name not in config.params_map.map:
        raise unknown_vector(name)
    return config.params_map.map[name]


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
    """A quantization is replaced as a whole, or disabled."""
    kind = diff.WhichOneof("quantization")
    owner.ClearField("quantization_config")
    if kind is not None and kind != "disabled":
        getattr(owner.quantization_config, kind).CopyFrom(getattr(diff, kind))
