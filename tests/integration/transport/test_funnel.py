"""The funnel over a real socket, against a server that misbehaves on purpose."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import random
import socket
import warnings
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import grpc.aio
import pytest

from langchain_qdrant_async import (
    Connection,
    ConnectionClosed,
    DeadlineExceeded,
    InvalidInput,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    Policy,
    RateLimited,
    Remote,
    Retry,
    RetryEvent,
    RpcError,
    Unauthenticated,
    Unavailable,
    Unimplemented,
)
from langchain_qdrant_async.proto import (
    CollectionsServicer,
    PointsServicer,
    add_CollectionsServicer_to_server,
    add_PointsServicer_to_server,
    collections,
    points,
)
from langchain_qdrant_async.transport.throttle import CAPACITY, PER_S

Code = grpc.StatusCode
SECRET = "the-secret-key"


class Moody(PointsServicer, CollectionsServicer):
    """Answers each call with the next of its moods: a status, or None for success."""

    def __init__(self) -> None:
        self.moods: list[Code | None] = []
        self.trailing: tuple[tuple[str, str], ...] = ()
        self.details = "as asked"
        self.calls: list[tuple[float, float]] = []
        self.keys: list[Any] = []
        self.hang = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def _answer(self, answer: Any, context: Any) -> Any:
        self.calls.append((asyncio.get_running_loop().time(), context.time_remaining()))
        self.keys.append(dict(context.invocation_metadata()).get("api-key"))
        mood = self.moods.pop(0) if self.moods else None
        if mood is not None:
            await context.abort(mood, self.details, trailing_metadata=self.trailing)
        return answer

    async def Count(self, request: Any, context: Any) -> Any:
        return await self._answer(points.CountResponse(result=points.CountResult(count=1)), context)

    async def Upsert(self, request: Any, context: Any) -> Any:
        return await self._answer(points.PointsOperationResponse(), context)

    async def Create(self, request: Any, context: Any) -> Any:
        return await self._answer(collections.CollectionOperationResponse(result=True), context)

    async def Scroll(self, request: Any, context: Any) -> Any:
        self.hang.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()


@pytest.fixture
async def moody() -> AsyncIterator[tuple[Moody, str]]:
    server, servicer = grpc.aio.server(), Moody()
    add_PointsServicer_to_server(servicer, server)
    add_CollectionsServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield servicer, f"127.0.0.1:{port}"
    await server.stop(None)


QUICK = Policy(retry=Retry(attempts=4, first_pause_s=0.001, longest_pause_s=0.002))
COUNT = points.CountPoints(collection_name="c")
UPSERT = points.UpsertPoints(collection_name="c")
CREATE = collections.CreateCollection(collection_name="c")


@pytest.mark.parametrize(
    "mood", [Code.UNAVAILABLE, Code.CANCELLED, Code.ABORTED, Code.RESOURCE_EXHAUSTED, Code.DEADLINE_EXCEEDED]
)
async def test_a_read_is_repeated(moody: tuple[Moody, str], mood: Code) -> None:
    servicer, address = moody
    servicer.moods = [mood, mood]
    async with Connection(Remote(address), policy=QUICK) as connection:
        assert (await connection.points.Count(COUNT)).result.count == 1
    assert len(servicer.calls) == 3


@pytest.mark.parametrize(
    ("mood", "calls"),
    [
        (Code.UNAVAILABLE, 2),
        (Code.CANCELLED, 2),
        (Code.ABORTED, 2),
        (Code.RESOURCE_EXHAUSTED, 2),
        (Code.DEADLINE_EXCEEDED, 1),
    ],
)
async def test_a_write_is_repeated_when_that_is_safe(moody: tuple[Moody, str], mood: Code, calls: int) -> None:
    servicer, address = moody
    servicer.moods = [mood]
    async with Connection(Remote(address), policy=QUICK) as connection:
        try:
            await connection.points.Upsert(UPSERT)
        except DeadlineExceeded:
            assert mood is Code.DEADLINE_EXCEEDED
    assert len(servicer.calls) == calls


@pytest.mark.parametrize("mood", [Code.UNAVAILABLE, Code.CANCELLED, Code.ABORTED])
async def test_a_creation_is_not_sent_twice(moody: tuple[Moody, str], mood: Code) -> None:
    """Unless it can be seen that the first one was not carried out: this server says nothing of its collections."""
    servicer, address = moody
    servicer.moods = [mood]
    async with Connection(Remote(address), policy=QUICK) as connection:
        with pytest.raises(Unavailable):
            await connection.collections.Create(CREATE)
    assert len(servicer.calls) == 1


@pytest.mark.parametrize(
    ("mood", "error"),
    [
        (Code.INVALID_ARGUMENT, InvalidRequest),
        (Code.NOT_FOUND, NotFound),
        (Code.UNAUTHENTICATED, Unauthenticated),
        (Code.PERMISSION_DENIED, PermissionDenied),
        (Code.UNIMPLEMENTED, Unimplemented),
        (Code.INTERNAL, RpcError),
    ],
)
async def test_a_refusal_is_not_repeated_and_has_its_class(
    moody: tuple[Moody, str], mood: Code, error: type[RpcError]
) -> None:
    servicer, address = moody
    servicer.moods = [mood]
    async with Connection(Remote(address), policy=QUICK) as connection:
        with pytest.raises(error, match=f"Points/Count at {address}: as asked.*{mood.name}, 1 attempt") as caught:
            await connection.points.Count(COUNT)
    assert type(caught.value) is error
    assert (caught.value.code, caught.value.details) == (mood, "as asked")
    assert isinstance(caught.value.__cause__, grpc.aio.AioRpcError)
    copied = pickle.loads(pickle.dumps(caught.value))
    assert (type(copied), str(copied), copied.code) == (error, str(caught.value), mood)


async def test_attempts_are_bounded(moody: tuple[Moody, str]) -> None:
    servicer, address = moody
    servicer.moods = [Code.UNAVAILABLE] * 100
    async with Connection(Remote(address), policy=QUICK) as connection:
        with pytest.raises(Unavailable, match="4 attempts"):
            await connection.points.Count(COUNT)
    assert len(servicer.calls) == 4


_TWICE = {
    Code.UNAVAILABLE: ("Count", "Upsert"),
    Code.CANCELLED: ("Count", "Upsert"),
    Code.ABORTED: ("Count", "Upsert"),
    Code.RESOURCE_EXHAUSTED: ("Count", "Upsert", "Create"),
    Code.DEADLINE_EXCEEDED: ("Count",),
}


@pytest.mark.parametrize("code", [each for each in Code if each is not Code.OK])
async def test_each_status_is_repeated_or_not(moody: tuple[Moody, str], code: Code) -> None:
    servicer, address = moody
    async with Connection(Remote(address), policy=QUICK) as connection:
        stubs = {"Count": connection.points.Count, "Upsert": connection.points.Upsert}
        for name, stub in (stubs | {"Create": connection.collections.Create}).items():
            servicer.moods, servicer.calls = [code], []
            again = name in _TWICE.get(code, ())
            with contextlib.nullcontext() if again else pytest.raises(RpcError) as caught:
                await stub({"Count": COUNT, "Upsert": UPSERT, "Create": CREATE}[name])
            assert len(servicer.calls) == 1 + again
            assert again or (caught is not None and caught.value.code is code)


async def test_the_deadline_is_the_bound(moody: tuple[Moody, str], caplog: pytest.LogCaptureFixture) -> None:
    servicer, address = moody
    servicer.moods = [Code.UNAVAILABLE] * 1_000
    caplog.set_level("INFO", "langchain_qdrant_async")
    retry = Retry(first_pause_s=0.001, longest_pause_s=0.002)
    async with Connection(Remote(address), policy=Policy(retry=retry)) as connection:
        with pytest.raises((Unavailable, DeadlineExceeded), match="as asked") as caught:
            await connection.points.Count(COUNT, timeout=0.3)
    assert len(servicer.calls) > 5
    assert [each.levelname for each in caplog.records] == ["INFO", "WARNING"]
    assert str(caught.value) in caplog.records[1].getMessage()


async def test_an_outage_is_not_multiplied(moody: tuple[Moody, str]) -> None:
    servicer, address = moody
    servicer.moods = [Code.UNAVAILABLE] * 100_000
    retry = Retry(first_pause_s=0.001, longest_pause_s=0.01)
    async with Connection(Remote(address), policy=Policy(retry=retry)) as connection:
        calls = (connection.points.Count(COUNT, timeout=1) for _ in range(100))
        ended = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(each, Unavailable | DeadlineExceeded) for each in ended)
    assert len(servicer.calls) < 100 + CAPACITY + 10 * PER_S, "each once, and a few of them again"


async def test_who_was_held_back_goes_on_when_the_server_is_there_again(moody: tuple[Moody, str]) -> None:
    servicer, address = moody
    servicer.moods = [Code.UNAVAILABLE] * 115
    retry = Retry(first_pause_s=0.01, longest_pause_s=0.1)
    async with Connection(Remote(address), policy=Policy(retry=retry, read_deadline_s=20)) as connection:
        counted = await asyncio.gather(*(connection.points.Count(COUNT) for _ in range(100)))
    assert [each.result.count for each in counted] == [1] * 100


async def test_what_a_callback_raises_is_logged(moody: tuple[Moody, str], caplog: pytest.LogCaptureFixture) -> None:
    servicer, address = moody
    servicer.moods = [Code.UNAVAILABLE]

    def fail(event: RetryEvent) -> None:
        raise LookupError(event.method)

    async with Connection(Remote(address), policy=Policy(retry=QUICK.retry, on_retry=fail)) as connection:
        assert (await connection.points.Count(COUNT)).result.count == 1
    assert "LookupError: Points/Count" in caplog.text


async def test_what_is_too_large_is_not_sent_again(moody: tuple[Moody, str]) -> None:
    servicer, address = moody
    servicer.moods, servicer.details = [Code.RESOURCE_EXHAUSTED], "Received message larger than max (5 vs. 4)"
    async with Connection(Remote(address), policy=QUICK) as connection:
        with pytest.raises(RateLimited, match="pass a smaller batch_size") as caught:
            await connection.points.Upsert(UPSERT)
    assert not caught.value.retryable
    assert len(servicer.calls) == 1


@pytest.mark.parametrize("asked", ["0", "-5", "soon"])
async def test_a_wish_that_is_no_wait_leaves_the_backoff(moody: tuple[Moody, str], asked: str) -> None:
    servicer, address = moody
    servicer.moods, servicer.trailing = [Code.RESOURCE_EXHAUSTED] * 2, (("retry-after", asked),)
    pauses: list[float] = []
    policy = Policy(retry=Retry(), on_retry=lambda event: pauses.append(event.pause_s))
    async with Connection(Remote(address), policy=policy) as connection:
        await connection.points.Count(COUNT)
    assert all(0 < each <= 0.2 for each in pauses)


async def test_the_servers_wish_to_wait_is_granted(moody: tuple[Moody, str]) -> None:
    servicer, address = moody
    servicer.moods, servicer.trailing = [Code.RESOURCE_EXHAUSTED], (("retry-after", "1"),)
    async with Connection(Remote(address), policy=QUICK) as connection:
        await connection.points.Count(COUNT)
        first, second = (time for time, _ in servicer.calls)
        assert second - first >= 1
        servicer.moods = [Code.RESOURCE_EXHAUSTED]
        with pytest.raises(RateLimited) as caught:
            await connection.points.Count(COUNT, timeout=0.5)
        assert caught.value.retry_after_s == 1, "a wait beyond the deadline is not begun"


async def test_deadlines(moody: tuple[Moody, str]) -> None:
    servicer, address = moody
    policy = Policy(read_deadline_s=5, write_deadline_s=50, retry=QUICK.retry)
    servicer.moods, servicer.trailing = [Code.RESOURCE_EXHAUSTED], (("retry-after", "1"),)
    async with Connection(Remote(address), policy=policy) as connection:
        await connection.points.Count(COUNT)
        await connection.points.Upsert(UPSERT)
        await connection.points.Count(COUNT, timeout=2)
        for given in (0, -1):
            with pytest.raises(InvalidInput, match="timeout must be above 0 seconds"):
                await connection.points.Count(COUNT, timeout=given)
    left = [remaining for _, remaining in servicer.calls]
    assert 3 < left[1] < 4.1 < left[0] < 5.1, "attempts share one deadline"
    assert 45 < left[2] < 51, "gRPC rounds a deadline up"
    assert 1 < left[3] < 2.1


async def test_a_hanging_server_ends_with_the_deadline(moody: tuple[Moody, str]) -> None:
    servicer, address = moody
    async with Connection(Remote(address), policy=QUICK) as connection:
        with pytest.raises(DeadlineExceeded, match="Points/Scroll at .*Pass a longer timeout.* of 0.2 s"):
            await connection.points.Scroll(points.ScrollPoints(collection_name="c"), timeout=0.2)
    await asyncio.wait_for(servicer.cancelled.wait(), 5)


async def test_cancelling_a_call_cancels_it_on_the_server(moody: tuple[Moody, str]) -> None:
    servicer, address = moody
    async with Connection(Remote(address), policy=QUICK) as connection:
        task = asyncio.create_task(connection.points.Scroll(points.ScrollPoints(collection_name="c")))
        await servicer.hang.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(servicer.cancelled.wait(), 5)
        assert (await connection.points.Count(COUNT)).result.count == 1


async def test_closing_during_a_call_says_so(moody: tuple[Moody, str]) -> None:
    servicer, address = moody
    connection = Connection(Remote(address), policy=QUICK)
    task = asyncio.create_task(connection.points.Scroll(points.ScrollPoints(collection_name="c")))
    await servicer.hang.wait()
    await connection.aclose()
    with pytest.raises(ConnectionClosed, match="was closed during the call"):
        await task


async def test_the_api_key_is_sent_and_never_shown(moody: tuple[Moody, str], caplog: pytest.LogCaptureFixture) -> None:
    servicer, address = moody
    servicer.moods = [None, Code.UNAUTHENTICATED]
    caplog.set_level(0)
    connection = Connection(f"http://{address}", api_key=SECRET, policy=QUICK)
    async with connection:
        await connection.points.Count(COUNT)
        with pytest.raises(Unauthenticated) as caught:
            await connection.points.Count(COUNT)
    assert servicer.keys == [SECRET] * 2
    shown = [
        repr(connection),
        repr(connection.target),
        str(caught.value),
        repr(caught.value),
        repr(caught.value.__cause__),
    ]
    assert not [text for text in [*shown, caplog.text] if SECRET in text]


async def test_nobody_there() -> None:
    with socket.socket() as held:  # bound and not listening: refused at once, and nobody else can take the port
        held.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{held.getsockname()[1]}"
        async with Connection(Remote(address), policy=QUICK) as connection:
            started = asyncio.get_running_loop().time()
            with pytest.raises(
                Unavailable, match=rf"Points/Count at {address}: .*Is the server running.*4 attempts in"
            ):
                await connection.points.Count(COUNT)
            assert asyncio.get_running_loop().time() - started < 10


async def test_a_server_that_comes_back_is_found_again() -> None:
    port, servicer = _free_port(), Moody()
    async with Connection(
        Remote(f"127.0.0.1:{port}"), policy=Policy(retry=Retry(attempts=50, longest_pause_s=0.1))
    ) as connection:
        for _ in range(2):
            waiting = asyncio.create_task(connection.points.Count(COUNT, timeout=20))
            await asyncio.sleep(0)
            server = grpc.aio.server()
            add_PointsServicer_to_server(servicer, server)
            server.add_insecure_port(f"127.0.0.1:{port}")
            await server.start()
            assert (await waiting).result.count == 1
            await server.stop(None)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# ── settings ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("address", "target", "secure"),
    [
        ("localhost", "localhost:6334", False),
        ("localhost:7000", "localhost:7000", False),
        ("http://qdrant.internal", "qdrant.internal:6334", False),
        ("https://example.com", "example.com:6334", True),
        ("https://example.com:443", "example.com:443", True),
        ("[::1]:6334", "[::1]:6334", False),
        ("HTTPS://example.com", "example.com:6334", True),
        (" https://example.com/ ", "example.com:6334", True),
    ],
)
def test_addresses(address: str, target: str, secure: bool) -> None:
    remote = Remote(address)
    assert (remote.target, remote.secure) == (target, secure)


@pytest.mark.parametrize("address", ["", "   ", "http://", "host:port", "ftp://host", "host:99999", "h h", "h:0"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(InvalidInput):
        Remote(address)


@pytest.mark.parametrize(
    ("make", "warns"),
    [
        (lambda: Remote("http://qdrant.internal", api_key=SECRET), True),
        (lambda: Connection("http://10.0.0.1:6334", api_key=SECRET), True),
        (lambda: Remote("localhost:6334", api_key=SECRET), False),
        (lambda: Remote("127.0.0.1:6334", api_key=SECRET), False),
        (lambda: Remote("https://example.com", api_key=SECRET), False),
        (lambda: Remote("http://qdrant.internal"), False),
    ],
)
def test_an_api_key_in_clear_warns(make: Callable[[], object], warns: bool) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = make()
    assert [str(each.message) for each in caught if "unencrypted" in str(each.message)] == [
        str(each.message) for each in caught
    ]
    assert bool(caught) is warns
    assert not any(SECRET in text for text in [repr(made), *(str(each.message) for each in caught)])


@pytest.mark.parametrize(
    "make",
    [
        lambda: Policy(read_deadline_s=0),
        lambda: Retry(attempts=0),
        lambda: Connection(5),  # type: ignore[arg-type]
        lambda: Connection(":memory:", api_key=SECRET),
        lambda: Connection("localhost:6334"),
        lambda: Connection("ftp://host"),
        lambda: Remote("http://user:word@host"),
        lambda: Remote("http://host/prefix"),
        lambda: Remote("https://host", api_key="key\n"),
        lambda: Remote("https://host", api_key=5),  # type: ignore[arg-type]
        lambda: Policy(read_deadline_s=float("nan")),
        lambda: Policy(read_deadline_s="3"),  # type: ignore[arg-type]
        lambda: Policy(retry=None),  # type: ignore[arg-type]
        lambda: Retry(attempts=1.5),  # type: ignore[arg-type]
        lambda: Connection(Remote("localhost"), api_key=SECRET),
    ],
)
def test_bad_settings(make: Callable[[], object]) -> None:
    with pytest.raises(InvalidInput):
        make()


def test_pauses_grow_and_are_bounded() -> None:
    retry, error = Retry(first_pause_s=0.1, longest_pause_s=1.0), Unavailable("x", code=Code.UNAVAILABLE)
    random.seed(0)
    for attempt in range(1, 12):
        assert 0 <= retry.pause_s(attempt, error) <= min(1.0, 0.1 * 2 ** (attempt - 1))
    assert len({retry.pause_s(3, error) for _ in range(10)}) > 1, "jittered"
