"""A file of vectors that were computed before, for LangChain's `CacheBackedEmbeddings`."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import numpy as np
from langchain_core.embeddings import Embeddings
from langchain_core.stores import BaseStore

from langchain_qdrant_async.checks import whole_number
from langchain_qdrant_async.embedding.fingerprint import fingerprint_of
from langchain_qdrant_async.embedding.models.shared_model import Purpose
from langchain_qdrant_async.errors import EmbeddingError
from langchain_qdrant_async.runtime.closing import Closing
from langchain_qdrant_async.runtime.threads import Threads

_TABLE = """
CREATE TABLE IF NOT EXISTS vectors (
  number INTEGER PRIMARY KEY AUTOINCREMENT, origin TEXT NOT NULL, text BLOB NOT NULL, vector BLOB NOT NULL,
  UNIQUE (origin, text) ON CONFLICT REPLACE
)
"""
_ASKED_AT_ONCE = 500
"""Texts in one statement: SQLite may be built to take no more than 999 values."""
_PATIENCE_S = 30.0
"""How long to wait for another process that is writing to the file."""

P = ParamSpec("P")
T = TypeVar("T")


class EmbeddingCache(Closing, BaseStore[str, list[float]]):
    """Vectors by text, in an SQLite file that any number of processes may share.

        cached = CacheBackedEmbeddings(model, EmbeddingCache("vectors.db", model))
        embeddings = ReducedEmbeddings(cached, dimension=100)

    Put it between the model and the reduction: then a new reduction (`areindex`) needs no call of the model. Each model
    sees its own vectors only, told apart by its fingerprint. The async methods run on a thread of their own, where
    LangChain's byte stores use the loop's default executor. Vectors are kept as float32.
    """

    def __init__(
        self, path: str | Path, model: Embeddings, *, purpose: Purpose = "document", most: int | None = None
    ) -> None:
        """Nothing is read or made before the first use.

        Args:
            path: the file; made when it is not there.
            model: whose vectors these are.
            purpose: what the texts are to the model. To cache queries as well give `CacheBackedEmbeddings` a second
                one, `query_embedding_store=EmbeddingCache(path, model, purpose="query")`: prompts may tell them apart.
            most: vectors to keep in the file, of all models together; the oldest go first. None: all.

        Raises:
            InvalidInput: `most` is below 1.
        """
        if most is not None:
            whole_number("most", most, at_least=1)
        self.path = Path(path)
        self._model = model
        self._purpose = purpose
        self._most = most
        self._threads = Threads("embedding-cache", 1)
        self._start_closed()

    def _start_closed(self) -> None:
        self._database: sqlite3.Connection | None = None
        self._in_use = threading.Lock()
        self._pid = os.getpid()

    @property
    def _origin(self) -> str:
        """What tells the model's vectors from others': asked each time, since a reduction may be settled late."""
        return json.dumps([fingerprint_of(self._model), self._purpose], sort_keys=True)

    def mget(self, keys: Sequence[str]) -> list[list[float] | None]:
        """The vectors of these texts, None for those that are not there."""
        return self._threads.submit(self._on_file(_read), list(keys)).result()

    async def amget(self, keys: Sequence[str]) -> list[list[float] | None]:
        """As `mget`, off the loop."""
        return await self._threads.run(self._on_file(_read), list(keys))

    def mset(self, key_value_pairs: Sequence[tuple[str, list[float]]]) -> None:
        """Keep the vectors of these texts."""
        self._threads.submit(self._on_file(_write), list(key_value_pairs), self._most).result()

    async def amset(self, key_value_pairs: Sequence[tuple[str, list[float]]]) -> None:
        """As `mset`, off the loop."""
        await self._threads.run(self._on_file(_write), list(key_value_pairs), self._most)

    def mdelete(self, keys: Sequence[str]) -> None:
        """Forget these texts; those that are not there are no error."""
        self._threads.submit(self._on_file(_delete), list(keys)).result()

    async def amdelete(self, keys: Sequence[str]) -> None:
        """As `mdelete`, off the loop."""
        await self._threads.run(self._on_file(_delete), list(keys))

    def yield_keys(self, *, prefix: str | None = None) -> Iterator[str]:
        """The texts that begin so, oldest first."""
        yield from self._threads.submit(self._on_file(_texts), prefix or "").result()

    async def ayield_keys(self, *, prefix: str | None = None) -> AsyncIterator[str]:
        """As `yield_keys`, off the loop."""
        for text in await self._threads.run(self._on_file(_texts), prefix or ""):
            yield text

    def close(self) -> None:
        """Close the file; a later use opens it again."""
        self._threads.submit(self._close).result()
        self._threads.close()

    async def aclose(self) -> None:
        """As `close`, off the loop."""
        await self._threads.run(self._close)
        self._threads.close(wait=False)

    def _on_file(self, work: Callable[Concatenate[sqlite3.Connection, str, P], T]) -> Callable[P, T]:
        """The work, done in one transaction."""

        def run(*args: P.args, **kwargs: P.kwargs) -> T:
            if self._pid != os.getpid():  # a forked child must not use the parent's
                self._start_closed()
            try:
                with self._in_use, self._opened() as database:
                    return work(database, self._origin, *args, **kwargs)
            except sqlite3.Error as error:
                raise EmbeddingError(
                    f"the embedding cache {self.path} cannot be used ({error}): give another path, or delete the file,"
                    " which costs nothing but computing the vectors again"
                ) from error

        return run

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            self._database = _open(self.path)
        return self._database

    def _close(self) -> None:
        if self._pid != os.getpid():
            self._start_closed()
        with self._in_use:
            if self._database is not None:
                self._database.close()
            self._database = None


def _open(path: Path) -> sqlite3.Connection:
    """Used by one thread at a time, but not always by the same one: closing ends a thread."""
    database = sqlite3.connect(path, timeout=_PATIENCE_S, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute(_TABLE)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _read(database: sqlite3.Connection, origin: str, texts: list[str]) -> list[list[float] | None]:
    found: dict[bytes, list[float]] = {}
    keys = [_key(text) for text in texts]
    for start in range(0, len(keys), _ASKED_AT_ONCE):
        part = keys[start : start + _ASKED_AT_ONCE]
        marks = ", ".join("?" * len(part))
        query = f"SELECT text, vector FROM vectors WHERE origin = ? AND text IN ({marks})"  # noqa: S608  marks only
        with closing(database.execute(query, (origin, *part))) as rows:
            found.update((text, np.frombuffer(vector, "<f4").tolist()) for text, vector in rows)
    return [found.get(key) for key in keys]


def _write(database: sqlite3.Connection, origin: str, pairs: list[tuple[str, list[float]]], most: int | None) -> None:
    rows = [(origin, _key(text), np.asarray(vector, "<f4").tobytes()) for text, vector in pairs]
    database.executemany("INSERT INTO vectors (origin, text, vector) VALUES (?, ?, ?)", rows)
    if most is not None:
        oldest = "SELECT number FROM vectors ORDER BY number DESC LIMIT -1 OFFSET ?"
        database.execute(f"DELETE FROM vectors WHERE number IN ({oldest})", (most,))  # noqa: S608  a constant


def _delete(database: sqlite3.Connection, origin: str, texts: list[str]) -> None:
    database.executemany("DELETE FROM vectors WHERE origin = ? AND text = ?", [(origin, _key(text)) for text in texts])


def _texts(database: sqlite3.Connection, origin: str, prefix: str) -> list[str]:
    beginning = _key(prefix)
    rows = database.execute(
        "SELECT text FROM vectors WHERE origin = ? AND ifnull(substr(text, 1, ?), x'') = ? ORDER BY number",
        (origin, len(beginning), beginning),
    )
    return [text.decode("utf-8", "surrogatepass") for (text,) in rows]


def _key(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
