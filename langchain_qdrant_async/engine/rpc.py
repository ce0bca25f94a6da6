"""What every RPC of the engine has in common: its failures, and the time it took."""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any, Protocol, TypeVar

from grpc import StatusCode
from grpc.aio import ServicerContext

from .status import refusal_of, unimplemented

_log = logging.getLogger(__name__)

Servicer = TypeVar("Servicer")
Request = TypeVar("Request")


class Timed(Protocol):
    """A response that says how long it took, in seconds."""

    time: float


Response = TypeVar("Response", bound=Timed)


def rpc(
    handle: Callable[[Servicer, Request], Response],
) -> Callable[[Servicer, Request, ServicerContext[Any, Any]], Awaitable[Response]]:
    """Turn a plain function of the request into an RPC.

    The function runs on the event loop without a break: the engine holds the interpreter's lock in each of its calls,
    so threads would gain nothing, and this way no two requests ever interleave.
    """

    @functools.wraps(handle)
    async def answer(servicer: Servicer, request: Request, context: ServicerContext[Any, Any]) -> Response:
        started = perf_counter()
        try:
            response = handle(servicer, request)
        except BaseException as error:  # a panic of the engine is no Exception
            await _refuse(context, error)
            raise
        response.time = perf_counter() - started
        return response

    return answer


async def _refuse(context: ServicerContext[Any, Any], error: BaseException) -> None:
    refusal = refusal_of(error)
    if refusal.code is StatusCode.INTERNAL:
        _log.error("failed to answer", exc_info=error)
    await context.abort(refusal.code, refusal.message)


def refused(reason: str) -> Callable[[Any, Any, ServicerContext[Any, Any]], Awaitable[Any]]:
    """An RPC that the engine cannot do, with the reason."""

    def refuse(_servicer: Any, _request: Any) -> Any:
        raise unimplemented(reason)

    return rpc(refuse)
