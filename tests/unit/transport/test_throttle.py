"""The bucket of tokens."""

from __future__ import annotations

from langchain_qdrant_async.transport.throttle import CAPACITY, PER_S, PER_SUCCESS, Throttle


def _taken(throttle: Throttle, tries: int) -> int:
    return sum(throttle.take() for _ in range(tries))


def test_it_holds_back_after_its_capacity() -> None:
    throttle = Throttle()
    assert not throttle.drained
    assert CAPACITY <= _taken(throttle, 1_000) <= CAPACITY + 5 * PER_S, "what time brings meanwhile is little"
    assert throttle.drained


def test_each_answer_lets_more_than_one_go_on() -> None:
    throttle = Throttle()
    _taken(throttle, 1_000)
    for _ in range(10):
        throttle.refill()
    assert _taken(throttle, 1_000) >= 10 * PER_SUCCESS


def test_it_is_full_again() -> None:
    throttle = Throttle()
    assert throttle.take()
    assert throttle.drained
    throttle.refill()
    assert not throttle.drained
