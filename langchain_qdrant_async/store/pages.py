"""How far a scroll has come, and what it asks for next. Pure: no I/O, no clock, no loop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from langchain_qdrant_async.document.ids import from_point_id
from langchain_qdrant_async.proto import common, points
from langchain_qdrant_async.search.ordering import started_at


def scroll_of(request: points.ScrollPoints, chosen: common.Filter | None) -> points.ScrollPoints:
    """The same request for what a filter selects."""
    page = points.ScrollPoints()
    page.CopyFrom(request)
    page.ClearField("filter")
    if chosen is not None:
        page.filter.CopyFrom(chosen)
    return page


def slice_of(chosen: common.Filter | None, index: int, total: int) -> common.Filter:
    """One of several parts of what a filter selects: by the ids, so that each point is in one."""
    part = common.Condition(slice=common.SliceCondition(total=total, index=index))
    return common.Filter(must=[part] if chosen is None else [part, common.Condition(filter=chosen)])


class Cursor(Protocol):
    """How far a scroll has come."""

    more: bool
    """Whether there is another page."""

    def ask(self, page: points.ScrollPoints) -> None:
        """Let a request, in place, ask for what comes next."""

    def take(self, page: points.ScrollPoints, found: points.ScrollResponse) -> Iterator[points.RetrievedPoint]:
        """The points of an answer, each that was not there before."""


class ById:
    """In the order of Qdrant's ids: an answer says where the next page begins."""

    def __init__(self) -> None:
        self.more = True
        self._offset: common.PointId | None = None

    def ask(self, page: points.ScrollPoints) -> None:
        """From where the page before ended."""
        if self._offset is not None:
            page.offset.CopyFrom(self._offset)

    def take(
        self,
        page: points.ScrollPoints,  # noqa: ARG002  a cursor is told it
        found: points.ScrollResponse,
    ) -> Iterator[points.RetrievedPoint]:
        """All of them."""
        self.more = found.HasField("next_page_offset")
        self._offset = found.next_page_offset
        yield from found.result


class ByField:
    """In the order of a field, which Qdrant pages by the value to begin with, and gives no offset for.

    Points that have the value at which a page ended are left out of the next by their ids. So there may be many of one
    value; pages grow with them. A point with several values comes at each, and is taken at the first. Qdrant orders
    integers as such, and begins at one as at a 64-bit float, which is several of them from 2^53 on.
    """

    def __init__(self, order: points.OrderBy) -> None:
        self.more = True
        self._order = order
        self._value: float | None = None
        self._start = points.StartFrom()
        self._there: dict[str, common.PointId] = {}
        self._seen: set[str] = set()

    def ask(self, page: points.ScrollPoints) -> None:
        """From the last value on, without the points that are known to have it."""
        page.order_by.CopyFrom(self._order)
        if self._value is not None:
            page.order_by.start_from.CopyFrom(self._start)
            known = common.HasIdCondition(has_id=self._there.values())
            page.filter.must_not.append(common.Condition(has_id=known))
            page.limit = max(page.limit, min(len(self._there), _LONGEST))

    def take(self, page: points.ScrollPoints, found: points.ScrollResponse) -> Iterator[points.RetrievedPoint]:
        """Those that have not come with another value."""
        self.more = len(found.result) == page.limit
        for each in found.result:
            point_id, value = from_point_id(each.id), float(each.order_value.int or each.order_value.float)
            if value != self._value:
                self._value, self._start, self._there = value, started_at(each.order_value), {}
            self._there[point_id] = each.id
            if point_id not in self._seen:
                self._seen.add(point_id)
                yield each


_LONGEST = 10_000
"""Points in a page that has grown."""
