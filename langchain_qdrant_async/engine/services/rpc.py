"""What every RPC of the engine has in common: its failures, and the time it took."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Generator, Iterator
from time import perf_counter
from types import GeneratorType
from typing import Any, Generic, Protocol, TypeVar

from grpc import StatusCode
from grpc.aio import ServicerContext

from langchain_qdrant_async.engine.services.locations import located
from langchain_qdrant_async.engine.status import Refusal, invalid_field, refusal_of, timed_out, unimplemented
from langchain_qdrant_async.errors import abridged

_LONGEST = 600
"""Characters of an answer that refuses; gRPC drops metadata of more than 8 kB, and each may take up to 12 bytes."""

_LONG_S, _BREATH_S = 0.05, 0.002
"""After a step that took long others get some time: a call comes in by way of several turns of the loop."""

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


_Steps = Generator[None, None, _Response]
_Handler = Callable[[_Servicer, _Request], _Response | _Steps[_Response]]
_Rpc = Callable[[_Servicer, _Request, ServicerContext[Any, Any]], Awaitable[_Response]]


def rpc(handle: _Handler[_Servicer, _Request, _Response]) -> _Rpc[_Servicer, _Request, _Response]:
    """Turn a plain function of the request into an RPC.

    The function runs on the event loop without a break: the engine holds the interpreter's lock in each of its calls,
    so threads would gain nothing. Requests interleave only where one is a generator that yields. What nobody waits for
    any more is not begun, and ends at its next step.
    """

    @functools.wraps(handle)
    async def answer(servicer: _Servicer, request: _Request, context: ServicerContext[Any, Any]) -> _Response:
        started = perf_counter()
        try:
            _check_time(context)
            handled: Any = handle(servicer, request)
            response: _Response = await _finished(handled, context) if isinstance(handled, GeneratorType) else handled
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # a panic of the engine is no Exception
            await _refuse(context, request, error)
            raise
        response.time = perf_counter() - started
        return response

    return answer


async def _finished(steps: _Steps[_Response], context: ServicerContext[Any, Any]) -> _Response:
    """The result of work that lets others in between its steps."""
    while True:
        began = perf_counter()
        try:
            next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        await asyncio.sleep(_BREATH_S if perf_counter() - began > _LONG_S else 0)
        _check_time(context)


def _check_time(context: ServicerContext[Any, Any]) -> None:
    """Raise if the caller's time is up."""
    left_s = context.time_remaining()
    if left_s is not None and left_s <= 0:
        raise Refusal(StatusCode.DEADLINE_EXCEEDED, "the caller's time was up; the engine was busy")


def reading(handle: _Handler[_Servicer, _Request, _Response]) -> _Rpc[_Servicer, _Request, _Response]:
    """Turn a plain function into an RPC that reads, and that fails if it took longer than its request allows.

    A call of the engine cannot be interrupted, so the time is looked at between them, and at the end.
    """

    @functools.wraps(handle)
    def timely(servicer: _Servicer, request: Any) -> _Response | _Steps[_Response]:
        if request.HasField("timeout") and not request.timeout:
            raise invalid_field("timeout", "value 0 invalid, must be 1 or larger")
        started = perf_counter()
        response = handle(servicer, request)
        if isinstance(response, GeneratorType):
            return within(response, request, started) if request.HasField("timeout") else response
        check(request, started)
        return response

    def within(steps: _Steps[_Response], request: Any, started: float) -> _Steps[_Response]:
        for _ in (rest := _Rest(steps)):
            check(request, started)
            yield
        check(request, started)
        return rest.result

    def check(request: Any, started: float) -> None:
        if request.HasField("timeout") and perf_counter() - started > request.timeout:
            raise timed_out(handle.__name__, request.timeout)

    return rpc(timely)


class _Rest(Generic[_Response]):
    """The steps of a generator, and what it returns.

    Attributes:
        result: what it returned, once there are no more steps.
    """

    result: _Response

    def __init__(self, steps: _Steps[_Response]) -> None:
        self._steps = steps

    def __iter__(self) -> Iterator[None]:
        self.result = yield from self._steps


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
