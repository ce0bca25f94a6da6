"""The keywords by which langchain-qdrant names a Qdrant -> a connection."""

from __future__ import annotations

from dataclasses import replace
from typing import TypedDict, cast

from pydantic import SecretStr

from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.transport.channels import Dial
from langchain_qdrant_async.transport.connection import Connection
from langchain_qdrant_async.transport.policy import Policy
from langchain_qdrant_async.transport.target import GRPC_PORT, MEMORY, REST_PORT, Embedded, Remote, target_of


class ConnectionOptions(TypedDict, total=False):
    """The keywords by which langchain-qdrant names a Qdrant; they mean the same here."""

    connection: Connection
    """A connection that exists already; it stays the caller's to close."""
    location: str
    """`":memory:"`, or as `url`."""
    url: str
    """`http(s)://host[:port]` or `host[:port]`."""
    host: str
    """The host alone."""
    port: int
    """The REST port; nothing here speaks REST, so it is read and left alone."""
    grpc_port: int
    """The gRPC port, 6334 unless given."""
    https: bool
    """Whether to speak TLS."""
    api_key: str | SecretStr
    """The API key."""
    path: str
    """Folder of an embedded engine."""
    timeout: float
    """Deadline of every call, in seconds, unless `policy` is given."""
    policy: Policy
    """Deadlines and retries."""
    dial: Dial
    """Makes the channels, as `Connection` takes it."""
    prefer_grpc: bool
    """Everything here is gRPC."""


def connection_of(options: ConnectionOptions) -> tuple[Connection, bool]:
    """The connection that the options name, and whether it is new and so its user's to close.

    Raises:
        InvalidInput: the options name none, or more than one, or what they say contradicts itself.
    """
    options = _given(options)
    if "connection" not in options:
        return Connection(_target_of(options), policy=_policy_of(options), dial=options.get("dial")), True
    if "dial" in options:
        raise InvalidInput("give dial to Connection(...): a connection that exists has its channels already")
    return options["connection"], False


def _given(options: ConnectionOptions) -> ConnectionOptions:
    """Those that are not None."""
    unknown = set(options) - set(ConnectionOptions.__annotations__)
    if unknown:
        raise InvalidInput(
            f"unknown option {', '.join(sorted(unknown))}; there are {', '.join(ConnectionOptions.__annotations__)}"
        )
    return cast("ConnectionOptions", {name: value for name, value in options.items() if value is not None})


def _policy_of(options: ConnectionOptions) -> Policy | None:
    timeout_s = options.get("timeout")
    if "policy" in options or not timeout_s:
        return options.get("policy")
    return Policy(read_deadline_s=timeout_s, write_deadline_s=timeout_s)


def _target_of(options: ConnectionOptions) -> Remote | Embedded:
    named = [name for name in ("location", "url", "host", "path") if options.get(name)]
    if len(named) != 1:
        raise InvalidInput(
            f"say where Qdrant is by one of connection, location, url, host and path; got {named or 'none'}"
        )
    return Embedded(options["path"]) if named == ["path"] else _addressed(options)


def _addressed(options: ConnectionOptions) -> Remote | Embedded:
    address = options.get("location") or options.get("url") or options["host"]
    if address == MEMORY:
        return target_of(address, api_key=options.get("api_key"))
    target = Remote(address, api_key=options.get("api_key"), tls=options.get("https"))
    if "grpc_port" not in options and target.port != REST_PORT:
        return target
    scheme = "https" if options.get("https", target.secure) else "http"
    host = f"[{target.host}]" if ":" in target.host else target.host
    return replace(target, address=f"{scheme}://{host}:{options.get('grpc_port', GRPC_PORT)}")
