"""How a search is carried out, as a caller says it -> Qdrant's messages. Pure: no I/O, no clock."""

from __future__ import annotations

from typing import Any

from langchain_qdrant_async.checks import is_whole, shortened, whole_number
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.proto import collections, points


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


def with_rescoring(given: points.SearchParams | None, usual: points.SearchParams | None) -> points.SearchParams | None:
    """What a caller said, with what is usual for quantised vectors where that is left open."""
    if given is None or usual is None or given.exact or given.HasField("quantization"):
        return usual if given is None else given
    params = points.SearchParams(quantization=usual.quantization)
    params.MergeFrom(given)
    return params


def shard_keys(given: Any) -> points.ShardKeySelector | None:
    """Which shards are asked: a key, several, or the message.

    Raises:
        InvalidInput: it is none of these.
    """
    if given is None or isinstance(given, points.ShardKeySelector):
        return given
    keys = [given] if isinstance(given, str) or is_whole(given) else given
    if (
        not isinstance(keys, list | tuple)
        or not keys
        or not all(isinstance(each, str) or is_whole(each) for each in keys)
    ):
        raise InvalidInput(f"shard_key must be a string, an integer or a list of them, not {shortened(given)}")
    return points.ShardKeySelector(shard_keys=[_shard_key(each) for each in keys])


def _shard_key(key: str | int) -> collections.ShardKey:
    if isinstance(key, str):
        return collections.ShardKey(keyword=key)
    return collections.ShardKey(number=whole_number("shard_key", key, at_least=0))


def payload_fields(given: Any) -> bool | tuple[str, ...]:
    """Which metadata comes back: all, none, or some fields.

    Raises:
        InvalidInput: it is neither a boolean nor a list of names.
    """
    return _choice("with_payload", given)


def vectors_selector(given: Any) -> points.WithVectorsSelector | None:
    """Which vectors come back: all, none (None), or some fields.

    Raises:
        InvalidInput: it is neither a boolean nor a list of names.
    """
    chosen = _choice("with_vectors", given)
    if isinstance(chosen, bool):
        return points.WithVectorsSelector(enable=True) if chosen else None
    return points.WithVectorsSelector(include=points.VectorsSelector(names=chosen))


def _choice(name: str, given: Any) -> bool | tuple[str, ...]:
    if isinstance(given, bool):
        return given
    if not isinstance(given, list | tuple | set | frozenset) or not all(isinstance(each, str) for each in given):
        raise InvalidInput(f"{name} must be True, False or a list of names, not {shortened(given)}")
    return tuple(given)


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
