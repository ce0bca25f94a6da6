"""What a failed call means: whether it may have been carried out, and so whether it may be sent again.

One table over status and text, and one rule over methods. The first row of a status whose text is found holds; texts of
gRPC's own are matched from their beginning, so that no server's words are taken for them.

Source of gRPC's texts: real connections that are refused, reset, cut or silent, `tests/integration/transport`.
Source of Qdrant's: `lib/collection/src/operations/types.rs` and `shards/replica_set/update.rs`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum

import grpc

from langchain_qdrant_async.errors import EngineError, QdrantStoreError, RpcError
from langchain_qdrant_async.rpcs import LOOKED_AT, READS, REPEATABLE


class Outcome(Enum):
    """What became of a call that failed."""

    UNDONE = "not carried out: it never reached the server, or the server did not begin it"
    LOST = "carried out or not: its answer is lost"
    LATE = "carried out or not: the time was up"
    FINAL = "answered: the same call would be answered the same way"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a status with a text means."""

    outcome: Outcome
    """What became of the call."""
    advice: str = ""
    """What to do about it, where the text does not say so itself: a template of `re`, filled with what was found."""


_Row = tuple[str, Meaning]

_LOST = Meaning(Outcome.LOST)
_FINAL = Meaning(Outcome.FINAL)

_UNREACHED = r"^(failed to connect to all addresses|errors resolving |DNS resolution failed|empty address list)"
_NOBODY = "Is the server running, and is this its gRPC port (6334 unless configured otherwise)?"

_CUT: tuple[_Row, ...] = (
    (r"^(Stream removed \()?RST_STREAM \(.*error code 7\b", Meaning(Outcome.UNDONE)),  # REFUSED_STREAM
    (r"^Stream removed\b|^(Received )?RST_STREAM\b|^stream terminated by RST_STREAM\b", _LOST),
)
"""A stream that was cut off, whatever status its end was given."""

_NO_INDEX = "^Bad request: Index required but not found"
_LACKING = r'(?P<key>.+?)" of one of [\w ]+: \[(?P<kind>\w+)'

_MEANINGS: dict[grpc.StatusCode, tuple[_Row, ...]] = {
    grpc.StatusCode.UNAVAILABLE: (
        (
            _UNREACHED + r".*CERTIFICATE_VERIFY_FAILED",
            Meaning(Outcome.FINAL, "Its certificate is not trusted: pass root_certificates to Remote"),
        ),
        (
            _UNREACHED + r".*WRONG_VERSION_NUMBER",
            Meaning(Outcome.FINAL, "It does not speak TLS: is it an http:// address, or another port?"),
        ),
        (
            _UNREACHED + r".*http1\.x server",
            Meaning(Outcome.FINAL, "It does not speak gRPC: is this the gRPC port (6334 unless configured otherwise)?"),
        ),
        (_UNREACHED, Meaning(Outcome.UNDONE, _NOBODY)),
        ("", Meaning(Outcome.LOST, _NOBODY)),
    ),
    grpc.StatusCode.CANCELLED: (
        (r"^the channel was closed before", Meaning(Outcome.UNDONE)),
        ("", _LOST),  # by the server: the caller's own cancellation is no status
    ),
    grpc.StatusCode.ABORTED: (("", _LOST),),
    grpc.StatusCode.RESOURCE_EXHAUSTED: (
        (
            r"(message|frame) (length )?(is )?(too large|larger than)",
            Meaning(Outcome.FINAL, "Write fewer documents at once: pass a smaller batch_size"),
        ),
        (r"rate limiter capacity", Meaning(Outcome.FINAL, "Write fewer documents at once: pass a smaller batch_size")),
        (r"no space left|disk|out of memory", Meaning(Outcome.FINAL, "Make room where Qdrant runs, then call again")),
        ("", Meaning(Outcome.UNDONE)),
    ),
    grpc.StatusCode.DEADLINE_EXCEEDED: (
        ("", Meaning(Outcome.LATE, "Pass a longer timeout, or a Policy with longer deadlines")),
    ),
    grpc.StatusCode.INTERNAL: (
        (r"please retry", _LOST),
        (r"no space left|not enough space", Meaning(Outcome.FINAL, "Make room where Qdrant runs, then call again")),
        ("", _FINAL),
    ),
    grpc.StatusCode.INVALID_ARGUMENT: (
        (
            rf'{_NO_INDEX} for "metadata\.{_LACKING}',
            Meaning(
                Outcome.FINAL,
                r'It is made by `await store.acreate_index("\g<key>", "\g<kind>")`, or without a store by '
                r'`await Collections(connection).index(name, "metadata.\g<key>", "\g<kind>",'
                r" layout=Layout(metadata_key=None))`, or by the spec's payload_indexes with the next write",
            ),
        ),
        (
            rf'{_NO_INDEX} for "{_LACKING}',
            Meaning(
                Outcome.FINAL,
                r'It is made by `await Collections(connection).index(name, "\g<key>", "\g<kind>",'
                r" layout=Layout(metadata_key=None))`, or by the spec's payload_indexes with the next write",
            ),
        ),
        (
            r'^Bad request: Limit exceeded \d+ > \d+ for "limit"',
            Meaning(Outcome.FINAL, "Ask for fewer: k, with offset, and the limit of a Fused"),
        ),
        ("", _FINAL),
    ),
    grpc.StatusCode.UNAUTHENTICATED: (("", Meaning(Outcome.FINAL, "Pass the right api_key to Remote or Connection")),),
    grpc.StatusCode.PERMISSION_DENIED: (("", Meaning(Outcome.FINAL, "This API key may not do that")),),
    grpc.StatusCode.UNIMPLEMENTED: (
        (
            r"^Received http2 header with status: ",
            Meaning(Outcome.FINAL, "What answers there is no Qdrant: a proxy, or another service?"),
        ),
        ("", _FINAL),
    ),
}

_KILLED = re.compile(r"exit code -\d|\bsignal\b|\bSIG[A-Z]+\b")
"""What is said of an engine that was killed while it started: another start may end otherwise."""


def meaning_of(code: grpc.StatusCode, details: str) -> Meaning:
    """What a status with its text means."""
    for text, meaning in (*_CUT, *_MEANINGS.get(code, ())):
        if found := re.search(text, details, re.IGNORECASE | re.DOTALL):
            return replace(meaning, advice=found.expand(meaning.advice)) if "\\" in meaning.advice else meaning
    return _FINAL


def is_silence(details: str) -> bool:
    """Whether the text says that a ping was not answered in time."""
    return "ping timeout" in details or "keepalive watchdog timeout" in details


def outcome_of(error: QdrantStoreError) -> Outcome:
    """What became of the call that ended with the error."""
    if isinstance(error, RpcError):
        return meaning_of(error.code, error.details).outcome
    killed = isinstance(error, EngineError) and _KILLED.search(str(error).partition("\n")[0])
    return Outcome.UNDONE if killed else Outcome.FINAL


def is_repeatable(method: str, outcome: Outcome) -> bool:
    """Whether a call of the method may be sent again. What is not known is sent once.

    Args:
        method: as gRPC names it, `/qdrant.Points/Query`.
        outcome: what became of it the last time.
    """
    if outcome is Outcome.LOST:
        return method in READS or method in REPEATABLE or method in LOOKED_AT
    return outcome is Outcome.UNDONE or (outcome is Outcome.LATE and method in READS)
