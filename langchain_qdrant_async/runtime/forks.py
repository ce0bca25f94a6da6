"""What a fork leaves behind, and the one place that hears of it.

A forked child has the parent's objects and none of its threads: locks may be held for ever, sockets are the parent's,
and gRPC does not answer any more. Decision: docs/decisions/0004-forks.md.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol

from langchain_qdrant_async.errors import ConnectionClosed


class Forgetful(Protocol):
    """Holds what is its own process's alone: a thread, a lock, a socket, an event loop."""

    def forget(self) -> None:
        """Be as new. Called in a forked child before anything else runs there, so nothing here may wait."""


class _ForkGuard:
    """What this process holds that a child must not use."""

    def __init__(self) -> None:
        self._forgetful: weakref.WeakSet[Forgetful] = weakref.WeakSet()
        self._grpc_in_use = False
        self._grpc_lost = False

    def add(self, forgetful: Forgetful) -> None:
        self._forgetful.add(forgetful)

    def claim_grpc(self) -> None:
        self.check_grpc()
        self._grpc_in_use = True

    def check_grpc(self) -> None:
        if self._grpc_lost:
            raise ConnectionClosed(
                "this process was forked from one that had used gRPC, which does not survive a fork: fork before the"
                " first use of the connection, or start processes with multiprocessing's 'spawn' or 'forkserver'"
            )

    def after_in_child(self) -> None:
        self._grpc_lost = self._grpc_in_use
        for each in list(self._forgetful):
            each.forget()


_guard = _ForkGuard()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_guard.after_in_child)


def forget_after_fork(forgetful: Forgetful) -> None:
    """Have something `forget` in each child that is forked from now on, for as long as it lives; weakly held."""
    _guard.add(forgetful)


def claim_grpc() -> None:
    """Note that gRPC runs in this process from now on.

    Raises:
        ConnectionClosed: it cannot, as `check_fork` says.
    """
    _guard.claim_grpc()


def check_fork() -> None:
    """Refuse to use gRPC after a fork of a process that used it: the call would hang for ever.

    Source: https://github.com/grpc/grpc/issues/31885, https://github.com/grpc/grpc/issues/41768

    Raises:
        ConnectionClosed: this is such a child.
    """
    _guard.check_grpc()
