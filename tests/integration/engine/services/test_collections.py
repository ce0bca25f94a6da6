"""Collections and aliases, over a real socket."""

from __future__ import annotations

from typing import Any

import pytest
from grpc import StatusCode

from langchain_qdrant_async.proto import collections, common, points
from tests.engine_messages import Refused, Stubs, dense_config, dense_params, field, nearest, point, value

pytest_plugins = ("tests.engine_fixtures",)


async def config_of(stubs: Stubs) -> collections.CollectionConfig:
    response = await stubs.collections.Get(collections.GetCollectionInfoRequest(collection_name=stubs.collection))
    return response.result.config  # type: ignore[no-any-return]


async def test_a_new_collection_is_described_with_every_default(stubs: Stubs) -> None:
    await stubs.create(vectors_config=dense_config(5, collections.Cosine), metadata={"owner": value("me")})
    info = (await stubs.collections.Get(collections.GetCollectionInfoRequest(collection_name=stubs.collection))).result
    assert (info.status, info.optimizer_status.ok, info.points_count) == (collections.Green, True, 0)
    config = info.config
    assert (config.params.vectors_config.params.size, config.params.vectors_config.params.distance) == (
        5,
        collections.Cosine,
    )
    assert (config.params.shard_number, config.params.replication_factor, config.params.on_disk_payload) == (1, 1, True)
    assert (config.hnsw_config.m, config.hnsw_config.ef_construct) == (16, 100)
    assert config.wal_config.HasField("wal_segments_ahead")
    assert config.optimizer_config.flush_interval_sec == 5
    assert config.metadata["owner"].string_value == "me"


async def test_configuration_changes_are_seen_and_keep_what_they_do_not_name(stubs: Stubs) -> None:
    await stubs.create(vectors_config=dense_config(), metadata={"a": value(1)})
    await stubs.upsert(point(1, [1, 0, 0, 0]))
    await stubs.collections.Update(
        collections.UpdateCollection(
            collection_name=stubs.collection,
            hnsw_config=collections.HnswConfigDiff(ef_construct=200),
            optimizers_config=collections.OptimizersConfigDiff(indexing_threshold=0),
            quantization_config=collections.QuantizationConfigDiff(
                scalar=collections.ScalarQuantization(type=collections.Int8, always_ram=True)
            ),
            params=collections.CollectionParamsDiff(read_fan_out_factor=2),
            metadata={"b": value(2)},
        )
    )
    config = await config_of(stubs)
    assert (config.hnsw_config.m, config.hnsw_config.ef_construct) == (16, 200)
    assert config.optimizer_config.indexing_threshold == 0
    assert config.quantization_config.scalar.always_ram
    assert (config.params.read_fan_out_factor, config.params.shard_number) == (2, 1)
    assert {key: item.integer_value for key, item in config.metadata.items()} == {"a": 1, "b": 2}
    assert await stubs.count() == 1
    disabled = collections.QuantizationConfigDiff(disabled=collections.Disabled())
    await stubs.collections.Update(
        collections.UpdateCollection(collection_name=stubs.collection, quantization_config=disabled)
    )
    assert not (await config_of(stubs)).HasField("quantization_config")


@pytest.mark.parametrize(
    "quantization",
    [
        collections.QuantizationConfig(scalar=collections.ScalarQuantization(type=collections.Int8, quantile=0.99)),
        collections.QuantizationConfig(product=collections.ProductQuantization(compression=collections.x16)),
        collections.QuantizationConfig(binary=collections.BinaryQuantization(encoding=collections.TwoBits)),
        collections.QuantizationConfig(turboquant=collections.TurboQuantization(bits=collections.Bits4)),
    ],
    ids=lambda config: config.WhichOneof("quantization"),
)
async def test_every_quantization_is_taken(stubs: Stubs, quantization: collections.QuantizationConfig) -> None:
    await stubs.create(vectors_config=dense_config(8), quantization_config=quantization)
    await stubs.upsert(point(1, [1.0] * 8))
    assert await stubs.ids(query=nearest([1.0] * 8)) == [1]
    assert (await config_of(stubs)).quantization_config == quantization


@pytest.mark.parametrize(
    "datatype",
    [
        collections.Float32,
        collections.Uint8,
        collections.Float16,
        collections.Turbo4,
        collections.Turbo8,
        collections.Turbo16,
    ],
)
async def test_every_datatype_is_taken(stubs: Stubs, datatype: Any) -> None:
    await stubs.create(vectors_config=dense_config(8, datatype=datatype, on_disk=True))
    await stubs.upsert(point(1, [1.0] * 8))
    assert await stubs.ids(query=nearest([1.0] * 8)) == [1]


async def test_names_are_listed_sorted_and_deleted_once(stubs: Stubs) -> None:
    names = [f"{stubs.collection}-{suffix}" for suffix in "ba"]
    for name in names:
        await stubs.collections.Create(
            collections.CreateCollection(collection_name=name, vectors_config=dense_config())
        )
    listed = [each.name for each in (await stubs.collections.List(collections.ListCollectionsRequest())).collections]
    assert [name for name in listed if name in names] == sorted(names)
    deleted = [
        (await stubs.collections.Delete(collections.DeleteCollection(collection_name=names[0]))).result
        for _ in range(2)
    ]
    assert deleted == [True, False]
    await stubs.collections.Delete(collections.DeleteCollection(collection_name=names[1]))


async def test_a_collection_made_again_is_empty(stubs: Stubs) -> None:
    for _ in range(2):
        await stubs.create(vectors_config=dense_config())
        assert await stubs.count() == 0
        await stubs.upsert(point(1, [1, 0, 0, 0]))
        await stubs.collections.Delete(collections.DeleteCollection(collection_name=stubs.collection))


async def test_a_missing_collection(stubs: Stubs) -> None:
    with Refused(StatusCode.NOT_FOUND, f"Not found: Collection `{stubs.collection}` doesn't exist!"):
        await stubs.collections.Get(collections.GetCollectionInfoRequest(collection_name=stubs.collection))
    with Refused(StatusCode.NOT_FOUND, f"Not found: Collection `{stubs.collection}` doesn't exist!"):
        await stubs.count()
    exists = await stubs.collections.CollectionExists(
        collections.CollectionExistsRequest(collection_name=stubs.collection)
    )
    assert not exists.result.exists


async def test_a_collection_that_exists_already(stubs: Stubs) -> None:
    await stubs.create(vectors_config=dense_config())
    with Refused(StatusCode.ALREADY_EXISTS, f"Wrong input: Collection `{stubs.collection}` already exists!"):
        await stubs.create(vectors_config=dense_config())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("", 'value "" invalid, must be from 1 to 255 characters'),
        ("a" * 256, f'value "{"a" * 256}" invalid, must be from 1 to 255 characters'),
        ("a/b", 'collection name cannot contain "/" char'),
    ],
    ids=["empty", "long", "slash"],
)
async def test_impossible_names(stubs: Stubs, name: str, text: str) -> None:
    with Refused(StatusCode.INVALID_ARGUMENT, f"Validation error in body: [collection_name: {text}]"):
        await stubs.collections.Create(
            collections.CreateCollection(collection_name=name, vectors_config=dense_config())
        )


@pytest.mark.parametrize(
    ("code", "text", "fields"),
    [
        (StatusCode.INVALID_ARGUMENT, "must be from 1 to 65536", {"vectors_config": dense_config(0)}),
        (StatusCode.INVALID_ARGUMENT, "must be from 1 to 65536", {"vectors_config": dense_config(65537)}),
        (StatusCode.INVALID_ARGUMENT, "Distance", {"vectors_config": dense_config(4, collections.UnknownDistance)}),
        (
            StatusCode.INVALID_ARGUMENT,
            "[hnsw_config.ef_construct: value 3 invalid, must be 4 or larger]",
            {"vectors_config": dense_config(), "hnsw_config": collections.HnswConfigDiff(ef_construct=3)},
        ),
        (
            StatusCode.INVALID_ARGUMENT,
            "[optimizers_config.deleted_threshold: value 2.0 invalid, must be from 0.0 to 1.0]",
            {
                "vectors_config": dense_config(),
                "optimizers_config": collections.OptimizersConfigDiff(deleted_threshold=2),
            },
        ),
        (StatusCode.UNIMPLEMENTED, "shard_number", {"vectors_config": dense_config(), "shard_number": 2}),
        (StatusCode.UNIMPLEMENTED, "replication_factor", {"vectors_config": dense_config(), "replication_factor": 2}),
        (
            StatusCode.UNIMPLEMENTED,
            "sharding_method",
            {"vectors_config": dense_config(), "sharding_method": collections.Custom},
        ),
        (
            StatusCode.UNIMPLEMENTED,
            "strict_mode_config.read_rate_limit",
            {
                "vectors_config": dense_config(),
                "strict_mode_config": collections.StrictModeConfig(enabled=True, read_rate_limit=30),
            },
        ),
        (
            StatusCode.INVALID_ARGUMENT,
            "[strict_mode_config.max_query_limit: value 0 invalid, must be 1 or larger]",
            {"vectors_config": dense_config(), "strict_mode_config": collections.StrictModeConfig(max_query_limit=0)},
        ),
    ],
)
async def test_impossible_collections(stubs: Stubs, code: StatusCode, text: str, fields: dict[str, Any]) -> None:
    with Refused(code, text):
        await stubs.create(**fields)
    exists = await stubs.collections.CollectionExists(
        collections.CollectionExistsRequest(collection_name=stubs.collection)
    )
    assert not exists.result.exists


def create_alias(alias: str, collection: str) -> collections.AliasOperations:
    return collections.AliasOperations(
        create_alias=collections.CreateAlias(alias_name=alias, collection_name=collection)
    )


async def test_an_alias_means_its_collection_everywhere(stubs: Stubs) -> None:
    await stubs.create(vectors_config=dense_config())
    alias = f"{stubs.collection}-alias"
    await stubs.collections.UpdateAliases(collections.ChangeAliases(actions=[create_alias(alias, stubs.collection)]))
    await stubs.points.Upsert(points.UpsertPoints(collection_name=alias, wait=True, points=[point(1, [1, 0, 0, 0])]))
    assert await stubs.count() == 1
    found = await stubs.points.Query(points.QueryPoints(collection_name=alias, query=nearest([1, 0, 0, 0])))
    assert [hit.id.num for hit in found.result] == [1]
    listed = await stubs.collections.ListCollectionAliases(
        collections.ListCollectionAliasesRequest(collection_name=stubs.collection)
    )
    assert [(each.alias_name, each.collection_name) for each in listed.aliases] == [(alias, stubs.collection)]
    assert alias in [
        each.alias_name for each in (await stubs.collections.ListAliases(collections.ListAliasesRequest())).aliases
    ]
    with Refused(StatusCode.INVALID_ARGUMENT, "Alias with the same name already exists"):
        await stubs.collections.Create(
            collections.CreateCollection(collection_name=alias, vectors_config=dense_config())
        )
    await stubs.collections.Delete(collections.DeleteCollection(collection_name=stubs.collection))
    exists = await stubs.collections.CollectionExists(collections.CollectionExistsRequest(collection_name=alias))
    assert not exists.result.exists


async def test_alias_operations_that_cannot_be_done(stubs: Stubs) -> None:
    await stubs.create(vectors_config=dense_config())
    rename = collections.AliasOperations(
        rename_alias=collections.RenameAlias(old_alias_name="absent", new_alias_name="other")
    )
    remove = collections.AliasOperations(delete_alias=collections.DeleteAlias(alias_name="absent"))
    await stubs.collections.UpdateAliases(collections.ChangeAliases(actions=[remove]))
    with Refused(StatusCode.NOT_FOUND, "Not found: Alias absent does not exists!"):
        await stubs.collections.UpdateAliases(collections.ChangeAliases(actions=[rename]))
    with Refused(StatusCode.NOT_FOUND, "Not found: Collection `absent` doesn't exist!"):
        await stubs.collections.UpdateAliases(collections.ChangeAliases(actions=[create_alias("alias", "absent")]))
    with Refused(StatusCode.INVALID_ARGUMENT, "Collection with the same name already exists"):
        await stubs.collections.UpdateAliases(
            collections.ChangeAliases(actions=[create_alias(stubs.collection, stubs.collection)])
        )


async def test_what_needs_a_cluster_is_answered_as_by_one_server(stubs: Stubs) -> None:
    await stubs.create(vectors_config=dense_config())
    request = collections.CollectionClusterInfoRequest(collection_name=stubs.collection)
    assert (await stubs.collections.CollectionClusterInfo(request)).shard_count == 1
    with Refused(StatusCode.UNIMPLEMENTED, "Qdrant is running in standalone mode"):
        await stubs.collections.CreateShardKey(collections.CreateShardKeyRequest(collection_name=stubs.collection))


async def test_named_vectors_keep_their_parameters(stubs: Stubs) -> None:
    params = {
        "text": dense_params(3, collections.Euclid, hnsw_config=collections.HnswConfigDiff(m=8)),
        "multi": dense_params(
            2, collections.Cosine, multivector_config=collections.MultiVectorConfig(comparator=collections.MaxSim)
        ),
    }
    sparse = collections.SparseVectorConfig(map={"words": collections.SparseVectorParams(modifier=collections.Idf)})
    config = collections.VectorsConfig(params_map=collections.VectorParamsMap(map=params))
    await stubs.create(vectors_config=config, sparse_vectors_config=sparse)
    found = (await config_of(stubs)).params
    assert found.vectors_config == config
    assert found.sparse_vectors_config == sparse
    diff = collections.VectorParamsDiffMap(
        map={"text": collections.VectorParamsDiff(hnsw_config=collections.HnswConfigDiff(ef_construct=64))}
    )
    await stubs.collections.Update(
        collections.UpdateCollection(
            collection_name=stubs.collection, vectors_config=collections.VectorsConfigDiff(params_map=diff)
        )
    )
    hnsw = (await config_of(stubs)).params.vectors_config.params_map.map["text"].hnsw_config
    assert (hnsw.m, hnsw.ef_construct) == (8, 64)


def named(**params: collections.VectorParams) -> collections.VectorsConfig:
    return collections.VectorsConfig(params_map=collections.VectorParamsMap(map=params))


async def described(stubs: Stubs) -> collections.CollectionInfo:
    request = collections.GetCollectionInfoRequest(collection_name=stubs.collection)
    return (await stubs.collections.Get(request)).result  # type: ignore[no-any-return]


@pytest.mark.parametrize("config", [None, collections.VectorsConfig()], ids=["no configuration", "an empty one"])
async def test_a_collection_without_vectors(stubs: Stubs, config: collections.VectorsConfig | None) -> None:
    await stubs.create(vectors_config=config)
    await stubs.upsert(*(point(number, {}, number=number) for number in range(3)))
    params = (await described(stubs)).config.params
    assert params.vectors_config.WhichOneof("config") == "params_map"
    assert not params.HasField("sparse_vectors_config")
    assert await stubs.matching(field("number", range=common.Range(gte=1))) == [1, 2]
    (found,) = await stubs.get(1, with_vectors=points.WithVectorsSelector(enable=True))
    assert not found.vectors.vectors.vectors
    with Refused(StatusCode.INVALID_ARGUMENT, "Not existing vector name error"):
        await stubs.query(query=nearest([1.0]))


async def test_a_collection_of_sparse_vectors_says_that_it_has_no_others(stubs: Stubs) -> None:
    sparse = collections.SparseVectorConfig(map={"s": collections.SparseVectorParams()})
    await stubs.create(sparse_vectors_config=sparse)
    params = (await described(stubs)).config.params
    assert params.HasField("vectors_config")
    assert not params.vectors_config.params_map.map


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("unexpected value: 99", {"vectors_config": dense_config(4, 99)}),
        ("99", {"vectors_config": dense_config(4, datatype=99)}),
        ("[shard_number: value 0 invalid, must be 1 or larger]", {"vectors_config": dense_config(), "shard_number": 0}),
        (
            "[vectors_config.config.map.[].size: value 0 invalid, must be from 1 to 65536]",
            {"vectors_config": named(a=dense_params(0))},
        ),
        (
            "Invalid dense vector name `a/b`",
            {"vectors_config": named(**{"a/b": dense_params()})},
        ),
        (
            "duplicate found with 'a'",
            {
                "vectors_config": named(a=dense_params()),
                "sparse_vectors_config": {"map": {"a": {}}},
            },
        ),
        ("Sparse vector name cannot be empty", {"sparse_vectors_config": {"map": {"": {}}}}),
    ],
)
async def test_what_is_out_of_range_makes_nothing(stubs: Stubs, text: str, fields: dict[str, Any]) -> None:
    await test_impossible_collections(stubs, StatusCode.INVALID_ARGUMENT, text, fields)


async def test_a_parameter_can_be_set_to_nothing(stubs: Stubs) -> None:
    await stubs.create(vectors_config=dense_config())
    diff = collections.CollectionParamsDiff(on_disk_payload=False)
    await stubs.collections.Update(collections.UpdateCollection(collection_name=stubs.collection, params=diff))
    assert not (await described(stubs)).config.params.on_disk_payload
