"""Which payload fields and vectors a request wants, as the engine takes it."""

from __future__ import annotations

from typing import Any

import qdrant_edge as edge

from langchain_qdrant_async.engine.status import malformed
from langchain_qdrant_async.proto import points


def payload_selector(request: Any, *, default: bool) -> Any:
    """Which payload fields a request wants: all, none, or by name; the default if it does not say."""
    message = request.with_payload
    match message.WhichOneof("selector_options"):
        case "enable":
            return message.enable
        case "include":
            return edge.PayloadSelector.Include(list(message.include.fields))
        case "exclude":
            return edge.PayloadSelector.Exclude(list(message.exclude.fields))
        case _ if request.HasField("with_payload"):
            raise malformed("No PayloadSelector")
        case _:
            return default


def vectors_selector(message: points.WithVectorsSelector) -> bool | list[str]:
    """Which vectors are wanted: all, none, or by name; none by default."""
    if message.WhichOneof("selector_options") == "include":
        return list(message.include.names)
    return message.enable
