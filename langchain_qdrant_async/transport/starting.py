"""How an engine's process is started, by the first who wants to use its folder, and how the others find it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from langchain_qdrant_async.errors import EngineError
from langchain_qdrant_async.ownership import (
    Distrusted,
    Identity,
    check_folder,
    check_peer,
    check_sockets,
    lock,
    open_ours,
)
from langchain_qdrant_async.rendezvous import (
    GRPC_SOCKET,
    LOCK_FILE,
    TEMPORARY_PREFIX,
    Announcement,
    Greeting,
    remove_sockets,
    unix_target,
)
from langchain_qdrant_async.transport.child import EngineChild

_POLL_S = 0.01
_DOUBT_S = 0.5
_EXIT_S = 2.0
_LONGEST_SAID_BYTES = 10_000


@dataclass(frozen=True, slots=True)
class Joined:
    """A connection to an engine, as one of its users."""

    connected: socket.socket
    """To the lease socket."""
    greeting: Greeting
    """What the engine said of itself."""
    identity: Identity
    """The engine's."""
    folder: Path
    """The engine's, absolute."""
    sockets: Path
    """The folder of its sockets."""
    ours: bool = False
    """Whether it was started to be joined here, and not by somebody else."""


class Start:
    """One attempt to become a user of a folder's engine. Blocks, so it runs in a thread of its own."""

    def __init__(
        self, folder: Path | None, *, ephemeral: bool, timeout_s: float, before: Identity | None = None
    ) -> None:
        """Begin to count the time.

        Args:
            folder: where the collections are kept; None for a new temporary folder.
            ephemeral: whether an engine that is started here removes the folder when its last user is gone.
            timeout_s: how long to wait for the engine.
            before: of the engine that the user had in this folder; the folder must still be the same.
        """
        self._given = folder
        self._ephemeral = ephemeral
        self._timeout_s = timeout_s
        self._before = before
        self._deadline = time.monotonic() + timeout_s
        self._doubted_until: float | None = None

    def run(self) -> Joined:
        """Join the engine of the folder, and start one if there is none.

        Raises:
            EngineError: neither is possible, or not in time.
        """
        folder = self._made()
        child = EngineChild(folder, ephemeral=self._ephemeral)
        try:
            return self._joined(folder, child)
        except BaseException as error:
            if self._given is None:
                child.end()
                shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, OSError | ValueError):
                raise child.failure(str(error)) from error
            raise

    def _joined(self, folder: Path, child: EngineChild) -> Joined:
        while (joined := self._joined_if_served(folder)) is None:
            child.see_to()
            if time.monotonic() > self._deadline:
                raise child.failure(self._silence(child))
            time.sleep(_POLL_S)
        return replace(joined, ours=joined.greeting.pid == child.pid)

    def _silence(self, child: EngineChild) -> str:
        if child.on_its_way():
            return f"it did not answer within {self._timeout_s:g} s"
        return (
            f"the process that holds its lock did not answer within {self._timeout_s:g} s; is its socket elsewhere, in"
            " another container or with another folder for temporary files? Then serve the folder from there"
        )

    def _joined_if_served(self, folder: Path) -> Joined | None:
        """Join the engine, if there is one; what speaks against it must go on for a while.

        An engine that has just taken the lock has not yet removed what the last one, which was killed, wrote into it.
        """
        try:
            joined = join_served(folder, self._deadline)
        except (OSError, ValueError, EngineError):
            self._doubted_until = self._doubted_until or time.monotonic() + _DOUBT_S
            if time.monotonic() > min(self._doubted_until, self._deadline):
                raise
            return None
        self._doubted_until = None
        return joined

    def _made(self) -> Path:
        """The folder, which is there and ours alone."""
        if os.name != "posix":
            raise EngineError("the embedded engine needs Linux or macOS; use a Qdrant server instead")
        try:
            folder = _temporary() if self._given is None else self._given.absolute()
            self._check_same(folder)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            check_folder(folder)
        except Distrusted as error:
            raise EngineError(f"the embedded engine was not started: {error}") from error
        except (OSError, ValueError) as error:  # a character that no path can have is a ValueError
            raise EngineError(
                f"the embedded engine of {self._given} could not be started: the folder cannot be made ({error});"
                " give another path or mend its parent"
            ) from error
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise EngineError(
                f"the embedded engine of {folder} could not be started: the folder is not writable; give another path"
                " or change its permissions"
            )
        return folder

    def _check_same(self, folder: Path) -> None:
        if self._before is not None and not self._before.is_at(folder / LOCK_FILE):
            raise EngineError(
                f"the folder {folder} was removed, moved or replaced while it was in use, and its data with it; make a"
                " new connection to use what is there now"
            )


def join_served(folder: Path, deadline: float) -> Joined | None:
    """Join the engine that serves a folder; None while there is none, or while it is starting or stopping.

    Raises:
        Distrusted: what the folder or the engine says may be somebody else's word.
        EngineError: an older version of the engine serves the folder.
    """
    announced = _announced(folder)
    if announced is None:
        return None
    announcement, identity = announced
    sockets = Path(announcement.lease).parent
    try:
        check_sockets(sockets)
    except FileNotFoundError:
        return None
    connected = _connected(announcement.lease, deadline)
    greeting = None if connected is None else _greeting(connected)
    if connected is None or greeting is None:
        return None
    if greeting.identity != identity or greeting.target != unix_target(sockets / GRPC_SOCKET):
        connected.close()
        raise Distrusted(f"the process at {announcement.lease} is not the engine that {folder / LOCK_FILE} names")
    return Joined(connected, greeting, identity, folder, sockets)


def _temporary() -> Path:
    return Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX))


def _announced(folder: Path) -> tuple[Announcement, Identity] | None:
    """What the lock file says; None unless an engine holds it, and says this of itself."""
    try:
        descriptor = open_ours(folder / LOCK_FILE, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        found, is_held = os.fstat(descriptor), not lock(descriptor, shared=True)
        said = Announcement.from_bytes(os.pread(descriptor, _LONGEST_SAID_BYTES, 0)) if is_held else None
    finally:
        os.close(descriptor)
    if said is None:
        return None
    if said.identity is None:
        raise EngineError(
            f"an older version of the engine ({said.version}) serves {folder}, and does not say whose it is: close what"
            f" uses it (process {said.pid}) first"
        )
    return (said, said.identity) if said.identity.is_of(found) else None


def _connected(lease: str, deadline: float) -> socket.socket | None:
    """A connection to a lease socket; None if nobody listens there, because the engine is stopping."""
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connected.settimeout(max(deadline - time.monotonic(), _POLL_S))
        connected.connect(lease)
        check_peer(connected)
    except Distrusted:
        connected.close()
        raise
    except (OSError, ValueError):
        connected.close()
        return None
    return connected


def _greeting(connected: socket.socket) -> Greeting | None:
    """What the engine says; None, and the connection closed, if it says nothing, because it is stopping."""
    try:
        line = _read_line(connected)
        greeting = Greeting.from_line(line) if line else None
    except ValueError:
        connected.close()
        raise
    except OSError:
        greeting = None
    if greeting is None:
        connected.close()
    else:
        connected.setblocking(False)  # noqa: FBT003  positional only
    return greeting


def _read_line(connected: socket.socket) -> bytes:
    """The engine's greeting; empty if it says none."""
    line = b""
    while not line.endswith(b"\n") and len(line) < _LONGEST_SAID_BYTES:
        more = connected.recv(_LONGEST_SAID_BYTES)
        if not more:
            return b""
        line += more
    return line


def wait_for_exit(joined: Joined) -> None:
    """Return when an engine that was started here, and has let its last user go, is no process any more. Blocks."""
    deadline = time.monotonic() + _EXIT_S
    with contextlib.suppress(ProcessLookupError):
        while not joined.sockets.exists() and time.monotonic() < deadline:
            os.kill(joined.greeting.pid, 0)  # no signal: only whether it is there; another thread waits for it
            time.sleep(_POLL_S)


def clean_up(joined: Joined) -> None:
    """Do what the engine of a temporary folder would have done at its end: nobody will come to it again."""
    if joined.identity.is_at(joined.folder / LOCK_FILE):
        shutil.rmtree(joined.folder, ignore_errors=True)
    remove_sockets(joined.sockets)
