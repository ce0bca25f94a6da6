"""The threads that run a model: a few, of their own, and behind the event loop's."""

from __future__ import annotations

import asyncio
import os
import sys
import threading

import pytest

from langchain_qdrant_async.runtime.threads import NICENESS, Threads


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread has no nice value of its own")
def test_they_let_the_event_loop_go_first() -> None:
    threads = Threads("test", 1)
    ours = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    theirs = threads.submit(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())).result()
    threads.close()
    assert theirs == min(ours + NICENESS, 19)
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == ours


async def test_closing_cancels_nobody() -> None:
    threads, gate = Threads("closing", 1), threading.Event()
    waiting = [asyncio.create_task(threads.run(gate.wait, 20)) for _ in range(3)]
    await asyncio.sleep(0)
    threads.close(wait=False)
    gate.set()
    assert await asyncio.gather(*waiting) == [True] * 3
