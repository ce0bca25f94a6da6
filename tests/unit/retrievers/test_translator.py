"""LangChain's face of the translation: what a self-query retriever calls."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from langchain_classic.chains.query_constructor.schema import AttributeInfo
from langchain_core.structured_query import Comparator, Comparison, Operation, Operator, StructuredQuery

from langchain_qdrant_async import InvalidFilter, InvalidInput, MetadataField, MetadataSchema, QdrantTranslator

YEAR = Comparison(Comparator.GTE, "year", "2020")
LANG = Comparison(Comparator.EQ, "lang", "en")


def test_everything_is_allowed() -> None:
    translator = QdrantTranslator()
    assert set(translator.allowed_comparators) == set(Comparator)
    assert set(translator.allowed_operators) == set(Operator)


def test_the_visitor() -> None:
    translator = QdrantTranslator([{"name": "lang", "description": "", "type": "string"}])
    assert LANG.accept(translator) == {"lang": {"$eq": "en"}}
    both = Operation(Operator.AND, [YEAR, LANG])
    assert both.accept(translator) == {"$and": [{"year": {"$gte": 2020}}, {"lang": {"$eq": "en"}}]}
    asked = StructuredQuery("bread", both, 3).accept(translator)
    assert asked == ("bread", {"filter": both.accept(translator)})
    assert StructuredQuery("bread", None).accept(translator) == ("bread", {})


@pytest.mark.parametrize(
    "attributes",
    [
        [AttributeInfo(name="zip", description="where", type="string")],
        [{"name": "zip", "description": "where", "type": "string"}],
        [{"name": "zip", "type": "string"}],
        MetadataSchema((MetadataField("zip", "text"),)),
    ],
)
def test_attributes_say_what_is_meant(attributes: Any) -> None:
    translator = QdrantTranslator(attributes)
    assert Comparison(Comparator.EQ, "zip", 10115).accept(translator) == {"zip": {"$eq": "10115"}}


def test_a_filter_of_ones_own_is_always_there() -> None:
    translator = QdrantTranslator(filter={"public": True})
    assert StructuredQuery("x", None).accept(translator) == ("x", {"filter": {"public": True}})
    assert StructuredQuery("x", LANG).accept(translator) == (
        "x",
        {"filter": {"$and": [{"public": True}, {"lang": {"$eq": "en"}}]}},
    )
    native = QdrantTranslator(filter=LANG)
    assert StructuredQuery("x", None).accept(native) == ("x", {"filter": LANG})


def test_what_a_model_cannot_mean_is_refused_when_it_is_translated() -> None:
    with pytest.raises(InvalidFilter, match="compares with 'late'"):
        StructuredQuery("x", Comparison(Comparator.GT, "year", "late")).accept(QdrantTranslator())


@pytest.mark.parametrize(
    "attributes", [["year"], [{"name": "year"}], [{"type": "integer"}], [7], [SimpleNamespace(name="a", type="b")]]
)
def test_what_is_no_attribute_is_refused(attributes: Any) -> None:
    with pytest.raises(InvalidInput, match="an attribute is an AttributeInfo"):
        QdrantTranslator(attributes)


@pytest.mark.parametrize("attributes", ["metadata", {"name": "year", "type": "integer"}])
def test_what_is_no_list_of_attributes_is_refused(attributes: Any) -> None:
    """langchain-community's translator takes the metadata key."""
    with pytest.raises(InvalidInput, match="give a list"):
        QdrantTranslator(attributes)


def test_a_filter_that_cannot_be_understood_is_refused() -> None:
    with pytest.raises(InvalidFilter, match="no operator"):
        QdrantTranslator(filter={"a": {"$eqq": 1}})
