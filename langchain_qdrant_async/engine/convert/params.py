"""Search parameters on the wire -> in the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qdrant_edge as edge

from langchain_qdrant_async.engine.convert.fields import given, read
from langchain_qdrant_async.engine.convert.filters import from_filter
from langchain_qdrant_async.engine.status import invalid_field
from langchain_qdrant_async.proto import points


def from_params(message: points.SearchParams) -> edge.SearchParams:
    """How to search."""
    return edge.SearchParams(**read(message, _READERS))


def _quantization(message: points.QuantizationSearchParams) -> edge.QuantizationSearchParams:
    if message.HasField("oversampling") and not message.oversampling >= 1.0:
        problem = f"value {message.oversampling} invalid, must be 1.0 or larger"
        raise invalid_field("oversampling", problem, message)
    return edge.QuantizationSearchParams(**given(message))


def _acorn(message: points.AcornSearchParams) -> edge.AcornSearchParams:
    if not 0.0 <= message.max_selectivity <= 1.0:
        problem = f"value {message.max_selectivity} invalid, must be from 0.0 to 1.0"
        raise invalid_field("max_selectivity", problem, message)
    return edge.AcornSearchParams(**given(message))


_READERS: dict[str, Callable[[Any], Any]] = {
    "quantization": _quantization,
    "acorn": _acorn,
    "idf": lambda message: edge.IdfParams(from_filter(message.corpus) if message.HasField("corpus") else None),
}
