"""Work on the loop: with a turn for others now and then, and several things at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Iterable
from typing import Any, TypeVar

from langchain_qdrant_async.runtime.loops import running_loop

T = TypeVar("T")

_SLICE_S = 0.002
"""Seconds of work after which other tasks get their turn."""


async def in_turns(items: Iterable[T]) -> AsyncIterator[T]:
    """The items, with a turn for other tasks after each slice of time spent on making them.

    Raises:
        QdrantStoreError: there is no loop of asyncio's that could give a turn.
    """
    running_loop()
    until = time.perf_counter() + _SLICE_S
    for item in items:
        yield item
        if time.perf_counter() > until:
            await asyncio.sleep(0)
            until = time.perf_counter() + _SLICE_S


async def together(coroutines: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The results of all, in order; a single one needs no task of its own. If one fails, the others are cancelled."""
    listed = list(coroutines)
    if len(listed) == 1:
        return [await listed[0]]
    tasks = [asyncio.ensure_future(each) for each in listed]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
