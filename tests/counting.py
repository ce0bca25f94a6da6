"""A proxy on the socket that passes every RPC on, byte for byte, and writes down which it was."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio


@dataclass
class Counter(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # not so at run time
    """The RPCs that passed, by method, in order."""

    target: str
    passed: list[str] = field(default_factory=list)
    _channel: grpc.aio.Channel | None = None

    def service(self, handler_call_details: Any) -> grpc.RpcMethodHandler[bytes, bytes]:
        method = handler_call_details.method

        async def forward(request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
            self.passed.append(method.rpartition("/")[2])
            self._channel = self._channel or grpc.aio.insecure_channel(self.target)
            try:
                answer: bytes = await self._channel.unary_unary(method, None, None)(request)
            except grpc.aio.AioRpcError as error:
                await context.abort(error.code(), error.details() or "")
            return answer

        return grpc.unary_unary_rpc_method_handler(forward)

    def take(self) -> list[str]:
        """What passed since this was asked last."""
        taken, self.passed = self.passed, []
        return taken

    async def close(self) -> None:
        if self._channel is not None:
            await self._channel.close(None)


@asynccontextmanager
async def counting(target: str) -> AsyncIterator[tuple[Counter, str]]:
    """A proxy before a server, and its address."""
    counter, server = Counter(target), grpc.aio.server()
    server.add_generic_rpc_handlers((counter,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield counter, f"http://127.0.0.1:{port}"
    finally:
        await server.stop(None)
        await counter.close()
