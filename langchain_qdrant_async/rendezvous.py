"""How an embedded engine and its users meet: what both must know, and nothing that only one of them does.

The engine holds a lock on `engine.lock` in its folder for as long as it lives, and writes an `Announcement` into it
once it serves. A user connects to the lease socket that is named there, and is told a `Greeting`. Both hold the
engine's `Identity`, and are believed only if it is that of the lock. Processes of several versions of this package may
meet: nothing that is written or said here may change.
Decision: docs/decisions/0101-engine-leases.md.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from langchain_qdrant_async.ownership import Distrusted, Identity, check_sockets

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
FOLDER_LOST = 5
"""Exit code: the folder was removed, moved or replaced while the engine served it."""


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
    identity: Identity | None
    """Of the engine; None for one of a version that had none."""

    def to_bytes(self) -> bytes:
        """As it stands in the lock file."""
        content = {name: value for name, value in asdict(self).items() if name != "identity"}
        return json.dumps(content | _flat(self.identity)).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Announcement | None:
        """What a lock file says; None if it says nothing that can be understood."""
        try:
            said = json.loads(content)
            Path(said["lease"])
            return cls(said["pid"], said["lease"], said["grpc"], said["version"], _identity(said))
        except (ValueError, LookupError, TypeError):
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
    identity: Identity | None = None
    """Of the engine; None for one of a version that had none."""

    def to_line(self) -> bytes:
        """As it is said: one line."""
        content = {"target": self.target, "pid": self.pid, "version": self.version}
        return json.dumps(content | _flat(self.identity)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Greeting:
        """What a line says.

        Raises:
            ValueError: it is no greeting.
        """
        try:
            said = json.loads(line)
            return cls(said["target"], said["pid"], said.get("version", ""), _identity(said))
        except (LookupError, TypeError, AttributeError) as error:
            raise ValueError(f"this is no greeting of an engine: {line!r}") from error


def unix_target(path: Path) -> str:
    """What gRPC connects to when a Unix socket is meant.

    It is parsed as a URI, so everything but letters, digits, `/` and `_.-~` is written as `%…`.
    """
    return f"unix:{quote(os.fsencode(path))}"


def remove_sockets(folder: Path) -> None:
    """Remove an engine's sockets, and their folder if it is a temporary one that holds nothing else."""
    with contextlib.suppress(OSError, ValueError, Distrusted):
        check_sockets(folder)
        for name in (LEASE_SOCKET, GRPC_SOCKET):
            if (folder / name).is_socket():
                (folder / name).unlink()
        if folder.name.startswith(TEMPORARY_PREFIX):
            folder.rmdir()


def _flat(identity: Identity | None) -> dict[str, Any]:
    return {} if identity is None else asdict(identity)


def _identity(said: dict[str, Any]) -> Identity | None:
    return Identity(said["id"], said["device"], said["inode"]) if "id" in said else None
