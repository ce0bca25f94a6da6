"""LangChain's self-query retriever over a store: a model writes the query and its filter."""

from __future__ import annotations

from typing import Any, Literal, TypedDict, Unpack

from langchain_core.language_models import BaseLanguageModel
from langchain_core.retrievers import BaseRetriever

from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.retrievers.translator import Attributes, QdrantTranslator, infos_of
from langchain_qdrant_async.store.vector_store import AsyncQdrantVectorStore

_EXTRA = "langchain-qdrant-async[self-query]"


class SelfQueryOptions(TypedDict, total=False):
    """The keywords of LangChain's `SelfQueryRetriever.from_llm`."""

    search_type: Literal["similarity", "similarity_score_threshold", "mmr"]
    """By nearness, by nearness above a threshold, or near and unlike each other."""
    search_kwargs: dict[str, Any]
    """What each search takes: `k` and the like; a `filter` is one that the model's is added to."""
    enable_limit: bool
    """Whether the model may say how many documents, which then is `k`."""
    use_original_query: bool
    """Whether the question itself is searched for, and not what the model makes of it."""
    chain_kwargs: dict[str, Any]
    """What the prompt takes: `examples`, `schema_prompt`, `fix_invalid`, `allowed_comparators` and the like."""
    verbose: bool
    """Whether the structured query is logged."""
    tags: list[str] | None
    """Given to callbacks and traces."""
    metadata: dict[str, Any] | None
    """Given to callbacks and traces; not a filter."""
    name: str | None
    """The retriever's name in traces."""


def self_query_retriever(
    llm: BaseLanguageModel[Any],
    store: AsyncQdrantVectorStore,
    contents: str,
    attributes: Attributes,
    **options: Unpack[SelfQueryOptions],
) -> BaseRetriever:
    """LangChain's `SelfQueryRetriever` over a store, with the translator in place; no I/O.

    Args:
        llm: the model that writes the query and its filter.
        store: where documents are; a scoped one keeps the model to its tenant.
        contents: what the documents are, for the model: `"Brief summaries of films"`.
        attributes: the fields that it may filter by: `await store.ametadata_schema()`, or LangChain's
            `AttributeInfo`s.
        **options: LangChain's own, see `SelfQueryOptions`.

    Raises:
        ImportError: langchain-classic or lark are not installed; names the extra that brings them.
        InvalidInput: an attribute or the filter of `search_kwargs` cannot be understood.
        TypeError: an option that does not exist.
    """
    if unknown := sorted(options.keys() - SelfQueryOptions.__annotations__.keys()):
        raise TypeError(f"self_query_retriever() got an unexpected keyword argument {unknown[0]!r}")
    infos = infos_of(attributes)
    search = dict(options.pop("search_kwargs", {}))
    translator = QdrantTranslator(infos, filter=search.pop("filter", None))
    made: BaseRetriever = _retriever_class().from_llm(
        llm,
        store,
        _plain(contents),
        infos,
        structured_query_translator=translator,
        chain_kwargs=dict(options.pop("chain_kwargs", {})),  # which LangChain writes to
        search_kwargs=search,
        **options,
    )
    return made


def _retriever_class() -> Any:
    try:
        import lark  # noqa: F401  what LangChain reads the model's filters with
        from langchain_classic.retrievers.self_query.base import SelfQueryRetriever
    except ImportError as error:
        raise ImportError(f"a self-query retriever needs langchain-classic and lark: pip install '{_EXTRA}'") from error
    return SelfQueryRetriever


def _plain(contents: str) -> str:
    """The text as LangChain's template shows it: braces would be taken for names."""
    if not isinstance(contents, str) or not contents.strip():
        raise InvalidInput("contents says in words what the documents are, such as 'Brief summaries of films'")
    return contents.replace("{", "{{").replace("}", "}}")
