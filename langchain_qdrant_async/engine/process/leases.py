"""Who still uses the engine.

A user keeps a connection to the lease socket open; the kernel closes it when the user dies, however it dies. A user
that leaves shuts its writing half down and waits for the engine to close the other: for the last user that happens
only when everything is on disk and the folder is free.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from langchain_qdrant_async.ownership import check_peer
from langchain_qdrant_async.rendezvous import Greeting


class Leases:
    """The lease socket. All is decided on one event loop, so a user either counts or sees EOF before the greeting.

    Attributes:
        taken: whether there ever was a user.
    """

    def __init__(
        self, path: Path, greeting: Greeting, *, may_serve: Callable[[], bool], last_gone: Callable[[], bool]
    ) -> None:
        """Prepare the socket.

        Args:
            path: where to listen.
            greeting: what a new user is told.
            may_serve: called when a user comes. True if the folder still is the engine's.
            last_gone: called when the last user leaves. True if the engine goes on, and the user may be let go.
        """
        self.taken = False
        self._path = path
        self._greeting = greeting.to_line()
        self._may_serve = may_serve
        self._last_gone = last_gone
        self._held: set[asyncio.StreamWriter] = set()
        self._leaving: list[asyncio.StreamWriter] = []
        self._closing = False
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_unix_server(self._hold, self._path)

    def refuse(self) -> None:
        """Take no more users: those who come now see EOF, and no greeting."""
        self._closing = True
        if self._server is not None:
            self._server.close()

    async def _hold(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._closing or not _is_ours(writer) or not self._may_serve():
            writer.close()
            return
        self.taken = True
        self._held.add(writer)
        writer.write(self._greeting)
        await _until_gone(reader)
        self._held.discard(writer)
        if self._others_stay():
            writer.close()
        else:
            self._leaving.append(writer)

    def _others_stay(self) -> bool:
        """Whether the engine goes on without the user that just left."""
        return bool(self._held) or (not self._closing and self._last_gone())


def _is_ours(writer: asyncio.StreamWriter) -> bool:
    try:
        check_peer(writer.get_extra_info("socket"))
    except OSError:
        return False
    return True


async def _until_gone(reader: asyncio.StreamReader) -> None:
    try:
        while await reader.read(1024):
            pass
    except ConnectionError:
        pass
