"""Payload indexes: parameters on the wire <-> in the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qdrant_edge as edge

from langchain_qdrant_async.engine.convert.fields import read
from langchain_qdrant_async.engine.status import bad_request, malformed, wrong_input
from langchain_qdrant_async.proto import collections, points

_CLASSES: dict[str, type] = {
    "keyword_index_params": edge.KeywordIndexParams,
    "integer_index_params": edge.IntegerIndexParams,
    "float_index_params": edge.FloatIndexParams,
    "geo_index_params": edge.GeoIndexParams,
    "text_index_params": edge.TextIndexParams,
    "bool_index_params": edge.BoolIndexParams,
    "datetime_index_params": edge.DatetimeIndexParams,
    "uuid_index_params": edge.UuidIndexParams,
}

_TYPES: dict[int, Any] = {
    number: getattr(edge.PayloadSchemaType, name.removeprefix("FieldType")) for name, number in points.FieldType.items()
}

_WIRE_TYPES: dict[str, int] = dict(collections.PayloadSchemaType.items())


def from_request(request: points.CreateFieldIndexCollection) -> Any:
    """The schema that a request to index a field asks for: parameters, or only a type."""
    kind = request.field_index_params.WhichOneof("index_params")
    if not request.HasField("field_type"):
        raise malformed("cannot convert field_type")
    if request.field_type not in _TYPES:
        raise bad_request("Can't auto-detect field type, please specify `field_schema` in the request")
    if kind is None:
        return _TYPES[request.field_type]
    expected = points.FieldType.Name(request.field_type).removeprefix("FieldType")
    if kind != f"{expected.lower()}_index_params":
        raise malformed(f"field_type ({expected}) and field_index_params do not match")
    return _CLASSES[kind](**read(getattr(request.field_index_params, kind), _READERS))


def _memory(value: int) -> edge.Memory:
    return getattr(edge.Memory, collections.Memory.Name(value))  # type: ignore[no-any-return, arg-type]


def _tokenizer(value: int) -> edge.TokenizerType:
    return getattr(edge.TokenizerType, collections.TokenizerType.Name(value))  # type: ignore[no-any-return, arg-type]


def _stopwords(message: collections.StopwordsSet) -> edge.StopwordsSet:
    languages = {_language(edge.Language, name) for name in message.languages}
    return edge.StopwordsSet(languages=languages or None, custom=set(message.custom) or None)


def _stemmer(message: collections.StemmingAlgorithm) -> Any:
    if message.HasField("disabled"):
        return edge.DisabledStemmer()
    return edge.SnowballParams(_language(edge.SnowballLanguage, message.snowball.language))


def _language(languages: Any, name: str) -> Any:
    language = getattr(languages, name.capitalize(), None)
    if language is None:
        raise wrong_input(f"Language {name!r} is not supported")
    return language


_READERS: dict[str, Callable[[Any], Any]] = {
    "memory": _memory,
    "tokenizer": _tokenizer,
    "stopwords": _stopwords,
    "stemmer": _stemmer,
    "prefix": lambda _: True,
    "scoring": lambda _: True,
}


def fill_schema(
    target: collections.PayloadSchemaInfo, index: Any, params: collections.PayloadIndexParams | None
) -> None:
    """Describe an index that the engine holds.

    Args:
        target: the message to fill.
        index: what the engine says of it.
        params: the parameters that it was made with, as the client wrote them.
    """
    target.data_type = _WIRE_TYPES[str(index.data_type).rpartition(".")[2]]  # type: ignore[assignment]
    target.points = index.points
    if params is not None:
        target.params.CopyFrom(params)
