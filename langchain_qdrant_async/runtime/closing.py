"""`with` and `async with` for what can be closed either way."""

from __future__ import annotations

from typing import Protocol, Self

from langchain_qdrant_async.runtime.ending import has_begun


class Closable(Protocol):
    """Has to be closed, from blocking or from async code."""

    def close(self) -> None:
        """Close it."""

    async def aclose(self) -> None:
        """Close it without blocking the loop."""


class Closing:
    """Closes itself at the end of a `with` or an `async with`; the class it is mixed into is `Closable`."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self: Closable, *_: object) -> None:
        if not has_begun():  # a generator that is open at the interpreter's end: no loop runs, and all is closed
            await self.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self: Closable, *_: object) -> None:
        self.close()
