"""What is to be written, checked as a whole before anything is sent. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from langchain_qdrant_async.document.ids import GivenId, Identity, identify, ids_for, winners
from langchain_qdrant_async.document.layout import Layout
from langchain_qdrant_async.document.payload import to_payload
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.proto import json


@dataclass(frozen=True, slots=True)
class Record:
    """One document on its way into the collection."""

    identity: Identity
    """Its id."""
    text: str
    """What is embedded."""
    payload: Mapping[str, json.Value]
    """What is stored beside the vector."""


@dataclass(frozen=True, slots=True)
class Documents:
    """What the caller gave, read once, with the lengths checked and every id made."""

    texts: list[str]
    metadatas: list[Mapping[str, Any]]
    ids: list[str]

    def records(self, layout: Layout) -> Iterator[Record]:
        """The documents to write, in order; of several with one id only the last.

        Raises:
            InvalidPayload: metadata that cannot be stored; the message names the document and the path.
        """
        identities = [identify(id_) for id_ in self.ids]
        for position in winners(identities):
            yield self._record(position, identities[position], layout)

    def _record(self, position: int, identity: Identity, layout: Layout) -> Record:
        try:
            payload = to_payload(
                self.texts[position],
                self.metadatas[position],
                original_id=identity.original,
                content_key=layout.content_key,
                metadata_key=layout.metadata_key,
            )
        except InvalidInput as error:
            raise type(error)(f"document {position} (id {identity.text!r}): {error}") from error
        return Record(identity, self.texts[position], payload)


def documents_of(
    texts: Iterable[str],
    metadatas: Iterable[Mapping[str, Any] | None] | None = None,
    ids: Iterable[GivenId | None] | None = None,
) -> Documents:
    """What the caller gave; generators are read once.

    Args:
        texts: the documents' texts.
        metadatas: one for each text; None, as a whole or for one text, is an empty dictionary.
        ids: one for each text; None, as a whole or for one text, has an id made.

    Raises:
        InvalidInput: the lengths differ, a text is no string, metadata is no dictionary, an id cannot be one.
    """
    listed = _texts(texts)
    return Documents(listed, _metadatas(metadatas, len(listed)), ids_for(ids, len(listed)))


def _texts(texts: Iterable[str]) -> list[str]:
    if isinstance(texts, str | bytes) or not isinstance(texts, Iterable):
        raise InvalidInput(f"texts must be a list of strings, not one {type(texts).__name__}")
    listed = list(texts)
    for position, text in enumerate(listed):
        if not isinstance(text, str):
            raise InvalidInput(f"texts[{position}] must be a string, not {type(text).__name__}")
    return listed


def _metadatas(metadatas: Iterable[Mapping[str, Any] | None] | None, count: int) -> list[Mapping[str, Any]]:
    if metadatas is None:
        return [{}] * count
    if isinstance(metadatas, Mapping):
        raise InvalidInput("metadatas must be a list with one dictionary for each text, not one dictionary")
    listed = list(metadatas)
    if len(listed) != count:
        raise InvalidInput(
            f"{len(listed)} metadatas for {count} texts: give one for each text, None where there is none"
        )
    for position, metadata in enumerate(listed):
        if metadata is not None and not isinstance(metadata, Mapping):
            raise InvalidInput(f"metadatas[{position}] must be a dictionary, not {type(metadata).__name__}")
    return [metadata or {} for metadata in listed]
