"""Channels that the user dials: interceptors, other credentials, and what goes wrong in between."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
import trustme

from langchain_qdrant_async import (
    AsyncQdrantVectorStore,
    Collections,
    Connection,
    Embedded,
    InvalidInput,
    Remote,
    Unimplemented,
)
from langchain_qdrant_async.proto import QdrantServicer, add_QdrantServicer_to_server, service
from langchain_qdrant_async.runtime.blocking import elsewhere
from langchain_qdrant_async.transport.channels import ChannelOptions
from langchain_qdrant_async.transport.engine import EngineUser
from tests.embeddings import WordEmbeddings

HEALTH = service.HealthCheckRequest()
METHOD = "/qdrant.Qdrant/HealthCheck"


class Listening(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[type-arg]  # generic in its stubs only
    """Hears every call."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        method = client_call_details.method
        self.heard.append(method.decode() if isinstance(method, bytes) else method)
        return await continuation(client_call_details, request)


class Dialling:
    """Dials as we would, with an interceptor, and keeps what it was asked for and gave."""

    def __init__(self) -> None:
        self.interceptor = Listening()
        self.targets: list[str] = []
        self.options: list[ChannelOptions] = []
        self.loops: list[asyncio.AbstractEventLoop] = []
        self.channels: list[grpc.aio.Channel] = []

    def __call__(self, target: str, options: ChannelOptions) -> grpc.aio.Channel:
        self.targets.append(target)
        self.options.append(options)
        self.loops.append(asyncio.get_running_loop())
        interceptors: Any = [self.interceptor]  # its stubs are partial
        channel = grpc.aio.insecure_channel(target, options=options, interceptors=interceptors)
        self.channels.append(channel)
        return channel


class Health(QdrantServicer):
    async def HealthCheck(self, request: Any, context: Any) -> Any:
        keys = dict(context.invocation_metadata())
        return service.HealthCheckReply(title="there", version=str(keys.get("api-key")), commit=keys.get("x-tenant"))


async def _serving(credentials: grpc.ServerCredentials | None = None) -> tuple[grpc.aio.Server, str]:
    server = grpc.aio.server()
    add_QdrantServicer_to_server(Health(), server)
    if credentials is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    return server, f"127.0.0.1:{port}"


@pytest.fixture
async def address() -> AsyncIterator[str]:
    server, address = await _serving()
    yield address
    await server.stop(None)


async def test_an_interceptor_hears_every_call(address: str) -> None:
    dial = Dialling()
    async with Connection(f"http://{address}", api_key="key", dial=dial) as connection:
        for _ in range(3):
            assert (await connection.service.HealthCheck(HEALTH)).version == "key"
    assert dial.interceptor.heard == [METHOD] * 3
    assert dial.targets == [address]
    assert dial.loops == [asyncio.get_running_loop()]


async def test_headers_and_options_of_the_channel_are_the_users(address: str) -> None:
    dial = Dialling()
    options: dict[str, int | str] = {"grpc.keepalive_time_ms": 77, "grpc.primary_user_agent": "mine"}
    remote = Remote(address, api_key="key", headers={"X-Tenant": "t"}, grpc_options=options)
    async with Connection(remote, dial=dial) as connection:
        answer = await connection.service.HealthCheck(HEALTH)
    assert (answer.version, answer.commit) == ("key", "t")
    given = dict(dial.options[0])
    assert given | options == given, "in place of ours"
    assert len(given) == len(dial.options[0])


async def test_errors_behind_an_interceptor_are_ours(address: str) -> None:
    async with Connection(Remote(address), dial=Dialling()) as connection:
        with pytest.raises(Unimplemented, match=rf"Collections/List at {address}"):
            await Collections(connection).names()


async def test_it_is_given_the_options_that_we_would_use(address: str) -> None:
    dial = Dialling()
    async with Connection(Remote(address), dial=dial) as connection:
        await connection.service.HealthCheck(HEALTH)
    assert dict(dial.options[0]).items() >= {
        ("grpc.max_receive_message_length", -1),
        ("grpc.keepalive_time_ms", 30_000),
    }


async def test_nothing_is_dialled_before_the_first_call(address: str) -> None:
    dial = Dialling()
    await Connection(Remote(address), dial=dial).aclose()
    assert dial.targets == []


async def test_the_channel_closes_with_the_connection(address: str) -> None:
    dial = Dialling()
    connection = Connection(Remote(address), dial=dial)
    await connection.service.HealthCheck(HEALTH)
    await connection.aclose()
    assert dial.channels[0].get_state() is grpc.ChannelConnectivity.SHUTDOWN


def test_each_loop_has_a_channel_of_its_own(tmp_path: Path) -> None:
    dial = Dialling()
    with Connection(Embedded(tmp_path), dial=dial) as connection:

        async def use() -> None:
            await asyncio.gather(*(connection.service.HealthCheck(HEALTH) for _ in range(5)))

        asyncio.run(use())
        asyncio.run(use())
    assert len(dial.targets) == 2
    assert dial.loops[0] is not dial.loops[1]
    assert dial.interceptor.heard == [METHOD] * 10


async def test_an_embedded_engine_is_dialled_by_its_socket(tmp_path: Path) -> None:
    dial = Dialling()
    async with Connection(str(tmp_path), dial=dial) as connection:
        await AsyncQdrantVectorStore(connection, "docs", WordEmbeddings()).aadd_texts(["text"])
    assert [target.startswith("unix:/") for target in dial.targets] == [True]
    assert ("grpc.default_authority", "localhost") in dial.options[0]
    assert "/qdrant.Points/Upsert" in dial.interceptor.heard


async def test_an_engine_that_was_started_anew_is_dialled_anew(tmp_path: Path) -> None:
    dial = Dialling()
    async with Connection(Embedded(tmp_path), dial=dial) as connection:
        await Collections(connection).names()
        assert isinstance(connection._place, EngineUser)
        assert connection._place._lease is not None
        os.kill(connection._place._lease.pid, signal.SIGKILL)
        await elsewhere(connection._place._lease.lost.wait())
        await Collections(connection).names()
    assert len(set(dial.targets)) == 2
    assert dial.channels[0].get_state() is grpc.ChannelConnectivity.SHUTDOWN


async def test_other_credentials() -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    chain = b"".join(each.bytes() for each in certificate.cert_chain_pems)
    server, address = await _serving(grpc.ssl_server_credentials([(certificate.private_key_pem.bytes(), chain)]))

    def dial(target: str, options: ChannelOptions) -> grpc.aio.Channel:
        credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
        return grpc.aio.secure_channel(target, credentials, options=options)

    async with Connection(f"https://{address}", dial=dial) as connection:
        assert (await connection.service.HealthCheck(HEALTH)).title == "there"
    await server.stop(None)


async def test_a_store_dials_by_an_option(tmp_path: Path) -> None:
    dial = Dialling()
    store = await AsyncQdrantVectorStore.afrom_texts(["text"], WordEmbeddings(), path=str(tmp_path), dial=dial)
    assert len(await store.asimilarity_search("text")) == 1
    assert "/qdrant.Points/Query" in dial.interceptor.heard
    await store.aclose()


async def test_what_it_raises_reaches_the_caller(address: str) -> None:
    def dial(target: str, options: ChannelOptions) -> grpc.aio.Channel:
        raise LookupError(target)

    async with Connection(Remote(address), dial=dial) as connection:
        with pytest.raises(LookupError, match=address):
            await connection.service.HealthCheck(HEALTH)


async def _dial_later(target: str, options: ChannelOptions) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(target, options=options)


@pytest.mark.parametrize(
    ("dial", "kind"),
    [
        (lambda target, options: None, "builtins.NoneType"),
        (lambda target, options: grpc.insecure_channel(target, options=options), "grpc._channel.Channel"),
        (_dial_later, "builtins.coroutine"),
    ],
)
async def test_what_is_no_channel(address: str, dial: Any, kind: str) -> None:
    async with Connection(Remote(address), dial=dial) as connection:
        with pytest.raises(InvalidInput, match=f"dial must return a channel of grpc.aio.*, not {kind}"):
            await connection.service.HealthCheck(HEALTH)


def test_what_cannot_dial() -> None:
    with pytest.raises(InvalidInput, match="dial must be a function"):
        Connection(":memory:", dial="proxy:8080")  # type: ignore[arg-type]
