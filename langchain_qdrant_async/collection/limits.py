"""How much a collection takes and gives at once, as its strict mode says. Pure: no I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass

from langchain_qdrant_async.proto import collections


@dataclass(frozen=True, slots=True)
class Limits:
    """What a store keeps to by itself; what else strict mode refuses is said by the server. None: no limit."""

    write: int | None = None
    """Points in one write."""
    read: int | None = None
    """Points that one search or page may ask for, candidates included."""
    searches: int | None = None
    """Searches in one call."""


def limits_of(config: collections.StrictModeConfig) -> Limits:
    """The limits in force: none unless strict mode is on."""
    if not config.enabled:
        return _NONE
    return Limits(
        write=config.upsert_max_batchsize or None,
        read=config.max_query_limit or None,
        searches=config.search_max_batchsize or None,
    )


def at_most(amount: int, limit: int | None) -> int:
    """As many as a limit allows."""
    return amount if limit is None else min(amount, limit)


_NONE = Limits()
