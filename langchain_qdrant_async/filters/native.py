"""Qdrant's own filters: the gRPC message, or the model of the REST client."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Protocol

from langchain_qdrant_async.errors import InvalidFilter
from langchain_qdrant_async.filters.bounds import check_native
from langchain_qdrant_async.proto import common

_REST_MODELS = "qdrant_client.http.models.models"
_CLAUSES = frozenset(("must", "should", "must_not", "min_should"))


class RestFilter(Protocol):
    """`qdrant_client.models.Filter`, without the second that importing it takes."""

    must: Any
    should: Any
    must_not: Any
    min_should: Any


def from_native(given: object, where: str) -> common.Filter | None:
    """The message of a native filter; None if it is none.

    Raises:
        InvalidFilter: a REST model that has no gRPC counterpart, or the JSON of one, whose models would take a second
            to load.
    """
    if isinstance(given, common.Filter):
        for conditions in (given.must, given.should, given.must_not):
            check_native(conditions, converted=False)
        return given
    if is_rest_json(given):
        raise InvalidFilter(f"{where} is the JSON of a Qdrant filter: give qdrant_client.models.Filter(**it) instead")
    models = sys.modules.get(_REST_MODELS)  # nobody holds a model whose module was never imported
    if models is None or not isinstance(given, models.Filter):
        return None
    return _from_rest(given, where)


def is_rest_json(given: object) -> bool:
    """Whether it is like `{"must": [{"key": ...}]}`. Fields of these names are no less welcome: none equals a list."""
    return (
        isinstance(given, Mapping)
        and any(isinstance(clause, list) for clause in given.values())
        and _CLAUSES.issuperset(given)
    )


def _from_rest(model: Any, where: str) -> common.Filter:
    from qdrant_client.conversions.conversion import RestToGrpc

    for clause in sorted(_CLAUSES):
        conditions = getattr(model, clause)
        check_native(conditions if isinstance(conditions, list) else (), converted=True)
    try:
        return RestToGrpc.convert_filter(model)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidFilter(f"{where} is a Qdrant filter that gRPC cannot carry: {error}") from error
