"""Whose a folder, a file, a process is."""

from __future__ import annotations

import grp
import os
import pwd
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from langchain_qdrant_async.ownership import (
    TRUSTED_FOLDERS,
    Distrusted,
    Identity,
    check_folder,
    check_peer,
    check_sockets,
    lock,
    open_ours,
)

OTHER = 4_000_000_000
"""A user that nobody is."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir(mode=0o700)
    return made


@pytest.mark.parametrize("mode", [0o700, 0o750, 0o755, 0o500])
def test_a_folder_that_only_its_owner_may_change(folder: Path, mode: int) -> None:
    folder.chmod(mode)
    check_folder(folder)


@pytest.mark.parametrize("mode", [0o777, 0o757, 0o1777, 0o702, 0o2777])
def test_a_folder_that_everybody_may_change(folder: Path, mode: int) -> None:
    folder.chmod(mode)
    with pytest.raises(Distrusted, match=rf"others may write to it \(mode {mode:o}\).*chmod go-w.*{TRUSTED_FOLDERS}"):
        check_folder(folder)


@pytest.mark.parametrize(
    ("group", "primary", "members", "taken"),
    [
        ("ada", 5, [], True),
        ("ada", 5, ["ada"], True),
        ("ada", 5, ["ada", "eve"], False),
        ("users", 5, [], False),
        ("ada", 6, [], False),
    ],
)
def test_a_folder_that_a_group_may_change(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    group: str,
    primary: int,
    members: list[str],
    taken: bool,
) -> None:
    """A group that is one user's alone is no other: where new users have one, umask is 002."""
    folder.chmod(0o775)
    user = SimpleNamespace(pw_name="ada", pw_gid=primary)
    monkeypatch.setattr(pwd, "getpwuid", lambda _uid: user)
    monkeypatch.setattr(grp, "getgrgid", lambda _gid: SimpleNamespace(gr_name=group, gr_gid=5, gr_mem=members))
    if taken:
        check_folder(folder)
    else:
        with pytest.raises(Distrusted, match="others may write to it"):
            check_folder(folder)


def test_a_folder_of_somebody_else(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: OTHER)
    with pytest.raises(Distrusted, match=rf"it belongs to user .*, and this process runs as user {OTHER}"):
        check_folder(folder)


@pytest.mark.parametrize("named", ["{}", "/other:{}", "{}/:/other", "{}/..", "{}/link"])
def test_a_folder_that_is_trusted_all_the_same(monkeypatch: pytest.MonkeyPatch, folder: Path, named: str) -> None:
    folder.chmod(0o777)
    (folder / "file").touch()
    (folder / "link").symlink_to(folder)
    monkeypatch.setattr(os, "geteuid", lambda: OTHER)
    monkeypatch.setenv(TRUSTED_FOLDERS, named.format(folder))
    check_folder(folder)
    os.close(open_ours(folder / "file", os.O_RDONLY))


@pytest.mark.parametrize("named", ["", ":", "{}/inside", "{}x", "{}/inside/../inside"])
def test_a_folder_beside_what_is_trusted(monkeypatch: pytest.MonkeyPatch, folder: Path, named: str) -> None:
    (folder / "inside").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: OTHER)
    monkeypatch.setenv(TRUSTED_FOLDERS, named.format(folder))
    for beside in (folder, folder / "inside" / ".."):
        with pytest.raises(Distrusted):
            check_folder(beside)


def linked(path: Path) -> None:
    path.with_name("target").write_text("precious")
    path.symlink_to(path.with_name("target"))


def dangling(path: Path) -> None:
    path.symlink_to(path.with_name("made"))


THINGS: dict[str, Callable[[Path], object]] = {
    "a link": linked,
    "a link to nothing": dangling,
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
}


@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_RDWR | os.O_CREAT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC])
def test_what_is_no_file_is_not_opened(folder: Path, thing: str, flags: int) -> None:
    THINGS[thing](folder / "name")
    with pytest.raises(OSError, match=r"symbolic link|no regular file|Is a directory|No such device"):
        open_ours(folder / "name", flags)
    assert not (folder / "made").exists()
    assert not (folder / "target").exists() or (folder / "target").read_text() == "precious"


def test_a_file_of_somebody_else(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / "file").touch()
    monkeypatch.setattr(os, "geteuid", lambda: OTHER)
    with pytest.raises(Distrusted, match="belongs to user"):
        open_ours(folder / "file", os.O_RDONLY)


@pytest.mark.parametrize("mode", [0o777, 0o720])
def test_sockets_that_others_may_replace(folder: Path, mode: int) -> None:
    check_sockets(folder)
    folder.chmod(mode)
    with pytest.raises(Distrusted):
        check_sockets(folder)


def test_sockets_behind_a_link(folder: Path) -> None:
    (folder / "link").symlink_to(folder)
    with pytest.raises(Distrusted):
        check_sockets(folder / "link")


def test_the_other_end_of_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = socket.socketpair()
    with here, there:
        check_peer(here)
        monkeypatch.setattr(os, "geteuid", lambda: OTHER)
        with pytest.raises(Distrusted, match="at the other end is a process of user"):
            check_peer(here)


def test_an_identity_is_of_one_file(folder: Path) -> None:
    path = folder / "engine.lock"
    path.write_text("content")
    identity = Identity.of("id", path.stat())
    assert identity.is_at(path)
    path.rename(folder / "moved")
    assert identity.is_at(folder / "moved")
    assert not identity.is_at(path)
    path.write_text("content")
    assert not identity.is_at(path)
    path.unlink()
    path.symlink_to(folder / "moved")
    assert not identity.is_at(path)
    assert not identity.is_at(folder / "moved" / "engine.lock")


def test_a_lock_stands_against_others(folder: Path) -> None:
    files = [open_ours(folder / "file", os.O_RDWR | os.O_CREAT) for _ in range(3)]
    assert lock(files[0], shared=True)
    assert lock(files[1], shared=True)
    assert not lock(files[2])
    os.close(files[1])
    assert lock(files[0])
    assert not lock(files[2], shared=True)
    for each in (files[0], files[2]):
        os.close(each)
