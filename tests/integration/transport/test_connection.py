"""Connections as users have them: shared folders, dying engines, keys and TLS."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import trustme

from langchain_qdrant_async import (
    AsyncQdrantVectorStore,
    Collections,
    CollectionSpec,
    Connection,
    Embedded,
    EngineError,
    InvalidInput,
    PermissionDenied,
    Policy,
    Remote,
    Retry,
    Unauthenticated,
    Unavailable,
)
from langchain_qdrant_async.proto import points, service
from langchain_qdrant_async.transport.engine import EngineUser
from tests.embeddings import WordEmbeddings
from tests.engine_messages import Engine, serving

KEY, READ_KEY = "full-access-key", "read-only-key"


def _store(connection: Connection) -> AsyncQdrantVectorStore:
    return AsyncQdrantVectorStore(connection, "docs", WordEmbeddings())


def _engines(folder: Path) -> list[psutil.Process]:
    return [each for each in psutil.process_iter() if str(folder) in _command(each)]


def _engine_pid(connection: Connection) -> int:
    assert isinstance(connection._place, EngineUser)
    assert connection._place._lease is not None
    return connection._place._lease.pid


async def _ended(folder: Path) -> bool:
    """Whether no engine of the folder lives; one that has let its last user go may take a moment to exit."""
    _, alive = await asyncio.to_thread(psutil.wait_procs, _engines(folder), timeout=5)
    return not alive


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline() if "langchain_qdrant_async.engine" in process.cmdline() else []
    except psutil.Error:
        return []


async def test_two_connections_share_a_folder_and_its_engine(tmp_path: Path) -> None:
    async with Connection(Embedded(tmp_path)) as first, Connection(str(tmp_path)) as second:
        ids = await _store(first).aadd_texts(["from the first"])
        assert len(await _store(second).aget_by_ids(ids)) == 1
        assert len(_engines(tmp_path)) == 1
        await first.aclose()
        assert len(await _store(second).aget_by_ids(ids)) == 1, "the engine stays for its other user"
    assert await _ended(tmp_path), "it stops with its last user"


OTHER_PROCESS = """
import sys
from langchain_qdrant_async import AsyncQdrantVectorStore, Connection
from langchain_qdrant_async.transport.engine import EngineUser
from tests.embeddings import WordEmbeddings
with Connection(sys.argv[1]) as connection:
    store = AsyncQdrantVectorStore(connection, "docs", WordEmbeddings())
    print([each.page_content for each in store.similarity_search("first")])
    store.add_texts(["from the second"], ids=["second"])
"""


async def test_another_process_joins(tmp_path: Path) -> None:
    async with Connection(Embedded(tmp_path)) as connection:
        await _store(connection).aadd_texts(["from the first"])
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", OTHER_PROCESS, str(tmp_path), stdout=subprocess.PIPE, cwd=Path.cwd()
        )
        output, _ = await asyncio.wait_for(process.communicate(), 60)
        assert output == b"['from the first']\n"
        assert len(await _store(connection).aget_by_ids(["second"])) == 1


async def test_data_outlives_the_engine(tmp_path: Path) -> None:
    for n in range(3):
        async with Connection(Embedded(tmp_path)) as connection:
            assert len(await _store(connection).asimilarity_search("text", k=10)) == n
            await _store(connection).aadd_texts([f"text {n}"])


async def test_a_killed_engine_is_replaced_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    async with Connection(Embedded(tmp_path)) as connection:
        store = _store(connection)
        ids = []
        for n in range(5):
            ids += await store.aadd_texts([f"text {n}"])
            os.kill(_engine_pid(connection), signal.SIGKILL)
            assert len(await store.aget_by_ids(ids)) == n + 1
            assert len(await store.asimilarity_search("text", k=10)) == n + 1


async def test_writers_go_on_while_the_engine_is_killed(tmp_path: Path) -> None:
    async with Connection(Embedded(tmp_path), policy=Policy(retry=Retry(attempts=20))) as connection:
        store = _store(connection)
        await store.aadd_texts(["first"])
        writers = [
            asyncio.create_task(store.aadd_texts([f"text {n} {m}" for m in range(40)], batch_size=4)) for n in range(4)
        ]
        for _ in range(2):
            await asyncio.wait(writers, return_when=asyncio.FIRST_COMPLETED, timeout=0.05)
            with contextlib.suppress(ProcessLookupError):  # killed before, and not missed yet
                os.kill(_engine_pid(connection), signal.SIGKILL)
        ids = [each for written in await asyncio.gather(*writers) for each in written]
        assert len(await store.aget_by_ids(ids)) == len(set(ids)) == 160
        count = await connection.points.Count(points.CountPoints(collection_name="docs", exact=True))
        assert count.result.count == 161, "nothing is there twice"


async def test_a_killed_engine_costs_no_call(tmp_path: Path) -> None:
    """With the usual policy, also while calls are under way that may not be sent twice without looking."""
    async with Connection(Embedded(tmp_path)) as connection:
        admin = Collections(connection)
        await admin.create(CollectionSpec("docs", dimension=2))
        for n in range(2):
            calls = [admin.describe("docs"), admin.create(CollectionSpec(f"docs-{n}", dimension=2))]
            calls += [admin.describe("docs") for _ in range(10)]
            under_way = [asyncio.ensure_future(each) for each in calls]
            await asyncio.sleep(0)
            os.kill(_engine_pid(connection), signal.SIGKILL)
            assert [each.name for each in await asyncio.gather(*under_way)][:2] == ["docs", f"docs-{n}"]
        assert await admin.names() == ["docs", "docs-0", "docs-1"]


async def test_memory_leaves_nothing_behind() -> None:
    connection = Connection(":memory:")
    await _store(connection).aadd_texts(["text"])
    assert isinstance(connection._place, EngineUser)
    assert connection._place._lease is not None
    folder = connection._place._lease.folder
    assert folder.exists()
    await connection.aclose()
    assert not folder.exists()
    assert await _ended(folder)


async def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    async with Connection(Embedded(tmp_path / "file")) as connection:
        with pytest.raises(EngineError, match="file"):
            await _store(connection).aadd_texts(["text"])


async def test_the_constructor_does_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    connection = Connection(Embedded(folder))
    _store(connection)
    assert not folder.exists()
    await connection.aclose()
    assert not folder.exists()


async def test_raw_stubs_pass_the_funnel(connection: Connection) -> None:
    reply = await connection.service.HealthCheck(service.HealthCheckRequest(), timeout=5)
    assert reply.version
    with pytest.raises(InvalidInput, match="timeout"):
        await connection.service.HealthCheck(service.HealthCheckRequest(), timeout=-1)


# ── a server with keys and TLS ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("secured")
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    chain, key = folder / "chain.pem", folder / "key.pem"
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(chain, append=True)
    certificate.private_key_pem.write_to_path(key)
    options = ("--tls-cert", str(chain), "--tls-key", str(key))
    keys = ("--api-key-env", "TEST_KEY", "--read-only-api-key-env", "TEST_READ_KEY")
    environment = os.environ | {"TEST_KEY": KEY, "TEST_READ_KEY": READ_KEY}
    with serving(folder / "data", *options, *keys, env=environment) as engine:
        yield engine
        assert engine.stop() == 0


def _remote(engine: Engine, authority: trustme.CA, api_key: str | None) -> Remote:
    return Remote(f"https://{engine.address}", api_key=api_key, root_certificates=authority.cert_pem.bytes())


async def test_tls_with_a_key(secured: Engine, authority: trustme.CA) -> None:
    async with Connection(_remote(secured, authority, KEY)) as connection:
        ids = await _store(connection).aadd_texts(["text"])
        assert len(await _store(connection).aget_by_ids(ids)) == 1
    async with Connection(_remote(secured, authority, READ_KEY)) as connection:
        assert len(await _store(connection).aget_by_ids(ids)) == 1
        with pytest.raises(PermissionDenied, match="This API key may not do that"):
            await _store(connection).aadd_texts(["text"])
        with pytest.raises(PermissionDenied):
            await Collections(connection).ensure(CollectionSpec("other"))


@pytest.mark.parametrize("api_key", [None, "wrong-key"])
async def test_a_wrong_key(secured: Engine, authority: trustme.CA, api_key: str | None) -> None:
    async with Connection(_remote(secured, authority, api_key)) as connection:
        with pytest.raises(Unauthenticated, match="Pass the right api_key") as caught:
            await _store(connection).asimilarity_search("text")
    assert "wrong-key" not in str(caught.value)


async def test_a_certificate_that_is_not_trusted(secured: Engine) -> None:
    async with Connection(
        Remote(f"https://{secured.address}", api_key=KEY), policy=Policy(retry=Retry(attempts=2))
    ) as no_trust:
        with pytest.raises(Unavailable, match=secured.address):
            await _store(no_trust).asimilarity_search("text")


async def test_large_messages(connection: Connection, collection_name: str) -> None:
    """Beyond gRPC's own limit of 4 MB, both ways, and cut by bytes on the way in."""
    store = AsyncQdrantVectorStore(connection, collection_name, WordEmbeddings())
    texts = ["x" * 1_500_000 + str(n) for n in range(12)]
    await store.aadd_texts(texts)
    found = await store.asimilarity_search("x", k=12)
    assert sorted(map(len, (each.page_content for each in found))) == sorted(map(len, texts))
