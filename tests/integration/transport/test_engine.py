"""Joining, sharing, leaving and losing an engine: real processes, real signals."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import grpc
import psutil
import pytest

from langchain_qdrant_async.errors import EngineError
from langchain_qdrant_async.proto import points
from langchain_qdrant_async.transport.engine import EngineLease, join
from tests.engine_messages import OPTIONS, WAIT_S, Refused, Stubs, dense_config, point, selected

ROOT = Path(__file__).parents[3]


@asynccontextmanager
async def stubs_of(lease: EngineLease, collection: str = "docs") -> AsyncIterator[Stubs]:
    async with grpc.aio.insecure_channel(lease.target, options=OPTIONS) as channel:
        yield Stubs(channel, collection)


def sockets_of(lease: EngineLease) -> Path:
    return Path(lease.target.removeprefix("unix:")).parent


async def gone(pid: int) -> None:
    """Wait until a process has ended; an engine lets its users go a moment before."""
    await asyncio.to_thread(psutil.wait_procs, [psutil.Process(pid)] if psutil.pid_exists(pid) else [], WAIT_S)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


class User:
    """Another process that joins an engine, and does what it is told on its standard input."""

    SCRIPT = """
        import asyncio, sys
        from pathlib import Path
        from langchain_qdrant_async.transport.engine import join

        async def main():
            lease = await join(Path(sys.argv[1]))
            print(lease.pid, lease.target, flush=True)
            if await asyncio.to_thread(sys.stdin.readline) == "release\\n":
                await lease.release()

        asyncio.run(main())
    """

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-c", textwrap.dedent(self.SCRIPT), str(folder)]
        env = os.environ | {"PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env, cwd="/"
        )

    def joined(self) -> tuple[int, str]:
        assert self.process.stdout is not None
        pid, target = self.process.stdout.readline().split()
        return int(pid), target

    def end(self, line: str = "") -> int:
        with self.process:
            self.process.communicate(line, timeout=WAIT_S)
        return self.process.returncode

    def kill(self) -> None:
        self.process.kill()
        with self.process:
            self.process.wait(WAIT_S)


async def test_an_engine_is_started_serves_and_is_gone_after_its_last_user(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    started = time.monotonic()
    lease = await join(folder)
    async with stubs_of(lease) as stubs:
        await stubs.create(vectors_config=dense_config(2))
        assert time.monotonic() - started < 3
        await stubs.upsert(point(1, [1, 0]))
    sockets = sockets_of(lease)
    await lease.release()
    assert not sockets.exists()
    assert (folder / "engine.lock").read_bytes() == b""
    assert not lease.lost.is_set()
    await gone(lease.pid)


async def test_what_was_written_is_there_for_the_next_engine(tmp_path: Path) -> None:
    for expected in range(3):
        lease = await join(tmp_path)
        async with stubs_of(lease) as stubs:
            if not expected:
                await stubs.create(vectors_config=dense_config(2))
            assert await stubs.count() == expected
            result = await stubs.upsert(point(expected, [1, 0]))
            assert result.operation_id == expected
        await lease.release()


async def test_users_of_one_process_share_an_engine(tmp_path: Path) -> None:
    leases = await asyncio.gather(*(join(tmp_path) for _ in range(5)))
    assert len({lease.pid for lease in leases}) == 1
    for lease in leases[1:]:
        await lease.release()
    async with stubs_of(leases[0]) as stubs:
        await stubs.create(vectors_config=dense_config(2))
    await leases[0].release()


async def test_users_of_several_processes_share_an_engine(tmp_path: Path) -> None:
    users = [User(tmp_path) for _ in range(3)]
    lease = await join(tmp_path)
    joined = [await asyncio.to_thread(user.joined) for user in users]
    assert {pid for pid, _ in joined} == {lease.pid}
    await lease.release()
    assert [await asyncio.to_thread(user.end, "release\n") for user in users] == [0, 0, 0]
    await gone(lease.pid)


async def test_a_new_user_during_the_stop_gets_a_new_engine(tmp_path: Path) -> None:
    first = await join(tmp_path)
    leaving = asyncio.create_task(first.release())
    second = await join(tmp_path)
    await leaving
    async with stubs_of(second) as stubs:
        await stubs.create(vectors_config=dense_config(2))
    await second.release()


async def test_a_killed_user_leaves_nothing_behind(tmp_path: Path) -> None:
    user = User(tmp_path)
    pid, target = await asyncio.to_thread(user.joined)
    await asyncio.to_thread(user.kill)
    await gone(pid)
    assert not Path(target.removeprefix("unix:")).parent.exists()
    assert (tmp_path / "engine.lock").read_bytes() == b""


async def test_dropping_is_enough_and_may_be_repeated(tmp_path: Path) -> None:
    lease = await join(tmp_path)
    thread = threading.Thread(target=lease.drop)
    thread.start()
    await asyncio.to_thread(thread.join)
    lease.drop()
    await lease.release()
    await gone(lease.pid)


def test_a_lease_may_be_dropped_after_its_loop(tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        lease = runner.run(join(tmp_path))
    lease.drop()
    assert psutil.wait_procs([psutil.Process(lease.pid)] if psutil.pid_exists(lease.pid) else [], WAIT_S)[1] == []


async def test_a_killed_engine_is_noticed_and_loses_nothing(tmp_path: Path) -> None:
    lease = await join(tmp_path)
    async with stubs_of(lease) as stubs:
        await stubs.create(vectors_config=dense_config(2))
        for number in range(50):
            await stubs.upsert(point(number, [number, 1], n=number))
        await stubs.points.Delete(points.DeletePoints(collection_name="docs", wait=True, points=selected(7)))
    os.kill(lease.pid, signal.SIGKILL)
    async with asyncio.timeout(WAIT_S):
        await lease.lost.wait()
    stale = sockets_of(lease)
    assert stale.exists()
    again = await join(tmp_path)
    assert not stale.exists()
    async with stubs_of(again) as stubs:
        assert await stubs.count() == 49
        assert await stubs.payload(42) == {"n": 42}
        assert (await stubs.upsert(point(7, [7, 1]))).operation_id == 51
    lease.drop()
    await again.release()


async def test_no_zombie_is_left(tmp_path: Path) -> None:
    lease = await join(tmp_path)
    (reaper,) = [thread for thread in threading.enumerate() if thread.name == f"reaper of engine {lease.pid}"]
    os.kill(lease.pid, signal.SIGKILL)
    await asyncio.to_thread(reaper.join, WAIT_S)
    assert not psutil.pid_exists(lease.pid)
    lease.drop()
    await (await join(tmp_path)).release()


async def test_only_the_owner_gets_in(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    lease = await join(folder)
    announced = json.loads((folder / "engine.lock").read_bytes())
    sockets = sockets_of(lease)
    paths = [folder, sockets, *sockets.iterdir(), *folder.rglob("*")]
    assert [path for path in paths if stat.S_IMODE(path.lstat().st_mode) & 0o077] == []
    assert (announced["pid"], announced["grpc"]) == (lease.pid, lease.target)
    await lease.release()


async def test_an_ephemeral_folder_goes_with_its_engine(tmp_path: Path) -> None:
    folder = tmp_path / "memory"
    lease = await join(folder, ephemeral=True)
    async with stubs_of(lease) as stubs:
        await stubs.create(vectors_config=dense_config(2))
    await lease.release()
    assert not folder.exists()


async def test_an_ephemeral_folder_goes_even_if_the_engine_was_killed(tmp_path: Path) -> None:
    folder = tmp_path / "memory"
    lease = await join(folder, ephemeral=True)
    os.kill(lease.pid, signal.SIGKILL)
    async with asyncio.timeout(WAIT_S):
        await lease.lost.wait()
    await lease.release()
    assert not folder.exists()
    assert not sockets_of(lease).exists()


async def test_no_other_interpreter_options_are_needed(tmp_path: Path) -> None:
    """The engine finds the package as this process did, whatever folder it is started from and what lies there."""
    (tmp_path / "grpc.py").write_text("raise ImportError('shadowed')")
    env = {name: item for name, item in os.environ.items() if name != "PYTHONPATH"}
    script = f"""
        import asyncio, sys
        sys.path.append({str(ROOT)!r})
        from pathlib import Path
        from langchain_qdrant_async.transport.engine import join
        asyncio.run(join(Path({str(tmp_path / "folder")!r})))
    """
    command = [sys.executable, "-P", "-c", textwrap.dedent(script)]
    process = await asyncio.create_subprocess_exec(*command, env=env, cwd=tmp_path)
    async with asyncio.timeout(WAIT_S):
        assert await process.wait() == 0


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_holds_nothing(tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        lease = runner.run(join(tmp_path))
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(writing)
            os.read(reading, 1)  # until the parent is done
            os._exit(0)
        runner.run(lease.release())
        runner.run(gone(lease.pid))
    os.close(reading)
    os.close(writing)
    assert os.waitpid(child, 0) == (child, 0)


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(EngineError, match="the folder cannot be made"):
        await join(tmp_path / "file" / "folder")


async def test_a_missing_engine_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(EngineError, match=r'pip install "langchain-qdrant-async\[embedded\]"'):
        await join(tmp_path)


async def test_a_broken_folder_says_why(tmp_path: Path) -> None:
    (tmp_path / "registry.json").write_text('{"version": 99}')
    with pytest.raises(EngineError, match=r"exit code 1(.|\n)*written by another version of the engine") as caught:
        await join(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "Tried: " in str(caught.value)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another program that has locked a file or folder."""
    flags = os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT
    script = f"import fcntl, os; fcntl.flock(os.open({str(path)!r}, {flags}, 0o600), 2); print(flush=True); input()"
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.communicate(b"\n", timeout=WAIT_S)


async def test_data_that_another_program_holds(tmp_path: Path) -> None:
    lease = await join(tmp_path)
    async with stubs_of(lease) as stubs:
        await stubs.create(vectors_config=dense_config(2))
    await lease.release()
    with held(log_of(tmp_path)), pytest.raises(EngineError, match="another program holds the engine's write-ahead log"):
        await join(tmp_path)
    await (await join(tmp_path)).release()


def log_of(folder: Path) -> Path:
    (log,) = folder.glob("collections/*/wal")
    return log


async def test_a_lock_that_nobody_serves_is_given_up_in_time(tmp_path: Path) -> None:
    with held(tmp_path / "engine.lock"), pytest.raises(EngineError, match=r"did not answer within 0.3 s"):
        await join(tmp_path, start_timeout_s=0.3)


async def test_a_cancelled_join_leaves_no_user(tmp_path: Path) -> None:
    lease = await join(tmp_path)
    joining = asyncio.create_task(join(tmp_path))
    await asyncio.sleep(0)
    joining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await joining
    await lease.release()
    await gone(lease.pid)


async def test_a_released_engine_answers_no_more(tmp_path: Path) -> None:
    lease = await join(tmp_path)
    async with stubs_of(lease) as stubs:
        await stubs.create(vectors_config=dense_config(2))
        await lease.release()
        with Refused(grpc.StatusCode.UNAVAILABLE, ""):
            await stubs.count()
