"""What an engine and its users of any version say to each other, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from langchain_qdrant_async.rendezvous import Announcement, Greeting, lease_of, unix_target


def test_the_lock_file() -> None:
    content = Announcement(7, "/tmp/langchain-qdrant-async-x/lease.sock", "unix:/tmp/x/grpc.sock", "1.2").to_bytes()
    assert content == (
        b'{"pid": 7, "lease": "/tmp/langchain-qdrant-async-x/lease.sock", "grpc": "unix:/tmp/x/grpc.sock", '
        b'"version": "1.2"}'
    )
    assert lease_of(content) == Path("/tmp/langchain-qdrant-async-x/lease.sock")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"5", b"{}", b'{"lease": null}', b"\xff"])
def test_a_lock_file_that_names_no_engine(content: bytes) -> None:
    assert lease_of(content) is None


def test_the_greeting() -> None:
    greeting = Greeting(unix_target(Path("/tmp/x/grpc.sock")), 7, "1.2")
    assert greeting.to_line() == b'{"target": "unix:/tmp/x/grpc.sock", "pid": 7, "version": "1.2"}\n'
    assert Greeting.from_line(greeting.to_line()) == greeting
    assert greeting.sockets == Path("/tmp/x")


def test_a_greeting_of_another_version() -> None:
    said = Greeting.from_line(b'{"target": "unix:/x", "pid": 7, "uptime_s": 3}\n')
    assert (said.target, said.pid) == ("unix:/x", 7)
