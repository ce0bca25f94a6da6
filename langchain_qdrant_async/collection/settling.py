"""A change that is made to the collection which its name means when the change is done."""

from __future__ import annotations

from types import TracebackType

from langchain_qdrant_async.collection.collection import Collection
from langchain_qdrant_async.collection.first_write import FirstWrite
from langchain_qdrant_async.collection.handle import Handle
from langchain_qdrant_async.errors import InvalidRequest, InvalidVector, NotFound, RpcError


class Settling:
    """Tries of a change, all of it again if the name means another collection by the end.

    So a collection that is reindexed or dropped meanwhile costs no document, and a change made twice is one:

        async for attempt in Settling(handle, first, timeout_s):
            with attempt as collection:
                ...  # change it
    """

    def __init__(self, handle: Handle, first: FirstWrite | None = None, timeout_s: float | None = None) -> None:
        """Say whose collection is changed.

        Args:
            handle: the collection.
            first: what is to be written, for a collection that is not there; None: nothing happens to such a one.
            timeout_s: seconds that each call may take.
        """
        self._handle = handle
        self._first = first
        self._timeout_s = timeout_s
        self._attempt: Attempt | None = None
        self._rounds = 0

    def __aiter__(self) -> Settling:
        return self

    async def __anext__(self) -> Attempt:
        if self._attempt is not None and not await self._again(self._attempt):
            raise StopAsyncIteration
        collection = await self._open()
        if collection is None:
            raise StopAsyncIteration
        self._attempt = Attempt(collection)
        return self._attempt

    async def _open(self) -> Collection | None:
        if self._first is None:
            self._handle.doubt()  # what is deleted from a retired collection does not come back
            return await self._handle.for_reading(self._timeout_s)
        return await self._handle.for_writing(self._first, self._timeout_s)

    async def _again(self, attempt: Attempt) -> bool:
        if attempt.error is None:
            return await self._handle.moved(attempt.collection, self._timeout_s)
        self._rounds += 1
        if not await self._handle.is_outdated(attempt.collection, attempt.error, self._rounds, self._timeout_s):
            raise attempt.error
        return True


class Attempt:
    """One try: gives the collection, and keeps the error that says that it is gone, or otherwise than it was known."""

    __slots__ = ("collection", "error")

    def __init__(self, collection: Collection) -> None:
        """Try with this collection."""
        self.collection = collection
        self.error: RpcError | InvalidVector | None = None

    def __enter__(self) -> Collection:
        return self.collection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if isinstance(error, NotFound | InvalidRequest | InvalidVector):
            self.error = error
        return self.error is not None
