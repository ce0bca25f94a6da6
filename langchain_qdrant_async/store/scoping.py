"""The store of one tenant: a part of the collection that reads and writes as if it were all of it."""

from __future__ import annotations

from typing import Self

from langchain_qdrant_async.collection.handle import Handle
from langchain_qdrant_async.document.layout import Layout
from langchain_qdrant_async.document.scope import scope_of
from langchain_qdrant_async.store.reader import Reader
from langchain_qdrant_async.store.writer import Writer
from langchain_qdrant_async.transport.connection import Connection
from langchain_qdrant_async.transport.scoped import ScopedConnection, scope_around, whole_of


class Scoping:
    """Making the store of a tenant."""

    connection: Connection
    layout: Layout
    _collection: Handle

    def scoped(
        self, tenant: str | int | None = None, *, field: str | None = None, shard_key: str | int | None = None
    ) -> Self:
        """A store of one tenant's documents in the same collection: nothing that is done with it reaches another's.

        Reads find the tenant's documents only, writes make them the tenant's, and ids mean the tenant's: two tenants
        may use the same ids. No filter, id or metadata that is given to it changes that. It costs no I/O and shares the
        connection, the embedding and what is known of the collection, so make one for each request. The first write
        makes the payload index that keeps a tenant's points together.

        Args:
            tenant: whose documents; text, or an integer of 64 bits.
            field: the metadata field that holds it, which documents then have in their metadata; None: a payload key
                of its own, which no metadata shows.
            shard_key: the key of the shards of a collection with custom sharding, instead of a tenant or beside it.

        Returns:
            A store of the same class. Scope it again by a further field for a part of the part.

        Raises:
            InvalidInput: nothing tells the tenant apart, or it is scoped by that field already.
        """
        scope = scope_of(tenant, field, shard_key, self.layout.metadata_key, scope_around(self.connection))
        part = object.__new__(type(self))
        vars(part).update(vars(self))
        part.connection = ScopedConnection(whole_of(self.connection), scope)
        part._reader = Reader(part.connection, self._collection, self.layout)  # type: ignore[attr-defined]
        part._writer = Writer(part.connection, self._collection)  # type: ignore[attr-defined]
        return part
