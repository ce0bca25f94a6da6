"""Calls whose answer was lost: what is there now says whether they were carried out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_qdrant_async.errors import NotFound
from langchain_qdrant_async.proto import CollectionsStub, collections, snapshots

_CREATE = "/qdrant.Collections/Create"
_DELETE = "/qdrant.Collections/Delete"
_SNAPSHOT_DELETES = ("/qdrant.Snapshots/Delete", "/qdrant.Snapshots/DeleteFull")


async def found_done(stub: CollectionsStub, method: str, request: Any, timeout_s: float) -> Any:
    """The answer of a call of `LOOKED_AT`, if what it asks for is there; None if it is not.

    Args:
        stub: where to look.
        method: as gRPC names it.
        request: what was asked for.
        timeout_s: seconds that looking may take.

    Raises:
        RpcError: one cannot look.
    """
    looking = _is_made if method == _CREATE else _is_aliased
    if not await looking(stub, request, timeout_s):
        return None
    return collections.CollectionOperationResponse(result=True)


async def _is_made(stub: CollectionsStub, request: collections.CreateCollection, timeout_s: float) -> bool:
    asked = collections.GetCollectionInfoRequest(collection_name=request.collection_name)
    try:
        config = (await stub.Get(asked, timeout=timeout_s)).result.config
    except NotFound:
        return False
    return (
        _dense(config.params.vectors_config) == _dense(request.vectors_config)
        and set(config.params.sparse_vectors_config.map) == set(request.sparse_vectors_config.map)
        and dict(config.metadata) == dict(request.metadata)
    )


def _dense(config: collections.VectorsConfig) -> dict[str, tuple[int, int]]:
    """Size and distance of each dense vector."""
    each: Mapping[str, collections.VectorParams] = (
        {"": config.params} if config.HasField("params") else config.params_map.map
    )
    return {name: (params.size, params.distance) for name, params in each.items()}


async def _is_aliased(stub: CollectionsStub, request: collections.ChangeAliases, timeout_s: float) -> bool:
    aliases = (await stub.ListAliases(collections.ListAliasesRequest(), timeout=timeout_s)).aliases
    meant = {each.alias_name: each.collection_name for each in aliases}
    return all(
        alias not in meant if name is None else alias in meant and name in {"", meant[alias]}
        for alias, name in _asked(request).items()
    )


def _asked(request: collections.ChangeAliases) -> dict[str, str | None]:
    """What each alias is to mean after all actions: a collection, nothing (None), or any (empty)."""
    asked: dict[str, str | None] = {}
    for action in request.actions:
        match action.WhichOneof("action"):
            case "create_alias":
                asked[action.create_alias.alias_name] = action.create_alias.collection_name
            case "delete_alias":
                asked[action.delete_alias.alias_name] = None
            case "rename_alias":
                old, new = action.rename_alias.old_alias_name, action.rename_alias.new_alias_name
                asked[new] = asked.get(old) or ""
                asked[old] = None
    return asked


def answer_of_second(method: str, answer: Any) -> Any:
    """The answer to a call that was sent again after a lost answer: what was deleted the first time was there."""
    if method == _DELETE:
        answer.result = True
    return answer


def refusal_of_second(method: str, error: Exception) -> Any:
    """What a refusal of such a call stands for: what is not there was deleted the first time; None: for itself."""
    if method in _SNAPSHOT_DELETES and isinstance(error, NotFound):
        return snapshots.DeleteSnapshotResponse()
    return None
