"""The funnel that every RPC passes: deadline, retry, credentials, and one error for each gRPC status."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, cast

import grpc
import grpc.aio

from langchain_qdrant_async.checks import check_seconds
from langchain_qdrant_async.errors import (
    ConnectionClosed,
    DeadlineExceeded,
    NotFound,
    PermissionDenied,
    RpcError,
    Unauthenticated,
    Unavailable,
    class_of,
)
from langchain_qdrant_async.rpcs import ONCE, READS
from langchain_qdrant_async.transport.policy import Policy
from langchain_qdrant_async.transport.target import REST_PORT


@dataclass(frozen=True, slots=True)
class Peer:
    """Whom the funnel talks to, and how."""

    address: str
    """Named in errors."""
    policy: Policy
    """Deadlines and retries."""
    metadata: grpc.aio.Metadata | None = field(default=None, repr=False)
    """Credentials, sent with every call."""


@dataclass(slots=True)
class Attempts:
    """One call's budget: how long it may take, and what was tried so far."""

    method: str
    """As gRPC names it, `/qdrant.Points/Query`."""
    timeout_s: float
    """Seconds that the call may take, retries included."""
    retry_at_most: int
    """How often it may be tried in all."""
    deadline: float
    """When it ends, by the loop's clock."""
    started: float
    """When it began, by the loop's clock."""
    count: int = 0
    """How often it was tried."""

    def left_s(self, now: float) -> float:
        """Seconds until the deadline, never less than a millisecond."""
        return max(self.deadline - now, 0.001)


class Channel:
    """Stands where generated stubs expect a gRPC channel; opens the real one of the running loop for each attempt."""

    def __init__(self, peer: Peer, opened: Callable[[], Awaitable[grpc.aio.Channel]]) -> None:
        self._peer = peer
        self._opened = opened

    def unary_unary(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes] | None = None,
        response_deserializer: Callable[[bytes], Any] | None = None,
        _registered_method: bool = False,  # noqa: FBT001, FBT002  generated code passes it
    ) -> Rpc:
        """The call of one method, as generated stubs ask for it."""
        return Rpc(self._peer, self._opened, (method, request_serializer, response_deserializer))


class Rpc:
    """One RPC: `await rpc(request, timeout=seconds)`.

    Attributes:
        method: as gRPC names it, `/qdrant.Points/Query`.
    """

    def __init__(
        self, peer: Peer, opened: Callable[[], Awaitable[grpc.aio.Channel]], signature: tuple[str, Any, Any]
    ) -> None:
        self._peer = peer
        self._opened = opened
        self._signature = signature
        self.method = signature[0]
        self._reads = self.method in READS

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
        attempts = self._budget(timeout)
        while True:
            attempts.count += 1
            try:
                return await self._attempt(request, attempts, metadata)
            except RpcError as error:
                pause_s = self._pause_s(error, attempts)
                if pause_s is None:
                    raise
            await asyncio.sleep(pause_s)

    def _budget(self, timeout_s: float | None) -> Attempts:
        policy = self._peer.policy
        if timeout_s is None:
            timeout_s = policy.read_deadline_s if self._reads else policy.write_deadline_s
        timeout_s = check_seconds("timeout", timeout_s)
        now = asyncio.get_running_loop().time()
        return Attempts(self.method, timeout_s, policy.retry.attempts, now + timeout_s, now)

    async def _attempt(self, request: Any, attempts: Attempts, metadata: Any) -> Any:
        channel = await self._opened()
        call = channel.unary_unary(*self._signature)
        left_s = attempts.left_s(asyncio.get_running_loop().time())
        try:
            return await call(request, timeout=left_s, metadata=self._credentials(metadata))
        except grpc.aio.AioRpcError as error:
            raise _translated(error, attempts, self._peer.address) from error
        except grpc.aio.UsageError as error:  # the channel was closed between opening and calling
            raise ConnectionClosed(f"the connection to {self._peer.address} is closed") from error
        except asyncio.CancelledError as error:
            if _cancelled_from_outside():
                raise
            raise ConnectionClosed(f"the connection to {self._peer.address} was closed during the call") from error

    def _credentials(self, metadata: Any) -> Any:
        if not metadata:
            return self._peer.metadata
        return (*(self._peer.metadata or ()), *metadata)

    def _pause_s(self, error: RpcError, attempts: Attempts) -> float | None:
        """Seconds to wait before the next attempt; None when there is to be none."""
        if attempts.count >= attempts.retry_at_most or not self._repeatable(error):
            return None
        pause_s = self._peer.policy.retry.pause_s(attempts.count, error)
        return pause_s if asyncio.get_running_loop().time() + pause_s < attempts.deadline else None

    def _repeatable(self, error: RpcError) -> bool:
        if self.method in ONCE and isinstance(error, Unavailable):
            return "connect" in error.details.lower()  # never sent: refused, or no route
        return error.retryable or (self._reads and error.retryable_read)


def _cancelled_from_outside() -> bool:
    """Whether the running task was asked to end, as against the call under it being cancelled by a closing channel."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _translated(error: grpc.aio.AioRpcError, attempts: Attempts, address: str) -> RpcError:
    code, details = error.code(), error.details() or ""
    kind = class_of(code)
    took_s = asyncio.get_running_loop().time() - attempts.started
    name = attempts.method.removeprefix("/qdrant.")
    tried = f"{attempts.count} attempt{'s' * (attempts.count > 1)} in {took_s:.1f} s of {attempts.timeout_s:g} s"
    message = f"{name} at {address}: {details or code.name}{_advice(kind, address)} [{code.name}, {tried}]"
    return kind(message, code=code, details=details, retry_after_s=_retry_after_s(error))


_ADVICE: dict[type[RpcError], str] = {
    Unavailable: ". Is the server running, and is this its gRPC port (6334 unless configured otherwise)?",
    DeadlineExceeded: ". Pass a longer timeout, or a Policy with longer deadlines",
    Unauthenticated: ". Pass the right api_key to Remote or Connection",
    PermissionDenied: ". This API key may not do that",
    NotFound: "",
}


def _advice(kind: type[RpcError], address: str) -> str:
    if kind in {Unavailable, DeadlineExceeded} and address.endswith(f":{REST_PORT}"):
        return f". {REST_PORT} is Qdrant's REST port; gRPC listens on 6334 unless configured otherwise"
    return _ADVICE.get(kind, "")


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
