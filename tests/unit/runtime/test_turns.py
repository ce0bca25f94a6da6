"""Several things at once on the loop: their order, and what becomes of the others when one fails."""

from __future__ import annotations

import asyncio

import pytest

from langchain_qdrant_async.runtime.turns import together


async def test_the_results_come_in_the_order_asked_for_whatever_ends_first() -> None:
    gate = asyncio.Event()

    async def late() -> str:
        await gate.wait()
        return "late"

    async def soon() -> str:
        gate.set()
        return "soon"

    assert await together([late(), soon()]) == ["late", "soon"]
    assert await together([soon()]) == ["soon"]
    assert await together([]) == []


@pytest.mark.parametrize("error", [ValueError("a model fails"), asyncio.CancelledError()])
async def test_one_that_fails_ends_the_others(error: BaseException) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def endless() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def failing() -> None:
        await begun.wait()
        raise error

    with pytest.raises(type(error)):
        await together([endless(), failing()])
    async with asyncio.timeout(5):
        await ended.wait()
