"""Whose folder it is: what an engine and its users both judge a folder by, each for itself.

The data of others is not ours to change, and who may change a folder of ours may have us do things: its lock names the
sockets that we talk to, and links in it would have us write elsewhere. Whatever is told by a folder is believed only if
nobody else can have written it, and of its lock only while an engine holds it.
Decision: docs/decisions/0400-whose-folder.md.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
import struct
from dataclasses import dataclass
from pathlib import Path

TRUSTED_FOLDERS = "LANGCHAIN_QDRANT_ASYNC_TRUSTED_FOLDERS"
"""Environment variable: folders, separated as in `PATH`, that are taken as ours whoever owns or may change them.

What is in them is trusted, too.
"""

_PRIVATE_FILE = 0o600
_LOCAL_PEERCRED = 1
"""Source: `sys/un.h` of macOS; the option is one of level 0."""
_XUCRED_BYTES = 76


class Distrusted(PermissionError):
    """Somebody else owns, or can have changed, what we were about to use."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which engine of which folder. A copied folder has the content of the lock, but not the file itself."""

    id: str
    """Chosen at random by the engine."""
    device: int
    """Where the lock file is."""
    inode: int
    """Its number there."""

    @classmethod
    def of(cls, an_id: str, found: os.stat_result) -> Identity:
        """The identity of the engine that holds this lock file."""
        return cls(an_id, found.st_dev, found.st_ino)

    def is_of(self, found: os.stat_result) -> bool:
        """Whether a lock file is the one that is meant."""
        return (found.st_dev, found.st_ino) == (self.device, self.inode)

    def is_at(self, path: Path) -> bool:
        """Whether the lock file that is meant stands at a path."""
        try:
            return self.is_of(path.lstat())
        except OSError:  # it is not there, or can no longer be looked at
            return False


def check_folder(folder: Path) -> None:
    """Refuse a folder that others own, or may write to.

    Raises:
        Distrusted: it is such a folder, and not among those that the environment says to trust.
        OSError: it cannot be looked at.
    """
    found = folder.stat()
    if _is_trusted(folder):
        return
    if found.st_uid != os.geteuid():
        raise _distrust(folder, f"it belongs to {_user(found.st_uid)}, and this process runs as {_user(os.geteuid())}")
    if found.st_mode & stat.S_IWOTH or (found.st_mode & stat.S_IWGRP and not _is_private_group(found)):
        mode = stat.S_IMODE(found.st_mode)
        raise _distrust(folder, f"others may write to it (mode {mode:o}), which chmod go-w takes from them")


def check_sockets(folder: Path) -> None:
    """Refuse a folder of sockets that anybody else may enter.

    Raises:
        Distrusted: it is no such folder.
        OSError: it cannot be looked at.
    """
    found, us = folder.lstat(), _user(os.geteuid())
    if found.st_uid != os.geteuid():
        raise Distrusted(
            f"the engine's sockets in {folder} belong to {_user(found.st_uid)}, and this process runs as {us}: run both"
            " as one user, or have the one serve the folder to the other by langchain-qdrant-async serve"
        )
    if not stat.S_ISDIR(found.st_mode) or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Distrusted(f"{folder} is no folder that only {us} may write to")


def check_peer(connected: socket.socket) -> None:
    """Refuse a process at the other end of a Unix socket that runs as somebody else.

    Raises:
        Distrusted: it does.
    """
    peer = _peer(connected)
    if peer != os.geteuid():
        raise Distrusted(f"at the other end is a process of {_user(peer)}, and this one runs as {_user(os.geteuid())}")


def open_ours(path: str | Path, flags: int) -> int:
    """A descriptor of a regular file that is ours, made for us alone if the flags say so; never by way of a link.

    Raises:
        Distrusted: something else has this name.
        OSError: it cannot be opened.
    """
    flags |= os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a named pipe would have us wait
    try:
        descriptor = os.open(path, flags, _PRIVATE_FILE)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Distrusted(f"{path} is a symbolic link, which is not followed: remove it") from error
        raise
    try:
        _check_file(Path(path), os.fstat(descriptor))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def lock(descriptor: int, *, shared: bool = False) -> bool:
    """Lock a file until its descriptor is closed, if nobody stands against it; whether it is locked."""
    import fcntl  # not on Windows, where this module must still be importable

    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _check_file(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise Distrusted(f"{path} is no regular file: remove it")
    if found.st_uid != os.geteuid() and not _is_trusted(path.parent):
        raise Distrusted(f"{path} belongs to {_user(found.st_uid)}: remove it, or have it belong to us")


def _distrust(folder: Path, why: str) -> Distrusted:
    inside = folder / "qdrant"
    return Distrusted(
        f"{folder} is not ours alone: {why}. Name a folder inside it, such as {inside}, which is made for you alone;"
        f" or, if you trust all who can change it, name it in the environment variable {TRUSTED_FOLDERS}"
    )


def _is_trusted(folder: Path) -> bool:
    named, real = os.environ.get(TRUSTED_FOLDERS, ""), folder.resolve()
    return any(real.is_relative_to(Path(each).resolve()) for each in named.split(os.pathsep) if each)


def _is_private_group(found: os.stat_result) -> bool:
    """Whether a folder's group is its owner alone, as where a new user gets a group of the same name and umask 002."""
    import grp
    import pwd

    try:
        user, group = pwd.getpwuid(found.st_uid), grp.getgrgid(found.st_gid)
    except KeyError:
        return False
    return user.pw_name == group.gr_name and user.pw_gid == group.gr_gid and set(group.gr_mem) <= {user.pw_name}


def _user(number: int) -> str:
    import pwd

    try:
        return f"user {pwd.getpwuid(number).pw_name!r} ({number})"
    except KeyError:
        return f"user {number}"


def _peer(connected: socket.socket) -> int:
    """The user at the other end, as the kernel noted when it was connected."""
    if hasattr(socket, "SO_PEERCRED"):
        credentials = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", credentials)[1])
    return int(struct.unpack_from("2I", connected.getsockopt(0, _LOCAL_PEERCRED, _XUCRED_BYTES))[1])
