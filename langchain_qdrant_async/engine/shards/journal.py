"""The operations that a shard applies while a copy of it is being optimised."""

from __future__ import annotations

import asyncio
from collections import deque

import qdrant_edge as edge

_LONGEST_BYTES = 128 * 2**20
"""Operations are held in memory; more than this, and the optimisation is put off until fewer come."""


class GivenUp(Exception):
    """The copy does not follow its shard any more."""


class Journal:
    """What the copy of a shard still lacks, in order.

    Attributes:
        ended: set when the copy is of no use any more.
    """

    def __init__(self) -> None:
        """Start with a copy that lacks nothing."""
        self.ended = asyncio.Event()
        self._operations: deque[edge.UpdateOperation] = deque()
        self._bytes = 0
        self._reason = ""

    def __len__(self) -> int:
        """How many operations the copy lacks."""
        return len(self._operations)

    def record(self, operation: edge.UpdateOperation, size_bytes: int) -> None:
        """Note an operation that the shard has applied; its size need not be exact."""
        if self.ended.is_set():
            return
        self._operations.append(operation)
        self._bytes += size_bytes
        if self._bytes > _LONGEST_BYTES:
            self.give_up(f"more than {_LONGEST_BYTES >> 20} MB were written meanwhile")

    def first(self) -> edge.UpdateOperation:
        """The next operation for the copy; it is the copy's now."""
        return self._operations.popleft()

    def give_up(self, reason: str) -> None:
        """Let the copy go."""
        self._reason = self._reason or reason
        self._operations.clear()
        self.ended.set()

    def check(self) -> None:
        """Raise `GivenUp` if the copy is of no use any more."""
        if self.ended.is_set():
            raise GivenUp(self._reason)
