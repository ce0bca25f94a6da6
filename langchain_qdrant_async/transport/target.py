"""Where Qdrant is: a server, or an embedded engine's folder."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from pydantic import SecretStr

from langchain_qdrant_async.checks import shortened
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.hosts import is_loopback

GRPC_PORT = 6334
"""Where Qdrant speaks gRPC unless configured otherwise."""
REST_PORT = 6333
"""Where Qdrant speaks REST unless configured otherwise."""
MEMORY = ":memory:"
"""Names an embedded engine in a temporary folder."""

_SCHEMES = ("grpc", "http", "https")
_HEADER = re.compile(r"[a-z0-9_.-]+(?<!-bin)")
_HOST_AND_PORT = re.compile(r"[\w.-]+:\d+")


@dataclass(frozen=True, slots=True)
class Remote:
    """A Qdrant server, cluster or cloud endpoint, reached over gRPC."""

    address: str
    """`host`, `host:port` or `http(s)://host:port`. The port is the gRPC one, 6334 unless given."""
    api_key: str | SecretStr | None = field(default=None, repr=False)
    """Sent with every call as metadata, never shown. Without TLS, a host that is not loopback warns."""
    tls: bool | None = None
    """Whether to speak TLS; None: yes for an `https://` address."""
    root_certificates: bytes | None = field(default=None, repr=False)
    """PEM certificates to trust instead of gRPC's own roots."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    """Sent with every call as metadata, never shown: what a gateway before Qdrant asks for."""
    grpc_options: Mapping[str, int | str] = field(default_factory=dict, repr=False, hash=False)
    """Options of the channels, by gRPC's names; they take the place of ours."""
    host: str = field(init=False, repr=False, compare=False)
    """The host, without brackets for IPv6."""
    port: int = field(init=False, repr=False, compare=False)
    """The gRPC port."""
    target: str = field(init=False, repr=False, compare=False)
    """What gRPC connects to, `host:port`."""

    def __post_init__(self) -> None:
        if not isinstance(self.address, str) or not self.address.strip():
            raise InvalidInput("Remote needs an address such as 'localhost:6334' or 'https://example.com:6334'")
        object.__setattr__(self, "address", self.address.strip())
        object.__setattr__(self, "api_key", _secret(self.api_key))
        object.__setattr__(self, "headers", _headers(self.headers))
        object.__setattr__(self, "grpc_options", _grpc_options(self.grpc_options))
        host, port = _split(self.address)
        object.__setattr__(self, "host", host)
        object.__setattr__(self, "port", port)
        object.__setattr__(self, "target", f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        if (self.api_key or self.headers) and not self.secure and not is_loopback(self.host):
            what = "API key" if self.api_key else "secret of the headers"
            warnings.warn(
                f"the {what} for {self.target} travels unencrypted; use an https:// address", UserWarning, stacklevel=4
            )

    @property
    def secure(self) -> bool:
        """Whether the channel uses TLS."""
        return self.tls if self.tls is not None else self.address.lower().startswith("https://")


def _split(address: str) -> tuple[str, int]:
    """Host and port.

    Raises:
        InvalidInput: there are none, or there is more.
    """
    try:
        parts = urlsplit(address if "://" in address else f"grpc://{address}")
        host, port = parts.hostname, parts.port
    except ValueError:  # its text repeats the address, in which a secret may stand
        raise InvalidInput(
            "the address is not one such as 'localhost:6334' or 'https://example.com:6334': its host or its port (a"
            " number up to 65535) is wrong"
        ) from None
    if parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment:
        raise InvalidInput(
            f"the address of {host!r} has more than a host and a port: gRPC knows no user, path or query; a key is"
            " given as api_key"
        )
    if not host or parts.scheme not in _SCHEMES or port == 0 or any(map(str.isspace, host)):
        raise InvalidInput(f"{address!r} is not an address such as 'localhost:6334' or 'https://example.com:6334'")
    return host, port or GRPC_PORT


@dataclass(frozen=True, slots=True)
class Embedded:
    """Qdrant's engine in a process of its own, with its data in a folder. Everybody who names the folder shares it."""

    path: str | Path = MEMORY
    """The folder; made when absent. `":memory:"` is a temporary one that goes with its last user."""

    def __post_init__(self) -> None:
        if not isinstance(self.path, str | Path) or not str(self.path):
            raise InvalidInput(f"Embedded needs a folder or {MEMORY!r}, not {self.path!r}")

    @property
    def ephemeral(self) -> bool:
        """Whether the data goes with the last user."""
        return str(self.path) == MEMORY


Target: TypeAlias = Remote | Embedded | str | Path
"""What a connection can be made to."""


def _headers(given: Mapping[str, str]) -> dict[str, str]:
    """Metadata as gRPC takes it.

    Source: https://grpc.io/docs/guides/metadata/: names are lower case, and those that begin with grpc- are its own.
    """
    headers = {str(name).lower(): value for name, value in given.items()}
    for name, value in headers.items():
        if not _HEADER.fullmatch(name) or name.startswith("grpc-") or name == "api-key":
            raise InvalidInput(f"{shortened(name)} cannot be a header: an API key is given as api_key")
        if not isinstance(value, str) or not all(" " <= character <= "~" for character in value):
            raise InvalidInput(f"the header {name!r} has a value that is no printable text")
    return headers


def _grpc_options(given: Mapping[str, int | str]) -> dict[str, int | str]:
    for name, value in given.items():
        if not isinstance(name, str) or not isinstance(value, int | str):
            raise InvalidInput(f"the option {shortened(name)} of a channel is a number or a text, by gRPC's name")
    return dict(given)


def _secret(key: object) -> SecretStr | None:
    """The API key, which travels as gRPC metadata.

    Source: https://grpc.io/docs/guides/metadata/: values are printable ASCII.
    """
    if key is None or isinstance(key, str | SecretStr):
        text = key.get_secret_value() if isinstance(key, SecretStr) else key or ""
        if not all(" " <= character <= "~" for character in text):
            raise InvalidInput("the API key has characters that no key has, perhaps a line break at its end: strip it")
        return SecretStr(text) if text else None
    raise InvalidInput(f"an API key is a string, not {type(key).__name__}")


def target_of(text: str | Path, *, api_key: str | SecretStr | None = None) -> Remote | Embedded:
    """What a string means: `":memory:"`, a URL, or a folder.

    Raises:
        InvalidInput: it may mean either, or an API key was given for an engine that has none.
    """
    if isinstance(text, str):
        scheme, separator, _ = text.strip().partition("://")
        if separator and scheme.lower() in _SCHEMES:
            return Remote(text, api_key=api_key)
        if separator or _HOST_AND_PORT.fullmatch(text.strip()):
            raise InvalidInput(
                f"{text!r} may be a server or a folder: write 'http://host:6334' for a server, './{text}' for a folder"
            )
    if api_key is not None:
        raise InvalidInput(f"{text!r} names an embedded engine, which has no API key; a server is named by a URL")
    return Embedded(text)
