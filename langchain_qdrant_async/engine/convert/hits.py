"""What the engine found -> points on the wire."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import qdrant_edge as edge

from langchain_qdrant_async.engine.convert.ids import to_point_id
from langchain_qdrant_async.engine.convert.values import fill_payload
from langchain_qdrant_async.engine.convert.vectors import fill_vectors, named_vectors
from langchain_qdrant_async.proto import points


def retrieved_point(record: edge.Record) -> points.RetrievedPoint:
    """A point that was read by id or in order."""
    message = points.RetrievedPoint(id=to_point_id(record.id))  # type: ignore[arg-type]
    _fill(message, record, record.vector)
    return message


def scored_point(hit: edge.ScoredPoint, wanted: bool | Collection[str]) -> points.ScoredPoint:  # noqa: FBT001
    """A point that a query found.

    Args:
        hit: what the engine found.
        wanted: which vectors were asked for. MMR gives its own vector along unasked.
    """
    message = points.ScoredPoint(id=to_point_id(hit.id), score=hit.score, version=hit.version)  # type: ignore[arg-type]
    _fill(message, hit, _only(hit.vector, wanted))
    return message


def hydrated_point(hit: edge.ScoredPoint, record: edge.Record) -> points.ScoredPoint:
    """A point that a query found without payload and vectors, with those that were read afterwards."""
    message = points.ScoredPoint(id=to_point_id(hit.id), score=hit.score, version=hit.version)  # type: ignore[arg-type]
    _fill(message, record, record.vector)
    if hit.order_value is not None:
        _fill_order(message.order_value, hit.order_value)
    return message


def _only(vector: Any, wanted: bool | Collection[str]) -> Any:  # noqa: FBT001
    if isinstance(wanted, bool):
        return vector if wanted else None
    return {name: vector for name, vector in named_vectors(vector).items() if name in wanted}


def _fill(message: Any, found: Any, vector: Any) -> None:
    if found.payload:
        fill_payload(message.payload, found.payload)
    if vector is not None:
        fill_vectors(message.vectors, vector)
    if found.order_value is not None:
        _fill_order(message.order_value, found.order_value)


def _fill_order(target: points.OrderValue, value: float) -> None:
    if isinstance(value, int):
        target.int = value
    else:
        target.float = value
