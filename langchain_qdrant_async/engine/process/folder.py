"""The engine's folder: who may serve it, and where the one who does can be reached.

`engine.lock` is locked by the engine for as long as it lives, and holds the addresses once it serves. The file is
never removed while the folder is in use: a lock on a removed file excludes nobody.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

from langchain_qdrant_async.rendezvous import (
    LEASE_SOCKET,
    LOCK_FILE,
    LOG_FILE,
    TEMPORARY_PREFIX,
    Announcement,
    lease_of,
)

_PRIVATE_FILE = 0o600
_PRIVATE_FOLDER = 0o700
_POLL_S = 0.02
_LONGEST_SOCKET_PATH = 100
"""Unix sockets allow 104 bytes on macOS and 108 on Linux."""
_LONGEST_LOG_BYTES = 1_000_000


class ServedAlready(Exception):
    """Another engine serves the folder, and can be joined."""


class HeldTooLong(Exception):
    """Another process has the lock, and neither serves nor goes away."""


class EngineFolder:
    """A folder that this process alone may serve, until `release`."""

    def __init__(self, path: Path, *, patience_s: float) -> None:
        """Take the lock.

        Args:
            path: the folder; made, for its owner only, if it is not there.
            patience_s: how long to wait for another process to serve or to go away.

        Raises:
            ServedAlready: another engine does.
            HeldTooLong: the patience ran out.
        """
        path.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        self.path = path
        self._file = os.open(path / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE_FILE)
        self._lock(time.monotonic() + patience_s)
        self.recovering = self._sweep()
        self.sockets = _sockets_folder()
        _shorten_log(path / LOG_FILE)

    def announce(self, announcement: Announcement) -> None:
        """Say where the engine can be reached, from now on."""
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, announcement.to_bytes(), 0)

    def withdraw(self) -> None:
        """Take back what `announce` said: who comes now has to wait for the lock."""
        os.ftruncate(self._file, 0)

    def release(self, *, remove: bool) -> None:
        """Leave the folder to others, or remove it."""
        shutil.rmtree(self.sockets, ignore_errors=True)
        if remove:
            shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._file)

    def _lock(self, deadline: float) -> None:
        while not self._locked():
            if self._content():
                os.close(self._file)
                raise ServedAlready(self.path)
            if time.monotonic() > deadline:
                os.close(self._file)
                raise HeldTooLong(self.path)
            time.sleep(_POLL_S)

    def _locked(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _content(self) -> bytes:
        return os.pread(self._file, 10_000, 0)

    def _sweep(self) -> bool:
        """Remove what a killed engine left behind; whether there was one."""
        content = self._content()
        self.withdraw()
        if not content:
            return False
        lease = lease_of(content)
        if lease is not None and lease.parent.name.startswith(TEMPORARY_PREFIX):
            shutil.rmtree(lease.parent, ignore_errors=True)
        return True


def _sockets_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX))
    if len(os.fsencode(folder / LEASE_SOCKET)) <= _LONGEST_SOCKET_PATH:
        return folder
    folder.rmdir()
    return Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir="/tmp"))


def _shorten_log(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LONGEST_LOG_BYTES:
        os.truncate(log, 0)
