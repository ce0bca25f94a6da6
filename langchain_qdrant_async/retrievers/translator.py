"""From the structured queries that LangChain has a model write to a store's filters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from langchain_core.structured_query import Comparator, Comparison, Operation, Operator, StructuredQuery, Visitor

from langchain_qdrant_async.checks import shortened
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.filters import FilterInput, to_filter
from langchain_qdrant_async.filters.structured import AttributeType, Structured, attribute_type, to_dictionary
from langchain_qdrant_async.store.metadata_schema import MetadataSchema

Attributes: TypeAlias = MetadataSchema | Iterable[Mapping[str, str] | Any]
"""The fields that a model may filter by: a schema, or LangChain's `AttributeInfo`s, or dictionaries like them."""


class QdrantTranslator(Visitor):
    """LangChain's translator for stores of this package: all comparators and operators.

    Attributes:
        filter: what every search is narrowed to.
        types: what is known of the attributes, by their names.
    """

    allowed_comparators = tuple(Comparator)
    allowed_operators = tuple(Operator)

    def __init__(self, attributes: Attributes = (), *, filter: FilterInput = None) -> None:  # noqa: A002
        """Know the attributes, so that `"2020"` is a number where a number is meant.

        Args:
            attributes: as the self-query retriever is given them.
            filter: what every search is narrowed to, whatever the model writes.

        Raises:
            InvalidInput: an attribute without a name, or a filter that cannot be understood.
        """
        to_filter(filter)
        self.filter = filter
        self.types = types_of(attributes)

    def visit_operation(self, operation: Operation) -> dict[str, Any]:
        """The operation as a dictionary of the filter language."""
        return self._filter(operation)

    def visit_comparison(self, comparison: Comparison) -> dict[str, Any]:
        """The comparison as a dictionary of the filter language."""
        return self._filter(comparison)

    def visit_structured_query(self, structured_query: StructuredQuery) -> tuple[str, dict[str, Any]]:
        """The text to search for, and the keywords of the search: its filter, if there is one.

        Raises:
            InvalidFilter: the model has written what no filter can mean.
        """
        asked = self._filter(structured_query)
        to_filter(asked)
        parts = [each for each in (self.filter, asked) if each is not None and each != {}]
        if not parts:
            return structured_query.query, {}
        return structured_query.query, {"filter": parts[0] if len(parts) == 1 else {"$and": parts}}

    def _filter(self, given: Structured) -> dict[str, Any]:
        return to_dictionary(given, self.types)


def infos_of(attributes: Attributes) -> list[dict[str, str]]:
    """The attributes as dictionaries of name, description and type.

    Raises:
        InvalidInput: one is something else.
    """
    if isinstance(attributes, MetadataSchema):
        return attributes.attributes()
    if isinstance(attributes, str | Mapping):
        raise InvalidInput(
            f"attributes is {shortened(attributes)}: give a list; the store knows its metadata key itself"
        )
    return [_info(each) for each in attributes]


def types_of(attributes: Attributes) -> dict[str, AttributeType]:
    """What is known of the values of the attributes, by their names."""
    return {info["name"]: attribute_type(info["type"]) for info in infos_of(attributes)}


def _info(given: Any) -> dict[str, str]:
    """One attribute; LangChain's model of it reads as a dictionary, too."""
    try:
        info = {str(name): value for name, value in dict(given).items()}
    except (TypeError, ValueError):
        info = {}
    if not isinstance(info.get("name"), str) or not isinstance(info.get("type"), str):
        raise InvalidInput(
            f"an attribute is an AttributeInfo, or a dictionary of name, description and type: {shortened(given)}"
        )
    return {"description": "", **info}
