"""What an engine and its users of any version say to each other, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from langchain_qdrant_async.ownership import Identity
from langchain_qdrant_async.rendezvous import Announcement, Greeting, unix_target

IDENTITY = Identity("0b1c", 5, 77)


def test_the_lock_file() -> None:
    said = Announcement(7, "/tmp/langchain-qdrant-async-x/lease.sock", "unix:/tmp/x/grpc.sock", "1.2", IDENTITY)
    assert said.to_bytes() == (
        b'{"pid": 7, "lease": "/tmp/langchain-qdrant-async-x/lease.sock", "grpc": "unix:/tmp/x/grpc.sock", '
        b'"version": "1.2", "id": "0b1c", "device": 5, "inode": 77}'
    )
    assert Announcement.from_bytes(said.to_bytes()) == said


def test_the_lock_file_of_an_engine_without_an_identity() -> None:
    content = b'{"pid": 7, "lease": "/tmp/x/lease.sock", "grpc": "unix:/tmp/x/grpc.sock", "version": "1.2"}'
    assert Announcement.from_bytes(content) == Announcement(
        7, "/tmp/x/lease.sock", "unix:/tmp/x/grpc.sock", "1.2", None
    )


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"5", b"{}", b'{"lease": null}', b"\xff"])
def test_a_lock_file_that_names_no_engine(content: bytes) -> None:
    assert Announcement.from_bytes(content) is None


def test_the_greeting() -> None:
    greeting = Greeting(unix_target(Path("/tmp/x/grpc.sock")), 7, "1.2", IDENTITY)
    assert greeting.to_line() == (
        b'{"target": "unix:/tmp/x/grpc.sock", "pid": 7, "version": "1.2", "id": "0b1c", "device": 5, "inode": 77}\n'
    )
    assert Greeting.from_line(greeting.to_line()) == greeting


def test_a_greeting_of_another_version() -> None:
    said = Greeting.from_line(b'{"target": "unix:/x", "pid": 7, "uptime_s": 3}\n')
    assert (said.target, said.pid, said.identity) == ("unix:/x", 7, None)


@pytest.mark.parametrize("line", [b"", b"{}\n", b"[]\n", b"5\n", b'{"target": 5}\n', b"\xff\n"])
def test_what_is_no_greeting(line: bytes) -> None:
    with pytest.raises(ValueError, match="."):
        Greeting.from_line(line)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a b", "a%20b"),
        ("100%25", "100%2525"),
        ("a?b#c", "a%3Fb%23c"),
        ("é", "%C3%A9"),
        ("\n", "%0A"),
        ("\udcff", "%FF"),
        ("a-b_c.d~e", "a-b_c.d~e"),
    ],
)
def test_a_path_survives_its_way_into_a_uri(name: str, written: str) -> None:
    assert unix_target(Path("/tmp") / name / "grpc.sock") == f"unix:/tmp/{written}/grpc.sock"
