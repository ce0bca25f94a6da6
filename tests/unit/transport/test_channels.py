"""What channels are to be like, and where they connect to."""

from __future__ import annotations

import pytest

from langchain_qdrant_async import Embedded, Policy, Remote
from langchain_qdrant_async.transport.channels import Dialler, Server, channel_options, dial_of


def test_only_a_unix_socket_needs_an_authority() -> None:
    remote, embedded = (dict(channel_options(each, Policy())) for each in (Remote("localhost"), Embedded("data")))
    assert "grpc.default_authority" not in remote
    assert embedded == {**remote, "grpc.default_authority": "localhost"}


def test_keepalive_fits_grpcs_integer() -> None:
    for keepalive_s, expected in ((30.0, 30_000), (0.0001, 0), (1e8, 2**31 - 1), (float("inf"), 2**31 - 1)):
        options = channel_options(Remote("localhost"), Policy(keepalive_s=keepalive_s))
        assert dict(options)["grpc.keepalive_time_ms"] == expected


async def test_a_server_is_where_it_was() -> None:
    server = Server("localhost:6334")
    assert server.target == await server.found() == "localhost:6334"


def test_a_ping_is_answered_within_seconds() -> None:
    for keepalive_s, expected in ((0.1, 500), (1.0, 1_000), (3.0, 3_000), (30.0, 3_000), (float("inf"), 3_000)):
        options = dict(channel_options(Remote("localhost"), Policy(keepalive_s=keepalive_s)))
        assert options["grpc.http2.ping_timeout_ms"] == options["grpc.keepalive_timeout_ms"] == expected


def test_more_patience_ends_at_a_minute() -> None:
    dialler = Dialler(dial_of(Remote("localhost")), channel_options(Remote("localhost"), Policy()))
    times = []
    for _ in range(4):
        times.append(dict(dialler.options)["grpc.http2.ping_timeout_ms"])
        dialler = dialler.more_patient()
    assert times == [3_000, 12_000, 48_000, 60_000]
    assert dict(dialler.options)["grpc.keepalive_time_ms"] == 30_000


@pytest.mark.parametrize(
    ("target", "asked"),
    [
        (Embedded("data"), False),
        (Remote("localhost"), False),
        (Remote("http://127.0.0.1:6334"), False),
        (Remote("https://127.8.0.1"), False),
        (Remote("http://[::1]:6334"), False),
        (Remote("example.com"), True),
        (Remote("http://10.0.0.1:6334"), True),
        (Remote("https://localhost.example.com"), True),
    ],
)
def test_a_proxy_is_asked_only_for_other_machines(target: Remote | Embedded, asked: bool) -> None:
    assert dict(channel_options(target, Policy())).get("grpc.enable_http_proxy", 1) == asked
