"""How every call is made: deadlines, retries, keepalive."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from langchain_qdrant_async.checks import check_seconds, is_number, is_whole
from langchain_qdrant_async.errors import InvalidInput, QdrantStoreError, RpcError

_LEAST_LEFT_S = 0.01
"""No attempt is begun with less time than this."""


@dataclass(frozen=True, slots=True)
class Retry:
    """When to repeat a call that failed: until its deadline, with exponential backoff and full jitter.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    attempts: int | None = None
    """How often a call is tried in all; None: as often as its deadline allows; 1 turns retries off."""
    first_pause_s: float = 0.1
    """Upper bound of the first pause, in seconds; it doubles each time."""
    longest_pause_s: float = 1.0
    """Upper bound of any pause, in seconds, unless the server asks for a longer one."""

    def __post_init__(self) -> None:
        pauses = (self.first_pause_s, self.longest_pause_s)
        countable = self.attempts is None or (is_whole(self.attempts) and self.attempts >= 1)
        if not countable or not all(is_number(each) and each >= 0 for each in pauses):
            raise InvalidInput("Retry needs a whole number of attempts >= 1, or None, and pauses >= 0 seconds")

    def pause_s(self, attempt: int, error: QdrantStoreError) -> float:
        """Seconds to wait after attempt number `attempt` (from 1) ended in `error`.

        What the server asks for, and a jitter on top of it, since it asks all its callers at once.
        """
        asked_s = _asked_s(error)
        bound_s = min(self.longest_pause_s, self.first_pause_s * 2 ** min(attempt - 1, 60))
        return asked_s + random.uniform(0.0, max(bound_s, asked_s / 2))  # noqa: S311

    def pause_within_s(self, attempt: int, error: QdrantStoreError, left_s: float) -> float | None:
        """The same, short enough for another attempt before the deadline; None when there is no time for it."""
        pause_s, most_s = self.pause_s(attempt, error), left_s - max(self.first_pause_s, _LEAST_LEFT_S)
        if pause_s < most_s:
            return pause_s
        least_s = max(_asked_s(error), left_s / 2)
        if least_s > most_s:
            return None
        return random.uniform(least_s, most_s)  # noqa: S311


def _asked_s(error: QdrantStoreError) -> float:
    """Seconds that the server asks to wait."""
    asked_s = error.retry_after_s if isinstance(error, RpcError) else None
    return max(asked_s or 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class RetryEvent:
    """A call failed, and will be sent again."""

    method: str
    """As Qdrant names it, `Points/Query`."""
    address: str
    """Where Qdrant is, for people."""
    attempt: int
    """How often it was tried so far."""
    error: QdrantStoreError
    """How the last attempt ended."""
    pause_s: float
    """Seconds until it is sent again; more if the connection has sent very many calls again."""
    left_s: float
    """Seconds until its deadline."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How every call is made."""

    read_deadline_s: float = 10.0
    """Seconds that a reading call may take, retries included."""
    write_deadline_s: float = 60.0
    """Seconds that a writing call may take, retries included."""
    retry: Retry = field(default_factory=Retry)
    """When a failed call is repeated."""
    keepalive_s: float = 30.0
    """Seconds between pings on a connection with calls under way; a peer that does not answer one in 3 s is gone."""
    on_retry: Callable[[RetryEvent], None] | None = None
    """Called on the event loop before each repeat, so it must not block. What it raises is logged."""

    def __post_init__(self) -> None:
        for name in ("read_deadline_s", "write_deadline_s", "keepalive_s"):
            check_seconds(f"Policy.{name}", getattr(self, name))
        if not isinstance(self.retry, Retry):
            raise InvalidInput(f"Policy.retry is a Retry, not {self.retry!r}; Retry(attempts=1) turns retries off")
        if self.on_retry is not None and not callable(self.on_retry):
            raise InvalidInput(f"Policy.on_retry is called with a RetryEvent; {self.on_retry!r} cannot be called")
