"""The engine's folder: who may serve it, and where the one who does can be reached.

`engine.lock` is locked by the engine for as long as it lives, and holds the addresses once it serves. The file is
never removed while the folder is in use: a lock on a removed file excludes nobody. So an engine that does not find it
where it was has lost its folder.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from functools import cached_property
from pathlib import Path
from uuid import uuid4

from grpc import StatusCode

from langchain_qdrant_async.engine.status import Refusal
from langchain_qdrant_async.ownership import Identity, check_folder, lock, open_ours
from langchain_qdrant_async.rendezvous import (
    LEASE_SOCKET,
    LOCK_FILE,
    LOG_FILE,
    TEMPORARY_PREFIX,
    Announcement,
    remove_sockets,
)

_PRIVATE_FOLDER = 0o700
_POLL_S = 0.02
_LONGEST_SOCKET_PATH = 100
"""Unix sockets allow 104 bytes on macOS and 108 on Linux."""
_LONGEST_LOG_BYTES = 1_000_000
_KEPT_LOG_BYTES = 100_000
_LONGEST_ANNOUNCEMENT_BYTES = 10_000


class ServedAlready(Exception):
    """Another engine serves the folder, and can be joined."""


class HeldTooLong(Exception):
    """Another process has the lock, and neither serves nor goes away."""


class FolderLost(Refusal):
    """The folder has been removed, moved or replaced. Nothing may be written by its name any more."""

    def __init__(self, path: Path) -> None:
        """Say which."""
        super().__init__(
            StatusCode.UNAVAILABLE,
            f"{path} was removed, moved or replaced while its engine served it; nothing was written, and the engine"
            " stops: what was acknowledged before is in the folder, wherever that is now",
        )


class EngineFolder:
    """A folder that this process alone may serve, until `release`.

    Attributes:
        path: where it is.
        identity: of the engine, as this process.
    """

    def __init__(self, path: Path, *, patience_s: float, ephemeral: bool = False) -> None:
        """Take the lock.

        Args:
            path: the folder; made, for its owner only, if it is not there.
            patience_s: how long to wait for another process to serve or to go away.
            ephemeral: whether it goes at the end.

        Raises:
            ServedAlready: another engine does.
            HeldTooLong: the patience ran out.
            Distrusted: others own the folder, or may write to it.
        """
        path.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        check_folder(path)
        self.path = path
        self._ephemeral = ephemeral
        self._file = self._locked(time.monotonic() + patience_s)
        self.identity = Identity.of(uuid4().hex, os.fstat(self._file))
        self._sweep()
        self.shorten_log()

    @cached_property
    def sockets(self) -> Path:
        """The folder of the sockets, made when it is asked for: an engine may be ended before."""
        if self._ephemeral and _has_room(self.path):  # one that is killed leaves one folder, whose name is known
            return self.path
        return _sockets_folder()

    def announce(self, announcement: Announcement) -> None:
        """Say where the engine can be reached, from now on."""
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, announcement.to_bytes(), 0)

    def withdraw(self) -> None:
        """Take back what `announce` said: who comes now has to wait for the lock."""
        os.ftruncate(self._file, 0)

    def check(self) -> None:
        """Look whether the folder still is the one that was locked, which takes 7 µs.

        Raises:
            FolderLost: it is not.
        """
        if not self.identity.is_at(self.path / LOCK_FILE):
            raise FolderLost(self.path)

    def shorten_log(self) -> None:
        """Keep the end of a log that has become too long."""
        with contextlib.suppress(OSError):  # there need not be one
            log = open_ours(self.path / LOG_FILE, os.O_RDWR)
            try:
                _shorten(log)
            finally:
                os.close(log)

    def release(self) -> None:
        """Leave the folder to others, or remove it if it is ephemeral."""
        self.remove_sockets()
        if self._ephemeral and self.identity.is_at(self.path / LOCK_FILE):
            shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._file)

    def remove_sockets(self) -> None:
        """Remove the sockets, if there are any."""
        if "sockets" in vars(self):
            remove_sockets(self.sockets)

    def _locked(self, deadline: float) -> int:
        while (file := self._attempt()) is None:
            if time.monotonic() > deadline:
                raise HeldTooLong(self.path)
            time.sleep(_POLL_S)
        return file

    def _attempt(self) -> int | None:
        """The locked file; None while another process has it."""
        file = open_ours(self.path / LOCK_FILE, os.O_RDWR | os.O_CREAT)
        if lock(file) and Identity.of("", os.fstat(file)).is_at(self.path / LOCK_FILE):
            return file
        # A user who looks whether there is an engine has a shared lock for a moment.
        served = not lock(file, shared=True) and os.pread(file, 1, 0)
        os.close(file)
        if served:
            raise ServedAlready(self.path)
        return None

    def _sweep(self) -> None:
        """Remove the sockets that a killed engine left behind.

        They are its own if it held the very file that we hold: in a copied folder another engine's are named.
        """
        content = os.pread(self._file, _LONGEST_ANNOUNCEMENT_BYTES, 0)
        self.withdraw()
        left = Announcement.from_bytes(content)
        if left is not None and left.identity is not None and left.identity.is_of(os.fstat(self._file)):
            remove_sockets(Path(left.lease).parent)


def _sockets_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX))
    if _has_room(folder):
        return folder
    folder.rmdir()
    return Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir="/tmp"))


def _has_room(folder: Path) -> bool:
    return len(os.fsencode(folder / LEASE_SOCKET)) <= _LONGEST_SOCKET_PATH


def _shorten(log: int) -> None:
    size = os.fstat(log).st_size
    if size <= _LONGEST_LOG_BYTES:
        return
    end = os.pread(log, _KEPT_LOG_BYTES, size - _KEPT_LOG_BYTES)
    os.ftruncate(log, 0)  # whoever writes it appends
    os.pwrite(log, end, 0)
