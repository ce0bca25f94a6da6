"""Who hears of a fork, and what gRPC is after one."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable

import pytest

from langchain_qdrant_async.errors import ConnectionClosed
from langchain_qdrant_async.runtime.forks import _ForkGuard, forget_after_fork
from langchain_qdrant_async.runtime.threads import Threads

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks"),
]


class Counting:
    def __init__(self) -> None:
        self.forgot = 0

    def forget(self) -> None:
        self.forgot += 1


def _in_child(check: Callable[[], bool]) -> bool:
    pid = os.fork()
    if pid == 0:
        os._exit(0 if check() else 1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_child_forgets_and_its_parent_does_not() -> None:
    counting = Counting()
    forget_after_fork(counting)
    assert _in_child(lambda: counting.forgot == 1)
    assert counting.forgot == 0


def test_who_hears_of_forks_is_not_kept_alive() -> None:
    guard, counting = _ForkGuard(), Counting()
    guard.add(counting)
    del counting
    gc.collect()
    assert list(guard._forgetful) == []


def test_grpc_that_was_in_use_is_lost_in_a_child_and_in_its_children() -> None:
    guard = _ForkGuard()
    guard.after_in_child()
    guard.claim_grpc()
    guard.check_grpc()
    for _ in range(2):
        guard.after_in_child()
        for refused in (guard.check_grpc, guard.claim_grpc):
            with pytest.raises(ConnectionClosed, match="fork before the first use"):
                refused()


def test_threads_begin_anew_in_a_child() -> None:
    threads = Threads("test", 1)
    ours = threads.submit(threading.get_native_id).result()
    with threads._lock:  # held in the moment of the fork, as by another thread
        assert _in_child(lambda: threads.submit(threading.get_native_id).result(5) != ours)
    assert threads.submit(threading.get_native_id).result() == ours
    threads.close()
