"""Settings: frozen, validated when made, with the unit in the name. Change one with `dataclasses.replace`."""

from __future__ import annotations

import ipaddress
import math
import random
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args
from urllib.parse import urlsplit

from pydantic import SecretStr

from langchain_qdrant_async.errors import InvalidInput, RateLimited, RpcError
from langchain_qdrant_async.proto import collections

GRPC_PORT = 6334
REST_PORT = 6333
MEMORY = ":memory:"
SCHEMES = ("grpc", "http", "https")
MOST_SECONDS = 1e8
"""Three years: gRPC takes a deadline that is too far away for one that has passed."""

_HOST_AND_PORT = re.compile(r"[\w.-]+:\d+")

IndexKind = Literal["keyword", "integer", "float", "bool", "datetime", "text", "geo", "uuid"]


class Distance(str, Enum):
    """How two vectors are compared. The values are those of Qdrant's own models, so either enumeration works."""

    COSINE = "Cosine"
    DOT = "Dot"
    EUCLID = "Euclid"
    MANHATTAN = "Manhattan"


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

    def __post_init__(self) -> None:
        if not isinstance(self.address, str) or not self.address.strip():
            raise InvalidInput("Remote needs an address such as 'localhost:6334' or 'https://example.com:6334'")
        object.__setattr__(self, "address", self.address.strip())
        object.__setattr__(self, "api_key", _secret(self.api_key))
        _ = self.target
        if self.api_key and not self.secure and not _is_loopback(self.host):
            warnings.warn(
                f"the API key for {self.target} travels unencrypted; use an https:// address", UserWarning, stacklevel=4
            )

    @property
    def secure(self) -> bool:
        """Whether the channel uses TLS."""
        return self.tls if self.tls is not None else self.address.lower().startswith("https://")

    @property
    def host(self) -> str:
        """The host, without brackets for IPv6."""
        return self._split()[0]

    @property
    def port(self) -> int:
        """The gRPC port."""
        return self._split()[1]

    @property
    def target(self) -> str:
        """What gRPC connects to, `host:port`."""
        host, port = self._split()
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def _split(self) -> tuple[str, int]:
        text = self.address if "://" in self.address else f"grpc://{self.address}"
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise InvalidInput(f"{self.address!r} is not an address: {error}") from error
        if parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment:
            raise InvalidInput(
                f"the address of {host!r} has more than a host and a port: gRPC knows no user, path or query; a key is"
                " given as api_key"
            )
        if not host or parts.scheme not in SCHEMES or port == 0 or any(map(str.isspace, host)):
            raise InvalidInput(
                f"{self.address!r} is not an address such as 'localhost:6334' or 'https://example.com:6334'"
            )
        return host, port or GRPC_PORT


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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
        if separator and scheme.lower() in SCHEMES:
            return Remote(text, api_key=api_key)
        if separator or _HOST_AND_PORT.fullmatch(text.strip()):
            raise InvalidInput(
                f"{text!r} may be a server or a folder: write 'http://host:6334' for a server, './{text}' for a folder"
            )
    if api_key is not None:
        raise InvalidInput(f"{text!r} names an embedded engine, which has no API key; a server is named by a URL")
    return Embedded(text)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def check_seconds(name: str, value: object) -> float:
    """A time span, which may be infinite, as gRPC can take it.

    Raises:
        InvalidInput: it is no number above 0.
    """
    if not isinstance(value, int | float) or not _is_number(value) or value <= 0:
        raise InvalidInput(f"{name} must be above 0 seconds, not {value!r}")
    return min(value, MOST_SECONDS)


@dataclass(frozen=True, slots=True)
class Retry:
    """When to repeat a call that failed: exponential backoff with full jitter.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    attempts: int = 5
    """How often a call is tried in all; 1 turns retries off."""
    first_pause_s: float = 0.1
    """Upper bound of the first pause, in seconds; it doubles each time."""
    longest_pause_s: float = 5.0
    """Upper bound of any pause, in seconds."""

    def __post_init__(self) -> None:
        whole = isinstance(self.attempts, int) and not isinstance(self.attempts, bool)
        pauses = (self.first_pause_s, self.longest_pause_s)
        if not whole or self.attempts < 1 or not all(_is_number(each) and each >= 0 for each in pauses):
            raise InvalidInput("Retry needs a whole number of attempts >= 1 and pauses >= 0 seconds")

    def pause_s(self, attempt: int, error: RpcError) -> float:
        """Seconds to wait after attempt number `attempt` (from 1) ended in `error`."""
        if isinstance(error, RateLimited) and error.retry_after_s is not None:
            return error.retry_after_s
        return random.uniform(0.0, min(self.longest_pause_s, self.first_pause_s * 2 ** (attempt - 1)))  # noqa: S311


@dataclass(frozen=True, slots=True)
class Policy:
    """How every call is made."""

    read_deadline_s: float = 10.0
    """Seconds that a reading call may take, retries included."""
    write_deadline_s: float = 60.0
    """Seconds that a writing call may take, retries included."""
    retry: Retry = field(default_factory=Retry)
    """When a failed call is repeated."""
    keepalive_s: float = 30.0
    """Seconds between pings on a connection with calls under way, so that a dead peer is noticed."""

    def __post_init__(self) -> None:
        for name in ("read_deadline_s", "write_deadline_s", "keepalive_s"):
            check_seconds(f"Policy.{name}", getattr(self, name))
        if not isinstance(self.retry, Retry):
            raise InvalidInput(f"Policy.retry is a Retry, not {self.retry!r}; Retry(attempts=1) turns retries off")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a document stands in a point. The defaults are langchain-qdrant's, so either reads what the other wrote."""

    content_key: str = "page_content"
    """Payload key of the text."""
    metadata_key: str | None = "metadata"
    """Payload key of the metadata; None: every other key of the payload is metadata."""
    vector_name: str = ""
    """Name of the vector; the empty name is Qdrant's default vector."""

    def __post_init__(self) -> None:
        if not self.content_key or self.metadata_key in {"", self.content_key}:
            raise InvalidInput("Layout needs two different payload keys that are not empty, or metadata_key=None")


@dataclass(frozen=True, slots=True)
class Hnsw:
    """Parameters of the HNSW graph; None leaves the server's own."""

    m: int | None = None
    """Edges per node (server: 16)."""
    ef_construct: int | None = None
    """Candidates considered while building (server: 100)."""
    full_scan_threshold: int | None = None
    """Kilobytes of vectors below which a segment is scanned instead (server: 10,000)."""
    on_disk: bool | None = None
    """Whether the graph stays on disk."""

    def __post_init__(self) -> None:
        for name, value in (
            ("m", self.m),
            ("ef_construct", self.ef_construct),
            ("full_scan_threshold", self.full_scan_threshold),
        ):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
                raise InvalidInput(f"Hnsw.{name} must be a whole number, not {value!r}")


@dataclass(frozen=True, slots=True)
class ScalarQuantization:
    """Each component of a vector in 8 bits instead of 32."""

    quantile: float | None = None
    """Share of the components that keeps full resolution, 0.5 to 1; None: all of them."""
    always_ram: bool | None = None
    """Whether the quantised vectors stay in memory whatever else is on disk."""

    def __post_init__(self) -> None:
        if self.quantile is not None and not 0.5 <= self.quantile <= 1:
            raise InvalidInput(f"ScalarQuantization.quantile must be between 0.5 and 1, not {self.quantile!r}")


INDEX_KINDS: frozenset[str] = frozenset(get_args(IndexKind))
"""The kinds of payload index."""


@dataclass(frozen=True, slots=True)
class CollectionSpec:
    """What a collection is to be. It is made so when it does not exist, and compared when it does."""

    name: str
    """The collection's name."""
    dimension: int = 100
    """Numbers in a vector, 1 to 65,536."""
    distance: Distance = Distance.COSINE
    """How vectors are compared."""
    quantization: ScalarQuantization | collections.QuantizationConfig | None = field(default_factory=ScalarQuantization)
    """Int8 scalar by default; None for none; Qdrant's own message for the other kinds."""
    hnsw: Hnsw = field(default_factory=Hnsw)
    """Parameters of the index."""
    payload_indexes: Mapping[str, IndexKind] = field(default_factory=dict)
    """Kind of index by metadata field, named as in a filter: `{"lang": "keyword"}`."""
    layout: Layout = field(default_factory=Layout)
    """Where a document stands in a point."""
    vectors_on_disk: bool | None = None
    """Whether the original vectors stay on disk; None: the server decides."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise InvalidInput(f"a collection needs a name, not {self.name!r}")
        if isinstance(self.dimension, bool) or not isinstance(self.dimension, int) or not 1 <= self.dimension <= 65_536:
            raise InvalidInput(
                f"CollectionSpec.dimension must be a whole number from 1 to 65,536, not {self.dimension!r}"
            )
        object.__setattr__(self, "distance", distance_of(self.distance))
        object.__setattr__(self, "payload_indexes", MappingProxyType(dict(self.payload_indexes)))
        for name, kind in self.payload_indexes.items():
            if kind not in INDEX_KINDS:
                raise InvalidInput(
                    f"payload index {name!r}: no kind {kind!r}; there are {', '.join(sorted(INDEX_KINDS))}"
                )


def distance_of(value: object) -> Distance:
    """The distance meant by its name, in either enumeration.

    Raises:
        InvalidInput: there is no such distance.
    """
    try:
        return Distance(value)
    except ValueError:
        names = ", ".join(repr(each.value) for each in Distance)
        raise InvalidInput(f"no distance {value!r}; there are {names}") from None
