"""A document on its way in, a row all along: as the caller gave it, then checked, with its id and its payload made.

Pure: no I/O, no clock. Everything is checked before anything is sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from langchain_core.documents import Document

from langchain_qdrant_async.document.ids import GivenId, Identity, identify, ids_for, winners
from langchain_qdrant_async.document.layout import Layout
from langchain_qdrant_async.document.payload import to_payload
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.proto import json

T = TypeVar("T")

_NO_VECTORS: Mapping[str, Any] = MappingProxyType({})


class Item(NamedTuple):
    """One document as the caller gave it, with an id made where there was none."""

    id: str
    """Its id, as the caller reads it."""
    text: str
    """Its text."""
    metadata: Mapping[str, Any]
    """Its metadata."""
    vectors: Mapping[str, Any] = _NO_VECTORS
    """Vectors that the caller gave, checked, by field; those of other fields are made of the text."""


@dataclass(frozen=True, slots=True)
class Record:
    """One document on its way into the collection."""

    identity: Identity
    """Its id."""
    text: str
    """What is embedded."""
    payload: Mapping[str, json.Value]
    """What is stored beside the vectors."""
    vectors: Mapping[str, Any]
    """Vectors that the caller gave, by field."""


def items_of(
    texts: Iterable[str],
    metadatas: Iterable[Mapping[str, Any] | None] | None = None,
    ids: Iterable[GivenId | None] | None = None,
    vectors: Iterable[Mapping[str, Any]] | None = None,
) -> list[Item]:
    """What the caller gave; generators are read once.

    Args:
        texts: the documents' texts.
        metadatas: one for each text; None, as a whole or for one text, is an empty dictionary.
        ids: one for each text; None, as a whole or for one text, has an id made.
        vectors: checked vectors by field, one dictionary for each text.

    Raises:
        InvalidInput: the lengths differ, a text is no string, metadata is no dictionary, an id cannot be one.
    """
    listed = list_of_texts(texts)
    given = _metadatas(metadatas, len(listed))
    return list(map(Item, ids_for(ids, len(listed)), listed, given, vectors or repeat(_NO_VECTORS)))


def list_of_texts(texts: Iterable[str]) -> list[str]:
    """The texts, read once.

    Raises:
        InvalidInput: they are no list, or one of them is no string.
    """
    if isinstance(texts, str | bytes) or not isinstance(texts, Iterable):
        raise InvalidInput(f"texts must be a list of strings, not one {type(texts).__name__}")
    listed = list(texts)
    for position, text in enumerate(listed):
        if not isinstance(text, str):
            raise InvalidInput(f"texts[{position}] must be a string, not {type(text).__name__}")
    return listed


def items_of_documents(documents: Iterable[Document] | Any, ids: Iterable[GivenId | None] | None = None) -> list[Item]:
    """What the caller gave as documents, which are read once and not changed.

    Args:
        documents: any iterable.
        ids: instead of the documents' own; a document without an id has one made.

    Raises:
        InvalidInput: something is no document, or an id cannot be one.
    """
    if isinstance(documents, Document) or not isinstance(documents, Iterable):
        raise InvalidInput(f"documents must be a list of Documents, not one {type(documents).__name__}")
    listed = list(documents)
    for position, each in enumerate(listed):
        if not isinstance(each, Document):
            raise InvalidInput(
                f"documents[{position}] must be a Document, not {type(each).__name__}; aadd_texts takes strings"
            )
    own = [each.id for each in listed] if ids is None else ids
    return items_of([each.page_content for each in listed], [each.metadata for each in listed], own)


async def iterable_of(name: str, given: Iterable[T] | AsyncIterable[T]) -> Iterable[T]:
    """What the caller gave, with an asynchronous iterable read to its end.

    Raises:
        InvalidInput: it is a coroutine, which somebody forgot to await.
    """
    if isinstance(given, Awaitable):
        raise InvalidInput(f"{name} must be a list, not something to await: write `await` before it")
    return [each async for each in given] if isinstance(given, AsyncIterable) else given


def records_of(items: Sequence[Item], layout: Layout) -> Iterator[Record]:
    """The documents to write, in order; of several with one id only the last.

    Raises:
        InvalidPayload: metadata that cannot be stored; the message names the document and the path.
    """
    identities = [identify(item.id) for item in items]
    for position in winners(identities):
        yield _record(position, items[position], identities[position], layout)


def _record(position: int, item: Item, identity: Identity, layout: Layout) -> Record:
    try:
        payload = to_payload(
            item.text,
            item.metadata,
            original_id=identity.original,
            content_key=layout.content_key,
            metadata_key=layout.metadata_key,
        )
    except InvalidInput as error:
        raise type(error)(f"document {position} (id {identity.text!r}): {error}") from error
    return Record(identity, item.text, payload, item.vectors)


def _metadatas(metadatas: Iterable[Mapping[str, Any] | None] | None, count: int) -> list[Mapping[str, Any]]:
    if metadatas is None:
        return [{}] * count
    if isinstance(metadatas, Mapping | str | bytes) or not isinstance(metadatas, Iterable):
        raise InvalidInput(
            f"metadatas must be a list with one dictionary for each text, not one {type(metadatas).__name__}"
        )
    listed = list(metadatas)
    if len(listed) != count:
        raise InvalidInput(
            f"{len(listed)} metadatas for {count} texts: give one for each text, None where there is none"
        )
    for position, metadata in enumerate(listed):
        if metadata is not None and not isinstance(metadata, Mapping):
            raise InvalidInput(f"metadatas[{position}] must be a dictionary, not {type(metadata).__name__}")
    return [metadata or {} for metadata in listed]
