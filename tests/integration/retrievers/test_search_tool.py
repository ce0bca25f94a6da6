"""The tool as an agent calls it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.messages import ToolMessage
from langchain_core.tools import StructuredTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from langchain_qdrant_async import (
    AsyncQdrantVectorStore,
    CollectionSpec,
    Connection,
    InvalidFilter,
    InvalidInput,
    MetadataSchema,
    NotFound,
    search_tool,
)

SIZE = 8
DOCUMENTS = [
    Document("Bread rises", id="bread", metadata={"topic": "food", "year": 2021}),
    Document("Mercury is small", id="mercury", metadata={"topic": "space", "year": 2023}),
    Document("Tea is hot", id="tea", metadata={"topic": "food", "year": 2023, "public": True}),
]


@pytest.fixture
async def store(connection: Connection, collection_name: str) -> AsyncQdrantVectorStore:
    spec = CollectionSpec(collection_name, dimension=SIZE, quantization=None, payload_indexes={"topic": "keyword"})
    store = AsyncQdrantVectorStore(connection, embedding=DeterministicFakeEmbedding(size=SIZE), spec=spec)
    await store.aadd_documents(DOCUMENTS)
    return store


@pytest.fixture
async def tool(store: AsyncQdrantVectorStore) -> StructuredTool:
    return search_tool(store, await store.ametadata_schema(descriptions={"year": "when it was written"}))


async def called(tool: StructuredTool, **arguments: Any) -> ToolMessage:
    """As an agent calls it."""
    answer = await tool.ainvoke({"type": "tool_call", "id": "1", "name": tool.name, "args": arguments})
    assert isinstance(answer, ToolMessage)
    return answer


async def test_it_says_what_there_is(tool: StructuredTool) -> None:
    assert '- topic: text; one of "food", "space"' in tool.description
    assert "- year: integer; when it was written; for example 2023, 2021" in tool.description
    assert '{"$in": [value, value]}' in tool.description
    told = convert_to_openai_tool(tool)["function"]
    assert told["name"] == "search_documents"
    assert told["parameters"]["required"] == ["query"]
    assert told["parameters"]["properties"]["k"] | {"description": ""} == {
        "default": 4, "maximum": 20, "minimum": 1, "type": "integer", "description": "",
    }  # fmt: skip


async def test_documents_are_found_by_meaning_and_filter(tool: StructuredTool) -> None:
    answer = await called(tool, query="Bread rises", filter={"topic": "food"}, k=1)
    assert answer.status == "success"
    assert answer.artifact == [DOCUMENTS[0]]
    assert answer.content == '[bread] {"topic": "food", "year": 2021}\nBread rises'
    assert len((await called(tool, query="Bread rises")).artifact) == 3


async def test_plain_arguments_give_plain_text(tool: StructuredTool) -> None:
    answer = await tool.ainvoke({"query": "Tea is hot", "filter": {"$and": [{"topic": "food"}, {"year": 2023}]}})
    assert isinstance(answer, str)
    assert answer.startswith("[tea]")
    assert "bread" not in answer


@pytest.mark.may_block
async def test_it_works_blocking_too(tool: StructuredTool) -> None:
    assert tool.invoke({"query": "x", "filter": {"topic": "space"}}).startswith("[mercury]")
    assert "not understood" in tool.invoke({"query": "x", "filter": {"topic": {"$eqq": 1}}})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"year": {"$gte": "late"}}, "compares with 'late'"),
        ({"year": {"$above": 1}}, "there is no operator $above"),
        ({"$or": {"topic": "food"}}, "give a list of filters"),
        ({"must": [{"key": "topic"}]}, "JSON of a Qdrant filter"),
        ({"topic": {"is": "food"}}, "which is no operator"),
    ],
)
async def test_a_wrong_filter_is_the_models_to_mend(tool: StructuredTool, wrong: dict[str, Any], said: str) -> None:
    answer = await called(tool, query="Bread rises", filter=wrong)
    assert answer.status == "error"
    assert str(answer.content).startswith("The filter was not understood: filter")
    assert said in answer.content
    assert (await called(tool, query="Bread rises", filter={"topic": "food"})).status == "success"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"query": "x", "k": 0}, "k: Input should be greater than or equal to 1"),
        ({"query": "x", "k": 1_000}, "k: Input should be less than or equal to 20"),
        ({"query": ""}, "query: String should have at least 1 character"),
        ({"filter": {"topic": "food"}}, "query: Field required"),
        ({"query": "x", "filter": "topic is food"}, "filter: Value error, a filter is a JSON object"),
        ({"query": "x", "filter": "[" * 100_000}, "filter: Value error, a filter is a JSON object"),
        ({"query": "x", "filter": "[1]"}, "filter: Input should be a valid dictionary"),
    ],
    ids=lambda given: str(given)[:40],
)
async def test_wrong_arguments_are_the_models_to_mend(
    tool: StructuredTool, arguments: dict[str, Any], said: str
) -> None:
    answer = await called(tool, **arguments)
    assert answer.status == "error"
    assert said in answer.content


async def test_a_filter_may_be_written_as_text(tool: StructuredTool) -> None:
    assert {each.id for each in (await called(tool, query="x", filter='{"topic": "food"}')).artifact} == {
        "bread",
        "tea",
    }
    assert len((await called(tool, query="x", filter=" ")).artifact) == 3


async def test_a_filter_that_selects_nothing_is_told_the_fields(tool: StructuredTool) -> None:
    answer = await called(tool, query="x", filter={"subject": "food"})
    assert answer.artifact == []
    assert answer.content == (
        'No documents found with the filter {"subject": "food"}. The fields are:\n' + tool.description.split("\n\n")[1]
        .partition("\n")[2]
    )  # fmt: skip


async def test_a_filter_of_its_own_stays(store: AsyncQdrantVectorStore) -> None:
    tool = search_tool(store, await store.ametadata_schema(), filter={"public": True})
    for given, wanted in ((None, ["tea"]), ({"topic": "food"}, ["tea"]), ({"topic": "space"}, [])):
        assert [each.id for each in (await called(tool, query="x", filter=given)).artifact] == wanted


async def test_a_scoped_store_keeps_the_agent_to_its_tenant(store: AsyncQdrantVectorStore) -> None:
    for tenant in ("ours", "theirs"):
        await store.scoped(tenant).aadd_texts([f"of {tenant}"], [{"topic": tenant, "only": tenant}], ["1"])
    ours = store.scoped("ours")
    tool = search_tool(ours, await ours.ametadata_schema())
    assert "theirs" not in tool.description
    assert "food" not in tool.description
    for given in (None, {"topic": "theirs"}, {"$not": {"topic": "ours"}}, {"_tenant": "theirs"}):
        answer = await called(tool, query="of theirs", filter=given, k=20)
        assert {each.page_content for each in answer.artifact} <= {"of ours"}
        assert "of theirs" not in str(answer.content)


async def test_errors_that_no_filter_mends_are_raised(connection: Connection) -> None:
    store = AsyncQdrantVectorStore(
        connection, "no-such", DeterministicFakeEmbedding(size=SIZE), create_if_missing=False
    )
    with pytest.raises(NotFound):
        await search_tool(store, MetadataSchema()).ainvoke({"query": "x"})
    without = AsyncQdrantVectorStore(connection, "no-such")
    with pytest.raises(InvalidInput, match="no embedding"):
        await search_tool(without, MetadataSchema()).ainvoke({"query": "x"})


async def test_nothing_is_there(connection: Connection, collection_name: str) -> None:
    store = AsyncQdrantVectorStore(connection, collection_name, DeterministicFakeEmbedding(size=SIZE))
    tool = search_tool(store, await store.ametadata_schema(), name="look", description="Look it up.")
    assert (tool.name, tool.description.split("\n")[0]) == ("look", "Look it up.")
    assert "no metadata" in tool.description
    assert await tool.ainvoke({"query": "x"}) == "No documents found."
    assert json.dumps({"a": 1}) in await tool.ainvoke({"query": "x", "filter": {"a": 1}})


def test_what_cannot_be_meant_is_refused(connection: Connection) -> None:
    store = AsyncQdrantVectorStore(connection, "any", DeterministicFakeEmbedding(size=SIZE))
    with pytest.raises(InvalidInput, match="k must be a whole number from 1 to 3"):
        search_tool(store, MetadataSchema(), k=4, most=3)
    with pytest.raises(InvalidInput, match="most must be"):
        search_tool(store, MetadataSchema(), most=0)
    with pytest.raises(InvalidFilter):
        search_tool(store, MetadataSchema(), filter={"a": {"$x": 1}})
