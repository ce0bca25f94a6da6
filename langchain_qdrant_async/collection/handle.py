"""The collection that a store uses: looked up and compared on first use, made by the first write."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from langchain_core.embeddings import Embeddings

from langchain_qdrant_async.collection.collections import Collections, StoredOrigin
from langchain_qdrant_async.collection.comparison import check_size, vector_of
from langchain_qdrant_async.collection.info import CollectionInfo, VectorInfo
from langchain_qdrant_async.collection.origin import Origin, reduced_of
from langchain_qdrant_async.collection.plan import CollectionPlan
from langchain_qdrant_async.collection.spec import Distance
from langchain_qdrant_async.document.vectors import AnyVector, Floats, Sparse, packed, to_vector_input
from langchain_qdrant_async.embedding.calls import Calls
from langchain_qdrant_async.embedding.matrix import as_matrix
from langchain_qdrant_async.embedding.reduction.reduced import ReducedEmbeddings
from langchain_qdrant_async.errors import CollectionMismatch, InvalidInput, NotFound, PermissionDenied, Unimplemented
from langchain_qdrant_async.proto import points
from langchain_qdrant_async.transport.connection import Connection

TRUST_S = 1.0
"""For how long a reader goes on with what an alias meant. Whoever writes asks each time."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A collection that was found and is as planned."""

    name: str
    """The collection itself, where the plan may name an alias: what is read stays of one kind while an alias moves."""
    field: VectorInfo
    """The store's own vector."""
    using: str
    """Its name."""
    info: CollectionInfo
    """All that the collection has."""
    calls: Calls
    """How models are called."""
    embedding: Embeddings | None
    """What makes its vectors: the store's, with the collection's reduction."""
    origin: StoredOrigin | None
    """What is stored about that."""
    empty: bool
    """Whether it held nothing when it was found."""

    @property
    def readable(self) -> bool:
        """Whether there is anything that could be found: not before the first write has chosen a reduction."""
        reduced = reduced_of(self.embedding)
        return reduced is None or reduced.reduction is not None

    async def vector(self, query: str | AnyVector, using: str | None = None) -> tuple[str, points.VectorInput]:
        """A query's vector for a field, and that field's name.

        Args:
            query: a text, which the field's encoder embeds, or a vector of the field's kind.
            using: the field; None is the store's own.

        Raises:
            InvalidInput: there is no such field, or nothing that embeds texts for it.
            InvalidVector: its size is not the field's.
        """
        name = self.using if using is None else using
        if name in self.info.sparse_vectors and isinstance(query, Sparse):
            return name, to_vector_input(query)
        if name not in self.info.vectors:
            raise InvalidInput(f"collection {self.name!r} has no vector {name!r}")
        row = await self._embedded(query, name) if isinstance(query, str) else query
        if not isinstance(row, np.ndarray) or row.dtype != np.float32 or row.ndim != 1:
            return name, to_vector_input(row, self.info.vectors[name].dimension)
        check_size(self.name, len(row), self.info.vectors[name].dimension)
        return name, points.VectorInput(dense=packed(row))

    async def _embedded(self, query: str, name: str) -> Floats:
        if self.embedding is None or name != self.using:
            raise InvalidInput("this store has no embedding: pass one, or use the methods that take vectors")
        row: Floats = as_matrix([await self.calls.query(self.embedding, query)], 1, type(self.embedding).__name__)[0]
        return row


class LazyCollection:
    """The collection of a store.

    A missing collection reads as an empty one while writing may make it, so that a reader with a key that only reads,
    or with a mistyped name, never creates anything.
    """

    def __init__(
        self, connection: Connection, plan: CollectionPlan, embedding: Embeddings | None, calls: Calls | None = None
    ) -> None:
        """Plan to use a collection; no I/O."""
        self.calls = calls or Calls()
        self.plan = plan
        self.embedding = embedding
        self._collections = Collections(connection)
        self._opened: Opened | None = None
        self._forgotten = 0
        self._trusted_until = 0.0
        self._owes_indexes = plan.spec is not None and plan.create and plan.validate

    @property
    def current(self) -> Opened | None:
        """What is known of it without asking."""
        return self._opened

    @property
    def distance(self) -> Distance:
        """How vectors are compared, as far as is known: as found, else as planned."""
        if self._opened is not None:
            return self._opened.field.distance
        return self.plan.distance or Distance.COSINE

    def forget(self) -> None:
        """Look the collection up again next time; what is being looked up now is not remembered."""
        self._opened = None
        self._forgotten += 1

    def doubt(self) -> None:
        """Ask what the name means before the collection is used again."""
        self._trusted_until = 0.0

    async def moved(self, opened: Opened, timeout: float | None = None) -> bool:
        """Whether the name means another collection than this one by now, as after a reindexing.

        Whoever asks after a write, and writes again if it is so, loses nothing: a reindexing takes over what was
        written before it moved the alias.
        """
        if opened.name != self.plan.name and await self._real_name(timeout) != opened.name:
            return True
        return opened.empty and await self._was_outrun(opened, timeout)

    async def _was_outrun(self, opened: Opened, timeout_s: float | None) -> bool:
        """Whether another first writer has settled the origin of an empty collection otherwise, just after this one."""
        stored = await self._collections.origin(await self._collections.describe(opened.name, timeout=timeout_s))
        if stored is not None and opened.origin is not None and not stored.origin.same(opened.origin.origin):
            return True
        if self._opened is opened:
            self._opened = replace(opened, empty=False)
        return False

    async def for_reading(self, timeout: float | None = None) -> Opened | None:
        """The collection; None when there is none yet, or nothing in it.

        Raises:
            NotFound: there is none, and writing may not make it.
            CollectionMismatch: it is not as planned, or another model made its vectors.
        """
        opened = await self.find(timeout)
        return opened if opened is not None and opened.readable else None

    async def find(self, timeout: float | None = None) -> Opened | None:
        """The collection, be it empty; None when there is none yet. Raises as `for_reading` does."""
        opened = self._opened
        if opened is not None and opened.readable and not await self._moved_of_late(opened, timeout):
            return opened
        return await self._look_up(timeout)  # also when it was not: somebody else may have chosen a reduction since

    async def for_writing(self, dimension: int, origin: Origin | None, timeout: float | None = None) -> Opened:
        """The collection, made for vectors of `dimension` numbers unless the plan says otherwise.

        Args:
            dimension: numbers in a vector.
            origin: what makes the vectors, stored with a collection that has none yet and is empty. When somebody
                else was faster, theirs counts.
            timeout: seconds that each call may take.

        Raises:
            NotFound: there is none, and writing may not make it.
            CollectionMismatch: it is not as planned, or another model made its vectors.
            InvalidVector: the plan is for vectors of another size.
        """
        check_size(self.plan.name, dimension, self.plan.spec_for(dimension).dimension)
        opened = await self.find(timeout)
        if opened is None or self._owes_indexes:
            await self._collections.ensure(self.plan.spec_for(dimension), origin=origin, timeout=timeout)
            self._owes_indexes = False
            opened = await self._found_again(timeout)
        if opened.origin is None and opened.empty and origin is not None:
            opened = await self._found_again(timeout)  # others may have been faster while this one fitted a reduction
        if opened.origin is None and opened.empty and origin is not None:
            await self._collections.keep_origin(opened.name, origin, timeout=timeout)
            opened = await self._found_again(timeout)
        return opened

    async def _moved_of_late(self, opened: Opened, timeout_s: float | None) -> bool:
        """Whether an alias has been moved, by anybody; asked once in a while, by one of those who use it."""
        if opened.name == self.plan.name or time.monotonic() < self._trusted_until:
            return False
        self._trusted_until = time.monotonic() + TRUST_S
        moved = await self.moved(opened, timeout_s)
        if moved:
            self.forget()
        return moved

    async def _found_again(self, timeout_s: float | None) -> Opened:
        self.forget()
        opened = await self._look_up(timeout_s)
        if opened is None:
            raise CollectionMismatch(f"collection {self.plan.name!r} was dropped while it was being made; try again")
        return opened

    async def _look_up(self, timeout_s: float | None) -> Opened | None:
        forgotten, opened = self._forgotten, await self._existing(timeout_s)
        if forgotten == self._forgotten:
            self._opened, self._trusted_until = opened, time.monotonic() + TRUST_S
        return opened

    async def _existing(self, timeout_s: float | None) -> Opened | None:
        """The collection as it is; an alias that moves while it is being looked at is followed."""
        name = await self._real_name(timeout_s)
        try:
            return await self._open(await self._collections.describe(name, timeout=timeout_s), timeout_s)
        except NotFound:
            if name != self.plan.name and await self._real_name(timeout_s) != name:
                return await self._existing(timeout_s)
            if not self.plan.create:
                raise
            return None

    async def _open(self, info: CollectionInfo, timeout_s: float | None) -> Opened:
        self.plan.accept(info)
        stored = await self._collections.origin(info, timeout=timeout_s)
        return Opened(
            name=info.name,
            field=vector_of(info, self.plan.layout.vector_name),
            using=self.plan.layout.vector_name,
            info=info,
            calls=self.calls,
            embedding=self._fitting(stored, info),
            origin=stored,
            empty=info.points_count == 0,
        )

    async def _real_name(self, timeout_s: float | None) -> str:
        """The collection that the name means. A key that may not list aliases goes on with the alias itself."""
        try:
            aliases = await self._collections.aliases(timeout=timeout_s)
        except (PermissionDenied, Unimplemented):
            return self.plan.name
        return aliases.get(self.plan.name, self.plan.name)

    def _fitting(self, stored: StoredOrigin | None, info: CollectionInfo) -> Embeddings | None:
        """The store's embedding as this collection needs it."""
        embedding, reduced = self.embedding, reduced_of(self.embedding)
        if embedding is None or (stored is None and (reduced is None or reduced.reduction is not None)):
            return embedding
        if stored is None:
            if info.points_count:
                raise CollectionMismatch(
                    f"collection {self.plan.name!r} holds {info.points_count} points and says nothing of the reduction "
                    "that made their vectors: pass ReducedEmbeddings(model, dimension, reduction=...) with that one"
                )
            return embedding
        if isinstance(embedding, ReducedEmbeddings):
            embedding = stored.origin.settled(embedding)  # a copy: the same model may serve other collections
        elif reduced is not None and stored.origin.settled(reduced) is not reduced and stored.origin.reduction:
            reduced.adopt(stored.origin.reduction)  # in a cache, which keeps its own
        if self.plan.validate:
            stored.origin.accept(embedding, self.plan.name, vector_of(info, self.plan.layout.vector_name).dimension)
        return embedding
