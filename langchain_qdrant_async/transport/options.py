"""The keywords by which langchain-qdrant names a Qdrant -> a connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

from pydantic import SecretStr

from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.transport.channels import Dial
from langchain_qdrant_async.transport.connection import Connection
from langchain_qdrant_async.transport.policy import Policy
from langchain_qdrant_async.transport.target import GRPC_PORT, MEMORY, REST_PORT, Embedded, Remote, target_of


class ServerOptions(TypedDict, total=False):
    """The keywords by which langchain-qdrant names a Qdrant, `location` apart; they mean the same here.

    None is as if it were not there.
    """

    connection: Connection | None
    """A connection that exists already; it stays the caller's to close."""
    url: str | None
    """`http(s)://host[:port]` or `host[:port]`."""
    host: str | None
    """The host alone."""
    port: int | None
    """The REST port; nothing here speaks REST, so it is read and left alone."""
    grpc_port: int | None
    """The gRPC port, 6334 unless given."""
    https: bool | None
    """Whether to speak TLS."""
    api_key: str | SecretStr | None
    """The API key."""
    headers: Mapping[str, str] | None
    """Sent with every call, as `Remote` takes them."""
    grpc_options: Mapping[str, int | str] | None
    """Options of the channels, as `Remote` takes them."""
    path: str | Path | None
    """Folder of an embedded engine."""
    timeout: float | None
    """Deadline of every call, in seconds, unless `policy` is given."""
    policy: Policy | None
    """Deadlines and retries."""
    dial: Dial | None
    """Makes the channels, as `Connection` takes it."""
    prefer_grpc: bool
    """Everything here is gRPC."""


class ConnectionOptions(ServerOptions, total=False):
    """All the keywords by which langchain-qdrant names a Qdrant."""

    location: str | None
    """`":memory:"`, or as `url`."""


def connection_of(options: ConnectionOptions) -> tuple[Connection, bool]:
    """The connection that the options name, and whether it is new and so its user's to close.

    Raises:
        InvalidInput: the options name none, or more than one, or what they say contradicts itself.
    """
    given = _given(options)
    connection: Connection | None = given.get("connection")
    if connection is None:
        return Connection(_target_of(given), policy=_policy_of(given), dial=given.get("dial")), True
    if "dial" in given:
        raise InvalidInput("give dial to Connection(...): a connection that exists has its channels already")
    return connection, False


def _given(options: ConnectionOptions) -> dict[str, Any]:
    """Those that are not None."""
    unknown = set(options) - set(ConnectionOptions.__annotations__)
    if unknown:
        raise InvalidInput(
            f"unknown option {', '.join(sorted(unknown))}; there are {', '.join(ConnectionOptions.__annotations__)}"
        )
    return {name: value for name, value in options.items() if value is not None}


def _policy_of(options: Mapping[str, Any]) -> Policy | None:
    timeout_s: float | None = options.get("timeout")
    if "policy" in options or not timeout_s:
        return options.get("policy")
    return Policy(read_deadline_s=timeout_s, write_deadline_s=timeout_s)


def _target_of(options: Mapping[str, Any]) -> Remote | Embedded:
    named = [name for name in ("location", "url", "host", "path") if options.get(name)]
    if len(named) != 1:
        raise InvalidInput(
            f"say where Qdrant is by one of connection, location, url, host and path; got {named or 'none'}"
        )
    return Embedded(options["path"]) if named == ["path"] else _addressed(options)


def _addressed(options: Mapping[str, Any]) -> Remote | Embedded:
    address = options.get("location") or options.get("url") or options["host"]
    if address == MEMORY:
        return target_of(address, api_key=options.get("api_key"))
    target = Remote(
        address,
        api_key=options.get("api_key"),
        tls=options.get("https"),
        headers=options.get("headers", {}),
        grpc_options=options.get("grpc_options", {}),
    )
    if "grpc_port" not in options and target.port != REST_PORT:
        return target
    scheme = "https" if options.get("https", target.secure) else "http"
    host = f"[{target.host}]" if ":" in target.host else target.host
    return replace(target, address=f"{scheme}://{host}:{options.get('grpc_port', GRPC_PORT)}")
