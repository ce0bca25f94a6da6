"""Closing from anywhere: from a loop that waits for it, from another thread, and beside a loop that ends."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from pathlib import Path

import pytest

from langchain_qdrant_async import AsyncQdrantVectorStore, Collections, Connection, Policy, Retry, Unavailable
from langchain_qdrant_async.transport.engine import EngineUser
from tests.embeddings import WordEmbeddings

PATIENCE_S = 20


@pytest.mark.may_block
async def test_a_blocking_close_on_the_loop_that_used_the_connection() -> None:
    """As in a notebook: one cell awaits, the next one closes."""
    connection = Connection(":memory:")
    await AsyncQdrantVectorStore(connection, "docs", WordEmbeddings()).aadd_texts(["one"])
    connection.close()
    await asyncio.sleep(0)
    assert connection.closed


@pytest.mark.may_block
async def test_a_with_statement_on_a_running_loop() -> None:
    with Connection(":memory:") as connection:
        await Collections(connection).names()


def test_closing_while_another_threads_loop_ends() -> None:
    connection = Connection("http://127.0.0.1:1", policy=Policy(retry=Retry(attempts=1)))
    used, closing, closed = threading.Event(), threading.Event(), threading.Event()

    async def use() -> None:
        with pytest.raises(Unavailable):
            await Collections(connection).names(timeout=5)
        used.set()
        assert closing.wait(PATIENCE_S)  # the loop's last step, while it is asked to close its channel

    def close() -> None:
        closing.set()
        connection.close()
        closed.set()

    user = threading.Thread(target=lambda: asyncio.run(use()))
    user.start()
    assert used.wait(PATIENCE_S)
    threading.Thread(target=close, daemon=True).start()
    user.join(PATIENCE_S)
    assert closed.wait(PATIENCE_S)


async def test_an_engine_that_was_killed_just_before_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    connection = Connection(":memory:")
    await Collections(connection).names()
    assert isinstance(connection._place, EngineUser)
    assert connection._place._lease is not None
    os.kill(connection._place._lease.pid, signal.SIGKILL)
    await connection.aclose()
    assert _left(tmp_path) == []


def _left(folder: Path) -> list[Path]:
    return list(folder.iterdir())
