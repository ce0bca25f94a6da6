"""The filter language: dictionaries over metadata fields, and Qdrant's own filters, as one message.

`docs/reference/filters.md` describes it. `scalars` checks values,
`operators` is the table of `$` operators, `conditions` builds messages, `language` reads the dictionaries.
"""

from langchain_qdrant_async.filters.language import FilterInput, to_filter

__all__ = ["FilterInput", "to_filter"]
