"""Work on the loop that lets others have their turn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

T = TypeVar("T")

_SLICE_S = 0.002
"""Seconds of work after which other tasks get their turn."""


async def in_turns(items: Iterable[T]) -> AsyncIterator[T]:
    """The items, with a turn for other tasks after each slice of time spent on making them."""
    until = time.perf_counter() + _SLICE_S
    for item in items:
        yield item
        if time.perf_counter() > until:
            await asyncio.sleep(0)
            until = time.perf_counter() + _SLICE_S
