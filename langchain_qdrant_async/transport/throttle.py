"""A bucket of tokens for each connection: calls that are sent again take one, so that an outage is not multiplied."""

from __future__ import annotations

import time

CAPACITY = 20
"""Calls that may be sent again at once."""
PER_S = 10
"""Tokens that come back in a second, with nobody answering."""
PER_SUCCESS = 2
"""Tokens that an answer brings: one that is there again lets all who wait go on, as fast as it answers."""


class Throttle:
    """How many calls of a connection may be sent again now. Whoever gets no token waits for one, up to its deadline.

    Source: gRPC's A6 "client retries" has a bucket as well, from which calls fail; here they are only held back.

    Attributes:
        drained: whether it is not full, and so minds answers.
    """

    __slots__ = ("_at", "_tokens", "drained")

    def __init__(self) -> None:
        """Full."""
        self._tokens = float(CAPACITY)
        self._at = 0.0
        self.drained = False

    def take(self) -> bool:
        """Take a token, if there is one."""
        now = time.monotonic()
        if self.drained:
            self._tokens = min(CAPACITY, self._tokens + (now - self._at) * PER_S)
        self._at, self.drained = now, True
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def refill(self) -> None:
        """Note an answer."""
        self._tokens = min(CAPACITY, self._tokens + PER_SUCCESS)
        self.drained = self._tokens < CAPACITY
