"""Orders by a payload field, on the wire -> in the engine."""

from __future__ import annotations

from typing import Any

import qdrant_edge as edge

from langchain_qdrant_async.proto import points


def from_order(message: points.OrderBy) -> edge.OrderBy:
    """An order by payload field."""
    direction = edge.Direction.Desc if message.direction == points.Desc else edge.Direction.Asc
    return edge.OrderBy(message.key, direction, _start_from(message.start_from))


def _start_from(message: points.StartFrom) -> Any:
    kind = message.WhichOneof("value")
    if kind is None:
        return None
    value = getattr(message, kind)
    return value.ToJsonString() if kind == "timestamp" else value
