"""Documents cut into chunks that know which document they are of, for retrieving whole documents by their parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from langchain_core.documents import Document

from langchain_qdrant_async.document.ids import GivenId, to_text
from langchain_qdrant_async.errors import InvalidInput


def chunks_of(
    documents: Iterable[Document],
    splitter: Any,
    ids: Iterable[GivenId] | None = None,
    *,
    field: str = "parent_id",
) -> list[Document]:
    """The chunks of some documents, to be added to a store of chunks.

    A chunk has the metadata of its document, with the document's id in a field, and the id `<document>#<position>`: the
    same document cut again overwrites its chunks. When it has become shorter, delete them first by
    `adelete(filter={field: id})`.

    Args:
        documents: not changed.
        splitter: one of LangChain's text splitters, or any function from a text to a list of texts.
        ids: of the documents, as `aadd_documents` gave them; None: their own.
        field: the metadata field that holds the document's id.

    Raises:
        InvalidInput: a document has no id, or there are more or fewer ids than documents.
    """
    listed = list(documents)
    named = [each.id for each in listed] if ids is None else list(ids)
    if len(named) != len(listed):
        raise InvalidInput(f"{len(named)} ids for {len(listed)} documents: give one for each")
    split = splitter.split_text if hasattr(splitter, "split_text") else splitter
    if not callable(split):
        raise InvalidInput(f"a splitter has split_text, or is a function, not {type(splitter).__name__}")
    return [chunk for at, each in enumerate(listed) for chunk in _chunks(each, _id(named[at], at), split, field)]


def _chunks(document: Document, parent: str, split: Callable[[str], Sequence[str]], field: str) -> Iterator[Document]:
    for at, text in enumerate(split(document.page_content)):
        yield Document(text, id=f"{parent}#{at}", metadata={**document.metadata, field: parent})


def _id(given: GivenId | None, at: int) -> str:
    if given is None:
        raise InvalidInput(f"documents[{at}] has no id: add the documents first, and give the ids that come back")
    return to_text(given, at)
