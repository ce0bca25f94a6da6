"""How long to wait before a call is sent again."""

from __future__ import annotations

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langchain_qdrant_async import InvalidInput, Policy, RateLimited, Retry

attempts = st.integers(1, 5_000)
asked = st.none() | st.floats(-5, 100)


def _limited(retry_after_s: float | None) -> RateLimited:
    return RateLimited("slower", code=grpc.StatusCode.RESOURCE_EXHAUSTED, retry_after_s=retry_after_s)


@settings(max_examples=50, deadline=None)
@given(attempts, asked)
def test_what_the_server_asks_for_is_the_least_and_not_half_as_much_again_the_most(
    n: int, asked_s: float | None
) -> None:
    least_s = max(asked_s or 0.0, 0.0)
    bound_s = min(1.0, 0.1 * 2.0 ** min(n - 1, 60))
    assert least_s <= Retry().pause_s(n, _limited(asked_s)) <= least_s + max(bound_s, least_s / 2)


@pytest.mark.parametrize("asked_s", [None, 0.0, -3.0, 2.0])
def test_no_two_callers_come_back_at_once(asked_s: float | None) -> None:
    pauses = {Retry().pause_s(1, _limited(asked_s)) for _ in range(20)}
    assert len(pauses) > 10
    assert max(pauses) > 0


@settings(max_examples=50, deadline=None)
@given(attempts, asked, st.floats(0.001, 20))
def test_a_pause_leaves_time_for_an_attempt_and_is_not_shorter_than_asked(
    n: int, asked_s: float | None, left_s: float
) -> None:
    pause_s = Retry().pause_within_s(n, _limited(asked_s), left_s)
    if pause_s is None:
        assert left_s < 0.21 or (asked_s is not None and asked_s > left_s - 0.11)
    else:
        assert max(asked_s or 0.0, 0.0) <= pause_s < left_s


def test_what_is_no_callback() -> None:
    with pytest.raises(InvalidInput, match="on_retry is called with a RetryEvent"):
        Policy(on_retry="log")  # type: ignore[arg-type]
