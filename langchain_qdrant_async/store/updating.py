"""Changing documents where they are: their metadata, their vectors, and what a filter selects of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Unpack

from langchain_qdrant_async.collection.handle import Handle
from langchain_qdrant_async.document.change import Change, deleting, setting
from langchain_qdrant_async.document.ids import GivenId, identify, to_texts, winners
from langchain_qdrant_async.document.layout import Layout
from langchain_qdrant_async.document.vectors import AnyVector
from langchain_qdrant_async.errors import InvalidInput, InvalidVector
from langchain_qdrant_async.filters import FilterInput, to_filter
from langchain_qdrant_async.proto import common
from langchain_qdrant_async.search.ranking import checked_vector
from langchain_qdrant_async.store.changer import Changer
from langchain_qdrant_async.store.options import ChangeOptions, changing
from langchain_qdrant_async.store.variants import blocking, strict
from langchain_qdrant_async.store.writer import Write
from langchain_qdrant_async.store.writing import BATCH_SIZE
from langchain_qdrant_async.transport.connection import Connection


class Updating:
    """Changing documents without embedding them again."""

    connection: Connection
    layout: Layout
    _collection: Handle

    @strict
    async def aset_metadata(
        self,
        metadata: Mapping[str, Any],
        ids: Iterable[GivenId] | None = None,
        *,
        filter: FilterInput = None,
        **options: Unpack[ChangeOptions],
    ) -> int:
        """Set some fields of the metadata of documents; their other fields, texts and vectors stay.

        As `dict.update` does: a field is replaced, whatever it holds. Changes of different fields at the same time lose
        nothing; but where a value is None the whole metadata is written, since Qdrant cannot merge a null.

        Args:
            metadata: the fields, by key; checked as in a write.
            ids: which documents; those that do not exist are left out.
            filter: which documents, instead of ids; an empty one is refused. Documents are changed page by page, in the
                order of Qdrant's ids.
            **options: the rare ones, see `ChangeOptions`.

        Returns:
            How many documents were changed.

        Raises:
            InvalidInput: before anything was sent.
        """
        return await self._changed(setting(metadata, self.layout), ids, filter, options)

    @strict
    async def adelete_metadata(
        self,
        fields: Iterable[str],
        ids: Iterable[GivenId] | None = None,
        *,
        filter: FilterInput = None,
        **options: Unpack[ChangeOptions],
    ) -> int:
        """Delete some fields of the metadata of documents; what is not there is no error.

        Args:
            fields: their names, as in a filter: `author.name`, `parts[].id`, `'"my.key"'`.
            ids: which documents; those that do not exist are left out.
            filter: which documents, instead of ids; an empty one is refused.
            **options: the rare ones, see `ChangeOptions`.

        Returns:
            How many documents were looked at: those that were named or selected.

        Raises:
            InvalidInput: before anything was sent.
        """
        return await self._changed(deleting(fields, self.layout), ids, filter, options)

    @strict
    async def aupdate_vectors(
        self,
        ids: Iterable[GivenId],
        embeddings: Iterable[AnyVector],
        *,
        using: str | None = None,
        **options: Unpack[ChangeOptions],
    ) -> None:
        """Replace a vector of documents; their texts, metadata and other vectors stay.

        Args:
            ids: which documents, each once.
            embeddings: one for each of them: dense, `Sparse`, or several rows for a multivector.
            using: the vector field; None is the store's own.
            **options: the rare ones, see `ChangeOptions`.

        Raises:
            InvalidInput: before anything was sent.
            NotFound: there is no document with one of the ids; of the others some may have been changed.
            PartialWrite: some were changed before another batch failed; it names both.
        """
        identities = [identify(each) for each in to_texts(ids)]
        vectors = _checked(embeddings)
        if len(vectors) != len(identities):
            raise InvalidVector(f"{len(vectors)} embeddings for {len(identities)} ids: give one for each")
        last = winners(identities)
        write = Write(BATCH_SIZE, *changing(options))
        await self._changer.update_vectors(
            [identities[each] for each in last], [vectors[each] for each in last], using, write
        )

    @strict
    async def adelete_by_filter(self, filter: FilterInput, **options: Unpack[ChangeOptions]) -> int:
        """Delete what a filter selects, and say how many documents it was.

        They are counted first, so what others write or delete in between is deleted, or not, without being counted.

        Args:
            filter: which documents; an empty one is refused.
            **options: the rare ones, see `ChangeOptions`.

        Raises:
            InvalidInput: an empty filter.
        """
        chosen = self._of(None, filter)
        return await self._changer.delete(chosen, *changing(options))

    @property
    def _changer(self) -> Changer:
        return Changer(self.connection, self._collection)

    async def _changed(
        self, change: Change, ids: Iterable[GivenId] | None, filter: FilterInput, options: ChangeOptions
    ) -> int:
        chosen = self._of(ids, filter)
        if ids is not None and not chosen.must[0].has_id.has_id:
            return 0
        return await self._changer.change(chosen, change, *changing(options))

    def _of(self, ids: Iterable[GivenId] | None, filter: FilterInput) -> common.Filter:
        """The documents that are meant, as a filter."""
        if (ids is None) == (filter is None):
            raise InvalidInput("say which documents by exactly one of ids=[...] and filter={...}; nothing was changed")
        if ids is not None:
            named = common.HasIdCondition(has_id=[identify(each).message for each in to_texts(ids)])
            return common.Filter(must=[common.Condition(has_id=named)])
        chosen = to_filter(filter, metadata_key=self.layout.metadata_key)
        if chosen is None or not chosen.ByteSize():
            raise InvalidInput("an empty filter selects every document: say which; nothing was changed")
        return chosen

    @blocking(aset_metadata)
    def set_metadata(self) -> Any:
        """Blocking twin of `aset_metadata`."""

    @blocking(adelete_metadata)
    def delete_metadata(self) -> Any:
        """Blocking twin of `adelete_metadata`."""

    @blocking(aupdate_vectors)
    def update_vectors(self) -> Any:
        """Blocking twin of `aupdate_vectors`."""

    @blocking(adelete_by_filter)
    def delete_by_filter(self) -> Any:
        """Blocking twin of `adelete_by_filter`."""


def _checked(embeddings: Any) -> Sequence[Any]:
    if isinstance(embeddings, str | bytes) or not isinstance(embeddings, Iterable):
        raise InvalidVector(f"embeddings must be a list of vectors, not one {type(embeddings).__name__}")
    return [checked_vector(each) for each in embeddings]
