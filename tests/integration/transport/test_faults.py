"""Connections that go wrong between us and a real engine: no call is lost by it, and none is carried out twice."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import grpc
import grpc.aio
import pytest
import trustme

from langchain_qdrant_async import (
    AlreadyExists,
    AsyncQdrantVectorStore,
    Collections,
    CollectionSpec,
    Connection,
    DeadlineExceeded,
    Policy,
    Remote,
    Retry,
    RetryEvent,
    Unavailable,
)
from langchain_qdrant_async.document.message import point_struct
from langchain_qdrant_async.proto import common, points
from langchain_qdrant_async.transport.channels import ChannelOptions
from tests.embeddings import WordEmbeddings
from tests.engine_messages import Engine
from tests.proxy import Fault, Proxy, proxied

pytest_plugins = ["tests.engine_fixtures"]

QUICK = Retry(first_pause_s=0.005, longest_pause_s=0.02)
POLICY = Policy(read_deadline_s=10, write_deadline_s=10, retry=QUICK)

AT_ONCE = [Fault.REFUSE, Fault.END_AT_ONCE]
LOST = [Fault.RESET, Fault.END, Fault.TRUNCATE]


@pytest.fixture
async def proxy(engine: Engine) -> AsyncIterator[Proxy]:
    async with proxied(int(engine.address.rpartition(":")[2])) as proxy:
        proxy.mark = f"hit-{uuid.uuid4().hex}".encode()
        yield proxy


@pytest.fixture
async def connection(proxy: Proxy) -> AsyncIterator[Connection]:
    async with Connection(Remote(proxy.address), policy=POLICY) as connection:
        yield connection
        await Collections(connection).drop(proxy.mark.decode())


def _spec(proxy: Proxy, dimension: int = 2) -> CollectionSpec:
    return CollectionSpec(proxy.mark.decode(), dimension=dimension)


async def _create(connection: Connection, proxy: Proxy) -> None:
    info = await Collections(connection).create(_spec(proxy))
    assert info.name == proxy.mark.decode()


async def _drop(connection: Connection, proxy: Proxy) -> None:
    assert await Collections(connection).drop(proxy.mark.decode()) is True


async def _alias(connection: Connection, proxy: Proxy) -> None:
    alias = f"alias-of-{proxy.mark.decode()}"
    await Collections(connection).alias(alias, proxy.mark.decode())
    assert (await Collections(connection).aliases())[alias] == proxy.mark.decode()
    await Collections(connection).remove_alias(alias)


async def _write(connection: Connection, proxy: Proxy) -> None:
    point = point_struct(common.PointId(num=1), {"": points.Vector(dense=points.DenseVector(data=[1, 0]))}, {})
    request = points.UpsertPoints(collection_name=proxy.mark.decode(), points=[point], wait=True)
    await connection.points.Upsert(request)
    await _read(connection, proxy)


async def _read(connection: Connection, proxy: Proxy) -> None:
    request = points.CountPoints(collection_name=proxy.mark.decode(), exact=True)
    assert (await connection.points.Count(request)).result.count in {0, 1}


Deed = Callable[[Connection, Proxy], Awaitable[None]]


@pytest.mark.parametrize("deed", [_create, _drop, _alias, _write, _read])
@pytest.mark.parametrize("faults", [*([each] for each in LOST), [Fault.RESET, *AT_ONCE, Fault.END]], ids=str)
async def test_a_lost_answer_costs_no_call(
    connection: Connection, proxy: Proxy, faults: list[Fault], deed: Deed
) -> None:
    if deed is not _create:
        await Collections(connection).create(_spec(proxy))
    proxy.faults = list(faults)
    await deed(connection, proxy)
    assert proxy.hits == len(faults)


@pytest.mark.parametrize("fault", AT_ONCE)
async def test_a_connection_that_is_not_there_costs_no_call(proxy: Proxy, fault: Fault) -> None:
    for n, deed in enumerate((_create, _write, _read, _alias, _drop), 1):
        proxy.faults = [fault, fault]
        async with Connection(Remote(proxy.address), policy=POLICY) as connection:
            await deed(connection, proxy)
        assert proxy.hits == 2 * n


async def test_what_others_made_otherwise_is_not_taken_for_ours(connection: Connection, proxy: Proxy) -> None:
    await Collections(connection).create(_spec(proxy, dimension=3))
    with pytest.raises(AlreadyExists):
        await Collections(connection).create(_spec(proxy))
    proxy.faults = [Fault.RESET]
    with pytest.raises(AlreadyExists):
        await Collections(connection).create(_spec(proxy))


async def test_dropping_what_is_not_there_says_so(connection: Connection, proxy: Proxy) -> None:
    assert await Collections(connection).drop(proxy.mark.decode()) is False


@pytest.mark.parametrize("port_of", ["rest", "silent"])
async def test_who_speaks_no_grpc(proxy: Proxy, port_of: str) -> None:
    proxy.faults = [Fault.HTTP if port_of == "rest" else Fault.SILENT] * 100
    async with Connection(Remote(proxy.address), policy=POLICY) as connection:
        expected = Unavailable if port_of == "rest" else DeadlineExceeded
        with pytest.raises(expected, match="does not speak gRPC" if port_of == "rest" else None) as caught:
            await connection.points.Count(points.CountPoints(collection_name="c"), timeout=0.3)
        assert not caught.value.retryable
    if port_of == "rest":
        assert proxy.hits == 1, "it is not asked again"


@pytest.mark.parametrize(("served", "advice"), [("tls", "pass root_certificates"), ("clear", "It does not speak TLS")])
async def test_tls_that_cannot_be(engine: Engine, served: str, advice: str) -> None:
    """It will not be otherwise the next time, so it is not tried until the deadline."""
    server, port = grpc.aio.server(), int(engine.address.rpartition(":")[2])
    if served == "tls":
        certificate = trustme.CA().issue_cert("localhost", "127.0.0.1")
        chain = b"".join(each.bytes() for each in certificate.cert_chain_pems)
        credentials = grpc.ssl_server_credentials([(certificate.private_key_pem.bytes(), chain)])
        port = server.add_secure_port("127.0.0.1:0", credentials)
        await server.start()
    async with Connection(f"https://127.0.0.1:{port}") as connection:
        with pytest.raises(Unavailable, match=f"{advice}.* 1 attempt ") as caught:
            await Collections(connection).names()
    assert not caught.value.retryable
    await server.stop(None)


async def test_a_half_open_peer_is_noticed_and_costs_no_call(proxy: Proxy) -> None:
    proxy.faults = [Fault.HALF_OPEN]
    policy = Policy(write_deadline_s=10, keepalive_s=0.1, retry=QUICK)
    async with Connection(Remote(proxy.address), policy=policy) as connection:
        started = asyncio.get_running_loop().time()
        await _create(connection, proxy)
        assert asyncio.get_running_loop().time() - started < 5
        await _drop(connection, proxy)


async def test_who_is_silent_again_and_again_is_given_more_time(proxy: Proxy) -> None:
    """On a slow line a ping waits behind what was sent before it: it is not dead."""
    times_ms: list[object] = []

    def dial(target: str, options: ChannelOptions) -> grpc.aio.Channel:
        times_ms.append(dict(options)["grpc.http2.ping_timeout_ms"])
        return grpc.aio.insecure_channel(target, options=options)

    policy = Policy(write_deadline_s=20, keepalive_s=0.1, retry=QUICK)
    async with Connection(Remote(proxy.address), policy=policy, dial=dial) as connection:
        await _create(connection, proxy)
        proxy.faults = [Fault.HALF_OPEN] * 2
        await _write(connection, proxy)
        await _drop(connection, proxy)
    assert times_ms == [500, 2_000]


async def test_a_slow_line_is_not_taken_for_a_dead_one(proxy: Proxy) -> None:
    proxy.delay_s = 0.15  # for each of the several pieces of a first call
    async with Connection(Remote(proxy.address), policy=Policy(retry=Retry(attempts=1))) as connection:
        assert proxy.mark.decode() not in await Collections(connection).names()


async def test_each_repeat_is_told(proxy: Proxy, caplog: pytest.LogCaptureFixture) -> None:
    told: list[RetryEvent] = []
    proxy.faults = [Fault.REFUSE, Fault.REFUSE]
    caplog.set_level("INFO", "langchain_qdrant_async")
    policy = Policy(retry=QUICK, on_retry=told.append)
    async with Connection(Remote(proxy.address), policy=policy) as connection:
        await Collections(connection).names()
        assert {(each.method, each.address) for each in told} == {("Collections/List", proxy.address)}
        assert [each.attempt for each in told] == list(range(1, len(told) + 1))
        assert len(told) >= 2
        assert all(isinstance(each.error, Unavailable) and each.left_s > each.pause_s for each in told)
    assert [each.levelname for each in caplog.records] == ["INFO"], "the first of a call"


async def test_a_document_whose_answer_is_lost_is_there_once(connection: Connection, proxy: Proxy) -> None:
    store = AsyncQdrantVectorStore(connection, proxy.mark.decode(), WordEmbeddings())
    await store.aadd_texts(["first"])
    proxy.faults = [Fault.RESET, Fault.TRUNCATE]
    ids = await store.aadd_texts(["second", "third"])
    assert proxy.hits == 2
    assert len(await store.aget_by_ids(ids)) == 2
    request = points.CountPoints(collection_name=proxy.mark.decode(), exact=True)
    assert (await connection.points.Count(request)).result.count == 3
