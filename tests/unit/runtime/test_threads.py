"""The threads that run a model: a few, of their own, and behind the event loop's."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import weakref

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


def test_there_are_no_more_than_the_limit_and_no_more_than_needed() -> None:
    threads, gate = Threads("few", 2), threading.Event()
    assert len({threads.submit(threading.get_ident).result() for _ in range(10)}) == 1
    waiting = [threads.submit(gate.wait, 20) for _ in range(5)]
    working = [each for each in threading.enumerate() if each.name.startswith("few_")]
    assert len(working) == 2
    assert all(each.daemon for each in working)  # or the interpreter's end would wait for what they do
    gate.set()
    assert all(each.result() for each in waiting)
    threads.close()
    assert not any(each.is_alive() for each in working)


def test_calls_that_wait_for_each_other_have_a_thread_each() -> None:
    threads, barrier = Threads("together", 4), threading.Barrier(4)
    for _ in range(20):
        assert sorted(each.result() for each in [threads.submit(barrier.wait, 20) for _ in range(4)]) == [0, 1, 2, 3]
    threads.close()


def test_threads_that_nobody_holds_end() -> None:
    threads = Threads("dropped", 1)
    threads.submit(int).result()
    [working] = [each for each in threading.enumerate() if each.name == "dropped_0"]
    del threads
    gc.collect()
    working.join(20)
    assert not working.is_alive()


def test_nothing_is_kept_of_a_call_that_is_over() -> None:
    class Given:
        def fail(self) -> None:
            raise ValueError("no")

    threads, given = Threads("keeping", 1), Given()
    ended = weakref.ref(given)
    for function in (lambda each: None, Given.fail):
        threads.submit(function, given).exception()
    threads.submit(int).result()
    del given
    gc.collect()
    assert ended() is None
    threads.close()


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), GeneratorExit()])
def test_whatever_a_call_raises_reaches_its_caller_and_the_thread_lives_on(error: BaseException) -> None:
    def fail() -> None:
        raise error

    threads = Threads("failing", 1)
    ours = threads.submit(threading.get_ident).result()
    assert threads.submit(fail).exception() is error
    assert threads.submit(threading.get_ident).result() == ours
    threads.close()


def test_a_call_that_was_cancelled_before_its_turn_is_not_made() -> None:
    made: list[int] = []
    threads, gate = Threads("cancelled", 1), threading.Event()
    first = threads.submit(gate.wait, 20)
    assert threads.submit(made.append, 1).cancel()
    gate.set()
    assert first.result()
    threads.close()
    assert made == []
