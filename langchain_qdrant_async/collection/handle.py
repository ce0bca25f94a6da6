"""What a store knows of its collection: one frozen state, looked up on first use, made by the first write.

A missing collection reads as an empty one while writing may make it, so that a reader with a key that only reads, or
with a mistyped name, never creates anything.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from langchain_core.embeddings import Embeddings

from langchain_qdrant_async.collection.collection import Collection
from langchain_qdrant_async.collection.collections import Collections, StoredOrigin, notice_of
from langchain_qdrant_async.collection.comparison import check_size
from langchain_qdrant_async.collection.field import Distance
from langchain_qdrant_async.collection.first_write import FirstWrite
from langchain_qdrant_async.collection.fitting import fitting
from langchain_qdrant_async.collection.info import CollectionInfo
from langchain_qdrant_async.collection.learned import learn, with_learned
from langchain_qdrant_async.collection.origin import reduced_of
from langchain_qdrant_async.collection.plan import CollectionPlan
from langchain_qdrant_async.embedding.encoder import DenseEncoder, Encoder
from langchain_qdrant_async.errors import (
    InvalidInput,
    InvalidVector,
    NotFound,
    PermissionDenied,
    RpcError,
    Unimplemented,
)
from langchain_qdrant_async.runtime.threads import Threads
from langchain_qdrant_async.transport.connection import Connection

TRUST_S = 0.5
"""For how long what an alias meant is taken to be what it means. See decision 0210."""


@dataclass(frozen=True, slots=True)
class _State:
    """What is known; each look-up and each doubt makes a new one."""

    collection: Collection | None = None
    """The collection; None: not known, or not there."""
    until: float = 0.0
    """The moment (monotonic) up to which its name is taken to mean it. A collection's own name always does."""
    moves: int = 0
    """How many aliases this process had moved by then."""
    looked: float = 0.0
    """The moment (monotonic) at which the collection was looked at."""


_UNKNOWN = _State()
_MOST_ROUNDS = 100
"""Times that a collection may be gone before its error is the caller's: others may drop it again and again."""


class Handle:
    """A store's collection."""

    def __init__(
        self, connection: Connection, plan: CollectionPlan, embedding: Embeddings | None, threads: Threads
    ) -> None:
        """Plan to use a collection; no I/O."""
        self.plan = plan
        self.embedding = embedding
        self._threads = threads
        self._encoder = None if embedding is None else DenseEncoder(embedding, threads)
        self._collections = Collections(connection)
        self._state = _UNKNOWN
        self._owes_indexes = plan.spec is not None and plan.create and plan.validate

    @property
    def current(self) -> Collection | None:
        """What is known of it without asking."""
        return self._state.collection

    @property
    def encoder(self) -> DenseEncoder | None:
        """The store's embedding, as it was given."""
        return self._encoder

    def check_embeds(self) -> None:
        """Nothing, when texts can be embedded.

        Raises:
            InvalidInput: neither the store nor the spec's own field has what embeds them.
        """
        if self.embedding is None and self.plan.encoder is None:
            raise InvalidInput("this store has no embedding: pass one, or use the methods that take vectors")

    @property
    def distance(self) -> Distance:
        """How vectors are compared, as far as is known: as found, else as planned."""
        if self.current is not None:
            return self.current.field.distance
        return self.plan.distance or Distance.COSINE

    def forget(self) -> None:
        """Look the collection up again next time; what is being looked up now is not remembered."""
        self._state = _State()

    def use(self, name: str, embedding: Embeddings) -> None:
        """Be the handle of another collection from now on, as it is found."""
        self.plan = replace(self.plan, name=name, spec=None)
        self.embedding, self._encoder = embedding, DenseEncoder(embedding, self._threads)
        self._owes_indexes = False
        self.forget()

    async def is_outdated(
        self, known: Collection, error: RpcError | InvalidVector, rounds: int, timeout: float | None = None
    ) -> bool:
        """Whether an error came because the collection is no longer what is known, and a call is worth repeating.

        Args:
            known: the collection as it was used.
            error: what came of it.
            rounds: how often this call has met such an error.
            timeout: seconds that each call may take.
        """
        if not isinstance(error, NotFound):
            return rounds < _MOST_ROUNDS and await self.changed(known, timeout)
        self.forget()
        # Source: Qdrant's text is "Collection `name` doesn't exist!"; otherwise something in it may not be found.
        return rounds < (_MOST_ROUNDS if f"`{known.name}`" in error.details else 2)

    async def changed(self, collection: Collection, timeout: float | None = None) -> bool:
        """Whether the collection is otherwise by now than it is known: asked when Qdrant contradicts what is known.

        What was looked at within `TRUST_S` is not doubted: then it is the caller's input that does not fit.

        Raises:
            CollectionMismatch: it is no longer as planned.
        """
        if self._means(collection) and not self.aged:
            return False
        self.forget()
        now = await self._look_up(timeout)
        return now is None or not now.is_like(collection)

    async def refresh(self, timeout: float | None = None) -> None:
        """Look at the collection again, unless that was done within `TRUST_S`: before a judgement on what it is."""
        if self.current is not None and self.aged:
            self.forget()
            await self._look_up(timeout)

    @property
    def aged(self) -> bool:
        """Whether what is known was looked at longer ago than `TRUST_S`."""
        return time.monotonic() - self._state.looked >= TRUST_S

    async def for_reading(self, timeout: float | None = None) -> Collection | None:
        """The collection; None when there is none yet, or nothing in it.

        Raises:
            NotFound: there is none, and writing may not make it.
            CollectionMismatch: it is not as planned, or another model made its vectors.
        """
        collection = await self.find(timeout)
        return collection if collection is not None and collection.readable else None

    async def find(self, timeout: float | None = None) -> Collection | None:
        """The collection, be it empty; None when there is none yet. Raises as `for_reading` does."""
        collection = self._state.collection
        if (
            collection is not None
            and collection.readable
            and (
                collection.name == self.plan.name
                or self._trusts(collection)
                or not await self._moved(collection, timeout)
            )
        ):
            return collection
        return await self._look_up(timeout)  # also when it was not: somebody else may have chosen a reduction since

    async def for_writing(self, first: FirstWrite, timeout: float | None = None) -> Collection:
        """The collection, made for what is to be written unless it is there.

        Args:
            first: what is to be written: asked only for a collection that is not there, or says nothing of its origin.
            timeout: seconds that each call may take.

        Raises:
            NotFound: there is none, and writing may not make it.
            CollectionMismatch: it is not as planned, or another model made its vectors.
            InvalidVector: the plan is for vectors of another size.
        """
        collection = await self.find(timeout)
        if collection is None:
            collection = await self._make(first, timeout)
        elif self._owes_indexes:
            await self._index(await self._collections.describe(collection.name, timeout=timeout), timeout)
        if collection.origin is None and collection.empty:
            return await self._keep_origin(collection, first, timeout)
        return collection

    async def moved(self, collection: Collection, timeout: float | None = None) -> bool:
        """Whether the name means another collection than this one by now, as after a reindexing.

        Whoever asks after a write, and writes again if it is so, loses nothing: see decision 0210.
        """
        if (
            collection.name != self.plan.name
            and not self._trusts(collection)
            and await self._moved(collection, timeout)
        ):
            return True
        return collection.contested and await self._was_outrun(collection, timeout)

    async def _moved(self, collection: Collection, timeout_s: float | None) -> bool:
        asked, moves = time.monotonic(), Collections.moves
        name, lasting = await self._meaning(timeout_s)
        if name != collection.name:
            self.forget()
            return True
        if self._means(collection):
            self._state = replace(self._state, until=asked + TRUST_S if lasting else 0.0, moves=moves)
        return False

    def doubt(self) -> None:
        """Ask what the name means before the collection is used again."""
        self._state = replace(self._state, until=0.0)

    def _means(self, collection: Collection) -> bool:
        return self.current is not None and self.current.name == collection.name

    def _trusts(self, collection: Collection) -> bool:
        state = self._state
        return self._means(collection) and time.monotonic() < state.until and state.moves == Collections.moves

    async def _was_outrun(self, collection: Collection, timeout_s: float | None) -> bool:
        """Whether another first writer has settled the origin of an empty collection otherwise, just after this one."""
        assert collection.origin is not None  # noqa: S101  what is contested has one
        ours = collection.origin.origin
        stored = await self._stored(collection.name, timeout_s)
        if stored is None:  # an older server
            await self._collections.keep_origin(collection.name, ours, timeout=timeout_s, in_point=True)
            stored = await self._stored(collection.name, timeout_s)
        if stored is None or not stored.origin.same(ours):
            self.forget()
            return True
        if self.current is collection:
            self._remember(replace(collection, origin=stored, contested=False))
        return False

    async def _stored(self, name: str, timeout_s: float | None) -> StoredOrigin | None:
        return await self._collections.origin(await self._collections.describe(name, timeout=timeout_s))

    async def _make(self, first: FirstWrite, timeout_s: float | None) -> Collection:
        """The collection, made now; or as somebody else has made it meanwhile."""
        origin = await first.origin(None)
        size = await first.size()
        spec = self.plan.spec_for(size)
        if spec.field.kind == "dense" and self.plan.encoder is None:
            check_size(self.plan.name, size, spec.field)
        learned = await learn(spec.fields, first.texts)
        info, made = await self._collections.make(spec, origin=origin, learned=learned, timeout=timeout_s)
        info = await self._index(info, timeout_s)
        collection = await self._open(info, timeout_s)
        if made and origin is not None and collection.origin is None:  # an older server, which keeps no metadata
            await self._collections.keep_origin(info.name, origin, timeout=timeout_s, in_point=True)
            collection = self._as_planned(info, StoredOrigin(origin, in_point=True))
        known = replace(collection, contested=collection.contested and not made)
        self._state = _State(known, looked=time.monotonic())
        return known

    async def _keep_origin(self, collection: Collection, first: FirstWrite, timeout_s: float | None) -> Collection:
        """An empty collection with what makes its vectors: as settled by others meanwhile, or as this write says."""
        origin = await first.origin(collection)
        if origin is None:
            return collection
        if first.fitted:  # which takes so long that others may have been faster
            info = await self._collections.describe(collection.name, timeout=timeout_s)
            collection = self._remember(await self._open(info, timeout_s))
            if collection.origin is not None or not collection.empty:
                return collection
        await self._collections.keep_origin(collection.name, origin, timeout=timeout_s, look=first.fitted)
        return self._remember(self._as_planned(collection.info, StoredOrigin(origin, in_point=False)))

    def _remember(self, collection: Collection) -> Collection:
        """The collection as it is known from now on, if it is still the one that is meant."""
        if self._means(collection):
            self._state = replace(self._state, collection=collection)
        return collection

    async def _index(self, info: CollectionInfo, timeout_s: float | None) -> CollectionInfo:
        """Add the payload indexes that the spec asks for and the collection lacks; once in a store's life."""
        if self._owes_indexes and self.plan.spec is not None:
            info = await self._collections.add_indexes(self.plan.spec, info, timeout=timeout_s)
            self._owes_indexes = False
        return info

    async def _look_up(self, timeout_s: float | None) -> Collection | None:
        before, asked, moves = self._state, time.monotonic(), Collections.moves
        collection, lasting = await self._existing(timeout_s)
        if self._state is before:  # what was forgotten meanwhile is not remembered
            self._state = _State(collection, asked + TRUST_S if lasting else 0.0, moves, asked)
        return collection

    async def _existing(self, timeout_s: float | None) -> tuple[Collection | None, bool]:
        """The collection as it is; an alias that moves while it is being looked at is followed."""
        name, lasting = await self._meaning(timeout_s)
        try:
            return await self._open(await self._collections.describe(name, timeout=timeout_s), timeout_s), lasting
        except NotFound:
            if name != self.plan.name and (await self._meaning(timeout_s))[0] != name:
                return await self._existing(timeout_s)
            if not self.plan.create:
                raise
            return None, False

    async def _meaning(self, timeout_s: float | None) -> tuple[str, bool]:
        """The collection that the name means, and whether that lasts: not while it is being reindexed.

        A key that may not list aliases goes on with the alias itself.
        """
        try:
            aliases = await self._collections.aliases(timeout=timeout_s)
        except (PermissionDenied, Unimplemented):
            return self.plan.name, True
        name = aliases.get(self.plan.name, self.plan.name)
        return name, notice_of(name) not in aliases

    async def _open(self, info: CollectionInfo, timeout_s: float | None) -> Collection:
        self.plan.accept(info)
        return self._as_planned(info, await self._collections.origin(info, timeout=timeout_s))

    def _as_planned(self, info: CollectionInfo, stored: StoredOrigin | None) -> Collection:
        own = self.plan.accept(info)
        embedding = fitting(self.plan, self.embedding, stored, info, own)
        own = with_learned(replace(own, encoder=self._filling(embedding)), info.metadata)
        return Collection(
            name=info.name,
            field=own,
            fields=self.plan.fields(info, own),
            embedding=embedding,
            reduced=reduced_of(embedding),
            origin=stored,
            info=info,
            layout=self.plan.layout,
            contested=stored is not None and info.points_count == 0,
        )

    def _filling(self, embedding: Embeddings | None) -> Encoder | None:
        """What makes the vectors of the store's own field."""
        if embedding is None or self.plan.encoder is not None:
            return self.plan.encoder
        return self._encoder if embedding is self.embedding else DenseEncoder(embedding, self._threads)
