"""Tenants with shards of their own, on a real cluster: where `QDRANT_CLUSTER_URL` names a node of one."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator

import pytest

from langchain_qdrant_async import AsyncQdrantVectorStore, Collections, CollectionSpec, Connection, InvalidRequest
from langchain_qdrant_async.proto import collections
from tests.embeddings import WordEmbeddings

URL = os.environ.get("QDRANT_CLUSTER_URL")
SIZE = 8

pytestmark = pytest.mark.skipif(URL is None, reason="QDRANT_CLUSTER_URL names no node of a Qdrant cluster")


@pytest.fixture
async def store() -> AsyncIterator[AsyncQdrantVectorStore]:
    """A collection with custom sharding, and the shards of two tenants."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    options = {"sharding_method": "custom", "shard_number": 1, "replication_factor": 2, "write_consistency_factor": 1}
    spec = CollectionSpec(name, dimension=SIZE, options=options)
    async with Connection(str(URL)) as connection:
        await Collections(connection).ensure(spec)
        for key in ("acme", "other"):
            made = collections.CreateShardKey(shard_key=collections.ShardKey(keyword=key))
            await connection.collections.CreateShardKey(
                collections.CreateShardKeyRequest(collection_name=name, request=made)
            )
        yield AsyncQdrantVectorStore(connection, embedding=WordEmbeddings(SIZE), spec=spec)
        await Collections(connection).drop(name)


@pytest.mark.parametrize("tenant", [None, "ours"], ids=["by shards alone", "by shards and a key"])
async def test_a_tenant_has_shards_of_its_own(store: AsyncQdrantVectorStore, tenant: str | None) -> None:
    acme, other = (store.scoped(tenant, shard_key=key) for key in ("acme", "other"))
    await acme.aadd_texts(["of acme"], [{"n": 1}], ["1"])
    await other.aadd_texts(["of other"], [{"n": 1}], ["2"])
    for part, text in ((acme, "of acme"), (other, "of other")):
        assert [each.page_content for each in await part.asimilarity_search("of", k=9)] == [text]
        assert [each.page_content async for each in part.ascroll()] == [text]
        assert await part.acount({"n": 1}) == 1
        assert await part.aset_metadata({"n": 2}, filter={"n": 1}) == 1
    assert await acme.aget_by_ids(["2"]) == []
    assert await acme.adelete_by_filter({"n": 2}) == 1
    assert await other.acount() == 1


async def test_a_write_without_shards_is_refused(store: AsyncQdrantVectorStore) -> None:
    with pytest.raises(InvalidRequest, match=r"(?i)shard key"):
        await store.aadd_texts(["nowhere"])
