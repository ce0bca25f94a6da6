"""The filter language: dictionaries over metadata fields, Qdrant's own filters and LangChain's, as one message.

`docs/reference/filters.md` describes it. `scalars` checks values, `operators` is the table of `$` operators,
`conditions` builds messages, `structured` makes dictionaries of LangChain's structured queries, `language` reads them.
"""

from langchain_qdrant_async.filters.language import FilterInput, to_filter

__all__ = ["FilterInput", "to_filter"]
