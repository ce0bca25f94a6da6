"""How an embedded engine and its users meet: what both must know, and nothing that only one of them does.

The engine holds a lock on `engine.lock` in its folder for as long as it lives, and writes an `Announcement` into it
once it serves. A user connects to the lease socket that is named there, and is told a `Greeting`. Processes of several
versions of this package may meet: nothing that is written or said here may change.
Decision: docs/decisions/0101-engine-leases.md.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

MODULE = "langchain_qdrant_async.engine"
"""What `python -m` runs."""
EPHEMERAL = "--ephemeral"
"""Option of the engine: the folder goes with the last user."""

LOCK_FILE = "engine.lock"
"""Locked by the engine of the folder, and holds its `Announcement`."""
LOG_FILE = "engine.log"
"""Where an engine that a user started writes what it has to say."""

TEMPORARY_PREFIX = "langchain-qdrant-async-"
"""How every folder begins that is ours and temporary: sockets', and an engine's in memory."""
LEASE_SOCKET = "lease.sock"
"""In the folder of sockets: an open connection to it is a user."""
GRPC_SOCKET = "grpc.sock"
"""In the folder of sockets: Qdrant's own services."""

_UNIX = "unix:"

FAILED = 1
"""Exit code: anything else than the following; the log says what."""
SERVED_ALREADY = 3
"""Exit code: another engine serves the folder; join that one."""
HELD_TOO_LONG = 4
"""Exit code: another process has the folder's lock and does not serve."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What the lock file holds while the engine serves."""

    pid: int
    """The engine's process."""
    lease: str
    """Path of the lease socket."""
    grpc: str
    """What gRPC connects to, `unix:/…`."""
    version: str
    """The engine's."""

    def to_bytes(self) -> bytes:
        """As it stands in the lock file."""
        return json.dumps(asdict(self)).encode()


def lease_of(content: bytes) -> Path | None:
    """The lease socket that the content of a lock file names; None when it names none."""
    try:
        return Path(json.loads(content)["lease"])
    except (ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True, slots=True)
class Greeting:
    """What the engine tells a new user, on the lease socket."""

    target: str
    """What gRPC connects to, `unix:/…`."""
    pid: int
    """The engine's process."""
    version: str = ""
    """The engine's."""

    def to_line(self) -> bytes:
        """As it is said: one line."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Greeting:
        """What a line says."""
        said = json.loads(line)
        return cls(said["target"], said["pid"], said.get("version", ""))

    @property
    def sockets(self) -> Path:
        """The folder of the engine's sockets."""
        return Path(self.target.removeprefix(_UNIX)).parent


def unix_target(path: Path) -> str:
    """What gRPC connects to when a Unix socket is meant."""
    return f"{_UNIX}{path}"
