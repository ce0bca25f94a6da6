"""A change that cannot be brought to the disk did not happen: not in memory, not on the disk, and not after a crash."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc import StatusCode

from langchain_qdrant_async.engine.process.folder import FolderLost
from langchain_qdrant_async.engine.shards.catalog import Catalog
from langchain_qdrant_async.proto import collections, points
from tests.engine_messages import OPTIONS, Engine, Refused, Stubs, dense_config, point, serving

Change = Callable[[Stubs], Awaitable[Any]]


async def create(stubs: Stubs) -> None:
    request = collections.CreateCollection(collection_name="new", vectors_config=dense_config(2))
    await stubs.collections.Create(request)


async def delete(stubs: Stubs) -> None:
    await stubs.collections.Delete(collections.DeleteCollection(collection_name="docs"))


async def configure(stubs: Stubs) -> None:
    hnsw = collections.HnswConfigDiff(ef_construct=7)
    await stubs.collections.Update(collections.UpdateCollection(collection_name="docs", hnsw_config=hnsw))


async def alias(stubs: Stubs) -> None:
    await _alias(stubs, create_alias=collections.CreateAlias(alias_name="other", collection_name="docs"))


async def rename_alias(stubs: Stubs) -> None:
    await _alias(stubs, rename_alias=collections.RenameAlias(old_alias_name="alias", new_alias_name="another"))


async def delete_alias(stubs: Stubs) -> None:
    await _alias(stubs, delete_alias=collections.DeleteAlias(alias_name="kept"))


async def create_index(stubs: Stubs) -> None:
    await _index(stubs, "m")


async def delete_index(stubs: Stubs) -> None:
    request = points.DeleteFieldIndexCollection(collection_name="docs", field_name="n", wait=True)
    await stubs.points.DeleteFieldIndex(request)


CHANGES = (create, configure, alias, rename_alias, delete_alias, create_index, delete_index, delete)


async def test_a_change_that_cannot_be_published_is_refused_and_did_not_happen(tmp_path: Path) -> None:
    async with talking(tmp_path) as (engine, stubs):
        await make(stubs)
        before = await state(stubs)
        (tmp_path / "registry.new").mkdir()  # nothing can be published now
        for change in CHANGES:
            with Refused(StatusCode.INTERNAL, "registry.new"):
                await change(stubs)
            assert await state(stubs) == before, change
        await stubs.upsert(point(2, [0, 1], n=2))
        before["points"] += 1
        engine.stop(signal.SIGKILL)
    async with talking(tmp_path) as (engine, stubs):
        assert await state(stubs) == before
        (tmp_path / "registry.new").rmdir()
        for change in CHANGES:
            await change(stubs)
            after = await state(stubs)
            assert after != before, change
            before = after
        engine.stop(signal.SIGKILL)
    async with talking(tmp_path) as (engine, stubs):
        assert await state(stubs) == after
        assert engine.stop() == 0
    assert len(list((tmp_path / "collections").iterdir())) == len(after["names"])


async def test_a_dropped_collection_is_gone_when_the_engine_is(tmp_path: Path) -> None:
    async with talking(tmp_path) as (engine, stubs):
        await make(stubs)
        await delete(stubs)
        assert engine.stop() == 0
    assert not list((tmp_path / "collections").iterdir())
    assert not list((tmp_path / "passing").iterdir())


@pytest.mark.parametrize("replaced_at", ["the beginning", "the publication"])
def test_a_folder_that_is_replaced_while_a_collection_is_made(tmp_path: Path, replaced_at: str) -> None:
    """Nothing is left in the folder that has its name now."""
    folder, moved = tmp_path / "data", tmp_path / "moved"

    def replace() -> None:
        if not moved.exists():
            folder.rename(moved)
            folder.mkdir()

    def check() -> None:
        replace()
        raise FolderLost(folder)

    folder.mkdir()
    catalog = Catalog(folder)
    catalog.create("docs", config())
    catalog.check_with(check)
    if replaced_at == "the beginning":
        replace()
    with pytest.raises(FolderLost):
        catalog.create("new", config())
    catalog.folders.wait()
    assert [path for path in folder.rglob("*") if path.parent != folder] == []
    catalog.shard("docs").engine.close()
    again = Catalog(moved)
    assert again.names == ["docs"]
    again.close()


def config() -> collections.CollectionConfig:
    return collections.CollectionConfig(params=collections.CollectionParams(vectors_config=dense_config(2)))


async def test_what_another_put_beside_the_collections_is_left_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    theirs = tmp_path / "collections" / "theirs"
    theirs.mkdir(parents=True)
    (tmp_path / "registry.json").write_text('{"version": 1, "collections": {}, "aliases": {}}')
    (theirs / "file").write_text("kept")
    (tmp_path / "collections" / "empty").mkdir()
    (tmp_path / "collections" / "link").symlink_to(theirs)
    async with talking(tmp_path) as (engine, stubs):
        await make(stubs)
        assert engine.stop() == 0
    assert (theirs / "file").read_text() == "kept"
    assert f"{theirs} is none of this engine's collections" in capfd.readouterr().err
    assert not (tmp_path / "collections" / "empty").exists()


@asynccontextmanager
async def talking(folder: Path) -> AsyncIterator[tuple[Engine, Stubs]]:
    """An engine of its own, and a channel to it."""
    with serving(folder, "--no-optimiser") as engine:
        async with grpc.aio.insecure_channel(engine.target, options=OPTIONS) as channel:
            yield engine, Stubs(channel, "docs")


async def make(stubs: Stubs) -> None:
    await stubs.create(vectors_config=dense_config(2))
    await stubs.upsert(point(1, [1, 0], n=1))
    await _index(stubs, "n")
    for name in ("alias", "kept"):
        await _alias(stubs, create_alias=collections.CreateAlias(alias_name=name, collection_name="docs"))


async def state(stubs: Stubs) -> dict[str, Any]:
    listed = await stubs.collections.List(collections.ListCollectionsRequest())
    aliases = await stubs.collections.ListAliases(collections.ListAliasesRequest())
    names = [each.name for each in listed.collections]
    found: dict[str, Any] = {"names": names, "aliases": [each.alias_name for each in aliases.aliases]}
    if "docs" in names:
        request = collections.GetCollectionInfoRequest(collection_name="docs")
        info = (await stubs.collections.Get(request)).result
        found |= {"points": info.points_count, "ef": info.config.hnsw_config.ef_construct}
        found |= {name: each.params for name, each in info.payload_schema.items()}
    return found


async def _alias(stubs: Stubs, **action: Any) -> None:
    actions = [collections.AliasOperations(**action)]
    await stubs.collections.UpdateAliases(collections.ChangeAliases(actions=actions))


async def _index(stubs: Stubs, name: str) -> None:
    params = collections.PayloadIndexParams(integer_index_params=collections.IntegerIndexParams(is_principal=True))
    request = points.CreateFieldIndexCollection(
        collection_name="docs",
        field_name=name,
        field_type=points.FieldTypeInteger,
        field_index_params=params,
        wait=True,
    )
    await stubs.points.CreateFieldIndex(request)
