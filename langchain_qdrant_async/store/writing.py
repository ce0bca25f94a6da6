"""The writing half of the store: documents in, documents out of the way."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from typing import Any, Unpack

from langchain_core.documents import Document

from langchain_qdrant_async.checks import shortened, whole_number
from langchain_qdrant_async.collection.handle import Handle
from langchain_qdrant_async.document.ids import GivenId, identify, to_texts
from langchain_qdrant_async.document.layout import Layout
from langchain_qdrant_async.document.message import Ordering, write_ordering
from langchain_qdrant_async.document.record import (
    Item,
    items_of,
    items_of_documents,
    iterable_of,
    list_of_texts,
    records_of,
)
from langchain_qdrant_async.document.vectors import MatrixInput, to_matrix
from langchain_qdrant_async.errors import InvalidInput, InvalidVector
from langchain_qdrant_async.filters import FilterInput, to_filter
from langchain_qdrant_async.proto import common, points
from langchain_qdrant_async.runtime.turns import in_turns
from langchain_qdrant_async.store.options import WriteOptions, changing
from langchain_qdrant_async.store.variants import blocking, strict
from langchain_qdrant_async.store.writer import Write, Writer

BATCH_SIZE = 256
"""Documents in one write. Measured: within 20 % of the least CPU per document, and no long pause of the loop."""


class Writing:
    """Adding and deleting documents."""

    layout: Layout
    _collection: Handle
    _writer: Writer

    @strict
    async def aadd_texts(
        self,
        texts: Iterable[str] | AsyncIterable[str],
        metadatas: Iterable[Mapping[str, Any] | None] | None = None,
        ids: Iterable[GivenId | None] | None = None,
        batch_size: int = BATCH_SIZE,
        **options: Unpack[WriteOptions],
    ) -> list[str]:
        """Embed texts and write them; an id that exists is overwritten.

        Everything is checked before anything is sent, and ids are made before the first attempt, so a repeated call
        or a retry never duplicates.

        Args:
            texts: any iterable, an asynchronous one too; it is read once.
            metadatas: one dictionary for each text, or None.
            ids: one for each text; None, as a whole or for one text, has one made. Of several with one, the last stays.
            batch_size: documents embedded and written at once.
            **options: the rare ones, see `WriteOptions`.

        Returns:
            The ids, in input order and as they were given, of documents that an option kept from being written, too.

        Raises:
            InvalidInput: before anything was sent.
            PartialWrite: some batches were written before one failed; it names both.
        """
        items = items_of(await iterable_of("texts", texts), metadatas, ids)
        return await self._add_texts(items, batch_size, options)

    @strict
    async def aadd_documents(
        self,
        documents: Iterable[Document] | AsyncIterable[Document],
        ids: Iterable[GivenId | None] | None = None,
        *,
        batch_size: int = BATCH_SIZE,
        **options: Unpack[WriteOptions],
    ) -> list[str]:
        """Embed documents and write them, as `aadd_texts`.

        Args:
            documents: any iterable, an asynchronous one too, as loaders give it; it is read once, and not changed.
            ids: instead of the documents' own; a document without an id has one made.
            batch_size: documents embedded and written at once.
            **options: the rare ones, see `WriteOptions`.

        Returns:
            The ids, in input order.
        """
        items = items_of_documents(await iterable_of("documents", documents), ids)
        return await self._add_texts(items, batch_size, options)

    @strict
    async def aadd_embeddings(
        self,
        texts: Iterable[str] | None = None,
        embeddings: MatrixInput | None = None,
        metadatas: Iterable[Mapping[str, Any] | None] | None = None,
        ids: Iterable[GivenId | None] | None = None,
        *,
        batch_size: int = BATCH_SIZE,
        **options: Unpack[WriteOptions],
    ) -> list[str]:
        """Write texts with vectors made elsewhere, as `aadd_texts`.

        Args:
            texts: any iterable; None: what each metadata has under `data`, else `""`.
            embeddings: one vector for each text: lists, or an array of shape (n, dimension).
            metadatas: one dictionary for each text, or None.
            ids: one for each text, or None.
            batch_size: documents written at once.
            **options: the rare ones, see `WriteOptions`.

        Raises:
            InvalidVector: their number or size is wrong, or a component is not finite.
        """
        if embeddings is None:
            raise InvalidVector("embeddings are missing: give one vector for each text; add_texts makes them")
        matrix = to_matrix(embeddings)
        metadatas = None if metadatas is None else list(metadatas)
        texts = list_of_texts(_texts_in(metadatas, len(matrix)) if texts is None else texts)
        if len(matrix) != len(texts):
            raise InvalidVector(f"{len(matrix)} embeddings for {len(texts)} texts: give one for each text")
        name = self.layout.vector_name
        items = items_of(texts, metadatas, ids, [{name: row} for row in matrix])
        return await self._add(items, self._write(batch_size, options))

    async def adelete(
        self,
        ids: Iterable[GivenId] | None = None,
        *,
        filter: FilterInput = None,
        delete_all: bool = False,
        ordering: Ordering | None = None,
        timeout: float | None = None,
    ) -> bool:
        """Delete documents by id, or by filter, or all of them; exactly one of the three.

        Args:
            ids: ids that may or may not exist; an empty list deletes nothing.
            filter: which documents to delete; an empty one is refused.
            delete_all: every document, by an explicit word only. The collection stays.
            ordering: order of writes in a cluster.
            timeout: seconds that the call may take, retries included.

        Returns:
            True: nothing of what was named is there any more.

        Raises:
            InvalidInput: none or several of the three, or an empty filter.
        """
        selector = self._selector(ids, filter, delete_all=delete_all)
        ordered = write_ordering(ordering)
        if selector != []:
            await self._writer.delete(selector, ordered, timeout)
        return True

    def _selector(
        self,
        ids: Iterable[GivenId] | None,
        filter: FilterInput,
        *,
        delete_all: bool,
    ) -> list[common.PointId] | common.Filter:
        if (ids is not None) + (filter is not None) + delete_all != 1:
            raise InvalidInput(
                "say what to delete by exactly one of ids=[...], filter={...} and delete_all=True; nothing was deleted"
            )
        if ids is not None:
            return [identify(text).message for text in to_texts(ids)]
        selected = to_filter(filter, metadata_key=self.layout.metadata_key)
        if not delete_all and (selected is None or not selected.ByteSize()):
            raise InvalidInput("an empty filter selects every document; pass delete_all=True to delete them all")
        return selected or common.Filter()

    async def _add_texts(self, items: list[Item], batch_size: int, options: WriteOptions | None = None) -> list[str]:
        write = self._write(batch_size, options or {})
        self._collection.check_embeds()
        return await self._add(items, write)

    async def _add(self, items: list[Item], write: Write) -> list[str]:
        """Everything that is added goes this way."""
        records = [record async for record in in_turns(records_of(items, self.layout))]
        await self._writer.write(records, write)
        return [item.id for item in items]

    def _write(self, batch_size: int, options: WriteOptions) -> Write:
        """How documents are written.

        Raises:
            TypeError: an option that does not exist.
        """
        ordering, timeout_s = changing(options, WriteOptions)
        mode = options.get("update_mode", "upsert")
        if not isinstance(mode, str) or mode not in _MODES:
            raise InvalidInput(f"update_mode must be one of {', '.join(_MODES)}, not {shortened(mode)}")
        return Write(
            whole_number("batch_size", batch_size, at_least=1),
            ordering,
            timeout_s,
            _MODES[mode],
            to_filter(options.get("update_filter"), metadata_key=self.layout.metadata_key),
        )

    @blocking(aadd_texts)
    def add_texts(self) -> Any:
        """Blocking twin of `aadd_texts`."""

    @blocking(aadd_documents)
    def add_documents(self) -> Any:
        """Blocking twin of `aadd_documents`."""

    @blocking(aadd_embeddings)
    def add_embeddings(self) -> Any:
        """Blocking twin of `aadd_embeddings`."""

    @blocking(adelete)
    def delete(self) -> Any:
        """Blocking twin of `adelete`."""


def _texts_in(metadatas: Sequence[object] | None, count: int) -> list[str]:
    """The texts of documents that are given by their vectors alone, as mem0 does, which keeps them in its metadata."""
    parts = [each.get("data") if isinstance(each, Mapping) else None for each in metadatas or [None] * count]
    return [each if isinstance(each, str) else "" for each in parts]


_MODES = {
    "upsert": None,
    "insert_only": points.UpdateMode.InsertOnly,
    "update_only": points.UpdateMode.UpdateOnly,
}
