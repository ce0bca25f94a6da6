"""What a status with its text means, and which methods may be sent again."""

from __future__ import annotations

import pickle

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langchain_qdrant_async.errors import EngineError, NotFound, RateLimited, Unavailable, class_of
from langchain_qdrant_async.rpcs import LOOKED_AT, ONCE, READS, REPEATABLE
from langchain_qdrant_async.transport.transience import Outcome, is_repeatable, meaning_of, outcome_of

Code = grpc.StatusCode
UNDONE, LOST, LATE, FINAL = Outcome.UNDONE, Outcome.LOST, Outcome.LATE, Outcome.FINAL

REFUSED = "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: "
REPLICAS = (
    "Service internal error: Failed to apply operation. Consistency of this update is not guaranteed. Please retry."
)
TOO_MUCH = "Write rate limit exceeded, request larger than rate limiter capacity, please try to split your request"


@pytest.mark.parametrize(
    ("code", "details", "outcome"),
    [
        (Code.UNAVAILABLE, f"{REFUSED}Failed to connect to remote host: Connection refused", UNDONE),
        (Code.UNAVAILABLE, f"{REFUSED}recvmsg:Connection reset by peer (104)", UNDONE),
        (Code.UNAVAILABLE, "errors resolving qdrant:6334: [field:hostname lookup error:not found]", UNDONE),
        (Code.UNAVAILABLE, f"{REFUSED}Ssl handshake failed: CERTIFICATE_VERIFY_FAILED", FINAL),
        (Code.UNAVAILABLE, f"{REFUSED}Tls handshake failed: OPENSSL_internal:WRONG_VERSION_NUMBER", FINAL),
        (Code.UNAVAILABLE, f"{REFUSED}(Trying to connect an http1.x server (HTTP status 400))", FINAL),
        (Code.UNAVAILABLE, "Stream removed (recvmsg:Connection reset by peer (104))", LOST),
        (Code.UNAVAILABLE, "recvmsg:Connection reset by peer", LOST),
        (Code.UNAVAILABLE, "Socket closed", LOST),
        (Code.UNAVAILABLE, "upstream connect error or disconnect/reset before headers", LOST),
        (Code.UNAVAILABLE, "Stream removed (RST_STREAM (Received RST_STREAM with error code 7))", UNDONE),
        (Code.CANCELLED, "Stream removed (RST_STREAM (Received RST_STREAM with error code 8))", LOST),
        (Code.CANCELLED, "", LOST),
        (Code.ABORTED, "the transaction was aborted", LOST),
        (Code.INTERNAL, "Received RST_STREAM with error code 2", LOST),
        (Code.INTERNAL, "Stream removed (Failed parsing HTTP/2)", LOST),
        (Code.INTERNAL, REPLICAS, LOST),
        (Code.INTERNAL, "Service internal error: something panicked", FINAL),
        (Code.UNKNOWN, "Stream removed", LOST),
        (Code.UNKNOWN, "Exception calling application", FINAL),
        (
            Code.RESOURCE_EXHAUSTED,
            "Read rate limit exceeded: Operation requires 1 tokens but only 0 were available",
            UNDONE,
        ),
        (Code.RESOURCE_EXHAUSTED, TOO_MUCH, FINAL),
        (Code.RESOURCE_EXHAUSTED, "CLIENT: Received message larger than max (5 vs. 4)", FINAL),
        (Code.RESOURCE_EXHAUSTED, "No space left on device", FINAL),
        (Code.DEADLINE_EXCEEDED, "Timeout: Operation 'Search' timed out after 1 seconds", LATE),
        (Code.NOT_FOUND, "Not found: Collection `c` doesn't exist!", FINAL),
        (Code.FAILED_PRECONDITION, "please retry", FINAL),
        (Code.UNIMPLEMENTED, "Received http2 header with status: 404", FINAL),
    ],
)
def test_what_a_text_means(code: Code, details: str, outcome: Outcome) -> None:
    assert meaning_of(code, details).outcome is outcome
    assert outcome_of(class_of(code)("x", code=code, details=details)) is outcome


@pytest.mark.parametrize("code", list(Code))
def test_every_status_has_a_meaning_whatever_it_says(code: Code) -> None:
    transient = {Code.UNAVAILABLE, Code.CANCELLED, Code.ABORTED, Code.RESOURCE_EXHAUSTED, Code.DEADLINE_EXCEEDED}
    assert (meaning_of(code, "as asked").outcome is FINAL) is (code not in transient)


@settings(max_examples=50, deadline=None)
@given(st.text(min_size=1), st.text())
def test_what_a_server_says_of_connecting_is_not_taken_for_not_having_been_sent(before: str, after: str) -> None:
    assert meaning_of(Code.UNAVAILABLE, f"the peer {before} failed to connect to all addresses {after}").outcome is LOST


@pytest.mark.parametrize("method", sorted(READS | ONCE | REPEATABLE))
def test_which_methods_may_be_sent_again(method: str) -> None:
    assert is_repeatable(method, UNDONE)
    assert is_repeatable(method, LOST) is (method not in ONCE - LOOKED_AT)
    assert is_repeatable(method, LATE) is (method in READS)
    assert not is_repeatable(method, FINAL)


def test_what_is_not_known_is_sent_once() -> None:
    assert [each for each in Outcome if is_repeatable("/qdrant.Points/Novel", each)] == [UNDONE]


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("could not be started: it ended with exit code -9\nTried: python", UNDONE),
        ("could not be started: it ended by SIGKILL\nTried: python", UNDONE),
        ("could not be started: it ended with exit code 1\nTried: python\nlog ends with:\nsignal", FINAL),
    ],
)
def test_an_engine_that_was_killed_while_it_started_is_started_again(text: str, outcome: Outcome) -> None:
    assert outcome_of(EngineError(text)) is outcome


def test_other_errors_are_final() -> None:
    assert outcome_of(NotFound("x", code=Code.NOT_FOUND)) is FINAL


@pytest.mark.parametrize("code", [Code.UNAVAILABLE, Code.CANCELLED, Code.ABORTED])
def test_what_is_transient_has_one_class(code: Code) -> None:
    assert class_of(code) is Unavailable


def test_what_is_said_of_one_error_is_copied_with_it() -> None:
    error = RateLimited("too large", code=Code.RESOURCE_EXHAUSTED, retry_after_s=3.0)
    error.retryable, error.unwritten = False, ["a"]
    copied = pickle.loads(pickle.dumps(error))
    assert (copied.retryable, copied.unwritten, copied.retry_after_s) == (False, ["a"], 3.0)
    assert RateLimited.retryable
