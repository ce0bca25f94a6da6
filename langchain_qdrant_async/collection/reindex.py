"""A collection built anew beside the old one, for another model or another reduction."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from langchain_core.embeddings import Embeddings

from langchain_qdrant_async.collection.collection import Collection
from langchain_qdrant_async.collection.collections import ORIGIN_POINT, Collections, notice_of
from langchain_qdrant_async.collection.first_write import FIT_SAMPLE, FirstWrite
from langchain_qdrant_async.collection.handle import TRUST_S, Handle
from langchain_qdrant_async.collection.info import CollectionInfo
from langchain_qdrant_async.collection.limits import at_most
from langchain_qdrant_async.collection.message import update_metadata
from langchain_qdrant_async.collection.payload_index import (
    INDEX_KINDS,
    PayloadIndex,
    create_field_index,
    payload_index_of,
)
from langchain_qdrant_async.collection.plan import CollectionPlan
from langchain_qdrant_async.collection.spec import CollectionSpec, Hnsw
from langchain_qdrant_async.document.layout import CLAIM_KEY, Layout
from langchain_qdrant_async.document.message import (
    check_completed,
    delete_payload,
    delete_points,
    get_points,
    point_struct,
    sample_points,
    scroll_points,
    set_payload,
    upsert_points,
)
from langchain_qdrant_async.document.payload import from_payload, to_copy
from langchain_qdrant_async.document.values import to_value
from langchain_qdrant_async.embedding.encoder import DenseEncoder
from langchain_qdrant_async.embedding.reduction.quality import Quality
from langchain_qdrant_async.errors import CollectionMismatch, InvalidInput
from langchain_qdrant_async.proto import common, points
from langchain_qdrant_async.runtime.threads import Threads
from langchain_qdrant_async.transport.connection import Connection

_PAGE = 256
"""Points read, embedded and written at once."""
_FEW_FRESH = 20
"""Of so many points drawn by chance at least one must be new, or the drawing ends."""
_MOST_PASSES = 10
"""Passes after which writers are taken to be as fast as the copy: the rest is taken over after the switch."""

_COPY_OF = "langchain_qdrant_async.copy_of"
"""Key of a collection's metadata: which one it is being built from."""
_COPIED_TO = "langchain_qdrant_async.copied_to"
"""Key of a collection's metadata: which one is being built from it."""

_NOTICE_S = TRUST_S + 0.1
"""For how long a reindexing is announced before the alias moves: by then all who write by the alias have looked."""

Progress = Callable[[int, int], object]
"""Called with the documents looked at so far, and all."""


@dataclass(frozen=True, slots=True)
class Reindexed:
    """What a reindexing did."""

    alias: str
    """What means the new collection now."""
    collection: str
    """The new collection."""
    replaced: str
    """The collection that the alias meant before."""
    documents: int
    """Documents embedded, those that changed meanwhile more than once."""
    passes: int
    """Times that the collections were compared before the switch."""


@dataclass(frozen=True, slots=True)
class Drift:
    """What a reduction keeps of the documents of today, and what it kept when it was fitted."""

    fitted: Quality | None
    """Measured when it was fitted; None if there were too few texts."""
    now: Quality
    """Measured on a sample of today's documents."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A collection being built from another."""

    connection: Connection
    """Where both are."""
    source: str
    """The collection that is copied."""
    target: Collection
    """The one that is built."""
    layout: Layout
    """Where a document stands in a point of either."""
    noticed: float
    """When the reindexing was announced (monotonic)."""
    page: int = _PAGE
    """Points read, embedded and written at once."""
    equal: dict[int, bytes] = field(default_factory=dict)
    """The state of each point, by id, in which both collections were found to have it."""

    async def catch_up(self, on_progress: Progress | None = None) -> tuple[int, int]:
        """Compare and mend until a pass finds little to do; documents embedded, and passes."""
        embedded = passes = 0
        while True:
            passes += 1
            changed = await self._mend(on_progress)
            removed = await self._remove_strangers()
            embedded += changed
            if changed + removed <= (self.page if passes > 1 else 0) or passes == _MOST_PASSES:
                return embedded, passes

    async def switch(self, alias: str, *, expected: str | None) -> None:
        """Let the alias mean the new collection.

        Raises:
            CollectionMismatch: it does not mean `expected` any more; nothing was switched.
        """
        collections = Collections(self.connection)
        await asyncio.sleep(self.noticed + _NOTICE_S - time.monotonic())
        meant = (await collections.aliases()).get(alias)
        if expected is not None and meant not in {None, expected}:
            raise CollectionMismatch(
                f"{alias!r} means {meant!r} by now and not {expected!r}, which {self.target.name!r} was built from: "
                f"another reindexing was faster. Drop {self.target.name!r}"
            )
        await collections.alias(alias, self.target.name)
        await _write_note(self.connection, self.target.name, _COPY_OF, "")

    async def settle(self) -> None:
        """After the alias has moved: take over what reached the source since the last pass.

        Both collections may have been written to since. What the target has otherwise than they had it then is newer
        than what the source has.
        """
        claim = Claim(self.connection, self.target.name, self.equal)
        async for page in _pages(self.connection, self.source, self.page):
            changed = [each for each in page if self.equal.get(_key(each.id)) != _state(each)]
            structs = await self._structs(changed)  # embedded before the target is looked at: that takes longest
            newer = await claim.lay([each.id for each in changed])
            for mode, were_there in ((points.UpdateOnly, True), (points.InsertOnly, False)):
                meant = [each for each in structs if (_key(each.id) in self.equal) is were_there]
                only = claim.laid() if were_there else None
                await self._write([each for each in meant if _key(each.id) not in newer], only=only, mode=mode)
        async for strangers in self._strangers(settling=True):
            newer = await claim.lay(strangers)
            await self._remove(claim.laid([each for each in strangers if _key(each) not in newer]))

    async def _mend(self, on_progress: Progress | None) -> int:
        """Embed and write the documents that the target lacks, or has otherwise; how many."""
        total = (await Collections(self.connection).describe(self.source)).points_count
        changed = seen = 0
        async for page in _pages(self.connection, self.source, self.page):
            states = {_key(each.id): _state(each) for each in page}
            open_ = [each for each in page if self.equal.get(_key(each.id)) != states[_key(each.id)]]
            there = await self._there(open_)
            differing = [each for each in open_ if there.get(_key(each.id)) != states[_key(each.id)]]
            await self._write(await self._structs(differing))
            self.equal.update(states)
            changed, seen = changed + len(differing), seen + len(page)
            if on_progress is not None:
                on_progress(seen, max(seen, total))
        return changed

    async def _there(self, page: Sequence[points.RetrievedPoint]) -> dict[int, bytes]:
        """The states in which the target has these points, as far as it has them."""
        if not page:
            return {}
        response = await self.connection.points.Get(get_points(self.target.name, [each.id for each in page]))
        return {_key(each.id): _state(each) for each in response.result}

    async def _structs(self, page: Sequence[points.RetrievedPoint]) -> list[points.PointStruct]:
        """The same documents with the target's vectors."""
        if not page:
            return []
        texts = [from_payload(each.payload, content_key=self.layout.content_key).text for each in page]
        field = self.target.field
        assert field.encoder is not None  # noqa: S101  `begin` gave one
        rows = await field.encoder.documents(texts)
        return [
            point_struct(each.id, {field.name: field.message(row)}, to_copy(each.payload))
            for each, row in zip(page, rows, strict=True)
        ]

    async def _write(
        self,
        structs: Sequence[points.PointStruct],
        *,
        only: common.Filter | None = None,
        mode: points.UpdateMode.ValueType | None = None,
    ) -> None:
        for start in range(0, len(structs), self.page):
            request = upsert_points(self.target.name, structs[start : start + self.page], only=only, mode=mode)
            check_completed(await self.connection.points.Upsert(request), "the copy")

    async def _remove_strangers(self) -> int:
        """Delete what the source no longer has; how much."""
        removed = 0
        async for strangers in self._strangers():
            await self._remove(strangers)
            for each in strangers:
                self.equal.pop(_key(each), None)
            removed += len(strangers)
        return removed

    async def _strangers(self, *, settling: bool = False) -> AsyncIterator[list[common.PointId]]:
        """What the source no longer has; when settling, only what the target has had all the while."""
        async for page in _pages(self.connection, self.target.name, self.page, with_payload=settling):
            response = await self.connection.points.Get(get_points(self.source, [each.id for each in page]))
            there = {_key(each.id) for each in response.result}
            strangers = [each for each in page if _key(each.id) not in there]
            if settling:
                strangers = [each for each in strangers if self.equal.get(_key(each.id)) == _state(each)]
            if strangers:
                yield [each.id for each in strangers]

    async def _remove(self, chosen: Sequence[common.PointId] | common.Filter) -> None:
        done = await self.connection.points.Delete(delete_points(self.target.name, chosen))
        check_completed(done, "the copy")


@dataclass(frozen=True, slots=True)
class Claim:
    """A mark on points that are about to be replaced or deleted: whoever writes them meanwhile removes it by writing.

    So what stores write after the alias has moved is never written over, however short before. Older servers that know
    no `update_filter` skip the condition: there the moment between looking and writing remains.
    """

    connection: Connection
    """Where the collection is."""
    collection: str
    """The collection whose points are marked."""
    equal: Mapping[int, bytes]
    """The states in which the points were last known."""
    token: str = field(default_factory=lambda: uuid.uuid4().hex)
    """What the mark says."""

    async def lay(self, ids: Sequence[common.PointId]) -> set[int]:
        """Mark these points as far as they are there; those that are newer, or have been deleted since."""
        if not ids:
            return set()
        mark = set_payload(self.collection, {CLAIM_KEY: to_value(self.token)}, _among(ids))
        check_completed(await self.connection.points.SetPayload(mark), "the claim")
        response = await self.connection.points.Get(get_points(self.collection, ids))
        there = {_key(each.id): _state(each) for each in response.result}
        newer = [each for each in ids if self.equal.get(_key(each)) != there.get(_key(each))]
        if newer:
            unmark = delete_payload(self.collection, [CLAIM_KEY], _among(newer))
            check_completed(await self.connection.points.DeletePayload(unmark), "the claim")
        return set(map(_key, newer))

    def laid(self, ids: Sequence[common.PointId] | None = None) -> common.Filter:
        """What still has the mark, among these points or all."""
        marked = common.FieldCondition(key=CLAIM_KEY, match=common.Match(keyword=self.token))
        among = [] if ids is None else [common.Condition(has_id=common.HasIdCondition(has_id=ids))]
        return common.Filter(must=[common.Condition(field=marked), *among])


def _among(ids: Sequence[common.PointId]) -> common.Filter:
    return common.Filter(must=[common.Condition(has_id=common.HasIdCondition(has_id=ids))])


async def retire(connection: Connection, source: str, *, keep: bool) -> None:
    """Drop a collection that was replaced; one that is kept can be reindexed again, and is trusted by its writers."""
    if not keep:
        await Collections(connection).drop(source)
        return
    await _write_note(connection, source, _COPIED_TO, "")
    await Collections(connection).remove_alias(notice_of(source))


@dataclass(frozen=True, slots=True)
class Rebuild:
    """What is to be built from what."""

    connection: Connection
    """Where both are."""
    source: Collection
    """The collection of today."""
    layout: Layout
    """Where a document stands in a point of either."""
    embedding: Embeddings
    """What makes the new vectors."""
    threads: Threads
    """Where it runs if it has no async methods."""

    async def begin(self, into: str | None = None) -> Copy:
        """A collection for the embedding, made like the source and still empty; or the one that was begun before.

        A reduction is fitted on a random sample of the source's texts, unless the embedding has one, or what was begun.

        Raises:
            InvalidInput: the source has no documents.
        """
        name = into or f"{self.source.name}-{dt.datetime.now(dt.UTC):%Y%m%d%H%M%S}-{uuid.uuid4().hex[:6]}"
        collections = Collections(self.connection)
        await _check_source(collections, self.source, self.layout, name)
        existing = await collections.find(name)
        if existing is not None and (name == self.source.name or _note(existing, _COPY_OF) != self.source.name):
            raise InvalidInput(f"into={name!r} is a collection of its own: choose a name that is free, or drop it")
        await _write_note(self.connection, self.source.name, _COPIED_TO, name)
        await collections.alias(notice_of(self.source.name), self.source.name)
        noticed = time.monotonic()
        target = await self._handle(CollectionPlan(name, self.layout)).find()
        if target is None or target.origin is None:
            target = await self._made_like(name)
        return Copy(self.connection, self.source.name, target, self.layout, noticed, _page(self.source, target))

    async def _made_like(self, name: str) -> Collection:
        texts = await sample_texts(self.connection, self.source, self.layout.content_key, FIT_SAMPLE)
        if not texts:
            raise InvalidInput(f"collection {self.source.name!r} has no documents to build another from")
        first = FirstWrite(texts, DenseEncoder(self.embedding, self.threads))
        await first.origin()
        info = await Collections(self.connection).describe(self.source.name)
        plan = CollectionPlan(name, self.layout, spec_like(info, name, await first.size(), self.layout))
        target = await self._handle(plan).for_writing(first)
        await _copy_indexes(self.connection, info, name)
        await _index_claims(self.connection, target)
        await _write_note(self.connection, name, _COPY_OF, self.source.name)
        return target

    def _handle(self, plan: CollectionPlan) -> Handle:
        return Handle(self.connection, plan, self.embedding, self.threads)


async def _check_source(collections: Collections, source: Collection, layout: Layout, name: str) -> None:
    info = await collections.describe(source.name)
    others = [repr(each) for each in (*info.vectors, *info.sparse_vectors) if each != layout.vector_name]
    if others:
        raise InvalidInput(f"{source.name!r} has other vectors, {', '.join(others)}, which a new collection would lack")
    if info.sharded_by_keys:
        raise InvalidInput(f"{source.name!r} has shards by keys, which a new collection would lack")
    claimed = _note(info, _COPIED_TO)
    if claimed not in {"", name} and await collections.find(claimed) is not None:
        raise CollectionMismatch(
            f"{source.name!r} is being reindexed into {claimed!r}: wait for that, or if it was interrupted continue it"
            f" with into={claimed!r}, or drop {claimed!r} and call again"
        )


def _note(info: CollectionInfo, key: str) -> str:
    """What a reindexing has written down about a collection; nothing on servers without collection metadata."""
    metadata = info.message.config.metadata
    return metadata[key].string_value if key in metadata else ""


async def _write_note(connection: Connection, name: str, key: str, text: str) -> None:
    await connection.collections.Update(update_metadata(name, {key: to_value(text)}))


def spec_like(info: CollectionInfo, name: str, dimension: int, layout: Layout) -> CollectionSpec:
    """A collection of another name and size, otherwise like the one described."""
    config = info.message.config
    hnsw = config.hnsw_config
    return CollectionSpec(
        name,
        dimension=dimension,
        distance=info.vectors[layout.vector_name].distance,
        quantization=config.quantization_config if config.HasField("quantization_config") else None,
        hnsw=Hnsw(hnsw.m, hnsw.ef_construct, hnsw.full_scan_threshold, hnsw.on_disk),
        layout=layout,
        strict_mode=config.strict_mode_config if config.HasField("strict_mode_config") else None,
        options=info.options,
    )


async def sample_texts(connection: Connection, collection: Collection, content_key: str, limit: int) -> list[str]:
    """The texts of documents drawn by chance; all of them where there are fewer.

    Where a collection gives fewer at once, they are drawn in several times, until nearly all that are drawn are known.
    """
    most = at_most(limit, collection.info.limits.read)
    drawn: dict[int, str] = {}
    fresh = most
    while len(drawn) < limit and fresh * _FEW_FRESH >= most:
        response = await connection.points.Query(sample_points(collection.name, most, content_key))
        texts = {_key(each.id): from_payload(each.payload, content_key=content_key).text for each in response.result}
        fresh = len(texts.keys() - drawn.keys()) if most < limit else 0
        drawn |= texts
    return [text for text in drawn.values() if text][:limit]


async def _copy_indexes(connection: Connection, info: CollectionInfo, name: str) -> None:
    for key, schema in info.message.payload_schema.items():
        if (kind := info.payload_indexes[key]) in INDEX_KINDS:
            index = payload_index_of(schema.params) if schema.HasField("params") else PayloadIndex(kind)  # type: ignore[arg-type]  # one of them
            request = create_field_index(name, key, index)
            check_completed(await connection.points.CreateFieldIndex(request), "an index")


async def _index_claims(connection: Connection, target: Collection) -> None:
    """Index the mark of a claim, if points may only be changed by what is indexed."""
    config = target.info.message.config.strict_mode_config
    if config.enabled and config.HasField("unindexed_filtering_update") and not config.unindexed_filtering_update:
        request = create_field_index(target.name, CLAIM_KEY, PayloadIndex("keyword"))
        check_completed(await connection.points.CreateFieldIndex(request), "an index")


def _page(source: Collection, target: Collection) -> int:
    """As many points as both collections give and take at once."""
    return at_most(at_most(at_most(_PAGE, source.info.limits.read), target.info.limits.read), target.info.limits.write)


async def _pages(
    connection: Connection, name: str, size: int, *, with_payload: bool = True
) -> AsyncIterator[list[points.RetrievedPoint]]:
    """All points but the reserved one, by ascending id."""
    offset: common.PointId | None = None
    while True:
        response = await connection.points.Scroll(scroll_points(name, size, offset, with_payload=with_payload))
        page = [each for each in response.result if each.id != ORIGIN_POINT]
        if page:
            yield page
        if not response.HasField("next_page_offset"):
            return
        offset = response.next_page_offset


def _key(point_id: common.PointId) -> int:
    """The id as a number of its own, a UUID as a negative one: smaller than its text."""
    return -1 - uuid.UUID(point_id.uuid).int if point_id.uuid else point_id.num


def _state(point: points.RetrievedPoint) -> bytes:
    """What two equal payloads have in common."""
    kept = {key: value for key, value in point.payload.items() if key != CLAIM_KEY}
    payload = points.RetrievedPoint(payload=kept).SerializeToString(deterministic=True)
    return hashlib.blake2b(payload, digest_size=16).digest()
