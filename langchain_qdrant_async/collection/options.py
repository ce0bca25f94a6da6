"""Further parameters of a collection or a vector, as Qdrant names them -> the messages. Pure: no I/O, no clock."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, TypeVar

from google.protobuf.message import Message

from langchain_qdrant_async.checks import is_whole, shortened
from langchain_qdrant_async.document.values import to_fields
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.proto import collections

M = TypeVar("M", bound=Message)

_OF_THE_SPEC = {"collection_name", "vectors_config", "sparse_vectors_config", "timeout"}
_OF_THE_FIELD = {"size", "distance"}


def collection_options(given: Mapping[str, Any]) -> collections.CreateCollection:
    """What else a collection is made with: `{"shard_number": 3, "replication_factor": 2}`.

    Args:
        given: fields of Qdrant's `CreateCollection`, each a number, a name of an enumeration, a message, a model of
            qdrant-client's REST half, or a dictionary of its fields. It is not changed.

    Raises:
        InvalidInput: there is no such field, the spec says it, or a value cannot be meant.
    """
    return message_of(collections.CreateCollection, given, "CollectionSpec.options", _OF_THE_SPEC)


def vector_options(kind: str, given: Mapping[str, Any]) -> Message:
    """What else a vector is made with: fields of Qdrant's `VectorParams`, or of `SparseVectorParams`.

    Raises:
        InvalidInput: there is no such field, the vector field says it, or a value cannot be meant.
    """
    message: type[Message] = collections.SparseVectorParams if kind == "sparse" else collections.VectorParams
    return message_of(message, given, "VectorField.options", _OF_THE_FIELD)


def message_of(kind: type[M], given: Any, where: str, reserved: set[str] | None = None) -> M:
    """A message of what is said of its fields.

    Args:
        kind: its class.
        given: the message itself, a model of the REST half, or a dictionary.
        where: what to call the place in error messages.
        reserved: fields that are said otherwise.

    Raises:
        InvalidInput: there is no such field, or a value cannot be meant.
    """
    if isinstance(given, kind):
        return given
    if hasattr(given, "model_dump"):
        given = given.model_dump(exclude_none=True)
    if not isinstance(given, Mapping):
        raise InvalidInput(f"{where} is {shortened(given)}: give a dictionary, or a {kind.__name__}")
    values = {}
    for name, value in given.items():
        if name not in kind.DESCRIPTOR.fields_by_name or name in (reserved or ()):
            raise InvalidInput(_unknown(kind, name, where, reserved or set()))
        if value is not None:
            values[name] = _value(kind.DESCRIPTOR.fields_by_name[name], value, f"{where}[{name!r}]")
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{where}: {error}") from error


def _value(field: Any, value: Any, where: str) -> Any:
    if field.enum_type is not None:
        return _number(field.enum_type, value, where)
    if field.message_type is None:
        return value
    if field.message_type.GetOptions().map_entry:
        return to_fields(value, where)
    return message_of(field.message_type._concrete_class, value, where)  # noqa: SLF001  the class of a descriptor


def _number(kind: Any, given: Any, where: str) -> int:
    """An enumeration's number by its name, as gRPC or REST writes it: `Custom`, `custom`; `MaxSim`, `max_sim`."""
    named = {name.lower(): value.number for name, value in kind.values_by_name.items()}
    text = str(getattr(given, "value", given)).lower().replace("_", "")
    number = named.get(text, given)
    if not is_whole(number) or number not in kind.values_by_number:
        raise InvalidInput(f"{where} is {shortened(given)}: there are {', '.join(kind.values_by_name)}")
    return int(number)


def _unknown(kind: type[Message], name: Any, where: str, reserved: set[str]) -> str:
    if name in reserved:
        return f"{where} has {name!r}, which is said otherwise: by the spec's or the field's own {name.split('_')[0]}"
    known = sorted(set(kind.DESCRIPTOR.fields_by_name) - reserved)
    near = difflib.get_close_matches(str(name)[:100], known)
    meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    return f"{where} has {shortened(name)}: {meant}"
