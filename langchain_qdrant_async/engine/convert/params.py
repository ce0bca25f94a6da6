"""Search parameters on the wire -> in the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qdrant_edge as edge

from langchain_qdrant_async.engine.convert.fields import given, read
from langchain_qdrant_async.engine.convert.filters import from_filter
from langchain_qdrant_async.proto import points


def from_params(message: points.SearchParams) -> edge.SearchParams:
    """How to search."""
    return edge.SearchParams(**read(message, _READERS))


_READERS: dict[str, Callable[[Any], Any]] = {
    "quantization": lambda message: edge.QuantizationSearchParams(**given(message)),
    "acorn": lambda message: edge.AcornSearchParams(**given(message)),
    "idf": lambda message: edge.IdfParams(from_filter(message.corpus) if message.HasField("corpus") else None),
}
