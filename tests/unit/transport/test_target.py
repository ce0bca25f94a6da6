"""Settings that cannot be right are refused when they are made; those that can are frozen."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
from pydantic import SecretStr

from langchain_qdrant_async import (
    CollectionSpec,
    Connection,
    Distance,
    Embedded,
    Hnsw,
    InvalidInput,
    Layout,
    QdrantStoreError,
    Remote,
    ScalarQuantization,
)
from langchain_qdrant_async.transport.options import connection_of


def test_the_defaults_of_a_collection() -> None:
    spec = CollectionSpec("docs")
    assert (spec.dimension, spec.distance, spec.quantization) == (100, Distance.COSINE, ScalarQuantization())
    assert spec.layout == Layout("page_content", "metadata", "")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"headers": {"api-key": "k"}}, "given as api_key"),
        ({"headers": {"grpc-timeout": "1"}}, "cannot be a header"),
        ({"headers": {"key-bin": "1"}}, "cannot be a header"),
        ({"headers": {"a b": "1"}}, "cannot be a header"),
        ({"headers": {"": "1"}}, "cannot be a header"),
        ({"headers": {"a": "secret\n"}}, "'a' has a value that is no printable text"),
        ({"headers": {"a": 1}}, "no printable text"),
        ({"grpc_options": {"grpc.x": 1.5}}, "a number or a text"),
        ({"grpc_options": {1: 1}}, "a number or a text"),
    ],
)
def test_headers_and_options_that_cannot_be_sent(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as raised:
        Remote("localhost", **options)
    assert "secret" not in str(raised.value)


def test_headers_are_never_shown_or_pickled() -> None:
    remote = Remote("localhost", headers={"Authorization": "secret"})
    connection = connection_of({"host": "localhost", "headers": {"authorization": "secret"}})[0]
    assert connection.target == remote
    assert "secret" not in repr(connection)
    hash(remote)
    with pytest.raises(QdrantStoreError, match="in the clear"):
        pickle.dumps(connection)
    with pytest.warns(UserWarning, match="secret of the headers for example.com:6334 travels unencrypted"):
        Remote("http://example.com", headers={"a": "b"})


def test_settings_are_frozen_and_changed_by_copy() -> None:
    indexes: dict[str, Any] = {"lang": "keyword"}
    spec = CollectionSpec("docs", payload_indexes=indexes)
    indexes["other"] = "integer"
    assert dict(spec.payload_indexes) == {"lang": "keyword"}
    with pytest.raises(FrozenInstanceError):
        spec.dimension = 5  # type: ignore[misc]
    with pytest.raises(TypeError):
        spec.payload_indexes["other"] = "integer"  # type: ignore[index]
    assert replace(spec, dimension=384).payload_indexes == spec.payload_indexes


def test_distances_of_either_enumeration() -> None:
    from qdrant_client import models

    for distance in (Distance.EUCLID, "Euclid", models.Distance.EUCLID):
        assert CollectionSpec("docs", distance=distance).distance is Distance.EUCLID  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "make",
    [
        lambda: CollectionSpec(""),
        lambda: CollectionSpec("docs", dimension=0),
        lambda: CollectionSpec("docs", dimension=65_537),
        lambda: CollectionSpec("docs", dimension=True),
        lambda: CollectionSpec("docs", dimension=10.0),  # type: ignore[arg-type]
        lambda: CollectionSpec("docs", distance="near"),  # type: ignore[arg-type]
        lambda: CollectionSpec("docs", payload_indexes={"lang": "word"}),  # type: ignore[dict-item]
        lambda: Hnsw(m=-1),
        lambda: Hnsw(ef_construct=1.5),  # type: ignore[arg-type]
        lambda: ScalarQuantization(quantile=0.4),
        lambda: Layout(content_key=""),
        lambda: Layout(metadata_key=""),
        lambda: Layout(content_key="metadata"),
        lambda: Embedded(""),
        lambda: Embedded(5),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_right(make: Callable[[], object]) -> None:
    with pytest.raises(InvalidInput):
        make()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"location": ":memory:"}, Embedded(":memory:")),
        ({"path": "data"}, Embedded("data")),
        ({"url": "http://localhost:6334"}, Remote("http://localhost:6334")),
        ({"url": "http://localhost:6333"}, Remote("http://localhost:6334")),
        ({"url": "https://qdrant.example:6333", "api_key": "k"}, Remote("https://qdrant.example:6334", api_key="k")),
        ({"url": "http://localhost", "grpc_port": 7000}, Remote("http://localhost:7000")),
        ({"host": "localhost", "port": 6333}, Remote("localhost")),
        ({"host": "localhost", "grpc_port": 7000, "https": True}, Remote("https://localhost:7000", tls=True)),
    ],
)
def test_langchain_qdrants_options(options: Any, expected: Remote | Embedded) -> None:
    connection, owned = connection_of(options)
    assert owned
    target = connection.target
    assert type(target) is type(expected)
    if isinstance(target, Remote) and isinstance(expected, Remote):
        assert (target.target, target.secure, target.api_key) == (expected.target, expected.secure, expected.api_key)
    else:
        assert target == expected


def test_a_connection_that_is_passed_in_stays_its_owners() -> None:
    connection = Connection(":memory:")
    assert connection_of({"connection": connection}) == (connection, False)


@pytest.mark.parametrize("option", ["url", "location", "host"])
def test_an_address_without_a_scheme_is_a_server(option: str) -> None:
    connection, _ = connection_of({option: "localhost:7000", "https": None, "grpc_port": None})  # type: ignore[misc]
    assert isinstance(connection.target, Remote)
    assert connection.target.target == "localhost:7000"


def test_timeout_is_the_deadline_of_every_call() -> None:
    connection, _ = connection_of({"location": ":memory:", "timeout": 7})
    assert (connection.policy.read_deadline_s, connection.policy.write_deadline_s) == (7, 7)


@pytest.mark.parametrize(
    "options", [{}, {"url": "http://a", "path": "b"}, {"address": "a"}, {"path": "a", "verify": True}]
)
def test_options_that_name_nothing_or_too_much(options: Any) -> None:
    with pytest.raises(InvalidInput):
        connection_of(options)


def test_secrets_are_taken_as_such() -> None:
    remote = Remote("localhost", api_key=SecretStr("hidden"))
    assert "hidden" not in repr(remote)
    assert Remote("localhost", api_key="").api_key is None


def test_an_address_is_taken_apart_once_and_counts_once() -> None:
    remote = Remote("http://[::1]:7000")
    assert (remote.host, remote.port, remote.target) == ("::1", 7000, "[::1]:7000")
    assert remote.target is remote.target
    assert repr(remote) == "Remote(address='http://[::1]:7000', tls=None)"
    assert remote == Remote("http://[::1]:7000") != Remote("[::1]:7000")
    assert hash(remote) == hash(pickle.loads(pickle.dumps(remote)))
    assert replace(remote, address="localhost").target == "localhost:6334"


def test_dial_is_for_channels_that_are_not_there_yet() -> None:
    def dial(target: str, options: object) -> Any:
        raise AssertionError(target)

    connection, owned = connection_of({"location": ":memory:", "dial": dial})
    assert owned
    with pytest.raises(InvalidInput, match="give dial to Connection"):
        connection_of({"connection": connection, "dial": dial})
