"""API keys, as a Qdrant server checks them.

Source: `src/common/auth/mod.rs` and `lib/storage/src/rbac/mod.rs` of Qdrant v1.19.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import grpc
from grpc import StatusCode

from langchain_qdrant_async.rpcs import OPEN_TO_READ_ONLY_KEYS

_OPEN = {"/qdrant.Qdrant/HealthCheck", "/grpc.health.v1.Health/Check"}
_BEARER = "Bearer "

_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class ApiKeys(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in its stubs only
    """Lets only those in who bear a key."""

    def __init__(self, key: str | None, read_only_key: str | None) -> None:
        """Keys that allow everything, and only reading. None is a key that nobody has."""
        self._key = key
        self._read_only_key = read_only_key

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[_Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Handler:
        """Go on, or answer with the reason why not."""
        refusal = self._refusal(handler_call_details.method, _token(handler_call_details))
        return await continuation(handler_call_details) if refusal is None else _refuse(*refusal)

    def _refusal(self, method: str, token: str | None) -> tuple[StatusCode, str] | None:
        if method in _OPEN:
            return None
        if token is None:
            return StatusCode.UNAUTHENTICATED, "Must provide an API key or an Authorization bearer token"
        if _same(token, self._key):
            return None
        if not _same(token, self._read_only_key):
            return StatusCode.UNAUTHENTICATED, "Invalid API key or JWT"
        if method not in OPEN_TO_READ_ONLY_KEYS:
            return StatusCode.PERMISSION_DENIED, "Forbidden: Global manage access is required"
        return None


def _token(details: grpc.HandlerCallDetails) -> str | None:
    headers = {str(name): value for name, value in details.invocation_metadata or ()}
    token = headers.get("api-key")
    if token is None and str(headers.get("authorization", "")).startswith(_BEARER):
        token = str(headers["authorization"]).removeprefix(_BEARER)
    return None if token is None else str(token)


def _same(token: str, key: str | None) -> bool:
    return key is not None and hmac.compare_digest(token.encode(), key.encode())


def _refuse(code: StatusCode, message: str) -> _Handler:
    """A handler of a stream, which takes in no message unless it asks for one: whoever has no key costs no memory."""

    async def abort(_requests: Any, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        await context.abort(code, message)

    return grpc.stream_unary_rpc_method_handler(abort)
