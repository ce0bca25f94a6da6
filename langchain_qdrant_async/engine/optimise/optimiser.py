"""Has the shards of an engine optimised, one at a time, when writes have paused."""

from __future__ import annotations

import asyncio
import logging
from time import perf_counter

from langchain_qdrant_async.engine.optimise.optimisation import Optimisation
from langchain_qdrant_async.engine.shards.catalog import Catalog
from langchain_qdrant_async.engine.shards.disk import discard
from langchain_qdrant_async.engine.shards.journal import GivenUp
from langchain_qdrant_async.engine.shards.shard import Shard

_log = logging.getLogger(__name__)

_LOOK_S = 0.25
"""How often to look whether writes have paused, while there is something to optimise."""


class Optimiser:
    """Runs beside the engine's services, on the same event loop."""

    def __init__(self, catalog: Catalog, pause_s: float) -> None:
        """Look after the collections of a catalog.

        Args:
            catalog: the collections.
            pause_s: how long writes to one must have paused.
        """
        self._catalog = catalog
        self._pause_s = pause_s
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End at once; an optimisation that is not done leaves nothing behind."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def _run(self) -> None:
        while True:
            await self._catalog.touched.wait()
            self._catalog.touched.clear()
            while due := [item for item in self._catalog.shards.items() if item[1].is_due]:
                ready = next(((name, shard) for name, shard in due if shard.backlog.is_ready(self._pause_s)), None)
                if ready is None:
                    await asyncio.sleep(_LOOK_S)
                else:
                    await self._optimise(*ready)

    async def _optimise(self, name: str, shard: Shard) -> None:
        started = perf_counter()
        try:
            optimised = await self._attempt(shard)
        except GivenUp as reason:
            shard.backlog.fail("")
            _log.info("gave up optimising collection %r: %s", name, reason)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001  a panic of the engine is no Exception
            pause = shard.backlog.fail(str(error))
            _log.exception("failed to optimise collection %r, trying again in %.0f s", name, pause)
        else:
            if optimised:
                _log.info("optimised collection %r in %.1f s", name, perf_counter() - started)

    async def _attempt(self, shard: Shard) -> bool:
        covered = shard.backlog.covered
        optimisation = Optimisation(shard, self._catalog.publish)
        try:
            optimised = await optimisation.run()
        finally:
            if optimisation.leftover is not None:
                discard(optimisation.leftover)
        shard.backlog.finish(covered, optimised=optimised)
        return optimised
