"""A tool with which an agent searches a store, by meaning and by filter."""

from __future__ import annotations

import json
from typing import Annotated, Any

from langchain_core.documents import Document
from langchain_core.tools import StructuredTool, ToolException
from pydantic import BaseModel, BeforeValidator, Field, create_model

from langchain_qdrant_async.checks import whole_number
from langchain_qdrant_async.errors import InvalidFilter
from langchain_qdrant_async.filters import FilterInput, to_filter
from langchain_qdrant_async.store.metadata_schema import MetadataSchema
from langchain_qdrant_async.store.vector_store import AsyncQdrantVectorStore

_LANGUAGE = """\
A filter is a JSON object over these fields, which must all be true:
- {"field": value} or {"field": {"$ne": value}}: equal, or not
- {"field": {"$in": [value, value]}}, {"field": {"$nin": [...]}}: one of several, or none; a list field has the value
- {"field": {"$gt": x, "$gte": x, "$lt": x, "$lte": x}}: numbers and dates such as "2024-12-31", which is its midnight
- {"field": {"$text": "some words"}}: text with all of these words
- {"field": {"$exists": true}}
- {"$and": [filter, filter]}, {"$or": [filter, filter]}, {"$not": filter}"""

_Found = tuple[str, list[Document]]


def search_tool(
    store: AsyncQdrantVectorStore,
    schema: MetadataSchema,
    *,
    name: str = "search_documents",
    description: str = "Search documents by meaning, and by a filter over their metadata.",
    k: int = 4,
    most: int = 20,
    filter: FilterInput = None,  # noqa: A002
) -> StructuredTool:
    """A tool for an agent: a query, a filter of the filter language, and how many documents; no I/O.

    Its description holds the fields of the schema and how filters are written. A filter that cannot be understood, and
    one that selects nothing, is answered by a text that says so, with which the model can mend it. The content is text,
    the artifact the documents.

    Args:
        store: where documents are; a scoped one keeps the agent to its tenant.
        schema: what there is to filter by: `await store.ametadata_schema()`.
        name: the tool's name.
        description: what it is for; the fields follow.
        k: how many documents, unless the model says otherwise.
        most: how many documents the model may ask for.
        filter: what every search is narrowed to, whatever the model writes.

    Raises:
        InvalidInput: the numbers or the filter cannot be meant.
    """
    to_filter(filter)
    whole_number("most", most, at_least=1)
    whole_number("k", k, at_least=1, at_most=most)
    searching = _Searching(store, schema, filter)
    return StructuredTool(
        name=name,
        description=_described(description, schema),
        args_schema=_arguments(k, most),
        func=searching.found,
        coroutine=searching.afound,
        response_format="content_and_artifact",
        handle_validation_error=_misunderstood,
        handle_tool_error=True,
    )


class _Searching:
    """What the tool does."""

    def __init__(self, store: AsyncQdrantVectorStore, schema: MetadataSchema, narrowed: FilterInput) -> None:
        self._store = store
        self._schema = schema
        self._narrowed = narrowed

    async def afound(self, query: str, k: int, filter: dict[str, Any] | None = None) -> _Found:  # noqa: A002
        """The documents as text, and as they are.

        Raises:
            ToolException: the filter cannot be understood; LangChain gives its text to the model.
        """
        return self._answer(await self._store.asimilarity_search(query, k, self._filter(filter)), filter)

    def found(self, query: str, k: int, filter: dict[str, Any] | None = None) -> _Found:  # noqa: A002
        """Blocking twin of `afound`."""
        return self._answer(self._store.similarity_search(query, k, self._filter(filter)), filter)

    def _filter(self, given: dict[str, Any] | None) -> FilterInput:
        """The model's filter and the tool's; the model's is read here, so that no other error is taken for its own."""
        try:
            to_filter(given)
        except InvalidFilter as error:
            raise ToolException(f"The filter was not understood: {error}. Mend it and search again.") from error
        if not given or self._narrowed is None:
            return given or self._narrowed
        return {"$and": [self._narrowed, given]}

    def _answer(self, found: list[Document], asked: dict[str, Any] | None) -> _Found:
        if found or not asked:
            return "\n\n".join(map(_text, found)) or "No documents found.", found
        fields = f" The fields are:\n{self._schema}" if self._schema.fields else ""
        return f"No documents found with the filter {json.dumps(asked, ensure_ascii=False)}.{fields}", found


def _text(document: Document) -> str:
    metadata = json.dumps(document.metadata, ensure_ascii=False, sort_keys=True, default=str)
    return f"[{document.id}] {metadata}\n{document.page_content}"


def _described(purpose: str, schema: MetadataSchema) -> str:
    fields = f"The fields of the metadata:\n{schema}" if schema.fields else "The documents have no metadata."
    return f"{purpose}\n\n{fields}\n\n{_LANGUAGE}"


def _arguments(k: int, most: int) -> type[BaseModel]:
    """What the model is asked for."""
    return create_model(
        "SearchArguments",
        query=(str, Field(min_length=1, description="What the documents are to be about, in words.")),
        k=(int, Field(k, ge=1, le=most, description="How many documents.")),
        filter=(
            Annotated[dict[str, Any] | None, BeforeValidator(_parsed)],
            Field(None, description="Which documents may be found; leave it out for all."),
        ),
    )


def _parsed(given: Any) -> Any:
    """A filter that a model has written as text."""
    if not isinstance(given, str):
        return given
    try:
        return json.loads(given) if given.strip() else None
    except (ValueError, RecursionError) as error:
        raise ValueError("a filter is a JSON object") from error


def _misunderstood(error: Any) -> str:
    """What is wrong with the arguments, for the model."""
    wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
    return f"The arguments were not understood: {wrong}. Mend them and search again."
