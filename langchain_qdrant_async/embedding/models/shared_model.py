"""One model, many callers: whatever queued while the model was busy is encoded together next.

There is no timer. A lone caller's text goes to the model at once; the texts of many callers meet because the model is
busy. Queries and documents wait in lanes of their own and take turns, so a query waits for one slice of a bulk
ingestion, never for all of it, and a flood of queries cannot stop an ingestion either.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Literal, TypeAlias

import numpy as np

from langchain_qdrant_async.embedding.matrix import Matrix, as_matrix
from langchain_qdrant_async.errors import EmbeddingError
from langchain_qdrant_async.runtime.ending import has_begun
from langchain_qdrant_async.runtime.loops import running_loop
from langchain_qdrant_async.runtime.threads import Threads

Purpose: TypeAlias = Literal["query", "document"]
Encode: TypeAlias = Callable[[list[str], Purpose], Matrix]
_PURPOSES: tuple[Purpose, ...] = ("query", "document")
_LONGEST_BATCH_S = 0.2
"""Seconds that a batch should not take: what a query waits for behind an ingestion."""
_FEWEST_CHARACTERS = 2048
"""Of a batch, however slow the model: fewer would not use it well."""
_WOKEN_AT_ONCE = 16
"""Callers that are woken in one turn of their loop."""
_MOST_CHARACTERS = 1 << 18
"""Of a batch, however quick the model: more would not help, and takes memory."""
_COUNTED_CHARACTERS = 4096
"""Of one text: models cut longer ones off."""

Answer: TypeAlias = "asyncio.Future[Matrix] | Future[Matrix]"


class Caller:
    """One call's texts, and how far the model has come with them."""

    __slots__ = ("answer", "error", "remaining", "rows", "texts", "untaken")

    def __init__(self, texts: Sequence[str], answer: Answer) -> None:
        """Longest texts are taken first, so that texts of like length share a batch and little is padded."""
        self.texts = texts
        self.answer = answer
        self.rows: Matrix | None = None
        self.error: BaseException | None = None
        self.untaken = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        self.remaining = len(texts)

    def take(self, room: Room) -> Part:
        """As many of the texts that no batch has taken yet as there is room for."""
        indexes = []
        while self.untaken and room.admits(len(self.texts[self.untaken[-1]])):
            indexes.append(self.untaken.pop())
        return Part(self, indexes)

    def accept(self, indexes: Sequence[int], rows: Matrix) -> None:
        """Keep a copy of the rows: a view would keep the whole batch alive."""
        if self.rows is None:
            self.rows = np.empty((len(self.texts), rows.shape[1]), np.float32)
        self.rows[indexes] = rows
        self.remaining -= len(indexes)

    def fail(self, error: BaseException) -> None:
        """Nothing more of this call is encoded."""
        self.error, self.untaken, self.remaining = error, [], 0

    def settle(self) -> None:
        """Hand over the outcome, unless the caller has gone. On the caller's loop if it has one."""
        with suppress(asyncio.InvalidStateError):
            if self.answer.done():
                return
            if self.error is not None:
                self.answer.set_exception(self.error)
            elif self.rows is not None:
                self.answer.set_result(self.rows)


class Part:
    """The texts of one caller that go into one batch."""

    __slots__ = ("caller", "indexes")

    def __init__(self, caller: Caller, indexes: list[int]) -> None:
        """The texts at these positions."""
        self.caller = caller
        self.indexes = indexes

    def texts(self) -> list[str]:
        """In the order of `indexes`."""
        return [self.caller.texts[index] for index in self.indexes]


class Room:
    """What one batch may still take in."""

    __slots__ = ("_characters", "_texts", "empty")

    def __init__(self, texts: int, characters: int) -> None:
        """So many texts, of so many characters together."""
        self._texts = texts
        self._characters = characters
        self.empty = True

    def admits(self, length: int) -> bool:
        """Take in a text of that length if it fits. The first always does."""
        counted = min(length, _COUNTED_CHARACTERS)
        if not self.empty and (self._texts < 1 or self._characters < counted):
            return False
        self.empty = False
        self._texts -= 1
        self._characters -= counted
        return True


class Lane:
    """Callers that wait with texts of one purpose, served in turn."""

    def __init__(self, purpose: Purpose) -> None:
        """Nobody waits."""
        self.purpose: Purpose = purpose
        self._callers: dict[Caller, None] = {}

    def __len__(self) -> int:
        return len(self._callers)

    def join(self, caller: Caller) -> None:
        """Wait at the end."""
        self._callers[caller] = None

    def leave(self, caller: Caller) -> None:
        """Wait no longer; what a batch has already taken is encoded for nobody."""
        self._callers.pop(caller, None)

    def take(self, room: Room) -> list[Part]:
        """The next batch: one turn for each waiting caller while there is room."""
        parts: list[Part] = []
        while self._callers:
            caller = next(iter(self._callers))
            part = caller.take(room)
            if not part.indexes:
                break
            parts.append(part)
            self._rotate(caller)
        return parts

    def _rotate(self, caller: Caller) -> None:
        del self._callers[caller]
        if caller.untaken:
            self._callers[caller] = None

    def clear(self) -> list[Caller]:
        """Everybody who waited."""
        callers, self._callers = list(self._callers), {}
        return callers


class Pace:
    """How many characters make a batch that is long enough to be efficient and short enough for a query to wait for."""

    def __init__(self) -> None:
        """Cautious at first: a large model on a small machine must not make the first query wait for long."""
        self.characters = _FEWEST_CHARACTERS

    @contextmanager
    def kept(self, characters: int) -> Iterator[None]:
        """Time a call of the model and learn from it."""
        started = time.perf_counter()
        yield
        taken_s = time.perf_counter() - started
        if taken_s > _LONGEST_BATCH_S:
            self.characters = max(_FEWEST_CHARACTERS, self.characters // 2)
        elif taken_s < _LONGEST_BATCH_S / 4 and characters > self.characters / 2:
            self.characters = min(_MOST_CHARACTERS, self.characters * 2)


class SharedModel:
    """Gives the texts of all callers, from any loop or thread, to one model.

    What waits is bounded by who waits: every entry belongs to a caller that awaits it and leaves with it, and holds
    only a reference to the caller's own texts. The model sees at most `batch_size` texts at a time.
    """

    def __init__(self, encode: Encode, *, source: str, batch_size: int, prepare: Callable[[], object]) -> None:
        """No thread starts before the first text.

        Args:
            encode: texts of one purpose, longest first -> a row for each; called on the encoder's own thread only.
            source: the model's name, for messages.
            batch_size: texts in one call of the model at most.
            prepare: called before each batch, on the same thread; loads the model. If it fails, everybody fails.
        """
        self._encode = encode
        self._source = source
        self._batch_size = batch_size
        self._pace = Pace()
        self._prepare = prepare
        self._threads = Threads("embedding", 1)
        self._closed = False
        self._start_empty()

    def _start_empty(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._busy: Future[None] | None = None
        self._lanes = deque(Lane(purpose) for purpose in _PURPOSES)

    async def encode(self, texts: Sequence[str], purpose: Purpose) -> Matrix:
        """A row for each text. Cancelling it takes the texts out of the queue."""
        answer: asyncio.Future[Matrix] = running_loop().create_future()
        caller = Caller(texts, answer)
        lane = self._join(caller, purpose)
        try:
            return await answer
        finally:
            self._leave(lane, caller)

    def encode_blocking(self, texts: Sequence[str], purpose: Purpose) -> Matrix:
        """A row for each text, for callers without a loop."""
        answer: Future[Matrix] = Future()
        caller = Caller(texts, answer)
        lane = self._join(caller, purpose)
        try:
            return answer.result()
        finally:
            self._leave(lane, caller)

    def close(self) -> None:
        """Fail who waits, finish the batch at hand, end the thread."""
        self._turn_away()
        self._threads.close(wait=True)

    async def aclose(self) -> None:
        """The same without blocking the loop."""
        busy = self._turn_away()
        self._threads.close(wait=False)
        if busy is not None:
            await asyncio.wait([asyncio.wrap_future(busy)])

    def _join(self, caller: Caller, purpose: Purpose) -> Lane:
        if self._pid != os.getpid():
            self._start_empty()
        with self._lock:
            if self._closed:
                raise EmbeddingError(f"{self._source} was closed; make another one to embed more")
            lane = next(lane for lane in self._lanes if lane.purpose == purpose)
            lane.join(caller)
            if self._busy is None:
                self._busy = self._threads.submit(self._work)
        return lane

    def _leave(self, lane: Lane, caller: Caller) -> None:
        with self._lock:
            lane.leave(caller)

    def _turn_away(self) -> Future[None] | None:
        with self._lock:
            self._closed = True
            callers = [caller for lane in self._lanes for caller in lane.clear()]
            busy = self._busy
        for caller in callers:
            caller.fail(EmbeddingError(f"{self._source} was closed while texts were waiting"))
        _hand_over(callers)
        return busy

    def _work(self) -> None:
        """Until nobody waits. Runs on the own thread, at most once at a time."""
        while (batch := self._next()) is not None:
            purpose, parts = batch
            if self._prepared(parts):
                self._encode_parts(parts, purpose)
            _hand_over([part.caller for part in parts if not part.caller.remaining])

    def _next(self) -> tuple[Purpose, list[Part]] | None:
        """The next lane in turn that has somebody waiting."""
        with self._lock:
            for lane in tuple(self._lanes):
                self._lanes.rotate(-1)
                if len(lane):
                    return lane.purpose, lane.take(self._room(lane.purpose))
            self._busy = None
            return None

    def _room(self, purpose: Purpose) -> Room:
        """Queries go together however many they are; documents in slices that queries can wait for."""
        return Room(self._batch_size, _MOST_CHARACTERS if purpose == "query" else self._pace.characters)

    def _prepared(self, parts: list[Part]) -> bool:
        try:
            self._prepare()
        except BaseException as error:  # whatever it is, it is every caller's answer
            if has_begun():  # it was broken off
                raise
            for part in parts:
                self._fail(part, error)
            return False
        return True

    def _encode_parts(self, parts: list[Part], purpose: Purpose) -> None:
        """Encode together; if that fails, halve until the failure stands alone with its caller."""
        try:
            self._encode_together(parts, purpose)
        except BaseException as error:  # a model may raise anything, and its caller must hear of it
            if has_begun():
                raise
            if len(parts) == 1:
                self._fail(parts[0], error)
            else:
                half = len(parts) // 2
                self._encode_parts(parts[:half], purpose)
                self._encode_parts(parts[half:], purpose)

    def _encode_together(self, parts: list[Part], purpose: Purpose) -> None:
        """Texts that several callers share are encoded once."""
        texts = [text for part in parts for text in part.texts()]
        unique = sorted(set(texts), key=len, reverse=True)
        with self._pace.kept(sum(map(len, unique))):
            rows = as_matrix(self._encode(unique, purpose), len(unique), self._source)
        row_of = {text: row for row, text in enumerate(unique)}
        places = iter([row_of[text] for text in texts])
        for part in parts:
            part.caller.accept(part.indexes, rows[[next(places) for _ in part.indexes]])

    def _fail(self, part: Part, error: BaseException) -> None:
        part.caller.fail(self._explain(part, error))
        with self._lock:
            for lane in self._lanes:
                lane.leave(part.caller)

    def _explain(self, part: Part, error: BaseException) -> BaseException:
        """An exception of each caller's own: a shared one would gather everybody's traceback."""
        if not isinstance(error, Exception):  # sys.exit() and the like are no failure of the model
            return type(error)(*error.args)
        kind = ImportError if isinstance(error, ImportError) else EmbeddingError
        failure = kind(str(error) if isinstance(error, EmbeddingError | ImportError) else self._describe(part, error))
        failure.__cause__ = error
        return failure

    def _describe(self, part: Part, error: BaseException) -> str:
        longest = max(len(text) for text in part.texts())
        return (
            f"{self._source} could not encode {len(part.indexes)} text(s) of up to {longest} characters: "
            f"{type(error).__name__}: {error}"
        )


def _hand_over(callers: Sequence[Caller]) -> None:
    """One call into each loop, however many of its callers are served."""
    for loop, group in _by_loop(callers).items():
        if loop is None:
            _settle(group)
        else:
            with suppress(RuntimeError):  # the loop is closed: nobody waits there any more
                loop.call_soon_threadsafe(_settle_in_turns, loop, group)


def _by_loop(callers: Sequence[Caller]) -> dict[asyncio.AbstractEventLoop | None, list[Caller]]:
    groups: dict[asyncio.AbstractEventLoop | None, list[Caller]] = {}
    for caller in dict.fromkeys(callers):
        groups.setdefault(_loop_of(caller), []).append(caller)
    return groups


def _loop_of(caller: Caller) -> asyncio.AbstractEventLoop | None:
    return None if isinstance(caller.answer, Future) else caller.answer.get_loop()


def _settle_in_turns(loop: asyncio.AbstractEventLoop, callers: Sequence[Caller]) -> None:
    """Wake a few callers in each turn of the loop, so that others get theirs between."""
    _settle(callers[:_WOKEN_AT_ONCE])
    if len(callers) > _WOKEN_AT_ONCE:
        loop.call_soon(_settle_in_turns, loop, callers[_WOKEN_AT_ONCE:])


def _settle(callers: Sequence[Caller]) -> None:
    for caller in callers:
        caller.settle()
