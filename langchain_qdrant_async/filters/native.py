"""Qdrant's own filters: the gRPC message, or the model of the REST client."""

from __future__ import annotations

import sys
from typing import Any, Protocol

from langchain_qdrant_async.errors import InvalidFilter
from langchain_qdrant_async.proto import common

_REST_MODELS = "qdrant_client.http.models.models"


class RestFilter(Protocol):
    """`qdrant_client.models.Filter`, without the second that importing it takes."""

    must: Any
    should: Any
    must_not: Any
    min_should: Any


def from_native(given: object, where: str) -> common.Filter | None:
    """The message of a native filter; None if it is none.

    Raises:
        InvalidFilter: a REST model that has no gRPC counterpart.
    """
    if isinstance(given, common.Filter):
        return given
    models = sys.modules.get(_REST_MODELS)  # nobody holds a model whose module was never imported
    if models is None or not isinstance(given, models.Filter):
        return None
    return _from_rest(given, where)


def _from_rest(model: Any, where: str) -> common.Filter:
    from qdrant_client.conversions.conversion import RestToGrpc

    try:
        return RestToGrpc.convert_filter(model)
    except (TypeError, ValueError) as error:
        raise InvalidFilter(f"{where} is a Qdrant filter that gRPC cannot carry: {error}") from error
