"""The Collections service."""

from __future__ import annotations

from collections.abc import Callable

from langchain_qdrant_async.engine.convert.indexes import fill_schema
from langchain_qdrant_async.engine.operations.configuration import changed_configuration, new_configuration
from langchain_qdrant_async.engine.services.rpc import refused, rpc
from langchain_qdrant_async.engine.shards.catalog import Catalog
from langchain_qdrant_async.engine.shards.names import check_new_name
from langchain_qdrant_async.engine.shards.shard import Shard
from langchain_qdrant_async.engine.status import absent_collection, malformed, not_found, wrong_input
from langchain_qdrant_async.proto import CollectionsServicer, collections

_STANDALONE = "Qdrant is running in standalone mode"


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
        self._catalog.create(request.collection_name, new_configuration(request))
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
        shard.reconfigure(changed_configuration(shard.stored.config, request))
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
            raise absent_collection(request.collection_name)
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
