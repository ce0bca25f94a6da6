"""How a search is carried out, as a caller says it -> Qdrant's messages. Pure: no I/O, no clock."""

from __future__ import annotations

from typing import Any

from langchain_qdrant_async.checks import is_whole, shortened, whole_number
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.proto import points


def search_params(given: Any) -> points.SearchParams | None:
    """Search parameters: Qdrant's message, or the model of the same name of qdrant-client's REST half.

    Raises:
        InvalidInput: it is neither.
    """
    if given is None or isinstance(given, points.SearchParams):
        return given
    if type(given).__name__ == "SearchParams":
        from qdrant_client.conversions.conversion import RestToGrpc

        return RestToGrpc.convert_search_params(given)
    raise InvalidInput(f"search_params must be a SearchParams, not {type(given).__name__}")


def read_consistency(given: object) -> points.ReadConsistency | None:
    """How many replicas must agree on a read: a number of them, `"all"`, `"majority"`, `"quorum"`, or the message.

    Raises:
        InvalidInput: it is none of these.
    """
    if given is None or isinstance(given, points.ReadConsistency):
        return given
    if is_whole(given) and given > 0:
        return points.ReadConsistency(factor=whole_number("consistency", given, at_least=1))
    name = shortened(given) if is_whole(given) else str(getattr(given, "value", given))
    if name not in _CONSISTENCIES:
        raise InvalidInput(
            f"consistency must be a number of replicas or one of {', '.join(_CONSISTENCIES)}, not {shortened(given)}"
        )
    return points.ReadConsistency(type=_CONSISTENCIES[name])


_CONSISTENCIES = {
    "all": points.ReadConsistencyType.All,
    "majority": points.ReadConsistencyType.Majority,
    "quorum": points.ReadConsistencyType.Quorum,
}
