"""What a collection is, as Qdrant describes it. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from langchain_qdrant_async.collection.field import Distance, VectorField
from langchain_qdrant_async.collection.limits import Limits, limits_of
from langchain_qdrant_async.collection.payload_index import PayloadIndex
from langchain_qdrant_async.proto import collections, json


@dataclass(frozen=True, slots=True)
class VectorInfo:
    """One dense vector of a collection."""

    dimension: int
    """Numbers in it."""
    distance: Distance
    """How it is compared."""
    multivector: bool = False
    """Whether a point has many of it."""


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    """What a collection is."""

    name: str
    """Its name."""
    vectors: Mapping[str, VectorInfo]
    """Dense vectors by name; the default vector has the empty name."""
    sparse_vectors: tuple[str, ...]
    """Names of the sparse vectors."""
    points_count: int
    """Points in it, approximately while the server optimises."""
    payload_indexes: Mapping[str, str]
    """Kind of index by payload key, full path: `{"metadata.lang": "keyword"}`."""
    message: collections.CollectionInfo = field(repr=False, compare=False)
    """Everything else, as Qdrant said it."""
    limits: Limits = field(default_factory=Limits)
    """How much it takes and gives at once, if its strict mode says so."""
    integer_indexes: frozenset[str] = frozenset()
    """Payload keys whose index holds integers and looks them up."""

    @property
    def metadata(self) -> Mapping[str, json.Value]:
        """What is kept with it; nothing on servers before 1.16."""
        return self.message.config.metadata

    @property
    def options(self) -> dict[str, Any]:
        """How it lies in a cluster and on disk, as `CollectionSpec.options` says it."""
        params = self.message.config.params
        kept = {
            "shard_number": params.shard_number,
            "replication_factor": params.replication_factor,
            "write_consistency_factor": params.write_consistency_factor,
            "on_disk_payload": params.on_disk_payload,
        }
        return {name: value for name, value in kept.items() if value}

    @property
    def sharded_by_keys(self) -> bool:
        """Whether its shards are made, and named, by their users."""
        return self.message.config.params.sharding_method == collections.ShardingMethod.Custom

    def is_quantised(self, name: str) -> bool:
        """Whether the vectors of that name are quantised."""
        config = self.message.config
        if config.HasField("quantization_config"):
            return name in self.vectors
        vectors = config.params.vectors_config
        params = vectors.params if vectors.HasField("params") else vectors.params_map.map.get(name)
        return params is not None and params.HasField("quantization_config")

    @property
    def fields(self) -> dict[str, VectorField]:
        """All vector fields by their names, sparse ones among them."""
        dense = {
            name: VectorField(name, "multi" if each.multivector else "dense", each.dimension, each.distance)
            for name, each in self.vectors.items()
        }
        return dense | {name: VectorField(name, "sparse") for name in self.sparse_vectors}


def collection_info(name: str, message: collections.CollectionInfo) -> CollectionInfo:
    """The facts about a collection."""
    params = message.config.params
    return CollectionInfo(
        name=name,
        vectors=_vectors(params.vectors_config),
        sparse_vectors=tuple(sorted(params.sparse_vectors_config.map)),
        points_count=message.points_count,
        payload_indexes={key: _KINDS.get(schema.data_type, "other") for key, schema in message.payload_schema.items()},
        message=message,
        limits=limits_of(message.config.strict_mode_config),
        integer_indexes=frozenset(key for key, schema in message.payload_schema.items() if _looks_up(schema)),
    )


def _looks_up(schema: collections.PayloadSchemaInfo) -> bool:
    params = schema.params.integer_index_params
    return schema.data_type == collections.PayloadSchemaType.Integer and (
        params.lookup or not params.HasField("lookup")
    )


def made_info(request: collections.CreateCollection) -> CollectionInfo:
    """The facts about a collection that was just made by this request."""
    params = collections.CollectionParams(
        vectors_config=request.vectors_config, sparse_vectors_config=request.sparse_vectors_config
    )
    config = collections.CollectionConfig(
        params=params, metadata=request.metadata, strict_mode_config=request.strict_mode_config
    )
    if request.HasField("quantization_config"):
        config.quantization_config.CopyFrom(request.quantization_config)
    return collection_info(request.collection_name, collections.CollectionInfo(config=config, points_count=0))


def with_indexes(info: CollectionInfo, indexes: Mapping[str, PayloadIndex]) -> CollectionInfo:
    """The facts about a collection in which these payload indexes, by payload key, were just made."""
    message = collections.CollectionInfo()
    message.CopyFrom(info.message)
    for key, index in indexes.items():
        kind = collections.PayloadSchemaType.Value(index.kind.capitalize())
        schema = collections.PayloadSchemaInfo(data_type=kind, params=index.message())
        message.payload_schema[key].CopyFrom(schema)
    return collection_info(info.name, message)


def _vectors(config: collections.VectorsConfig) -> dict[str, VectorInfo]:
    if config.HasField("params"):
        return {"": _vector(config.params)}
    return {name: _vector(params) for name, params in sorted(config.params_map.map.items())}


def _vector(params: collections.VectorParams) -> VectorInfo:
    distance = Distance(collections.Distance.Name(params.distance))
    return VectorInfo(params.size, distance, params.HasField("multivector_config"))


_KINDS = {
    collections.PayloadSchemaType.Keyword: "keyword",
    collections.PayloadSchemaType.Integer: "integer",
    collections.PayloadSchemaType.Float: "float",
    collections.PayloadSchemaType.Bool: "bool",
    collections.PayloadSchemaType.Datetime: "datetime",
    collections.PayloadSchemaType.Text: "text",
    collections.PayloadSchemaType.Geo: "geo",
    collections.PayloadSchemaType.Uuid: "uuid",
}
