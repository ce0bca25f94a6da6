"""A payload index: its kind and its parameters, and the message that makes it. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, get_args

from google.protobuf.message import Message
from pydantic import BaseModel

from langchain_qdrant_async.checks import shortened
from langchain_qdrant_async.collection.options import message_of
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.proto import collections, points

IndexKind = Literal["keyword", "integer", "float", "bool", "datetime", "text", "geo", "uuid"]

INDEX_KINDS: frozenset[str] = frozenset(get_args(IndexKind))
"""The kinds of payload index."""

_ONE_OF_SEVERAL: dict[str, Callable[[Any], dict[str, Any]]] = {
    "stopwords": lambda given: {"languages": [given]} if isinstance(given, str) else {"custom": list(given)},
    "stemmer": lambda given: {"snowball": {"language": given}},
}
"""Parameters that may be said by a language alone, or stop words by a list of them."""


@dataclass(frozen=True, init=False, slots=True)
class PayloadIndex:
    """An index of a metadata field: `PayloadIndex("text", tokenizer="word", lowercase=True, phrase_matching=True)`.

    Raises:
        InvalidInput: no such kind or parameter, or a value that cannot be meant.
    """

    kind: IndexKind
    """What the field holds."""
    options: Mapping[str, Any]
    """Parameters by the names of Qdrant's messages: `is_tenant`, `on_disk`, `lookup`, `range`, `is_principal`,
    `tokenizer`, `stopwords`, `stemmer`, `phrase_matching` and others."""

    def __init__(self, kind: IndexKind, **options: Any) -> None:
        """Say what the index is.

        Args:
            kind: what the field holds.
            **options: parameters of Qdrant's `KeywordIndexParams`, `TextIndexParams` and so on, as numbers, names of
                enumerations, messages, qdrant-client's models or dictionaries. `stopwords` and `stemmer` may be a
                language, and `stopwords` a list of words.
        """
        if not isinstance(kind, str) or kind not in INDEX_KINDS:
            raise InvalidInput(
                f"no payload index of kind {shortened(kind)}; there are {', '.join(sorted(INDEX_KINDS))}"
            )
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "options", MappingProxyType({**options}))
        self._params()

    def __hash__(self) -> int:
        return hash((self.kind, self._params().SerializeToString(deterministic=True)))

    def __reduce__(self) -> tuple[object, ...]:
        return _index, (self.kind, dict(self.options))

    def message(self) -> collections.PayloadIndexParams | None:
        """The parameters as requests have them; None if there are none."""
        if not self.options:
            return None
        params: dict[str, Any] = {f"{self.kind}_index_params": self._params()}
        return collections.PayloadIndexParams(**params)

    def _params(self) -> Message:
        params: Any = collections.PayloadIndexParams.DESCRIPTOR.fields_by_name[f"{self.kind}_index_params"]
        kind: type[Message] = params.message_type._concrete_class  # noqa: SLF001  the class of a descriptor
        said = {name: _plain(name, value) for name, value in self.options.items() if value is not None}
        return message_of(kind, said, f"PayloadIndex({self.kind!r})")


IndexInput: TypeAlias = IndexKind | PayloadIndex | Message | BaseModel | Enum
"""An index as a caller may say it: a kind, a `PayloadIndex`, or the parameters of qdrant-client, gRPC or REST."""


def payload_index_of(given: IndexInput) -> PayloadIndex:
    """The index that is meant.

    Raises:
        InvalidInput: it is none.
    """
    if isinstance(given, PayloadIndex):
        return given
    params: Any = given
    if isinstance(given, collections.PayloadIndexParams):
        params = getattr(given, str(given.WhichOneof("index_params")), given)
    name = type(params).__name__
    if name.endswith("IndexParams"):
        kind: Any = name.removesuffix("IndexParams").lower()
        return PayloadIndex(kind, **_options(params))
    return PayloadIndex(getattr(params, "value", params))


def create_field_index(collection: str, key: str, index: PayloadIndex) -> points.CreateFieldIndexCollection:
    """A payload index, built when the answer comes."""
    return points.CreateFieldIndexCollection(
        collection_name=collection,
        field_name=key,
        field_type=_FIELD_TYPES[index.kind],
        field_index_params=index.message(),
        wait=True,
    )


def _options(params: Any) -> dict[str, Any]:
    """The parameters in a message, or in a model of the REST half."""
    if isinstance(params, Message):
        return {field.name: value for field, value in params.ListFields()}
    return {name: value for name, value in params.model_dump(exclude_none=True).items() if name != "type"}


def _plain(name: str, given: Any) -> Any:
    """What may be said in short, in full."""
    given = getattr(given, "value", given)
    if name == "stemmer" and isinstance(given, Mapping) and "snowball" not in given:  # the REST half's
        given = given.get("language", given)
        given = getattr(given, "value", given)
    short = isinstance(given, str) or (name == "stopwords" and isinstance(given, list | tuple | set | frozenset))
    return _ONE_OF_SEVERAL[name](given) if short and name in _ONE_OF_SEVERAL else given


def _index(kind: IndexKind, options: dict[str, Any]) -> PayloadIndex:
    return PayloadIndex(kind, **options)


_FIELD_TYPES = {
    "keyword": points.FieldType.FieldTypeKeyword,
    "integer": points.FieldType.FieldTypeInteger,
    "float": points.FieldType.FieldTypeFloat,
    "bool": points.FieldType.FieldTypeBool,
    "datetime": points.FieldType.FieldTypeDatetime,
    "text": points.FieldType.FieldTypeText,
    "geo": points.FieldType.FieldTypeGeo,
    "uuid": points.FieldType.FieldTypeUuid,
}
