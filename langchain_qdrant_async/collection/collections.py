"""Collections: made from a spec, described, compared, indexed, dropped."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from langchain_qdrant_async.collection.comparison import compare, missing_indexes
from langchain_qdrant_async.collection.info import CollectionInfo, collection_info, made_info, with_indexes
from langchain_qdrant_async.collection.message import (
    change_aliases,
    create_collection,
    delete_alias,
    update_collection,
    update_metadata,
)
from langchain_qdrant_async.collection.origin import ORIGIN_KEY, Origin
from langchain_qdrant_async.collection.payload_index import (
    IndexInput,
    create_field_index,
    payload_index_of,
)
from langchain_qdrant_async.collection.spec import CollectionSpec, Hnsw
from langchain_qdrant_async.document.ids import NAMESPACE
from langchain_qdrant_async.document.layout import Layout
from langchain_qdrant_async.document.message import check_completed, get_points, upsert_points
from langchain_qdrant_async.document.paths import to_path
from langchain_qdrant_async.errors import AlreadyExists, InvalidInput, NotFound
from langchain_qdrant_async.proto import collections, common, json, points
from langchain_qdrant_async.transport.connection import Connection
from langchain_qdrant_async.transport.target import Embedded

ORIGIN_POINT = common.PointId(uuid=str(uuid.uuid5(NAMESPACE, ORIGIN_KEY)))
"""The reserved point of collections whose server keeps no metadata for them."""


def notice_of(name: str) -> str:
    """The alias that a collection has while it is being reindexed: seen by all who ask what an alias means."""
    return f"{ORIGIN_KEY}.reindexing.{name}"


@dataclass(frozen=True, slots=True)
class StoredOrigin:
    """What made a collection's vectors, and where that is written."""

    origin: Origin
    """The model and the reduction."""
    in_point: bool
    """Whether it is written in the reserved point, and not in the collection's metadata."""


class Collections:
    """The collections of a Qdrant."""

    moves: ClassVar[int] = 0
    """How many aliases this process has moved: who remembers what one meant asks again when there are more."""

    def __init__(self, connection: Connection) -> None:
        """Work over a connection, which stays the caller's to close."""
        self._connection = connection

    @property
    def keep_metadata(self) -> bool:
        """Whether it is certain that Qdrant keeps the metadata that a collection is made with."""
        return isinstance(self._connection.target, Embedded)

    async def ensure(
        self, spec: CollectionSpec, *, origin: Origin | None = None, timeout: float | None = None
    ) -> CollectionInfo:
        """Make the collection if there is none; otherwise compare it, and add the payload indexes that it lacks.

        Many callers may do this at once; one of them makes it.

        Args:
            spec: what it is to be.
            origin: what will make its vectors; stored with a new collection, in the same step that makes it.
            timeout: seconds that each of the calls may take.

        Raises:
            CollectionMismatch: it exists with another size, distance, vector name, or kind of payload index.
        """
        info = await self.find(spec.name, timeout=timeout)
        if info is None:
            await self.make(spec, origin=origin, timeout=timeout)
            info = await self.describe(spec.name, timeout=timeout)
        compare(spec, info)
        indexed = await self.add_indexes(spec, info, timeout=timeout)
        return info if indexed is info else await self.describe(spec.name, timeout=timeout)

    async def make(
        self,
        spec: CollectionSpec,
        *,
        origin: Origin | None = None,
        learned: Mapping[str, json.Value] | None = None,
        timeout: float | None = None,
    ) -> tuple[CollectionInfo, bool]:
        """Make the collection without its payload indexes, unless somebody else makes it at this moment.

        Returns:
            What it is, asked back only where it may be otherwise than it was to be; and whether it was made here.
        """
        metadata = (origin.to_metadata() if origin else {}) | dict(learned or {})
        request = create_collection(spec, timeout, metadata=metadata or None)
        try:
            await self._connection.collections.Create(request, timeout=timeout)
        except AlreadyExists:
            return await self.describe(spec.name, timeout=timeout), False
        if origin is None or self.keep_metadata:
            return made_info(request), True
        return await self.describe(spec.name, timeout=timeout), True

    async def add_indexes(
        self, spec: CollectionSpec, info: CollectionInfo, *, timeout: float | None = None
    ) -> CollectionInfo:
        """Add the payload indexes of a spec that a collection lacks; what it is with them, the same if it lacked none.

        Raises:
            CollectionMismatch: it has one of another kind.
        """
        missing = missing_indexes(spec, info)
        for name, index in missing.items():
            await self.index(info.name, name, index, layout=spec.layout, timeout=timeout)
        paths = {to_path(name, spec.layout.metadata_key): index for name, index in missing.items()}
        return with_indexes(info, paths) if paths else info

    async def create(self, spec: CollectionSpec, *, timeout: float | None = None) -> CollectionInfo:
        """Make a collection that must not exist.

        Raises:
            AlreadyExists: it does.
        """
        request = create_collection(spec, timeout)
        await self._connection.collections.Create(request, timeout=timeout)
        await self.add_indexes(spec, made_info(request), timeout=timeout)
        return await self.describe(spec.name, timeout=timeout)

    async def describe(self, name: str, *, timeout: float | None = None) -> CollectionInfo:
        """What a collection or alias is.

        Raises:
            NotFound: there is none of that name.
        """
        request = collections.GetCollectionInfoRequest(collection_name=_named(name))
        response = await self._connection.collections.Get(request, timeout=timeout)
        return collection_info(name, response.result)

    async def find(self, name: str, *, timeout: float | None = None) -> CollectionInfo | None:
        """What a collection or alias is; None when there is none of that name.

        It asks once and reads NOT_FOUND as absence: some API keys may read a collection and not ask whether it exists.
        """
        try:
            return await self.describe(name, timeout=timeout)
        except NotFound:
            return None

    async def names(self, *, timeout: float | None = None) -> list[str]:
        """The names of all collections, sorted."""
        response = await self._connection.collections.List(collections.ListCollectionsRequest(), timeout=timeout)
        return sorted(each.name for each in response.collections)

    async def update(self, name: str, *, hnsw: Hnsw, timeout: float | None = None) -> CollectionInfo:
        """Change the parameters of a collection's index; what is None stays.

        Raises:
            NotFound: there is no such collection.
        """
        await self._connection.collections.Update(update_collection(_named(name), hnsw), timeout=timeout)
        return await self.describe(name, timeout=timeout)

    async def index(
        self,
        name: str,
        field: str,
        kind: IndexInput,
        *,
        layout: Layout | None = None,
        timeout: float | None = None,
    ) -> None:
        """Index a metadata field, named as in a filter; done when it returns.

        Args:
            name: the collection.
            field: the metadata field, `"lang"` or `"author.name"`.
            kind: what the field holds, `"keyword"`; a `PayloadIndex` with parameters, or qdrant-client's.
            layout: where metadata stands; `Layout(metadata_key=None)` to name payload keys themselves.
            timeout: seconds that the call may take.
        """
        index = payload_index_of(kind)
        key = to_path(field, metadata_key=(layout or Layout()).metadata_key)
        response = await self._connection.points.CreateFieldIndex(
            create_field_index(_named(name), key, index), timeout=timeout
        )
        check_completed(response, f"the index of {key!r}")

    async def unindex(
        self, name: str, field: str, *, layout: Layout | None = None, timeout: float | None = None
    ) -> None:
        """Drop the index of a metadata field, named as in a filter; one that is not there is no error.

        Args:
            name: the collection.
            field: the metadata field.
            layout: where metadata stands.
            timeout: seconds that the call may take.
        """
        key = to_path(field, metadata_key=(layout or Layout()).metadata_key)
        request = points.DeleteFieldIndexCollection(collection_name=_named(name), field_name=key, wait=True)
        response = await self._connection.points.DeleteFieldIndex(request, timeout=timeout)
        check_completed(response, f"dropping the index of {key!r}")

    async def drop(self, name: str, *, timeout: float | None = None) -> bool:
        """Delete a collection with everything in it; whether there was one."""
        request = collections.DeleteCollection(collection_name=_named(name))
        response = await self._connection.collections.Delete(request, timeout=timeout)
        return bool(response.result)

    async def aliases(self, *, timeout: float | None = None) -> dict[str, str]:
        """Collections by their aliases."""
        response = await self._connection.collections.ListAliases(collections.ListAliasesRequest(), timeout=timeout)
        return {each.alias_name: each.collection_name for each in response.aliases}

    async def alias(self, alias: str, name: str, *, timeout: float | None = None) -> None:
        """Let an alias mean a collection, in one step also when it meant another one before.

        Raises:
            NotFound: there is no such collection.
            InvalidRequest: a collection has the alias's name.
        """
        existing = await self.aliases(timeout=timeout)
        request = change_aliases(_named(alias), _named(name), replace=alias in existing)
        try:
            await self._connection.collections.UpdateAliases(request, timeout=timeout)
        finally:
            Collections.moves += 1

    async def remove_alias(self, alias: str, *, timeout: float | None = None) -> None:
        """Let an alias mean nothing; one that is not there stays so."""
        await self._connection.collections.UpdateAliases(delete_alias(_named(alias)), timeout=timeout)

    async def origin(self, info: CollectionInfo, *, timeout: float | None = None) -> StoredOrigin | None:
        """What made the vectors of a collection; None when nothing is said about it.

        Raises:
            CollectionMismatch: a newer version of this package wrote it.
        """
        if origin := Origin.from_metadata(info.message.config.metadata):
            return StoredOrigin(origin, in_point=False)
        if not info.points_count:
            return None
        request = get_points(info.name, [ORIGIN_POINT])
        response = await self._connection.points.Get(request, timeout=timeout)
        origin = Origin.from_metadata(response.result[0].payload) if response.result else None
        return StoredOrigin(origin, in_point=True) if origin else None

    async def keep_origin(
        self, name: str, origin: Origin, *, timeout: float | None = None, look: bool = True, in_point: bool = False
    ) -> None:
        """Store what makes the vectors of a collection that exists: in its metadata, or in a point on older servers.

        Args:
            name: the collection.
            origin: what makes its vectors.
            timeout: seconds that each of the calls may take.
            look: whether to look if the metadata was kept; else the caller does so.
            in_point: whether it is known that the server keeps no metadata.
        """
        if not in_point:
            await self._connection.collections.Update(
                update_metadata(_named(name), origin.to_metadata()), timeout=timeout
            )
            if not look or self.keep_metadata:
                return
            info = await self.describe(name, timeout=timeout)
            if Origin.from_metadata(info.message.config.metadata) is not None:
                return
        await self._keep_origin_in_point(name, origin, timeout)

    async def _keep_origin_in_point(self, name: str, origin: Origin, timeout_s: float | None) -> None:
        """A point without a vector, which no search finds.

        Source: servers before Qdrant 1.16 know no collection metadata, and skip the field.
        """
        point = points.PointStruct(
            id=ORIGIN_POINT, vectors=points.Vectors(vectors=points.NamedVectors()), payload=origin.to_metadata()
        )
        response = await self._connection.points.Upsert(upsert_points(name, [point]), timeout=timeout_s)
        check_completed(response, "the collection's origin")


def _named(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise InvalidInput(f"a collection needs a name, not {name!r}")
    return name
