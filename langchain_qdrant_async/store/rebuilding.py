"""The collection built anew: for another model or reduction, and when it is time for that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from langchain_core.embeddings import Embeddings

from langchain_qdrant_async.checks import whole_number
from langchain_qdrant_async.collection.collection import Collection
from langchain_qdrant_async.collection.collections import Collections
from langchain_qdrant_async.collection.first_write import FIT_SAMPLE
from langchain_qdrant_async.collection.handle import Handle
from langchain_qdrant_async.collection.reindex import Drift, Progress, Rebuild, Reindexed, retire, sample_texts
from langchain_qdrant_async.document.layout import Layout
from langchain_qdrant_async.embedding.reduction.reduced import ReducedEmbeddings
from langchain_qdrant_async.errors import CollectionMismatch, InvalidInput, NotFound
from langchain_qdrant_async.runtime.blocking import blocking
from langchain_qdrant_async.runtime.threads import Threads
from langchain_qdrant_async.transport.connection import Connection
from langchain_qdrant_async.transport.scoped import check_whole


class Rebuilding:
    """Building a store's collection anew."""

    connection: Connection
    layout: Layout
    embedding: Embeddings | None
    _collection: Handle
    _threads: Threads

    async def areindex(
        self,
        embedding: Embeddings | None = None,
        *,
        alias: str | None = None,
        into: str | None = None,
        keep_old: bool = False,
        on_progress: Progress | None = None,
    ) -> Reindexed:
        """Build the collection anew for another model or reduction, and switch an alias to it in one step.

        Readers never see an empty or a mixed collection: they go on with the old one until the alias moves, and those
        who still use it then follow when it is dropped. What stores write, change and delete meanwhile, here and in
        other processes, is taken over, also in the moment of the switch. Run it in a task of its own to go on working
        beside it. It keeps some 150 bytes for each document in memory.

        Args:
            embedding: what makes the new vectors; None: the same model with a reduction fitted on today's documents.
            alias: what is to mean the new collection, by default the name that this store uses. That must not be the
                name of a collection, which cannot be switched; make an alias with `Collections.alias` and use that.
            into: the new collection's name; one that a reindexing of the same collection has begun is continued.
            keep_old: whether to keep the old collection; one that this store names by its own name is always kept.
            on_progress: called with the documents looked at so far, and all.

        Returns:
            What was done. This store uses the new collection from now on.

        Raises:
            InvalidInput: there is no alias to switch, nothing to build from, or a collection that would be lost.
            CollectionMismatch: another reindexing of the same collection is under way, or was faster.
        """
        check_whole(self.connection, "reindexing")
        self._collection.doubt()
        source = await self._collection.for_reading()
        if source is None:
            raise InvalidInput(f"collection {self._collection.plan.name!r} has no documents to build another from")
        alias = self._switchable(alias, source)
        if alias in await Collections(self.connection).names():
            raise InvalidInput(f"{alias!r} is the name of a collection, which cannot become an alias: choose another")
        named_by_alias = source.name != self._collection.plan.name
        embedding = embedding or await self._refitted(source)
        rebuild = Rebuild(self.connection, source, self.layout, embedding, self._threads)
        with _while_copied(source.name):
            copy = await rebuild.begin(into)
            documents, passes = await copy.catch_up(on_progress)
            await copy.switch(alias, expected=source.name if named_by_alias else None)
        self._collection.use(alias, embedding)
        self.embedding = embedding
        await copy.settle()
        await retire(self.connection, source.name, keep=keep_old or not named_by_alias)
        return Reindexed(alias, copy.target.name, source.name, documents, passes)

    async def adrift(self, sample: int = 500) -> Drift:
        """How well the collection's reduction fits the documents of today, beside what it kept when it was fitted.

        Embeds a random sample of the stored texts once more. A share of explained variance that has fallen far says
        that the texts have changed their subject: time for `areindex`.

        Raises:
            InvalidInput: the collection has no reduction, or fewer than two documents.
        """
        check_whole(self.connection, "the drift of a reduction")
        sample = whole_number("sample", sample, at_least=2)
        collection = await self._collection.for_reading()
        reduced = None if collection is None else collection.reduced
        if collection is None or reduced is None or reduced.reduction is None:
            raise InvalidInput(f"collection {self._collection.plan.name!r} has no reduction that could drift")
        texts = await sample_texts(self.connection, collection, self.layout.content_key, sample)
        return Drift(fitted=reduced.reduction.quality, now=await reduced.ameasure(texts))

    def _switchable(self, alias: str | None, source: Collection) -> str:
        if alias is None and source.name == self._collection.plan.name:
            raise InvalidInput(
                f"{source.name!r} is a collection, not an alias, so its readers cannot be switched at once: "
                "pass alias=..., or make an alias with Collections(connection).alias(alias, collection) and open stores"
                " by that"
            )
        return alias or self._collection.plan.name

    async def _refitted(self, source: Collection) -> ReducedEmbeddings:
        reduced = source.reduced
        if reduced is None or reduced.reduction is None:
            raise InvalidInput("without a reduction there is nothing to fit anew: pass the embedding to change to")
        fresh = ReducedEmbeddings(reduced.embeddings, reduced.dimension)
        if reduced.reduction.matrix is not None and reduced.reduction.source_dimension == reduced.dimension:
            texts = await sample_texts(self.connection, source, self.layout.content_key, FIT_SAMPLE)
            return fresh.with_reduction(await fresh.afitted(texts))  # by default a model of this size is left alone
        return fresh

    @blocking(areindex)
    def reindex(self) -> Any:
        """Blocking twin of `areindex`."""

    @blocking(adrift)
    def drift(self) -> Any:
        """Blocking twin of `adrift`."""


@contextmanager
def _while_copied(name: str) -> Iterator[None]:
    try:
        yield
    except NotFound as error:
        raise CollectionMismatch(
            f"{name!r} is gone: it was dropped, or replaced by another reindexing, while it was being copied"
        ) from error
