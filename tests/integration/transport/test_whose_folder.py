"""A folder that is removed, moved, replaced, copied, planted or shared by users: nothing of others is touched, and no
acknowledged write is lost in silence. Real engines, real files."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_qdrant_async import (
    AsyncQdrantVectorStore,
    Collections,
    Connection,
    Embedded,
    EngineError,
    QdrantStoreError,
)
from langchain_qdrant_async.interpreter import PYTHON
from langchain_qdrant_async.ownership import TRUSTED_FOLDERS
from langchain_qdrant_async.transport.engine import EngineLease, join
from tests.engine_messages import WAIT_S, serving

ROOT = Path(__file__).parents[3]
OTHER = 54_321
"""A user that is nobody here."""
WRITERS = 4
MOVES = int(os.environ.get("MOVES", "2"))
"""How many times the folder goes under writers."""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others and run as them")


def store_of(connection: Connection) -> AsyncQdrantVectorStore:
    return AsyncQdrantVectorStore(connection, "docs", DeterministicFakeEmbedding(size=4))


async def texts_in(folder: Path) -> list[str]:
    """What is found by a new user of a folder."""
    async with Connection(Embedded(folder)) as connection:
        return sorted(found.page_content for found in await store_of(connection).asimilarity_search("", k=100))


def pid_of(folder: Path) -> int:
    return int(json.loads((folder / "engine.lock").read_bytes())["pid"])


def found_below(folder: Path, name: str) -> list[Path]:
    return list(folder.rglob(name))


async def gone(pid: int) -> None:
    await asyncio.to_thread(psutil.wait_procs, [psutil.Process(pid)] if psutil.pid_exists(pid) else [], WAIT_S)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


async def refused(folder: Path, text: str) -> None:
    with pytest.raises(EngineError, match=text):
        await join(folder)


@asynccontextmanager
async def joined(folder: Path) -> AsyncIterator[EngineLease]:
    lease = await join(folder)
    yield lease
    await lease.release()


# ── the folder goes while it is in use ───────────────────────────────────────────────────────────────────────────────


def removed(folder: Path) -> None:
    shutil.rmtree(folder)


def removed_and_made_anew(folder: Path) -> None:
    shutil.rmtree(folder)
    made_anew(folder)


def made_anew(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)  # an engine that is making a collection by name may be faster


def moved(folder: Path) -> None:
    folder.rename(folder.with_name("moved"))


def moved_and_made_anew(folder: Path) -> None:
    moved(folder)
    made_anew(folder)


def moved_with_its_parent(folder: Path) -> None:
    folder.parent.rename(folder.parent.with_name("moved parent"))


def replaced_by_a_copy(folder: Path) -> None:
    shutil.copytree(folder, folder.with_name("copy"))
    folder.rename(folder.with_name("moved"))
    folder.with_name("copy").rename(folder)


def lock_replaced(folder: Path) -> None:
    copy = folder / "copy"
    shutil.copy2(folder / "engine.lock", copy)
    copy.rename(folder / "engine.lock")


LOSSES: dict[str, Callable[[Path], None]] = {
    loss.__name__: loss
    for loss in (
        removed,
        removed_and_made_anew,
        moved,
        moved_and_made_anew,
        moved_with_its_parent,
        replaced_by_a_copy,
        lock_replaced,
    )
}


@pytest.mark.parametrize("loss", LOSSES)
async def test_nothing_is_acknowledged_into_a_folder_that_is_lost(tmp_path: Path, loss: str) -> None:
    """And what was acknowledged before is wherever the folder is."""
    folder = tmp_path / "parent" / "data"
    async with Connection(Embedded(folder)) as connection:
        await store_of(connection).aadd_texts(["before"])
        pid = pid_of(folder)
        LOSSES[loss](folder)
        with pytest.raises(QdrantStoreError, match="was removed, moved or replaced") as caught:
            await store_of(connection).aadd_texts(["after"])
        assert str(folder) in str(caught.value)
        await gone(pid)
        with pytest.raises(EngineError, match="make a new connection to use what is there now"):
            await store_of(connection).asimilarity_search("")
    for each in found_below(tmp_path, "collections"):
        assert await texts_in(each.parent) == ["before"]


async def written_until_refused(connection: Connection, numbers: Iterator[int], acknowledged: set[str]) -> str:
    """Write one document after the other, some of them into new collections; the one that was refused."""
    while True:
        text = str(next(numbers))
        store = AsyncQdrantVectorStore(connection, f"new{text}", DeterministicFakeEmbedding(size=4))
        try:
            await (store_of(connection) if int(text) % 5 else store).aadd_texts([text], ids=[text])
        except QdrantStoreError:
            return text
        acknowledged.add(text)


async def ids_in(folder: Path) -> set[str]:
    """The ids of all documents in all collections of a folder."""
    found: set[str] = set()
    async with Connection(Embedded(folder)) as connection:
        for name in await Collections(connection).names():
            store = AsyncQdrantVectorStore(connection, name, DeterministicFakeEmbedding(size=4))
            found |= {str(each.id) for each in await store.asimilarity_search("", k=10_000)}
    return found


@pytest.mark.parametrize("seed", range(MOVES))
async def test_writers_whose_folder_goes(tmp_path: Path, seed: int) -> None:
    """At any moment: what was acknowledged is where the folder is, and what took its name can be used."""
    folder, numbers, acknowledged = tmp_path / "parent" / "data", itertools.count(), set[str]()
    loss = Random(seed).choice(["moved", "moved_with_its_parent", "lock_replaced", "moved_and_made_anew"])
    async with Connection(Embedded(folder)) as connection:
        await store_of(connection).aadd_texts(["-1"], ids=["-1"])
        writing = [
            asyncio.create_task(written_until_refused(connection, numbers, acknowledged)) for _ in range(WRITERS)
        ]
        await asyncio.sleep(Random(seed).uniform(0, 1))
        pid = pid_of(folder)
        LOSSES[loss](folder)
        refused_texts = set(await asyncio.gather(*writing))
        await gone(pid)
    [kept] = [path.parent for path in found_below(tmp_path, "registry.json")]
    found = await ids_in(kept)
    assert acknowledged <= found <= acknowledged | refused_texts | {"-1"}
    assert folder == kept or await ids_in(folder) == set()


async def test_the_engine_of_a_lost_folder_leaves_the_new_one_alone(tmp_path: Path) -> None:
    """Old and new users of one name: each writes to its own, or is refused."""
    folder = tmp_path / "data"
    async with Connection(Embedded(folder)) as old:
        await store_of(old).aadd_texts(["old"])
        pid = pid_of(folder)
        removed(folder)
        async with Connection(Embedded(folder)) as new:
            await store_of(new).aadd_texts(["new"])
            registry = (folder / "registry.json").read_bytes()
            assert pid_of(folder) != pid
            for collection in ("docs", "other"):
                store = AsyncQdrantVectorStore(old, collection, DeterministicFakeEmbedding(size=4))
                with pytest.raises(QdrantStoreError, match="was removed, moved or replaced"):
                    await store.aadd_texts(["older"])
            await gone(pid)
            assert (folder / "registry.json").read_bytes() == registry
            assert [found.page_content for found in await store_of(new).asimilarity_search("")] == ["new"]


async def test_engines_that_nobody_writes_to_notice_by_themselves(tmp_path: Path) -> None:
    losses = (removed, moved, lock_replaced)
    async with AsyncExitStack() as stack:
        pids = []
        for loss in losses:
            folder = tmp_path / loss.__name__ / "data"
            await stack.enter_async_context(joined(folder))
            pids.append(pid_of(folder))
            loss(folder)
        await asyncio.gather(*map(gone, pids))


async def test_a_folder_that_was_moved_is_released_as_it_is(tmp_path: Path) -> None:
    """Closing flushes nothing by a name that is another's, and takes no files with it."""
    folder = tmp_path / "data"
    async with Connection(Embedded(folder)) as connection:
        await store_of(connection).aadd_texts(["before"])
        moved(folder)
        folder.mkdir(mode=0o700)
        (folder / "file").write_text("another's")
    assert [path.name for path in folder.iterdir()] == ["file"]


# ── copies ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_copy_of_a_folder_in_use_has_its_own_engine(tmp_path: Path) -> None:
    """Made with or without the modes and times of the original."""
    folder, copies = tmp_path / "data", [tmp_path / "r", tmp_path / "a"]
    async with Connection(Embedded(folder)) as connection:
        await store_of(connection).aadd_texts(["both"])
        for copy in copies:
            await asyncio.to_thread(subprocess.check_call, ["cp", f"-{copy.name}", str(folder), str(copy)])
            async with Connection(Embedded(copy)) as other:
                await store_of(other).aadd_texts([copy.name])
                assert pid_of(copy) != pid_of(folder)
                assert len(await store_of(other).asimilarity_search("")) == 2
        await store_of(connection).aadd_texts(["original"])
        found = await store_of(connection).asimilarity_search("")
        assert {each.page_content for each in found} == {"both", "original"}


async def test_serving_a_copy_leaves_the_sockets_of_the_original(tmp_path: Path) -> None:
    folder, copy = tmp_path / "data", tmp_path / "copy"
    async with joined(folder) as lease:
        await asyncio.to_thread(shutil.copytree, folder, copy)
        with serving(copy) as running:
            async with joined(folder) as another:
                assert another.pid == lease.pid != running.process.pid
            assert await asyncio.to_thread(running.stop) == 0
        async with joined(folder) as another:
            assert another.pid == lease.pid


# ── what is planted ──────────────────────────────────────────────────────────────────────────────────────────────────


def announcement(lease: Path, **more: Any) -> bytes:
    said = {"pid": os.getpid(), "lease": str(lease), "grpc": f"unix:{lease.parent}/grpc.sock", "version": "1"}
    return json.dumps(said | more).encode()


def identity_of(path: Path) -> dict[str, Any]:
    found = path.stat()
    return {"id": "planted", "device": found.st_dev, "inode": found.st_ino}


@contextmanager
def listening(path: Path, greeting: bytes = b"") -> Iterator[None]:
    """A socket of somebody who greets."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()

        def greet() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connected, _ = listener.accept()
                    with connected:
                        connected.sendall(greeting)

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextmanager
def private_folder(prefix: str = "langchain-qdrant-async-") -> Iterator[Path]:
    """A temporary folder with a path that is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix=prefix, dir="/tmp") as folder:
        yield Path(folder)


@pytest.mark.parametrize("names_itself", [False, True])
async def test_a_lock_that_nobody_holds_is_not_believed(tmp_path: Path, names_itself: bool) -> None:
    """And removes nothing but sockets."""
    lock = tmp_path / "engine.lock"
    with private_folder() as sockets, listening(sockets / "lease.sock", b'{"target": "unix:/x", "pid": 1}\n'):
        (sockets / "file").write_text("precious")
        lock.touch()
        lock.write_bytes(announcement(sockets / "lease.sock", **(identity_of(lock) if names_itself else {})))
        async with joined(tmp_path) as lease:
            assert lease.target != "unix:/x"
        assert (sockets / "file").read_text() == "precious"


@contextmanager
def held(lock: Path, content: bytes) -> Iterator[None]:
    """A process that holds a lock and has written something into it."""
    script = f"""
        import fcntl, os
        file = os.open({str(lock)!r}, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX)
        os.pwrite(file, {content!r}, 0)
        print(flush=True)
        input()
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.communicate(b"\n", timeout=WAIT_S)


GREETINGS: dict[str, Callable[[dict[str, Any], Path], bytes]] = {
    "another engine": lambda identity, sockets: json.dumps(
        {"target": f"unix:{sockets}/grpc.sock", "pid": 1, **identity, "id": "another"}
    ).encode(),
    "another server": lambda identity, _: json.dumps({"target": "evil.example.com:443", "pid": 1, **identity}).encode(),
    "another socket": lambda identity, _: json.dumps({"target": "unix:/tmp/grpc.sock", "pid": 1, **identity}).encode(),
    "no identity": lambda _, sockets: json.dumps({"target": f"unix:{sockets}/grpc.sock", "pid": 1}).encode(),
    "nonsense": lambda _identity, _: b"[]",
}


@pytest.mark.parametrize("greeting", GREETINGS)
async def test_a_greeting_that_is_not_that_of_the_lock(tmp_path: Path, greeting: str) -> None:
    lock = tmp_path / "engine.lock"
    lock.touch()
    with private_folder() as sockets:
        identity = identity_of(lock)
        said = GREETINGS[greeting](identity, sockets) + b"\n"
        with held(lock, announcement(sockets / "lease.sock", **identity)), listening(sockets / "lease.sock", said):
            await refused(tmp_path, r"is not the engine that .*engine\.lock names|no greeting")


@pytest.mark.parametrize("mode", [0o777, 0o770])
async def test_sockets_that_others_may_replace_are_not_used(tmp_path: Path, mode: int) -> None:
    lock = tmp_path / "engine.lock"
    lock.touch()
    with private_folder() as sockets:
        sockets.chmod(mode)
        with held(lock, announcement(sockets / "lease.sock", **identity_of(lock))), listening(sockets / "lease.sock"):
            await refused(tmp_path, "is no folder that only .* may write to")


async def test_an_engine_of_a_version_that_has_no_identity(tmp_path: Path) -> None:
    with held(tmp_path / "engine.lock", announcement(Path("/tmp/lease.sock"), version="0.1")):
        await refused(tmp_path, r"an older version of the engine \(0\.1\) serves .* close what uses it")


@pytest.mark.parametrize("name", ["engine.lock", "engine.log", "registry.json"])
@pytest.mark.parametrize("there", [True, False])
async def test_links_are_not_followed(tmp_path: Path, name: str, there: bool) -> None:
    folder, target = tmp_path / "data", tmp_path / "target"
    folder.mkdir(mode=0o700)
    if there:
        target.write_text("precious")
    (folder / name).symlink_to(target)
    with pytest.raises(EngineError, match=rf"{name} is a symbolic link, which is not followed: remove it"):
        await join(folder)
    assert target.exists() == there
    assert not there or target.read_text() == "precious"


@pytest.mark.parametrize("there", [True, False])
async def test_links_under_the_names_of_what_is_written(tmp_path: Path, there: bool) -> None:
    folder, target = tmp_path / "data", tmp_path / "target"
    folder.mkdir(mode=0o700)
    if there:
        target.write_text("precious")
    for name in ("registry.new", "spare"):
        (folder / name).symlink_to(target)
    async with Connection(Embedded(folder)) as connection:
        with contextlib.suppress(QdrantStoreError):  # the second time there is no link any more
            await store_of(connection).aadd_texts(["a"])
        await store_of(connection).aadd_texts(["a"])
    assert target.exists() == there
    assert not there or target.read_text() == "precious"


# ── others ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """A folder like one that Docker or Kubernetes mounts, of a group."""
    folder = tmp_path / "volume"
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, 0, OTHER)
    return folder


def set_mode(folder: Path, mode: int) -> None:
    folder.chmod(mode)


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o775, 0o2770])
async def test_a_folder_that_others_may_write_to(volume: Path, mode: int) -> None:
    if os.geteuid() != 0 and not mode & 0o007:
        pytest.skip("our own group may be ours alone, and only root can give a folder to another")
    set_mode(volume, mode)
    await refused(volume, rf"others may write to it \(mode {mode:o}\).*{TRUSTED_FOLDERS}")
    assert found_below(volume, "*") == []


async def test_ways_to_use_a_folder_that_others_may_write_to(volume: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_mode(volume, 0o2777)
    await (await join(volume / "qdrant")).release()
    monkeypatch.setenv(TRUSTED_FOLDERS, str(volume))
    await (await join(volume)).release()


@contextmanager
def serving_as_another(folder: Path) -> Iterator[None]:
    """An engine of another user. It has loaded what it needs, for that user may not be able to read our interpreter."""
    script = f"""
        import os, sys
        import grp, pwd
        import langchain_qdrant_async.engine.__main__ as engine
        import langchain_qdrant_async.engine.process.lifetime
        from langchain_qdrant_async.engine.services.health import engine_version
        engine_version()
        os.setgroups([])
        os.setgid({OTHER})
        os.setuid({OTHER})
        sys.exit(engine.main())
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(folder), "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as engine:
        assert engine.stdout is not None
        assert engine.stdout.readline().startswith(b"listening on ")
        yield
        engine.terminate()
        assert engine.wait(WAIT_S) == 0


@as_root
async def test_an_engine_of_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    with private_folder("t") as parent:
        parent.chmod(0o755)
        folder = parent / "data"
        folder.mkdir()
        os.chown(folder, OTHER, OTHER)
        monkeypatch.setenv(TRUSTED_FOLDERS, str(folder))
        with serving_as_another(folder):
            await refused(folder, rf"belong to user {OTHER}.*run both as one user")
        await (await join(folder)).release()


@as_root
async def test_a_folder_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.chown(tmp_path, OTHER, OTHER)
    with pytest.raises(EngineError, match=rf"belongs to user {OTHER}.*{TRUSTED_FOLDERS}"):
        await join(tmp_path)
    assert found_below(tmp_path, "*") == []
    monkeypatch.setenv(TRUSTED_FOLDERS, str(tmp_path))
    await (await join(tmp_path)).release()


# ── in memory ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where this process and its engines make their temporary folders."""
    with private_folder("t") as folder:
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        monkeypatch.setenv("TMPDIR", str(folder))
        yield folder


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110  files tell nobody
            await asyncio.sleep(0.005)


async def test_a_start_in_memory_that_was_cancelled_is_forgotten(temporary: Path) -> None:
    async with Connection(":memory:") as connection:
        for _ in range(3):
            starting = asyncio.create_task(store_of(connection).aadd_texts(["cancelled"]))
            await until(lambda: found_below(temporary, "engine.log"))
            starting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await starting
        await store_of(connection).aadd_texts(["kept"])
        for _ in range(3):
            assert [each.page_content for each in await store_of(connection).asimilarity_search("")] == ["kept"]
    await until(lambda: not found_below(temporary, "*"))


@pytest.mark.parametrize("python", [shutil.which("false"), "/nowhere/python", "/"])
async def test_a_failed_start_leaves_no_folder(temporary: Path, monkeypatch: pytest.MonkeyPatch, python: str) -> None:
    monkeypatch.setenv(PYTHON, python)
    async with Connection(":memory:") as connection:
        with pytest.raises(EngineError):
            await store_of(connection).aadd_texts(["a"])
    assert found_below(temporary, "*") == []


async def test_a_killed_engine_in_memory_is_an_error_and_leaves_no_folder(temporary: Path) -> None:
    async with Connection(":memory:") as connection:
        await store_of(connection).aadd_texts(["a"])
        (lock,) = found_below(temporary, "engine.lock")
        os.kill(pid_of(lock.parent), signal.SIGKILL)
        await store_of(connection).asimilarity_search("")
    await until(lambda: not found_below(temporary, "*"))
