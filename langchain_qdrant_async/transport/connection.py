"""A connection to Qdrant: stubs that work on any event loop, opened on first use, closed once."""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import grpc
import grpc.aio
from pydantic import SecretStr

from langchain_qdrant_async.errors import ConnectionClosed, InvalidInput
from langchain_qdrant_async.proto import CollectionsStub, PointsStub, QdrantStub, SnapshotsStub
from langchain_qdrant_async.runtime.blocking import blocking, elsewhere, waiting_loop
from langchain_qdrant_async.runtime.closing import Closing
from langchain_qdrant_async.runtime.forks import check_fork, claim_grpc
from langchain_qdrant_async.transport.engine import EngineLease, join
from langchain_qdrant_async.transport.funnel import OPTIONS, Channel, Peer
from langchain_qdrant_async.transport.policy import Policy
from langchain_qdrant_async.transport.target import Embedded, Remote, Target, target_of

_POLL_S = 0.01


MOST_INT32 = 2**31 - 1


@dataclass(slots=True)
class _Opened:
    """The real channel of one loop."""

    channel: grpc.aio.Channel
    target: str
    closing: AsyncGenerator[None, None]


async def _closed_with_loop(channel: grpc.aio.Channel) -> AsyncGenerator[None, None]:
    """Close the channel when closed itself, at the latest when the loop shuts its asynchronous generators down.

    That is how `asyncio.run` leaves no open channel behind although nobody called `aclose()` on that loop.
    """
    try:
        yield
    finally:
        await channel.close(None)


async def _close_on(loop: asyncio.AbstractEventLoop, closing: AsyncGenerator[None, None]) -> None:
    """Close another loop's channel on that loop; does not wait for one that ends meanwhile, or that waits for us."""
    closed = threading.Event()

    async def close() -> None:
        try:
            await closing.aclose()
        finally:
            closed.set()

    tasks: list[asyncio.Task[None]] = []  # a task that nobody holds may vanish
    try:
        loop.call_soon_threadsafe(lambda: tasks.append(loop.create_task(close())))
    except RuntimeError:  # ended, and has closed its generators
        return
    while loop.is_running() and loop is not waiting_loop() and not closed.is_set():  # noqa: ASYNC110  loops end silently
        await asyncio.sleep(_POLL_S)


class Connection(Closing):
    """One Qdrant, for any number of stores, threads and event loops.

    The constructor does no I/O. A gRPC channel works only on the loop that opened it, so there is one for each loop
    that uses the connection; each closes with its loop, and all of them with `aclose()` or `close()`.

    Attributes:
        points: stubs of the Points service, through the funnel: `await connection.points.Query(request, timeout=5)`.
        collections: the same of the Collections service.
        snapshots: the same of the Snapshots service.
        service: the same of the Qdrant service, `HealthCheck`.
    """

    def __init__(
        self,
        target: Target,
        *,
        api_key: str | SecretStr | None = None,
        policy: Policy | None = None,
    ) -> None:
        """Say where Qdrant is.

        Args:
            target: a `Remote`, an `Embedded`, or a string: a URL, `":memory:"`, or a folder, which may be a `Path`.
            api_key: with a URL only; a `Remote` has its own.
            policy: deadlines and retries.

        Raises:
            InvalidInput: the target cannot be understood.
        """
        if isinstance(target, str | Path):
            target = target_of(target, api_key=api_key)
        elif api_key is not None:
            raise InvalidInput("give the api_key to Remote(...); Connection takes one only beside a URL")
        if not isinstance(target, Remote | Embedded):
            raise InvalidInput(f"a connection needs a Remote, an Embedded or a string, not {type(target).__name__}")
        self.target = target
        self.policy = policy or Policy()
        self._opened: dict[asyncio.AbstractEventLoop, _Opened] = {}
        self._engine = _Engine(target) if isinstance(target, Embedded) else None
        self._closed = False
        self._pid = os.getpid()
        self._lock = threading.Lock()
        channel = Channel(Peer(self.address, self.policy, _credentials(target)), self._channel)
        self.points = PointsStub(channel)
        self.collections = CollectionsStub(channel)
        self.snapshots = SnapshotsStub(channel)
        self.service = QdrantStub(channel)

    @property
    def address(self) -> str:
        """Where Qdrant is, for people: `host:port` or the engine's folder."""
        return self.target.target if isinstance(self.target, Remote) else f"embedded engine {str(self.target.path)!r}"

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def __repr__(self) -> str:
        return f"Connection({self.target!r}{', closed' * self._closed})"

    async def _channel(self) -> grpc.aio.Channel:
        """The channel of the running loop, opened if need be."""
        self._after_fork()
        target = await self._reachable()
        if self._closed:
            raise ConnectionClosed(f"the connection to {self.address} is closed; make a new one")
        loop = asyncio.get_running_loop()
        opened = self._opened.get(loop)
        if opened is not None and opened.target != target:  # the engine was started anew
            del self._opened[loop]
            await opened.closing.aclose()
            opened = self._opened.get(loop)
        return (opened or self._open(loop, target)).channel

    async def _reachable(self) -> str:
        if self._closed:
            raise ConnectionClosed(f"the connection to {self.address} is closed; make a new one")
        if self._engine is None:
            assert isinstance(self.target, Remote)  # noqa: S101  the constructor's own rule
            return self.target.target
        target = self._engine.target
        return target if target is not None else await elsewhere(self._engine.start())

    def _open(self, loop: asyncio.AbstractEventLoop, target: str) -> _Opened:
        channel = self._dial(target)
        closing = _closed_with_loop(channel)
        with suppress(StopIteration):  # registers with the loop, runs up to the yield, waits for nothing
            closing.__anext__().send(None)
        opened = _Opened(channel, target, closing)
        with self._lock:
            for each in [each for each in self._opened if each.is_closed()]:
                del self._opened[each]
            self._opened[loop] = opened
        return opened

    def _dial(self, target: str) -> grpc.aio.Channel:
        claim_grpc()
        options: tuple[tuple[str, int | str], ...] = (
            *OPTIONS,
            ("grpc.keepalive_time_ms", round(min(self.policy.keepalive_s * 1_000, MOST_INT32))),
        )
        if isinstance(self.target, Remote) and self.target.secure:
            credentials = grpc.ssl_channel_credentials(root_certificates=self.target.root_certificates)
            return grpc.aio.secure_channel(target, credentials, options=options)
        if isinstance(self.target, Embedded):
            options = (*options, ("grpc.default_authority", "localhost"))
        return grpc.aio.insecure_channel(target, options=options)

    def _after_fork(self) -> None:
        """Forget what a fork copied; its sockets and threads are the parent's.

        Raises:
            ConnectionClosed: gRPC was in use before the fork, and so cannot be used after it.
        """
        if self._pid == os.getpid():
            return
        check_fork()
        self._pid, self._opened, self._lock = os.getpid(), {}, threading.Lock()
        if isinstance(self.target, Embedded):
            self._engine = _Engine(self.target)

    async def aclose(self) -> None:
        """Close the channels of every loop, and leave the embedded engine. Closing twice does nothing more.

        An embedded engine that loses its last user here has everything on disk when this returns.
        """
        self._closed = True
        if self._pid != os.getpid():
            return  # a forked child holds nothing that is its own to close
        with self._lock:
            opened, self._opened = self._opened, {}
        here = asyncio.get_running_loop()
        for loop, each in opened.items():
            if loop is here:
                await each.closing.aclose()
            elif loop.is_running():
                await _close_on(loop, each.closing)
        if self._engine is not None:
            await elsewhere(self._engine.stop())

    close = blocking(aclose)


class _Engine:
    """This connection's part in an embedded engine; its coroutines run on the background loop only."""

    def __init__(self, embedded: Embedded) -> None:
        self._ephemeral = embedded.ephemeral
        self._folder = None if embedded.ephemeral else Path(embedded.path).expanduser().absolute()
        self._lease: EngineLease | None = None
        self._lock: asyncio.Lock | None = None
        self._stopped = False

    @property
    def target(self) -> str | None:
        """What gRPC connects to while the engine is known to live; None when it has to be started."""
        return self._lease.target if self._lease is not None and not self._lease.lost.is_set() else None

    async def start(self) -> str:
        """Join or start the engine; what gRPC connects to."""
        self._lock = self._lock or asyncio.Lock()
        async with self._lock:
            if self._stopped:
                raise ConnectionClosed("the connection is closed; make a new one")
            if self.target is None:
                if self._folder is None:
                    self._folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="langchain-qdrant-async-"))
                if self._lease is not None:
                    self._lease.drop()
                self._lease = await join(self._folder, ephemeral=self._ephemeral)
            assert self._lease is not None  # noqa: S101  just joined
            return self._lease.target

    async def stop(self) -> None:
        """Give the lease back, for good."""
        self._stopped = True
        self._lock = self._lock or asyncio.Lock()
        async with self._lock:
            lease, self._lease = self._lease, None
            if lease is not None:
                await lease.release()


def _credentials(target: Remote | Embedded) -> grpc.aio.Metadata | None:
    if not isinstance(target, Remote) or target.api_key is None:
        return None
    assert isinstance(target.api_key, SecretStr)  # noqa: S101  Remote keeps it so
    return grpc.aio.Metadata(("api-key", target.api_key.get_secret_value()))
