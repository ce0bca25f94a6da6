"""The keywords by which langchain-qdrant names a Qdrant -> a connection."""

from __future__ import annotations

from typing import TypedDict, cast

from pydantic import SecretStr

from langchain_qdrant_async.errors import InvalidInput
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
    prefer_grpc: bool
    """Everything here is gRPC."""


def connection_of(options: ConnectionOptions) -> tuple[Connection, bool]:
    """The connection that the options name, and whether it is new and so its user's to close.

    Raises:
        InvalidInput: the options name none, or more than one.
    """
    unknown = set(options) - set(ConnectionOptions.__annotations__)
    if unknown:
        raise InvalidInput(
            f"unknown option {', '.join(sorted(unknown))}; there are {', '.join(ConnectionOptions.__annotations__)}"
        )
    options = cast("ConnectionOptions", {name: value for name, value in options.items() if value is not None})
    if "connection" in options:
        return options["connection"], False
    named = [name for name in ("location", "url", "host", "path") if options.get(name)]
    if len(named) != 1:
        raise InvalidInput(
            f"say where Qdrant is by one of connection, location, url, host and path; got {named or 'none'}"
        )
    timeout_s = options.get("timeout")
    policy = options.get("policy") or (
        Policy(read_deadline_s=timeout_s, write_deadline_s=timeout_s) if timeout_s else None
    )
    return Connection(_target_of_options(options), policy=policy), True


def _target_of_options(options: ConnectionOptions) -> Remote | Embedded:
    if path := options.get("path"):
        return Embedded(path)
    address = options.get("location") or options.get("url") or options["host"]
    target = (
        target_of(address, api_key=options.get("api_key"))
        if address == MEMORY
        else Remote(address, api_key=options.get("api_key"), tls=options.get("https"))
    )
    if isinstance(target, Remote) and ("grpc_port" in options or target.port == REST_PORT):
        scheme = "https" if options.get("https", target.secure) else "http"
        host = f"[{target.host}]" if ":" in target.host else target.host
        address = f"{scheme}://{host}:{options.get('grpc_port', GRPC_PORT)}"
        return Remote(address, api_key=options.get("api_key"), tls=options.get("https"))
    return target
