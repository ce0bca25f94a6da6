"""Collections: made from a spec, described, compared, indexed, dropped."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace

from langchain_qdrant_async.config import CollectionSpec, Distance, Hnsw, IndexKind, Layout
from langchain_qdrant_async.connection import Connection
from langchain_qdrant_async.errors import AlreadyExists, CollectionMismatch, InvalidInput, NotFound
from langchain_qdrant_async.paths import to_path
from langchain_qdrant_async.proto import collections
from langchain_qdrant_async.requests import create_collection, create_field_index, update_collection
from langchain_qdrant_async.responses import CollectionInfo, VectorInfo, check_completed, collection_info


class Collections:
    """The collections of a Qdrant."""

    def __init__(self, connection: Connection) -> None:
        """Work over a connection, which stays the caller's to close."""
        self._connection = connection

    async def ensure(self, spec: CollectionSpec, *, timeout: float | None = None) -> CollectionInfo:
        """Make the collection if there is none; otherwise compare it, and add the payload indexes that it lacks.

        Many callers may do this at once; one of them makes it.

        Args:
            spec: what it is to be.
            timeout: seconds that each of the calls may take.

        Raises:
            CollectionMismatch: it exists with another size, distance or vector name.
        """
        info = await self.find(spec.name, timeout=timeout)
        if info is None:
            info = await self._create_or_find(spec, timeout)
        compare(spec, info)
        return await self._with_indexes(spec, info, timeout)

    async def create(self, spec: CollectionSpec, *, timeout: float | None = None) -> CollectionInfo:
        """Make a collection that must not exist.

        Raises:
            AlreadyExists: it does.
        """
        await self._connection.collections.Create(create_collection(spec, timeout), timeout=timeout)
        return await self._with_indexes(spec, await self.describe(spec.name, timeout=timeout), timeout)

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
        kind: IndexKind,
        *,
        layout: Layout | None = None,
        timeout: float | None = None,
    ) -> None:
        """Index a metadata field, named as in a filter; done when it returns.

        Args:
            name: the collection.
            field: the metadata field, `"lang"` or `"author.name"`.
            kind: what the field holds.
            layout: where metadata stands; `Layout(metadata_key=None)` to name payload keys themselves.
            timeout: seconds that the call may take.
        """
        key = to_path(field, metadata_key=(layout or Layout()).metadata_key)
        response = await self._connection.points.CreateFieldIndex(
            create_field_index(_named(name), key, kind), timeout=timeout
        )
        check_completed(response, f"the index of {key!r}")

    async def drop(self, name: str, *, timeout: float | None = None) -> bool:
        """Delete a collection with everything in it; whether there was one."""
        request = collections.DeleteCollection(collection_name=_named(name))
        response = await self._connection.collections.Delete(request, timeout=timeout)
        return bool(response.result)

    async def _create_or_find(self, spec: CollectionSpec, timeout_s: float | None) -> CollectionInfo:
        with suppress(AlreadyExists):  # somebody else made it meanwhile: it is compared like any other
            await self._connection.collections.Create(create_collection(spec, timeout_s), timeout=timeout_s)
        return await self.describe(spec.name, timeout=timeout_s)

    async def _with_indexes(
        self, spec: CollectionSpec, info: CollectionInfo, timeout_s: float | None
    ) -> CollectionInfo:
        missing = {
            name: kind
            for name, kind in spec.payload_indexes.items()
            if to_path(name, metadata_key=spec.layout.metadata_key) not in info.payload_indexes
        }
        for name, kind in missing.items():
            await self.index(spec.name, name, kind, layout=spec.layout, timeout=timeout_s)
        return await self.describe(spec.name, timeout=timeout_s) if missing else info


def compare(spec: CollectionSpec, info: CollectionInfo) -> VectorInfo:
    """The vector of the collection that the spec means.

    Raises:
        CollectionMismatch: vector name, size or distance differ. The message says both sides.
    """
    vector = vector_of(info, spec.layout.vector_name)
    differences = [
        f"{what} {theirs} where {ours} was asked for"
        for what, theirs, ours in (
            ("dimension", vector.dimension, spec.dimension),
            ("distance", vector.distance.value, spec.distance.value),
        )
        if theirs != ours
    ]
    if differences:
        raise CollectionMismatch(
            f"collection {spec.name!r} exists with {' and '.join(differences)}: change the spec or the name"
        )
    return vector


def vector_of(info: CollectionInfo, vector_name: str) -> VectorInfo:
    """The vector of that name.

    Raises:
        CollectionMismatch: the collection has no such vector, or has many of it in a point.
    """
    vector = info.vectors.get(vector_name)
    if vector is None:
        there = ", ".join(_shown(name) for name in info.vectors) or "no dense vector"
        raise CollectionMismatch(
            f"collection {info.name!r} has {there} where {_shown(vector_name)} was asked for: pass another vector_name"
        )
    if vector.multivector:
        raise CollectionMismatch(
            f"{_shown(vector_name)} of collection {info.name!r} is a multivector; one for each document is needed"
        )
    return vector


def _shown(vector_name: str) -> str:
    return f"the vector {vector_name!r}" if vector_name else "the default (unnamed) vector"


def _named(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise InvalidInput(f"a collection needs a name, not {name!r}")
    return name


class OpenedCollection:
    """The collection of a store: looked up and compared on first use, made by the first write.

    A missing collection reads as an empty one while writing may make it, so that a reader with a key that only reads,
    or with a mistyped name, never creates anything.
    """

    def __init__(self, connection: Connection, plan: CollectionPlan) -> None:
        """Plan to use a collection; no I/O."""
        self.plan = plan
        self._collections = Collections(connection)
        self._info: CollectionInfo | None = None

    @property
    def distance(self) -> Distance:
        """How vectors are compared, as far as is known: as found, else as planned."""
        if self._info is not None:
            return vector_of(self._info, self.plan.layout.vector_name).distance
        return self.plan.distance or Distance.COSINE

    def forget(self) -> None:
        """Look the collection up again next time."""
        self._info = None

    async def for_reading(self, timeout: float | None = None) -> VectorInfo | None:
        """The collection's vector; None when there is no collection yet.

        Raises:
            NotFound: there is none, and writing may not make it.
            CollectionMismatch: it is not as planned.
        """
        if self._info is None:
            found = await self._look_up(timeout)
            if found is None:
                return None
            self._info = self.plan.accept(found)
        return vector_of(self._info, self.plan.layout.vector_name)

    async def for_writing(self, dimension: int, timeout: float | None = None) -> VectorInfo:
        """The collection's vector, made for vectors of `dimension` numbers unless the plan says otherwise.

        Raises:
            NotFound: there is none, and writing may not make it.
            CollectionMismatch: it is not as planned.
        """
        if self._info is None:
            self._info = await self._made(dimension, timeout)
        return vector_of(self._info, self.plan.layout.vector_name)

    async def _look_up(self, timeout_s: float | None) -> CollectionInfo | None:
        look_up = self._collections.find if self.plan.create else self._collections.describe
        return await look_up(self.plan.name, timeout=timeout_s)

    async def _made(self, dimension: int, timeout_s: float | None) -> CollectionInfo:
        if self.plan.create and self.plan.spec is not None and self.plan.validate:
            return await self._collections.ensure(self.plan.spec, timeout=timeout_s)
        found = await self._look_up(timeout_s)
        if found is None:
            return await self._collections.ensure(self.plan.spec_for(dimension), timeout=timeout_s)
        return self.plan.accept(found)


@dataclass(frozen=True, slots=True)
class CollectionPlan:
    """What a store expects of its collection."""

    name: str
    """The collection, or an alias of it."""
    layout: Layout = field(default_factory=Layout)
    """Where a document stands in a point."""
    spec: CollectionSpec | None = None
    """What it is to be; None: as it is found, and made to fit the first vectors."""
    distance: Distance | None = None
    """How its vectors must be compared; None: as it is found, cosine for a new one."""
    create: bool = True
    """Whether the first write makes it when there is none."""
    validate: bool = True
    """Whether one that exists is compared with this plan."""

    def spec_for(self, dimension: int) -> CollectionSpec:
        """The collection to make for vectors of that many numbers."""
        distance = self.distance or Distance.COSINE
        return self.spec or CollectionSpec(self.name, dimension=dimension, distance=distance, layout=self.layout)

    def accept(self, info: CollectionInfo) -> CollectionInfo:
        """The collection as found.

        Raises:
            CollectionMismatch: it is not as planned.
        """
        vector = vector_of(info, self.layout.vector_name)
        if self.validate and self.spec is not None:
            compare(self.spec, info)
        elif self.validate and self.distance not in {None, vector.distance}:
            compare(replace(self.spec_for(vector.dimension), dimension=vector.dimension), info)
        return info
