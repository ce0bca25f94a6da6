"""Requests as they come in: weighed before they are read, since what is small on the wire may be large in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError
from grpc import StatusCode

from langchain_qdrant_async.engine.status import Refusal

if TYPE_CHECKING:
    import numpy as np

_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

_SHORT = 16
"""Bytes below which a part is counted: its place in memory is larger than it."""

_LENGTH_DELIMITED = 2
"""Source: wire types, https://protobuf.dev/programming-guides/encoding/#structure."""


_PIECE = 2**20
"""Bytes that are looked at in one go."""


def parts(message: bytes) -> int:
    """How many short parts (messages and texts inside each other) a message may have: all that it has, and a few more.

    Any two bytes that may begin one are taken to do so; in 10 MB of ordinary vectors or text that is up to 100,000
    times. A number that is longer than it need be counts as well, since it could hide one.
    """
    import numpy as np  # a fifth of an engine's start

    content = np.frombuffer(message, np.uint8)
    return sum(_begun(content[start : start + _PIECE + 1]) for start in range(0, len(content), _PIECE))


def _begun(content: np.ndarray) -> int:
    before, after = content[:-1], content[1:]
    import numpy as np

    begins = ((before & 7) == _LENGTH_DELIMITED) & (after < _SHORT)
    padded = (before >= 128) & (after == 0)
    return int(np.count_nonzero(begins | padded))


class Weighed:
    """What services are added to instead of a server, so that each of their requests is weighed."""

    def __init__(self, server: grpc.aio.Server, most_parts: int | None) -> None:
        """Refuse requests with more parts; None: with any number they are taken."""
        self._server = server
        self._most_parts = most_parts

    def add_generic_rpc_handlers(self, handlers: Iterable[grpc.GenericRpcHandler[Any, Any]]) -> None:
        """As of a server."""
        self._server.add_generic_rpc_handlers([_Weighed(each, self._most_parts) for each in handlers])


class _Weighed(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in its stubs only
    def __init__(self, handlers: grpc.GenericRpcHandler[Any, Any], most_parts: int | None) -> None:
        self._handlers = handlers
        self._most_parts = most_parts
        self._known: dict[str, _Handler] = {}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> _Handler | None:
        """The handler of a call, if it is one of these."""
        method = str(handler_call_details.method)
        if method not in self._known:
            handler = self._handlers.service(handler_call_details)
            if handler is None:
                return None
            self._known[method] = _weighed(handler, self._most_parts)
        return self._known[method]


def _weighed(handler: Any, most_parts: int | None) -> _Handler:
    """The same handler of a unary call, whose request may be a refusal."""
    read: Callable[[bytes], Any] = handler.request_deserializer
    answer = handler.unary_unary

    def request(content: bytes) -> Any:
        if most_parts is not None and len(content) > 2 * most_parts and parts(content) > most_parts:
            return Refusal(StatusCode.RESOURCE_EXHAUSTED, f"Received message larger than max ({most_parts:,} parts)")
        try:
            return read(content)
        except DecodeError as error:
            return Refusal(StatusCode.INTERNAL, f"failed to decode Protobuf message: {error}")

    async def weigh_and_answer(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        if isinstance(request, Refusal):
            await context.abort(request.code, request.message)
        return await answer(request, context)

    return grpc.unary_unary_rpc_method_handler(
        weigh_and_answer, request_deserializer=request, response_serializer=handler.response_serializer
    )
