"""What every RPC of the engine has in common: its failures, and the time it took."""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any, Protocol, TypeVar

from grpc import StatusCode
from grpc.aio import ServicerContext

from langchain_qdrant_async.engine.services.locations import located
from langchain_qdrant_async.engine.status import invalid_field, refusal_of, timed_out, unimplemented
from langchain_qdrant_async.errors import abridged

_LONGEST = 600
"""Characters of an answer that refuses; gRPC drops metadata of more than 8 kB, and each may take up to 12 bytes."""

_log = logging.getLogger(__name__)

_Servicer = TypeVar("_Servicer")
_Request = TypeVar("_Request")


class _Timed(Protocol):
    """A response that says how long it took."""

    time: float
    """In seconds."""


_Response = TypeVar("_Response", bound=_Timed)


class _Gated(Protocol):
    """A service whose writes sometimes have to wait."""

    async def writable(self, request: Any) -> None:
        """Return when the request may write."""


_Gate = TypeVar("_Gate", bound=_Gated)


_Handler = Callable[[_Servicer, _Request], _Response]
_Rpc = Callable[[_Servicer, _Request, ServicerContext[Any, Any]], Awaitable[_Response]]


def rpc(handle: _Handler[_Servicer, _Request, _Response]) -> _Rpc[_Servicer, _Request, _Response]:
    """Turn a plain function of the request into an RPC.

    The function runs on the event loop without a break: the engine holds the interpreter's lock in each of its calls,
    so threads would gain nothing, and this way no two requests ever interleave.
    """

    @functools.wraps(handle)
    async def answer(servicer: _Servicer, request: _Request, context: ServicerContext[Any, Any]) -> _Response:
        started = perf_counter()
        try:
            response = handle(servicer, request)
        except BaseException as error:  # a panic of the engine is no Exception
            await _refuse(context, request, error)
            raise
        response.time = perf_counter() - started
        return response

    return answer


def reading(handle: _Handler[_Servicer, _Request, _Response]) -> _Rpc[_Servicer, _Request, _Response]:
    """Turn a plain function into an RPC that reads, and that fails if it took longer than its request allows.

    The engine cannot be interrupted, so the work is done all the same.
    """

    @functools.wraps(handle)
    def timely(servicer: _Servicer, request: Any) -> _Response:
        if request.HasField("timeout") and not request.timeout:
            raise invalid_field("timeout", "value 0 invalid, must be 1 or larger")
        started = perf_counter()
        response = handle(servicer, request)
        if request.HasField("timeout") and perf_counter() - started > request.timeout:
            raise timed_out(handle.__name__, request.timeout)
        return response

    return rpc(timely)


def writing(handle: _Handler[_Gate, _Request, _Response]) -> _Rpc[_Gate, _Request, _Response]:
    """Turn a plain function into an RPC that changes points. It waits while the shard's files are being copied."""
    answer = rpc(handle)

    @functools.wraps(handle)
    async def wait_and_answer(servicer: _Gate, request: _Request, context: ServicerContext[Any, Any]) -> _Response:
        await servicer.writable(request)
        return await answer(servicer, request, context)

    return wait_and_answer


async def _refuse(context: ServicerContext[Any, Any], request: Any, error: BaseException) -> None:
    refusal = located(refusal_of(error), request)
    if refusal.code is StatusCode.INTERNAL:
        _log.error("failed to answer", exc_info=error)
    await context.abort(refusal.code, abridged(refusal.message, _LONGEST))


def refused(reason: str) -> Callable[[Any, Any, ServicerContext[Any, Any]], Awaitable[Any]]:
    """An RPC that the engine cannot do, with the reason."""

    def refuse(_servicer: Any, _request: Any) -> Any:
        raise unimplemented(reason)

    return rpc(refuse)
