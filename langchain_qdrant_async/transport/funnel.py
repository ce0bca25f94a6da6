"""The funnel that every RPC passes: deadline, retry, credentials, and one error for each gRPC status."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import grpc
import grpc.aio

from langchain_qdrant_async.checks import check_seconds
from langchain_qdrant_async.errors import (
    ConnectionClosed,
    DeadlineExceeded,
    EngineError,
    QdrantStoreError,
    RpcError,
    Unavailable,
    class_of,
)
from langchain_qdrant_async.proto import CollectionsStub
from langchain_qdrant_async.rpcs import LOOKED_AT, READS
from langchain_qdrant_async.runtime.loops import running_loop
from langchain_qdrant_async.transport.lost_answers import answer_of_second, found_done, refusal_of_second
from langchain_qdrant_async.transport.policy import Policy, RetryEvent
from langchain_qdrant_async.transport.target import REST_PORT
from langchain_qdrant_async.transport.throttle import Throttle
from langchain_qdrant_async.transport.transience import Outcome, is_repeatable, is_silence, meaning_of, outcome_of

_log = logging.getLogger(__name__)

_HELD_PAUSE_S = 0.05
"""The least pause of who waits for a token."""


class Opener(Protocol):
    """Opens the channels that the funnel calls over."""

    def ready(self) -> grpc.aio.Channel | None:
        """The running loop's channel, if it is open."""

    async def within(self, timeout_s: float) -> grpc.aio.Channel:
        """The running loop's channel, opened if need be."""

    def be_patient(self, channel: grpc.aio.Channel) -> None:
        """Replace the running loop's channel by one that waits longer for the answers to its pings."""

    @property
    def closed(self) -> bool:
        """Whether it was closed, for good."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Whom the funnel talks to, and how."""

    address: str
    """Named in errors."""
    policy: Policy
    """Deadlines and retries."""
    metadata: grpc.aio.Metadata | None = field(default=None, repr=False)
    """Credentials, sent with every call."""
    throttle: Throttle = field(default_factory=Throttle, repr=False)
    """Holds repeats back."""


@dataclass(slots=True)
class Call:
    """One call: what is asked, how long it may take, and what was tried so far."""

    request: Any
    """The message."""
    metadata: Any
    """More gRPC metadata for this call."""
    timeout_s: float
    """Seconds that the call may take, retries included."""
    deadline: float
    """When it ends, by the loop's clock."""
    count: int = 0
    """How often it was tried."""
    lost: bool = False
    """Whether it may have been carried out by an attempt whose answer is lost."""
    silences: int = 0
    """How many attempts ended because a ping was not answered."""
    before: str = ""
    """How the attempt before this one ended, in the server's words."""

    def left_s(self) -> float:
        """Seconds until the deadline, never less than a millisecond."""
        return max(self.deadline - asyncio.get_running_loop().time(), 0.001)

    def story(self) -> str:
        """What was tried so far."""
        took_s = self.timeout_s - self.left_s()
        return f"{self.count} attempt{'s' * (self.count > 1)} in {took_s:.1f} s of {self.timeout_s:g} s"


class Channel:
    """Stands where generated stubs expect a gRPC channel; opens the real one of the running loop for each attempt."""

    def __init__(self, peer: Peer, opener: Opener) -> None:
        self._peer = peer
        self._opener = opener

    def unary_unary(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes] | None = None,
        response_deserializer: Callable[[bytes], Any] | None = None,
        _registered_method: bool = False,  # noqa: FBT001, FBT002  generated code passes it
    ) -> Rpc:
        """The call of one method, as generated stubs ask for it."""
        return Rpc(self._peer, self._opener, (method, request_serializer, response_deserializer))


class Rpc:
    """One RPC: `await rpc(request, timeout=seconds)`.

    Attributes:
        method: as gRPC names it, `/qdrant.Points/Query`.
    """

    def __init__(self, peer: Peer, opener: Opener, signature: tuple[str, Any, Any]) -> None:
        self._peer = peer
        self._throttle = peer.throttle
        self._opener = opener
        self._signature = signature
        self.method = signature[0]
        policy = peer.policy
        self._usual_s = policy.read_deadline_s if self.method in READS else policy.write_deadline_s

    async def __call__(self, request: Any, *, timeout: float | None = None, metadata: Any = None) -> Any:
        """Send the request, again if need be.

        Args:
            request: the request message.
            timeout: seconds that the call may take, retries included; the policy's own when None.
            metadata: more gRPC metadata for this call.

        Raises:
            RpcError: Qdrant refused, or did not answer in time.
            ConnectionClosed: the connection is closed.
        """
        if timeout is None:
            timeout = self._usual_s
        timeout_s = check_seconds("timeout", timeout)
        call = Call(request, metadata, timeout_s, running_loop().time() + timeout_s)
        try:
            answer = await self._attempt(call)
        except (RpcError, EngineError) as error:
            try:
                return await self._repeated(call, error)
            except (RpcError, EngineError) as failed:
                raise failed.with_traceback(None)  # noqa: B904  of frames that hold it: none of us would be freed soon
        if self._throttle.drained:
            self._throttle.refill()
        return answer

    # ── one attempt ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _attempt(self, call: Call) -> Any:
        call.count += 1
        left_s = call.timeout_s if call.count == 1 else call.left_s()
        channel = self._opener.ready()
        if channel is None:
            channel, left_s = await self._opened(call), call.left_s()
        metadata = (*(self._peer.metadata or ()), *call.metadata) if call.metadata else self._peer.metadata
        sent = channel.unary_unary(*self._signature)
        try:
            return await sent(call.request, timeout=left_s, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            if is_silence(error.details() or ""):
                self._bear_silence(call, channel)
            raise self._error(call, error.code(), error.details() or "", _retry_after_s(error)) from error
        except grpc.aio.UsageError as error:
            raise self._closed(call, channel, "before the call was sent") from error
        except asyncio.CancelledError as error:
            if _cancelled_from_outside():
                raise
            raise self._closed(call, channel, "during the call") from error

    def _bear_silence(self, call: Call, channel: grpc.aio.Channel) -> None:
        """Have patience with a peer that is silent on a new connection, too: its line is slow, not dead."""
        call.silences += 1
        if call.silences > 1:
            self._opener.be_patient(channel)

    async def _opened(self, call: Call) -> grpc.aio.Channel:
        try:
            return await self._opener.within(call.left_s())
        except TimeoutError as error:
            details = "the connection was not there in time"
            raise self._error(call, grpc.StatusCode.DEADLINE_EXCEEDED, details) from error

    def _closed(self, call: Call, channel: grpc.aio.Channel, when: str) -> QdrantStoreError:
        """The error that the channel was closed: for good, or since another has taken its place."""
        if self._opener.closed or self._opener.ready() is channel:
            return ConnectionClosed(f"the connection to {self._peer.address} was closed {when}")
        return self._error(call, grpc.StatusCode.CANCELLED, f"the channel was closed {when}")

    def _error(self, call: Call, code: grpc.StatusCode, details: str, retry_after_s: float | None = None) -> RpcError:
        """The error of an attempt, which says what was tried, and what to do about it."""
        meaning, kind, address = meaning_of(code, details), class_of(code), self._peer.address
        if meaning.outcome is Outcome.LOST and kind is RpcError:
            kind = Unavailable
        advice = _rest_advice(kind, address) or f"{_busy_advice(kind, address)}{meaning.advice}"
        said = f"{self._name} at {address}: {details or code.name}{f'. {advice}' if advice else ''}"
        before = f"; before: {call.before}" if call.before not in {"", details} else ""
        text = f"{said} [{code.name}, {call.story()}{before}]"
        error = kind(text, code=code, details=details, retry_after_s=retry_after_s)
        if error.retryable and meaning.outcome is Outcome.FINAL:
            error.retryable = False
        return error

    @property
    def _name(self) -> str:
        return self.method.removeprefix("/qdrant.")

    # ── again ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _repeated(self, call: Call, error: RpcError | EngineError) -> Any:
        """The answer of a call whose first attempt failed.

        Raises:
            RpcError: no other attempt is allowed, or had another end.
        """
        while True:
            outcome = outcome_of(error)
            call.lost |= outcome in _DOUBTFUL
            if call.lost and outcome is Outcome.FINAL and (done := await self._done(call, error)) is not None:
                return done
            await self._pause(call, error, outcome)
            if call.lost and (done := await self._done(call, error)) is not None:
                return done
            try:
                answer = await self._attempt(call)
            except (RpcError, EngineError) as again:
                error = again
            else:
                self._throttle.refill()
                return answer_of_second(self.method, answer) if call.lost else answer

    async def _done(self, call: Call, error: RpcError | EngineError) -> Any:
        """The answer of a call that was carried out by an attempt whose answer is lost, as can be seen; or None.

        Raises:
            RpcError: it would have to be looked at, and cannot.
        """
        if self.method not in LOOKED_AT:
            return refusal_of_second(self.method, error)
        stub = CollectionsStub(Channel(self._peer, self._opener))
        try:
            return await found_done(stub, self.method, call.request, call.left_s())
        except (RpcError, EngineError):
            raise error  # noqa: B904  what cannot be seen says less than what went wrong

    async def _pause(self, call: Call, error: RpcError | EngineError, outcome: Outcome) -> None:
        """Wait until the call may be sent again.

        Raises:
            RpcError: it may not.
        """
        if not is_repeatable(self.method, outcome):
            raise error if outcome is Outcome.FINAL else self._given_up(call, error)
        policy, waits = self._peer.policy, 0
        while not waits or not self._throttle.take():
            pause_s = policy.retry.pause_within_s(call.count + waits, error, call.left_s())
            if pause_s is None or call.count == policy.retry.attempts:
                raise self._given_up(call, error)
            if not waits:
                self._tell(call, error, pause_s)
            await asyncio.sleep(max(pause_s, _HELD_PAUSE_S) if waits else pause_s)
            waits += 1

    def _tell(self, call: Call, error: RpcError | EngineError, pause_s: float) -> None:
        """Let others know that the call will be sent again."""
        call.before = error.details if isinstance(error, RpcError) else "the engine failed"
        if call.count == 1:
            _log.info("%s at %s is sent again: %s", self._name, self._peer.address, call.before)
        if self._peer.policy.on_retry is None:
            return
        event = RetryEvent(self._name, self._peer.address, call.count, error, pause_s, call.left_s())
        try:
            self._peer.policy.on_retry(event)
        except Exception:  # noqa: BLE001  it is the user's, and logged
            _log.exception("on_retry failed")

    def _given_up(self, call: Call, error: RpcError | EngineError) -> RpcError | EngineError:
        if call.count > 1:
            _log.warning("%s is given up: %s", self._name, error)
        return error


_DOUBTFUL = frozenset({Outcome.LOST, Outcome.LATE})


def _cancelled_from_outside() -> bool:
    """Whether the running task was asked to end, as against the call under it being cancelled by a closing channel."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _rest_advice(kind: type[RpcError], address: str) -> str:
    if kind in {Unavailable, DeadlineExceeded} and address.endswith(f":{REST_PORT}"):
        return f"{REST_PORT} is Qdrant's REST port; gRPC listens on 6334 unless configured otherwise"
    return ""


def _busy_advice(kind: type[RpcError], address: str) -> str:
    """What else may be the reason where one process answers everybody."""
    if kind is DeadlineExceeded and address.startswith("embedded engine"):
        return "The engine answers one call at a time and may be busy with others. "
    return ""


def _retry_after_s(error: grpc.aio.AioRpcError) -> float | None:
    """What the server asks for when it limits the rate.

    Source: qdrant-client's `connection.py`, which reads whole seconds from the metadata key `retry-after`.
    """
    for metadata in (error.initial_metadata(), error.trailing_metadata()):
        for key, value in cast("Iterable[tuple[str, str]]", metadata or ()):
            if key == "retry-after":
                try:
                    return max(float(value), 0.0)
                except ValueError:
                    return None
    return None
