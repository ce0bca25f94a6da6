"""How every call is made: deadlines, retries, keepalive."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from langchain_qdrant_async.checks import check_seconds, is_number, is_whole
from langchain_qdrant_async.errors import InvalidInput, RateLimited, RpcError


@dataclass(frozen=True, slots=True)
class Retry:
    """When to repeat a call that failed: exponential backoff with full jitter.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    attempts: int = 5
    """How often a call is tried in all; 1 turns retries off."""
    first_pause_s: float = 0.1
    """Upper bound of the first pause, in seconds; it doubles each time."""
    longest_pause_s: float = 5.0
    """Upper bound of any pause, in seconds."""

    def __post_init__(self) -> None:
        pauses = (self.first_pause_s, self.longest_pause_s)
        if (
            not is_whole(self.attempts)
            or self.attempts < 1
            or not all(is_number(each) and each >= 0 for each in pauses)
        ):
            raise InvalidInput("Retry needs a whole number of attempts >= 1 and pauses >= 0 seconds")

    def pause_s(self, attempt: int, error: RpcError) -> float:
        """Seconds to wait after attempt number `attempt` (from 1) ended in `error`."""
        if isinstance(error, RateLimited) and error.retry_after_s is not None:
            return error.retry_after_s
        return random.uniform(0.0, min(self.longest_pause_s, self.first_pause_s * 2 ** (attempt - 1)))  # noqa: S311


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
    """Seconds between pings on a connection with calls under way, so that a dead peer is noticed."""

    def __post_init__(self) -> None:
        for name in ("read_deadline_s", "write_deadline_s", "keepalive_s"):
            check_seconds(f"Policy.{name}", getattr(self, name))
        if not isinstance(self.retry, Retry):
            raise InvalidInput(f"Policy.retry is a Retry, not {self.retry!r}; Retry(attempts=1) turns retries off")
