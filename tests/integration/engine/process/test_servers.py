"""An engine that listens on TCP: keys, TLS, signals, and Qdrant's own client."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from grpc import StatusCode
from qdrant_client import AsyncQdrantClient, models

from langchain_qdrant_async.proto import collections, service, snapshots
from langchain_qdrant_async.transport.engine import join
from tests.engine_messages import OPTIONS, WAIT_S, Engine, Refused, Stubs, dense_config, point, serving

pytest_plugins = ("tests.engine_fixtures",)

KEYS = {"ENGINE_KEY": "secret", "ENGINE_READ_KEY": "looker"}
KEY_OPTIONS = ("--api-key-env", "ENGINE_KEY", "--read-only-api-key-env", "ENGINE_READ_KEY")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, bytes]]:
    """An engine with keys and TLS, and the certificate of its authority."""
    folder = tmp_path_factory.mktemp("guarded")
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    (folder / "key.pem").write_bytes(issued.private_key_pem.bytes())
    (folder / "cert.pem").write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    tls = ("--tls-cert", str(folder / "cert.pem"), "--tls-key", str(folder / "key.pem"))
    with serving(folder / "data", *KEY_OPTIONS, *tls, env=os.environ | KEYS) as engine:
        yield engine, authority.cert_pem.bytes()
        assert engine.stop() == 0


def secure(guarded: tuple[Engine, bytes]) -> grpc.aio.Channel:
    engine, authority = guarded
    port = engine.address.rpartition(":")[2]
    return grpc.aio.secure_channel(f"localhost:{port}", grpc.ssl_channel_credentials(authority))


@pytest.mark.parametrize(
    ("metadata", "refusal"),
    [
        ((), (StatusCode.UNAUTHENTICATED, "Must provide an API key or an Authorization bearer token")),
        ((("api-key", "wrong"),), (StatusCode.UNAUTHENTICATED, "Invalid API key or JWT")),
        ((("authorization", "Bearer wrong"),), (StatusCode.UNAUTHENTICATED, "Invalid API key or JWT")),
        ((("api-key", "looker"),), (StatusCode.PERMISSION_DENIED, "Forbidden: Global manage access is required")),
        ((("api-key", "secret"),), None),
        ((("authorization", "Bearer secret"),), None),
    ],
)
async def test_writing_takes_the_key(guarded: tuple[Engine, bytes], metadata: Any, refusal: Any) -> None:
    request = collections.CreateCollection(collection_name=uuid.uuid4().hex, vectors_config=dense_config())
    async with secure(guarded) as channel:
        call = Stubs(channel).collections.Create(request, metadata=metadata)
        if refusal is None:
            assert (await call).result
        else:
            with Refused(*refusal):
                await call


async def test_reading_takes_either_key_and_health_none(guarded: tuple[Engine, bytes]) -> None:
    async with secure(guarded) as channel:
        stubs = Stubs(channel)
        for key in ("secret", "looker"):
            await stubs.collections.List(collections.ListCollectionsRequest(), metadata=(("api-key", key),))
        assert "qdrant" in (await stubs.service.HealthCheck(service.HealthCheckRequest())).title


async def test_the_unix_socket_needs_no_key(guarded: tuple[Engine, bytes]) -> None:
    async with grpc.aio.insecure_channel(guarded[0].target, options=OPTIONS) as channel:
        await Stubs(channel).collections.List(collections.ListCollectionsRequest())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_it_with_everything_on_disk(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path) as engine:
        async with grpc.aio.insecure_channel(engine.address) as channel:
            stubs = Stubs(channel, "docs")
            await stubs.create(vectors_config=dense_config(2))
            await stubs.upsert(point(1, [1, 0]))
        sockets = Path(engine.announced["lease"]).parent
        assert engine.stop(number) == 0
        assert not sockets.exists()
    lease = await join(tmp_path)
    async with grpc.aio.insecure_channel(lease.target, options=OPTIONS) as channel:
        assert await Stubs(channel, "docs").count() == 1
    await lease.release()


async def test_it_outlives_its_users(engine: Engine) -> None:
    lease = await join(engine.folder)
    assert lease.pid == engine.process.pid
    await lease.release()
    async with grpc.aio.insecure_channel(engine.address) as channel:
        await Stubs(channel).collections.List(collections.ListCollectionsRequest())


def test_a_second_engine_of_a_folder_leaves_quietly(engine: Engine) -> None:
    command = [sys.executable, "-m", "langchain_qdrant_async.engine", str(engine.folder)]
    second = subprocess.run(command, capture_output=True, timeout=WAIT_S, check=False)
    assert (second.returncode, second.stdout, second.stderr) == (3, b"", b"")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--api-key-env", "NOT_THERE"), b"the environment variable NOT_THERE is not set"),
        (("--tls-cert", "x.pem"), b"--tls-cert and --tls-key belong together"),
        (("--listen", "0.0.0.0:0"), b"0.0.0.0:0 can be reached from other machines: name an environment variable"),
        (("--listen", "[::]:0"), b"can be reached from other machines"),
        (("--listen", ":0"), b"can be reached from other machines"),
        (("--listen", "example.com:6334", "--tls-cert", "x.pem", "--tls-key", "x.pem"), b"from other machines"),
    ],
)
def test_options_that_cannot_be(tmp_path: Path, options: tuple[str, ...], text: bytes) -> None:
    command = [sys.executable, "-m", "langchain_qdrant_async.engine", str(tmp_path), *options]
    failed = subprocess.run(command, capture_output=True, timeout=WAIT_S, check=False)
    assert failed.returncode == 2
    assert text in failed.stderr


async def test_qdrants_own_client_works_with_it(engine: Engine) -> None:
    host, _, port = engine.address.rpartition(":")
    client = AsyncQdrantClient(host=host, grpc_port=int(port), prefer_grpc=True, check_compatibility=False)
    name = f"c{uuid.uuid4().hex}"
    try:
        await client.create_collection(
            name, vectors_config=models.VectorParams(size=2, distance=models.Distance.COSINE), metadata={"a": [1, None]}
        )
        await client.upsert(
            name,
            [models.PointStruct(id=number, vector=[float(number), 1.0], payload={"n": number}) for number in range(5)],
        )
        await client.create_payload_index(name, "n", models.PayloadSchemaType.INTEGER)
        info = await client.get_collection(name)
        assert (info.points_count, info.config.metadata, info.payload_schema["n"].points) == (5, {"a": [1, None]}, 5)
        above = models.Filter(must=[models.FieldCondition(key="n", range=models.Range(gt=2))])
        found = await client.query_points(name, [1.0, 0.0], query_filter=above, with_payload=True)
        assert [(hit.id, hit.payload) for hit in found.points] == [(4, {"n": 4}), (3, {"n": 3})]
        records, following = await client.scroll(name, limit=2)
        assert ([record.id for record in records], following) == ([0, 1], 2)
        assert (await client.count(name)).count == 5
    finally:
        await client.delete_collection(name)
        await client.close()


async def test_what_is_not_served(engine: Engine) -> None:
    async with grpc.aio.insecure_channel(engine.address) as channel:
        with Refused(StatusCode.UNIMPLEMENTED, "Snapshots are not supported"):
            await Stubs(channel).snapshots.Create(snapshots.CreateSnapshotRequest(collection_name="x"))
