"""A proxy on a real socket that goes wrong as it is told: it resets, ends, delays, cuts short, or falls silent."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum


class Fault(Enum):
    """What becomes of a connection; the last four once the server has begun to answer the request that is marked."""

    NONE = "passes everything on"
    REFUSE = "is reset before a byte of it was read"
    END_AT_ONCE = "is ended before a byte of it was read"
    SILENT = "is taken, and nothing is ever said"
    HTTP = "is answered in HTTP/1.1"
    RESET = "is reset, and the answer lost"
    END = "is ended, and the answer lost"
    TRUNCATE = "is ended in the middle of the answer"
    HALF_OPEN = "stays open, and nothing passes any more"


_AT_ONCE = {Fault.REFUSE, Fault.END_AT_ONCE, Fault.SILENT, Fault.HTTP}
_RESET_WHEN_CLOSED = struct.pack("ii", 1, 0)


class Proxy:
    """Stands before a server. `faults` hit the next connections, or the next requests that hold `mark`, in order.

    Attributes:
        faults: what is to go wrong; when it is empty, nothing does.
        mark: bytes of the requests that are hit: what no other message holds.
        delay_s: how long each piece from the server is held back.
        hits: how many faults there were.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.address = ""
        self.faults: list[Fault] = []
        self.mark = b"hit-me"
        self.delay_s = 0.0
        self.hits = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def at(self, address: str) -> Proxy:
        self.address = address
        return self

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            fault = self._next() if self.faults and self.faults[0] in _AT_ONCE else Fault.NONE
            if fault is Fault.NONE:
                await Passing(self, reader, writer).run()
            else:
                await _end_at_once(fault, writer)

    def _next(self) -> Fault:
        self.hits += 1
        return self.faults.pop(0)

    def fault_for(self, piece: bytes) -> Fault | None:
        """What a piece of a request is to meet."""
        return self._next() if self.faults and self.mark in piece else None


async def _end_at_once(fault: Fault, writer: asyncio.StreamWriter) -> None:
    if fault is Fault.SILENT:
        try:
            await asyncio.Event().wait()
        finally:
            writer.close()
    elif fault is Fault.HTTP:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()
    elif fault is Fault.REFUSE:
        _reset(writer)
    else:
        writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_WHEN_CLOSED)
    writer.transport.abort()


class Passing:
    """One connection that is passed on."""

    def __init__(self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._client = (reader, writer)
        self._fault: Fault | None = None

    async def run(self) -> None:
        server = await asyncio.open_connection("127.0.0.1", self._proxy.port)
        try:
            await asyncio.gather(self._up(server[1]), self._down(server[0]))
        finally:
            self._client[1].close()
            server[1].close()

    async def _up(self, server: asyncio.StreamWriter) -> None:
        while piece := await self._client[0].read(65_536):
            if self._fault is Fault.HALF_OPEN:
                continue
            self._fault = self._proxy.fault_for(piece) or self._fault
            server.write(piece)
        server.close()

    async def _down(self, server: asyncio.StreamReader) -> None:
        """The server's answers; a request that is hit has been carried out when its answer comes."""
        while piece := await server.read(65_536):
            if self._proxy.delay_s:
                await asyncio.sleep(self._proxy.delay_s)
            if self._fault is Fault.HALF_OPEN:
                continue
            if self._fault is not None and _is_answer(piece):
                self._cut(piece)
                return
            self._client[1].write(piece)

    def _cut(self, piece: bytes) -> None:
        if self._fault is Fault.RESET:
            _reset(self._client[1])
            return
        if self._fault is Fault.TRUNCATE:
            self._client[1].write(piece[:-1])
        self._client[1].close()


def _is_answer(piece: bytes) -> bool:
    """Whether there is a HEADERS frame in it."""
    at = 0
    while at + 9 <= len(piece):
        if piece[at + 3] == 1:
            return True
        at += 9 + int.from_bytes(piece[at : at + 3], "big")
    return False


@asynccontextmanager
async def proxied(port: int) -> AsyncIterator[Proxy]:
    """A proxy before the server at a port of this machine."""
    proxy = Proxy(port)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    host, own = server.sockets[0].getsockname()
    try:
        yield proxy.at(f"{host}:{own}")
    finally:
        server.close()
        await proxy.close()
