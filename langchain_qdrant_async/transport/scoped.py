"""A connection as a tenant has it: whatever is asked over it, of a tenant's part of a collection it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from langchain_qdrant_async.document.ids import from_point_id
from langchain_qdrant_async.document.narrowing import examples_in, found_of, narrow, scroll_for
from langchain_qdrant_async.document.scope import Scope
from langchain_qdrant_async.errors import InvalidInput, NotFound, PermissionDenied
from langchain_qdrant_async.proto import PointsStub, collections, points
from langchain_qdrant_async.transport.connection import Connection


class ScopedConnection(Connection):
    """What a scoped store has for a connection. It stays the whole connection's to close.

    Attributes:
        whole: the connection without the scope.
        scope: the tenant's part of each collection.
    """

    def __init__(self, whole: Connection, scope: Scope) -> None:
        """Narrow a connection that has no scope; no I/O."""
        vars(self).update(vars(whole))
        self.whole, self.scope = whole, scope
        self.points = cast("PointsStub", ScopedPoints(self))

    def __repr__(self) -> str:
        return f"{self.whole!r} scoped to {self.scope!r}"

    def __deepcopy__(self, memo: dict[int, object]) -> ScopedConnection:
        return ScopedConnection(self.whole.__deepcopy__(memo), self.scope)

    def __reduce__(self) -> tuple[object, ...]:
        return ScopedConnection, (self.whole, self.scope)

    async def aclose(self) -> None:
        """Nothing: the connection without the scope is closed where it was made."""


def whole_of(connection: Connection) -> Connection:
    """The connection without any scope."""
    return connection.whole if isinstance(connection, ScopedConnection) else connection


def scope_around(connection: Connection) -> Scope | None:
    """The scope that a connection has already."""
    return connection.scope if isinstance(connection, ScopedConnection) else None


def check_whole(connection: Connection, what: str) -> None:
    """Nothing, when a connection is to whole collections.

    Raises:
        InvalidInput: it is a tenant's.
    """
    if isinstance(connection, ScopedConnection):
        raise InvalidInput(f"{what} is of the whole collection: call it on the store that scoped() was called on")


class ScopedPoints:
    """The Points service as a tenant has it."""

    def __init__(self, connection: ScopedConnection) -> None:
        self._connection = connection

    def __getattr__(self, method: str) -> ScopedRpc:
        rpc = ScopedRpc(self._connection, method)
        setattr(self, method, rpc)
        return rpc


class ScopedRpc:
    """One RPC of a tenant: `await rpc(request, timeout=seconds)`."""

    def __init__(self, connection: ScopedConnection, method: str) -> None:
        self._connection = connection
        self._scope = connection.scope
        self._points = connection.whole.points
        self._method = method
        self._rpc = getattr(self._points, method)

    async def __call__(self, request: Any, *, timeout: float | None = None, metadata: Any = None) -> Any:
        """Ask the same of the tenant's part.

        Raises:
            InvalidInput: it would reach beyond that.
            NotFound: a point that is named by its id is not there.
        """
        narrowed = narrow(self._method, request, self._scope)
        if not self._scope.levels:
            return await self._rpc(narrowed, timeout=timeout, metadata=metadata)
        try:
            if isinstance(request, points.GetPoints):
                return await self._got(narrowed, timeout)
            if isinstance(request, points.UpsertPoints):
                await self._index(request.collection_name, timeout)
            await self._resolve(narrowed, timeout)
            return await self._rpc(narrowed, timeout=timeout, metadata=metadata)
        except NotFound:
            self._connection.tenant_indexes.difference_update(self._indexes(request.collection_name))
            raise

    async def _got(self, request: points.GetPoints, timeout: float | None) -> points.GetResponse:
        """The points of these ids that are the tenant's, each by the id that was asked for."""
        found = await self._found(request, [*request.ids], timeout)
        response = points.GetResponse()
        for given, point in zip(request.ids, found, strict=True):
            if point is not None:
                named = response.result.add()
                named.CopyFrom(point)
                named.id.CopyFrom(given)
        return response

    async def _resolve(self, request: Any, timeout: float | None) -> None:
        """Name the points whose vectors are meant by the ids that they have."""
        named = [] if isinstance(request, points.UpsertPoints) else examples_in(request)
        if not named:
            return
        for given, point in zip(named, await self._found(request, named, timeout), strict=True):
            if point is None:
                raise _absent(given)
            given.CopyFrom(point.id)

    async def _found(self, request: Any, ids: Sequence[Any], timeout: float | None) -> Sequence[Any]:
        if not ids:
            return []
        page = await self._points.Scroll(scroll_for(request, ids, self._scope), timeout=timeout)
        return found_of(ids, page.result, self._scope)

    async def _index(self, collection: str, timeout: float | None) -> None:
        """Make the index that keeps a tenant's points together, once for each collection."""
        made, wanted = self._connection.tenant_indexes, self._indexes(collection)
        if made.issuperset(wanted):
            return
        made |= wanted
        try:
            for level in self._scope.levels:
                await self._points.CreateFieldIndex(_tenant_index(collection, level), timeout=timeout)
        except PermissionDenied:  # who may only write goes without
            return
        except BaseException:
            made -= wanted
            raise

    def _indexes(self, collection: str) -> set[tuple[str, str]]:
        return {(collection, level.path) for level in self._scope.levels}


def _tenant_index(collection: str, scope: Scope) -> points.CreateFieldIndexCollection:
    """Source: https://qdrant.tech/documentation/guides/multitenancy/ , `is_tenant`, which integers do not have."""
    params = collections.PayloadIndexParams(keyword_index_params=collections.KeywordIndexParams(is_tenant=True))
    kind = points.FieldType.FieldTypeKeyword
    if not isinstance(scope.tenant, str):
        lookup = collections.IntegerIndexParams(lookup=True, range=False)
        params, kind = collections.PayloadIndexParams(integer_index_params=lookup), points.FieldType.FieldTypeInteger
    return points.CreateFieldIndexCollection(
        collection_name=collection, wait=True, field_name=scope.path, field_type=kind, field_index_params=params
    )


def _absent(given: Any) -> NotFound:
    import grpc

    text = f"Not found: No point with id {from_point_id(given)} found"
    return NotFound(f"{text} in this scope", code=grpc.StatusCode.NOT_FOUND, details=text)
