"""What a fork leaves behind: gRPC does not survive one."""

from __future__ import annotations

import os

from langchain_qdrant_async.errors import ConnectionClosed

_grpc_pid: int | None = None


def claim_grpc() -> None:
    """Note that gRPC runs in this process from now on."""
    global _grpc_pid  # noqa: PLW0603  gRPC's state is the process's own
    check_fork()
    _grpc_pid = os.getpid()


def check_fork() -> None:
    """Refuse to use gRPC after a fork of a process that used it: the call would hang for ever.

    Source: https://github.com/grpc/grpc/issues/31885, https://github.com/grpc/grpc/issues/41768
    """
    if _grpc_pid is not None and _grpc_pid != os.getpid():
        raise ConnectionClosed(
            "this process was forked from one that had used gRPC, which does not survive a fork: fork before the first "
            "use of the connection, or start processes with multiprocessing's 'spawn' or 'forkserver'"
        )
