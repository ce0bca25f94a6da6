"""A client of qdrant-client -> what a store is to be connected to."""

from __future__ import annotations

import shutil
import tempfile
import uuid
import warnings
import weakref
from pathlib import Path
from typing import Any, cast

from pydantic import SecretStr

from langchain_qdrant_async.compat.keywords import known
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.runtime.blocking import run
from langchain_qdrant_async.transport.connection import Connection
from langchain_qdrant_async.transport.scoped import whole_of
from langchain_qdrant_async.transport.target import Embedded, Remote, Target

_TEMPORARY = Path(tempfile.gettempdir())


def target_of_client(client: Any) -> Connection | Target:
    """What a client of qdrant-client is connected to; anything else as it is.

    Raises:
        InvalidInput: a client in local mode that has points, or one with something that cannot be taken over.
    """
    if not type(client).__module__.startswith("qdrant_client"):
        return cast("Connection | Target", client)
    remote = getattr(client, "_client", client)
    if not hasattr(remote, "_host"):
        return _embedded(remote)
    known({"prefix": remote._prefix, "auth_token_provider": remote._auth_token_provider})  # noqa: SLF001
    options = {name: value for name, value in remote._grpc_options.items() if "user_agent" not in name}  # noqa: SLF001
    headers = {name.lower(): value for name, value in remote._grpc_headers}  # noqa: SLF001
    key = headers.pop("api-key", None)
    host = f"[{remote._host.strip('[]')}]" if ":" in remote._host else remote._host  # noqa: SLF001
    scheme = "https" if remote._https else "http"  # noqa: SLF001
    address = f"{scheme}://{host}:{remote._grpc_port}"  # noqa: SLF001
    return Remote(address, api_key=key, headers=headers, grpc_options=options)


def remote_client(client: Any) -> Any:
    """The client itself, if it is one of qdrant-client that speaks to a server."""
    return client if hasattr(getattr(client, "_client", client), "_grpc_port") else None


def client_for(connection: Connection) -> Any:
    """A `QdrantClient` for what a connection is connected to, over gRPC; it opens the connection for that."""
    from qdrant_client import QdrantClient

    target = whole_of(connection).target
    scheme, _, path = run(connection.located()).partition(":")
    where: dict[str, Any] = {"host": scheme, "grpc_port": path}  # which make `unix:/…` together
    if isinstance(target, Remote):
        key = target.api_key.get_secret_value() if isinstance(target.api_key, SecretStr) else None
        where = {"host": target.host, "grpc_port": target.port, "https": target.secure, "api_key": key}
        certificates = {"root_certificates": target.root_certificates} if target.root_certificates else {}
        where |= {"grpc_options": {**target.grpc_options, **certificates}, "metadata": dict(target.headers)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a key that is sent in the clear the connection has warned already
        return QdrantClient(**where, prefer_grpc=True, check_compatibility=False)


def _embedded(local: Any) -> Embedded:
    """A folder for the embedded engine in place of qdrant-client's local mode, for as long as the client lives.

    Stores over one client share it. It is in the client's own folder, if it has one.
    """
    if held := [name for name, each in local.collections.items() if len(each.ids)]:
        raise InvalidInput(
            f"this client is in qdrant-client's local mode and has points in {', '.join(map(repr, held))}, which only"
            " it can read: add the documents again by this package, over ':memory:', a folder, or a client without any"
        )
    if local.persistent:
        return Embedded(Path(local.location) / "embedded")
    if local not in _folders:
        _folders[local] = _TEMPORARY / f"langchain-qdrant-async-client-{uuid.uuid4().hex}"
        weakref.finalize(local, shutil.rmtree, _folders[local], ignore_errors=True)
    return Embedded(_folders[local])


_folders: weakref.WeakKeyDictionary[Any, Path] = weakref.WeakKeyDictionary()
"""The folders that stand for clients in memory."""
