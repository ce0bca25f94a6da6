"""What is made of indexes, counts and samples, and how it reads."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_qdrant_async import Layout, MetadataField, MetadataSchema
from langchain_qdrant_async.document.paths import to_path
from langchain_qdrant_async.store.metadata_schema import Values, indexed_fields, metadata_schema, sampled


@pytest.mark.parametrize(
    ("values", "kind", "listed"),
    [
        (["a", "b"], "text", False),
        ([1, 2], "integer", False),
        ([1, 2.5], "float", False),
        ([True, False], "boolean", False),
        (["2024-01-01", "2024-01-01T10:00:00Z"], "datetime", False),
        (["2024-01-01", "spring"], "text", False),
        (["a", 1], "integer or text", False),
        ([True, 1.5, 1, "a"], "boolean or float or text", False),
        ([{"lon": 13.4, "lat": 52.5}], "place", False),
        ([["a"], "b"], "text", True),
        ([[], ["a"]], "text", True),
        ([None, 7], "integer", False),
        ([["a", None, 1]], "integer or text", True),
    ],
    ids=str,
)
def test_kinds(values: list[Any], kind: str, listed: bool) -> None:
    found = sampled({"field": each} for each in values)["field"]
    assert (found.kind, found.listed) == (kind, listed)


@pytest.mark.parametrize("value", [[], {}, [[]], [{}]])
def test_what_holds_nothing_is_no_field(value: Any) -> None:
    schema = metadata_schema({}, {}, sampled([{"field": value}]), {}, 10)
    assert all(each.kind == "unknown" for each in schema.fields)
    assert schema.attributes() == []


NAMES: dict[str, dict[str, Any]] = {
    "plain": {"plain": 1},
    "my key": {"my key": 1},
    '"dot.ted"': {"dot.ted": 1},
    '"a[0]"': {"a[0]": 1},
    '""': {"": 1},
    "author.name": {"author": {"name": 1}},
    "parts[].id": {"parts": [{"id": 1}, {"id": 2}]},
    "é": {"é": 1},
}


@pytest.mark.parametrize("name", NAMES)
def test_fields_are_named_as_a_filter_names_them(name: str) -> None:
    assert [*sampled([NAMES[name]])] == [name]
    path = to_path(name)
    assert indexed_fields({path: "integer", "other": "keyword"}, Layout()) == {name: "integer"}
    assert indexed_fields({to_path(name, None): "integer"}, Layout(metadata_key=None)) == {name: "integer"}


def test_what_qdrant_cannot_name_is_left_out() -> None:
    assert sampled([{'a"b': 1, "a\\b": {"c": 1}}]) == {}


def test_private_keys_are_no_fields() -> None:
    indexes = {"_tenant": "keyword", "page_content": "text", "lang": "keyword"}
    assert indexed_fields(indexes, Layout(metadata_key=None)) == {"lang": "keyword"}
    assert indexed_fields(indexes, Layout()) == {}


def test_deep_and_long_metadata_is_looked_at_in_part() -> None:
    deep: Any = 1
    for _ in range(1_000):
        deep = {"a": deep}
    assert sampled([{"deep": deep}]) == {}
    assert sampled([{"long": list(range(100_000))}])["long"].count == 20
    many = metadata_schema({"known": "keyword"}, {}, sampled([{f"field {n}": n for n in range(1_000)}]), {}, 10)
    assert (len(many.fields), many.fields[0].name) == (50, "known")


def test_values() -> None:
    samples = sampled([{"lang": "en", "id": f"id {n}", "text": "x" * 1_000} for n in range(20)])
    fields = {each.name: each for each in metadata_schema({}, {}, samples, {}, 10).fields}
    assert fields["lang"].values == ("en",)
    assert len(fields["id"].values) == 3
    assert fields["text"].values == ()
    counted = {"lang": Values(("en", "de"), complete=True), "text": Values(("x" * 1_000, "y"), complete=True)}
    indexes = dict.fromkeys(counted, "keyword")
    fields = {each.name: each for each in metadata_schema(indexes, counted, samples, {}, 10).fields}
    assert (fields["lang"].values, fields["lang"].complete) == (("en", "de"), True)
    assert (fields["text"].values, fields["text"].complete) == (("y",), False)


def test_how_it_reads() -> None:
    schema = MetadataSchema(
        (
            MetadataField("lang", "text", values=("en", 'd"e'), complete=True, description="language"),
            MetadataField("tags", "integer or text", listed=True, values=(1, "é")),
            MetadataField("at", "datetime"),
            MetadataField("where", "place"),
            MetadataField('"dot.ted"', "text"),
        )
    )
    assert str(schema) == (
        '- lang: text; language; one of "en", "d\\"e"\n'
        '- tags: list of integer or text; for example 1, "é"\n'
        "- at: datetime\n- where: place\n"
        '- "dot.ted": text'
    )
    assert schema.attributes() == [
        {"name": "lang", "description": 'language; one of "en", "d\\"e"', "type": "string"},
        {"name": "tags", "description": 'for example 1, "é"', "type": "list[integer or string]"},
        {"name": "at", "description": "at", "type": "datetime"},
    ]
