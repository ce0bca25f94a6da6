"""One optimisation of one shard, on a copy that takes the shard's place when it is done.

    copy        the shard's files, while its writes wait; from here on its operations are also noted in a journal
    index       in a child process: seconds to minutes, in which the shard serves and changes as ever
    catch up    the copy is opened and is given what the journal holds, a slice at a time
    swap        the registry names the copy's folder, and the former one is removed

The registry decides which folder is the shard, and is published by one atomic rename. Until then the former folder
has every acknowledged write in its own log, and the copy is a leftover that the next start removes. From then on the
copy has all of them, and the former folder is the leftover. So the process may die at any moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import qdrant_edge as edge

from langchain_qdrant_async.engine.optimise.indexer import OPTIMISED, UNCHANGED
from langchain_qdrant_async.engine.shards.catalog import Catalog
from langchain_qdrant_async.engine.shards.copies import copy_folder, missing_bytes
from langchain_qdrant_async.engine.shards.files import logged_operations
from langchain_qdrant_async.engine.shards.journal import Journal
from langchain_qdrant_async.engine.shards.registry import Closing
from langchain_qdrant_async.engine.shards.shard import Shard
from langchain_qdrant_async.interpreter import command

_INDEXER = f"{__package__}.indexer"
_SLICE_S = 0.01
"""How long the engine is busy with a copy before it looks at its requests again."""
_CATCH_UP_S = 10.0
"""How long writes may outrun the copy before they are made to wait for it."""


class OptimisationFailed(Exception):
    """An optimisation that did not come to its end; the shard is as it was."""


class Optimisation:
    """One attempt to have a shard indexed and quantised.

    Attributes:
        leftover: the folder that is of no use when the attempt is over: the copy, or the one whose place it took.
    """

    def __init__(self, shard: Shard, catalog: Catalog) -> None:
        """Prepare the attempt.

        Args:
            shard: what to optimise.
            catalog: keeps what is known of it.
        """
        self._shard = shard
        self._catalog = catalog
        self._copy = catalog.folders.new()
        self.leftover: Path | None = self._copy

    async def run(self) -> bool:
        """Do it all; whether there was anything to do.

        Raises:
            GivenUp: the shard was closed or configured anew, or changes too fast.
            OptimisationFailed: something went wrong with the copy.
        """
        lacking = missing_bytes(self._shard.folder)
        if lacking:
            raise OptimisationFailed(f"the disk lacks {lacking >> 20} MB for an optimised copy")
        with self._shard.journalled() as journal:
            await self._make_copy(journal)
            if not await self._index(journal):
                return False
            await self._take_place(journal)
        return True

    async def _make_copy(self, journal: Journal) -> None:
        cancelled = threading.Event()
        self._shard.writable.clear()
        copying = asyncio.ensure_future(asyncio.to_thread(copy_folder, self._shard.folder, self._copy, cancelled))
        try:
            await _until_ended(copying, journal)
        finally:
            self._shard.writable.set()
            cancelled.set()
            with contextlib.suppress(BaseException):
                await copying  # whoever removes the copy must not race against the thread
        copying.result()

    async def _index(self, journal: Journal) -> bool:
        async with _indexer(self._copy) as child:
            await _until_ended(asyncio.ensure_future(child.wait()), journal)
        journal.check()
        if child.returncode not in {OPTIMISED, UNCHANGED}:
            raise OptimisationFailed(f"the process that indexes ended with exit code {child.returncode}")
        return child.returncode == OPTIMISED

    async def _take_place(self, journal: Journal) -> None:
        engine = self._shard.open_copy(self._copy)
        try:
            await self._catch_up(engine, journal)
            engine.flush()
            former = self._swap(engine)
        except BaseException:
            engine.close()
            raise
        try:
            await asyncio.sleep(0)  # let requests in
        finally:
            former.close()

    async def _catch_up(self, engine: edge.EdgeShard, journal: Journal) -> None:
        """Give the copy what it lacks. When this returns, nothing is missing, and nobody can write before the swap."""
        deadline = perf_counter() + _CATCH_UP_S
        try:
            while journal:
                if perf_counter() > deadline:
                    self._shard.writable.clear()
                _replay(engine, journal)
                await asyncio.sleep(_SLICE_S / 2)
                journal.check()
        finally:
            self._shard.writable.set()

    def _swap(self, engine: edge.EdgeShard) -> edge.EdgeShard:
        """Make the copy the shard; the engine of the former folder."""
        folders = self._catalog.folders
        folders.mark(self._shard.folder)
        closed = Closing(engine.info().points_count, logged_operations(self._copy))
        self._catalog.keep(self._shard, replace(self._shard.stored, folder=self._copy.name, closed=closed))
        self.leftover, former = self._shard.adopt(self._copy, engine)
        folders.settle(self._copy)
        return former


def _replay(engine: edge.EdgeShard, journal: Journal) -> None:
    end = perf_counter() + _SLICE_S
    while journal and perf_counter() < end:
        engine.update(journal.first())


@contextlib.asynccontextmanager
async def _indexer(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """The process that optimises the shard in a folder. It does not outlive this."""
    started = command(sys.executable, _INDEXER, str(folder), str(os.getpid()), safe_path=sys.flags.safe_path)
    nothing = asyncio.subprocess.DEVNULL
    child = await asyncio.create_subprocess_exec(*started, stdin=nothing, stdout=nothing)
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()


async def _until_ended(task: asyncio.Future[Any], journal: Journal) -> None:
    """Wait for a task, or raise `GivenUp` as soon as its result is of no use."""
    ended: asyncio.Future[Any] = asyncio.ensure_future(journal.ended.wait())
    try:
        await asyncio.wait([task, ended], return_when=asyncio.FIRST_COMPLETED)
    finally:
        ended.cancel()
    journal.check()
