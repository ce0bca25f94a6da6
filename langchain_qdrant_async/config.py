"""Settings: frozen, validated when made, with the unit in the name. Change one with `dataclasses.replace`."""

from __future__ import annotations

import ipaddress
import random
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args
from urllib.parse import urlsplit

from pydantic import SecretStr

from langchain_qdrant_async.errors import InvalidInput, RateLimited, RpcError
from langchain_qdrant_async.proto import collections

GRPC_PORT = 6334
REST_PORT = 6333
MEMORY = ":memory:"

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
        if isinstance(self.api_key, str):
            object.__setattr__(self, "api_key", SecretStr(self.api_key) if self.api_key else None)
        _ = self.target
        if self.api_key and not self.secure and not _is_loopback(self.host):
            warnings.warn(
                f"the API key for {self.target} travels unencrypted; use an https:// address", UserWarning, stacklevel=4
            )

    @property
    def secure(self) -> bool:
        """Whether the channel uses TLS."""
        return self.tls if self.tls is not None else self.address.startswith("https://")

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
        if not host or parts.scheme not in {"grpc", "http", "https"}:
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


def target_of(text: str, *, api_key: str | SecretStr | None = None) -> Remote | Embedded:
    """What a string means: `":memory:"`, a URL, or a folder.

    Raises:
        InvalidInput: an API key was given for an engine that has none.
    """
    if text.startswith(("http://", "https://", "grpc://")):
        return Remote(text, api_key=api_key)
    if api_key is not None:
        raise InvalidInput(f"{text!r} names an embedded engine, which has no API key; a server is named by a URL")
    return Embedded(text)


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
        if self.attempts < 1 or self.first_pause_s < 0 or self.longest_pause_s < 0:
            raise InvalidInput("Retry needs attempts >= 1 and pauses >= 0 seconds")

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
        if min(self.read_deadline_s, self.write_deadline_s, self.keepalive_s) <= 0:
            raise InvalidInput("Policy needs deadlines and keepalive above 0 seconds")


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
