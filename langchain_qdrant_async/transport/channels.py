"""One gRPC channel for each event loop: dialled on its own loop at the first use, and closed with it.

A gRPC channel works only on the loop that opened it.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

import grpc
import grpc.aio

from langchain_qdrant_async.errors import ConnectionClosed, InvalidInput
from langchain_qdrant_async.hosts import is_loopback
from langchain_qdrant_async.runtime.blocking import waiting_loop
from langchain_qdrant_async.runtime.forks import check_fork, claim_grpc, forget_after_fork
from langchain_qdrant_async.runtime.loops import check_threads, running_loop
from langchain_qdrant_async.transport.policy import Policy
from langchain_qdrant_async.transport.target import Embedded, Remote

ChannelOptions: TypeAlias = tuple[tuple[str, int | str], ...]
"""What a channel is to be like, as gRPC takes it: names and values.

Source: https://grpc.github.io/grpc/core/group__grpc__arg__keys.html
"""
Dial: TypeAlias = Callable[[str, ChannelOptions], grpc.aio.Channel]
"""Makes a channel to a target of gRPC's, `host:port` or `unix:/…`, with the options that we would use."""

_POLL_S = 0.01
_LEAST_PING_MS, _MOST_PING_MS = 500, 3_000
"""Milliseconds that the answer to a ping may take: as long as the keepalive's own span, within these bounds."""
_PATIENT_PING_MS = 60_000
"""The same on a line that turned out to be slow."""
_PINGS = ("grpc.keepalive_timeout_ms", "grpc.http2.ping_timeout_ms")
"""The latter holds for any ping, also for gRPC's own, which the keepalive waits for: a minute by default."""
_MOST_INT32 = 2**31 - 1
_OPTIONS: ChannelOptions = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # After a refused connection gRPC waits, a second and more by default, and fails every call meanwhile: for less than
    # our own attempts take, or a server that is there again would not be found by any of them.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 200),
    # In spite of its name, for how long one attempt to connect may go on: long enough for TLS over a slow line, short
    # enough for another attempt when a server stands still.
    ("grpc.min_reconnect_backoff_ms", 5_000),
    # With the global pool two connections share a socket, and closing one would not close it.
    ("grpc.use_local_subchannel_pool", 1),
)
_NO_PROXY = ("grpc.enable_http_proxy", 0)
"""This machine is reached without the proxy that `http_proxy` and the like name for others."""


def channel_options(target: Remote | Embedded, policy: Policy) -> ChannelOptions:
    """What every channel to the target is to be like."""
    keepalive_ms = round(min(policy.keepalive_s * 1_000, _MOST_INT32))
    answered_ms = min(max(keepalive_ms, _LEAST_PING_MS), _MOST_PING_MS)
    options = (
        *_OPTIONS,
        ("grpc.keepalive_time_ms", keepalive_ms),
        *((name, answered_ms) for name in _PINGS),
    )
    if isinstance(target, Remote):
        options = (*options, _NO_PROXY) if is_loopback(target.host) else options
        return tuple({**dict(options), **target.grpc_options}.items())
    return (*options, _NO_PROXY, ("grpc.default_authority", "localhost"))


def dial_of(target: Remote | Embedded) -> Dial:
    """How a channel to the target is made unless the user says it."""
    if not isinstance(target, Remote) or not target.secure:
        return _dial_in_clear
    certificates = target.root_certificates

    def dial_by_tls(target: str, options: ChannelOptions) -> grpc.aio.Channel:
        credentials = grpc.ssl_channel_credentials(root_certificates=certificates)
        return grpc.aio.secure_channel(target, credentials, options=options)

    return dial_by_tls


def _dial_in_clear(target: str, options: ChannelOptions) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(target, options=options)


def _longer(value: int | str) -> int | str:
    return min(4 * value, _PATIENT_PING_MS) if isinstance(value, int) else value


@dataclass(frozen=True, slots=True)
class Dialler:
    """Makes the channels of one connection."""

    dial: Dial
    """Ours, or the user's own."""
    options: ChannelOptions
    """What each channel is to be like."""

    def more_patient(self) -> Dialler:
        """The same, of channels that wait four times as long for the answer to a ping, and at most a minute."""
        options = ((name, _longer(value) if name in _PINGS else value) for name, value in self.options)
        return replace(self, options=tuple(options))

    def channel(self, target: str) -> grpc.aio.Channel:
        """A new channel, of the running loop.

        Raises:
            InvalidInput: the user's own `dial` gave something else.
            ConnectionClosed: gRPC was in use before a fork, and so cannot be used after it.
            QdrantStoreError: threads are no threads here.
        """
        claim_grpc()
        check_threads()
        made: object = self.dial(target, self.options)
        if isinstance(made, grpc.aio.Channel):
            return made
        if inspect.iscoroutine(made):
            made.close()  # or Python would warn that nobody awaited it
        kind = f"{type(made).__module__}.{type(made).__qualname__}"
        raise InvalidInput(f"dial must return a channel of grpc.aio, without being awaited, not {kind}")


async def _closed_with_loop(channel: grpc.aio.Channel) -> AsyncGenerator[None, None]:
    """Close the channel when closed itself, at the latest when the loop shuts its asynchronous generators down.

    That is how `asyncio.run` leaves no open channel behind although nobody called `aclose()` on that loop.
    """
    try:
        yield
    finally:
        await channel.close(None)


class LoopChannel:
    """The channel of the loop on which it is made, which closes it at its end.

    Attributes:
        channel: gRPC's own.
        target: what it connects to.
    """

    def __init__(self, channel: grpc.aio.Channel, target: str) -> None:
        """Register it with the running loop."""
        self.channel = channel
        self.target = target
        self._thread = threading.current_thread()
        self._loop = asyncio.get_running_loop()
        self._closing = _closed_with_loop(channel)
        with suppress(StopIteration):  # registers with the loop, runs up to the yield, waits for nothing
            self._closing.__anext__().send(None)

    @property
    def is_abandoned(self) -> bool:
        """Whether nobody will use it: its loop has ended, or stands still while its thread has ended or runs another.

        Such a loop would never be collected, nor its channel: gRPC holds every loop that it has seen. One that runs
        again after all has a new channel opened.

        Source: `PollerCompletionQueue.bind_loop` in grpc/_cython/_cygrpc/aio/completion_queue.pyx.pxi
        """
        if self._loop.is_closed():
            return True
        stands_still = not self._loop.is_running() and not asyncio.all_tasks(self._loop)
        return stands_still and (self._thread is threading.current_thread() or not self._thread.is_alive())

    async def close(self) -> None:
        """Close it on its own loop; does not wait for one that ends meanwhile, or that waits for us."""
        if self._loop is running_loop():
            await self._closing.aclose()
        elif self._loop.is_running():
            await self._close_there()
        else:
            self.close_here()

    def close_here(self) -> None:
        """Close it although its loop does not run. That waits for nothing, so one step does it."""
        with suppress(StopIteration):
            self._closing.aclose().send(None)

    async def _close_there(self) -> None:
        closed = threading.Event()
        tasks: list[asyncio.Task[None]] = []  # a task that nobody holds may vanish
        try:
            self._loop.call_soon_threadsafe(lambda: tasks.append(self._loop.create_task(self._close_and_say(closed))))
        except RuntimeError:  # ended, and has closed its generators
            return
        while self._loop.is_running() and self._loop is not waiting_loop() and not closed.is_set():  # noqa: ASYNC110  loops end silently
            await asyncio.sleep(_POLL_S)

    async def _close_and_say(self, closed: threading.Event) -> None:
        try:
            await self._closing.aclose()
        finally:
            closed.set()


class Place(Protocol):
    """Where gRPC connects to: known, or to be found first."""

    @property
    def target(self) -> str | None:
        """What gRPC connects to; None while it has to be `found`."""

    async def found(self) -> str:
        """Find it; what gRPC connects to from now on."""

    async def leave(self) -> None:
        """Need it no more."""


class Server:
    """A place that is known from the start, and stays.

    Attributes:
        target: what gRPC connects to, `host:port`.
    """

    def __init__(self, target: str) -> None:
        """Keep it."""
        self.target = target

    async def found(self) -> str:
        """It is known."""
        return self.target

    async def leave(self) -> None:
        """A server does not mind."""


class Channels:
    """The channels of one connection.

    Attributes:
        closed: whether they were closed, for good.
    """

    def __init__(self, address: str, place: Place, dialler: Dialler) -> None:
        """Nothing is opened here.

        Args:
            address: named in errors.
            place: what the channels connect to.
            dialler: makes them.
        """
        self._address = address
        self._place = place
        self._dialler = dialler
        self._opened: dict[asyncio.AbstractEventLoop, LoopChannel] = {}
        self._opening: set[asyncio.Task[grpc.aio.Channel]] = set()
        self._parents: list[LoopChannel] = []
        self._lock = threading.Lock()
        self.closed = False
        forget_after_fork(self)

    def forget(self) -> None:
        """In a forked child: the channels are the parent's, and are kept, since freeing one would close it."""
        self._parents += self._opened.values()
        self._opened, self._opening, self._lock = {}, set(), threading.Lock()

    def ready(self) -> grpc.aio.Channel | None:
        """The channel of the running loop, if it is open and leads where the place is now."""
        opened = self._opened.get(asyncio.get_running_loop())
        if opened is None or self.closed or opened.target != self._place.target:
            return None
        return opened.channel

    def be_patient(self, channel: grpc.aio.Channel) -> None:
        """Replace a channel of the running loop by one that waits longer for the answers to its pings.

        A ping waits behind what was sent before it, so that a slow line with much on it looks like a dead one.
        """
        opened = self._opened.get(asyncio.get_running_loop())
        if opened is not None and opened.channel is channel:
            self._dialler = self._dialler.more_patient()
            opened.target = ""  # leads nowhere any more

    async def within(self, timeout_s: float) -> grpc.aio.Channel:
        """The channel of the running loop, opened if need be; what takes longer goes on, for the next caller.

        Raises:
            ConnectionClosed: the connection is closed, or was forked.
            TimeoutError: it takes longer.
        """
        opening = asyncio.get_running_loop().create_task(self.current())
        self._opening.add(opening)
        opening.add_done_callback(self._forget_opening)
        return await asyncio.wait_for(asyncio.shield(opening), timeout_s)

    def _forget_opening(self, opening: asyncio.Task[grpc.aio.Channel]) -> None:
        self._opening.discard(opening)
        if not opening.cancelled():
            opening.exception()  # somebody may have to ask, or asyncio would complain

    async def current(self) -> grpc.aio.Channel:
        """The channel of the running loop, opened if need be.

        Raises:
            ConnectionClosed: the connection is closed, or was forked.
        """
        target = self._place.target or await self._found()
        if self.closed:
            raise self._closed_error()
        opened = self._opened.get(asyncio.get_running_loop())
        if opened is None or opened.target != target:
            opened = await self._renewed(target)
        return opened.channel

    async def close(self) -> None:
        """Close the channels of every loop, for good."""
        self.closed = True
        with self._lock:
            opened, self._opened = self._opened, {}
        for each in opened.values():
            await each.close()

    async def _found(self) -> str:
        if self.closed:
            raise self._closed_error()
        check_fork()
        return await self._place.found()

    async def _renewed(self, target: str) -> LoopChannel:
        """A channel in place of the one whose engine has gone, or of none."""
        loop = asyncio.get_running_loop()
        stale = self._opened.pop(loop, None)
        if stale is not None:
            await stale.close()
        return self._opened.get(loop) or self._open(loop, target)

    def _open(self, loop: asyncio.AbstractEventLoop, target: str) -> LoopChannel:
        opened = LoopChannel(self._dialler.channel(target), target)
        with self._lock:
            abandoned = [each for each, channel in self._opened.items() if channel.is_abandoned]
            left = [self._opened.pop(each) for each in abandoned]
            self._opened[loop] = opened
        for channel in left:
            channel.close_here()
        return opened

    def _closed_error(self) -> ConnectionClosed:
        return ConnectionClosed(f"the connection to {self._address} is closed; make a new one")
