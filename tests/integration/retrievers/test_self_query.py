"""LangChain's own self-query retriever, with a scripted model, over the embedded engine."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from langchain_classic.chains.query_constructor.schema import AttributeInfo
from langchain_classic.retrievers import SelfQueryRetriever
from langchain_classic.retrievers.self_query.base import _get_builtin_translator
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.exceptions import OutputParserException
from langchain_core.language_models.fake_chat_models import FakeListChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage

from langchain_qdrant_async import (
    AsyncQdrantVectorStore,
    Connection,
    InvalidFilter,
    InvalidInput,
    QdrantTranslator,
    self_query_retriever,
)

FILMS = [
    Document("Dinosaurs", id="park", metadata={"year": 1993, "genre": ["thriller", "action"], "at": "1993-06-11"}),
    Document("Dreams in dreams", id="dream", metadata={"year": 2010, "director": "Christopher Nolan", "rating": 8.2}),
    Document("Toys come alive", id="toys", metadata={"year": 1995, "genre": ["animated"], "zip": "02118"}),
    Document("Three men walk", id="zone", metadata={"year": 1979, "director": "Andrei Tarkovsky", "rating": 9.9}),
    Document("A premiere", id="gala", metadata={"at": "1993-06-11T20:15:00+00:00", "public": True}),
]
ATTRIBUTES = [
    AttributeInfo(name="year", description="When it came out", type="integer"),
    AttributeInfo(name="genre", description="What {sort} of film it is", type="list[string]"),
    AttributeInfo(name="director", description="Who made it", type="string"),
    AttributeInfo(name="rating", description="From 1 to 10", type="float"),
    AttributeInfo(name="at", description="The day", type="date"),
    AttributeInfo(name="zip", description="Where", type="string"),
    AttributeInfo(name="public", description="Whether all may see it", type="boolean"),
]


@pytest.fixture
async def store(connection: Connection, collection_name: str) -> AsyncQdrantVectorStore:
    store = AsyncQdrantVectorStore(connection, collection_name, DeterministicFakeEmbedding(size=8))
    await store.aadd_documents(FILMS)
    return store


def model(filter: str, query: str = "films", **more: Any) -> FakeListChatModel:  # noqa: A002
    """A model that answers so, as a model is told to."""
    answer = json.dumps({"query": query, "filter": filter, **more})
    return FakeListChatModel(responses=[f"Here it is:\n```json\n{answer}\n```"])


def ids(found: Sequence[Document]) -> set[str | None]:
    return {each.id for each in found}


ASKED: list[tuple[str, set[str]]] = [
    ("NO_FILTER", {"park", "dream", "toys", "zone", "gala"}),
    ('eq("year", 1993)', {"park"}),
    ('eq("year", "1993")', {"park"}),
    ('ne("year", "1993")', {"dream", "toys", "zone", "gala"}),
    ('gt("rating", 8.5)', {"zone"}),
    ('gte("rating", "8.2")', {"dream", "zone"}),
    ('lt("year", 1993)', {"zone"}),
    ('lte("year", 1993)', {"zone", "park"}),
    ('contain("genre", "action")', {"park"}),
    ('contain("director", "nolan")', {"dream"}),
    ('like("director", "christopher")', {"dream"}),
    ('like("director", "%Tark%")', {"zone"}),
    ('in("genre", ["action", "animated"])', {"park", "toys"}),
    ('in("year", ["1993", 1995])', {"park", "toys"}),
    ('nin("genre", ["action"])', {"dream", "toys", "zone", "gala"}),
    ('eq("zip", 02118)', set()),  # LangChain reads it as the number 2118
    ('eq("zip", "02118")', {"toys"}),
    ('eq("public", "true")', {"gala"}),
    ('eq("public", true)', {"gala"}),
    ('eq("at", "1993-06-11")', {"park", "gala"}),
    ('eq("at", 1993-06-11)', {"park", "gala"}),
    ('lte("at", 1993-06-11)', {"park", "gala"}),
    ('gt("at", 1993-06-11)', set()),
    ('gt("at", "1993-06-11T12:00:00")', {"gala"}),
    ('eq("at", "1993-06-11T20:15:00Z")', {"gala"}),
    ('in("at", ["1993-06-11", "x"])', {"park", "gala"}),
    ('and(gt("year", 1990), or(eq("genre", "animated"), eq("director", "Christopher Nolan")))', {"dream", "toys"}),
    ('and(lt("year", 2000), not(contain("genre", "animated")))', {"park", "zone"}),
    ('not(eq("year", 1993), eq("year", 1995))', {"dream", "zone", "gala"}),
]


@pytest.mark.parametrize(("filter", "wanted"), ASKED, ids=[each[0] for each in ASKED])
async def test_what_a_model_asks_for_is_found(
    store: AsyncQdrantVectorStore,
    filter: str,  # noqa: A002
    wanted: set[str],
) -> None:
    retriever = self_query_retriever(model(filter), store, "Films", ATTRIBUTES, search_kwargs={"k": 10})
    assert ids(await retriever.ainvoke("which films?")) == wanted


@pytest.mark.may_block
async def test_it_works_blocking_too(store: AsyncQdrantVectorStore) -> None:
    retriever = self_query_retriever(model('gt("year", 2000)'), store, "Films", ATTRIBUTES)
    assert ids(retriever.invoke("which films?")) == {"dream"}


async def test_it_is_langchains_own_retriever(store: AsyncQdrantVectorStore) -> None:
    retriever = self_query_retriever(model("NO_FILTER"), store, "Films", ATTRIBUTES, tags=["films"])
    assert isinstance(retriever, SelfQueryRetriever)
    assert retriever.vectorstore is store
    assert isinstance(retriever.structured_query_translator, QdrantTranslator)
    assert retriever.tags == ["films"]


async def test_langchains_way_takes_the_translator(store: AsyncQdrantVectorStore) -> None:
    retriever = SelfQueryRetriever.from_llm(
        model('eq("year", "1993")'),
        store,
        "Films",
        ATTRIBUTES,
        structured_query_translator=QdrantTranslator(ATTRIBUTES),
    )
    assert ids(await retriever.ainvoke("which films?")) == {"park"}


def test_langchain_finds_no_translator_by_itself(connection: Connection) -> None:
    """When this fails, LangChain has a way to be told of one, and `self_query_retriever` has less to do."""
    store = AsyncQdrantVectorStore(connection, "films", DeterministicFakeEmbedding(size=8))
    with pytest.raises((ImportError, ValueError), match="langchain-community|not supported"):
        _get_builtin_translator(store)


async def test_a_limit_is_the_number_of_documents(store: AsyncQdrantVectorStore) -> None:
    retriever = self_query_retriever(model("NO_FILTER", limit=2), store, "Films", ATTRIBUTES, enable_limit=True)
    assert len(await retriever.ainvoke("two films")) == 2


async def test_the_filter_of_the_search_stays(store: AsyncQdrantVectorStore) -> None:
    """LangChain would let the model's take its place."""
    kwargs = {"k": 10, "filter": {"public": True}}
    for filter, wanted in (("NO_FILTER", {"gala"}), ('eq("year", 1993)', set()), ('eq("at", 1993-06-11)', {"gala"})):  # noqa: A001
        retriever = self_query_retriever(model(filter), store, "Films", ATTRIBUTES, search_kwargs=kwargs)
        assert ids(await retriever.ainvoke("films")) == wanted
    assert kwargs == {"k": 10, "filter": {"public": True}}


async def test_a_scoped_store_keeps_the_model_to_its_tenant(store: AsyncQdrantVectorStore) -> None:
    ours = store.scoped("ours")
    await ours.aadd_texts(["Ours"], [{"year": 1993}], ["1"])
    retriever = self_query_retriever(model('gte("year", 0)'), ours, "Films", ATTRIBUTES, search_kwargs={"k": 10})
    assert [each.page_content for each in await retriever.ainvoke("films")] == ["Ours"]


async def test_the_schema_says_what_there_is(store: AsyncQdrantVectorStore) -> None:
    schema = await store.ametadata_schema(descriptions={"rating": "From 1 to 10"})
    seen: list[str] = []

    class Listening(FakeListChatModel):
        def _call(self, messages: Any, *args: Any, **kwargs: Any) -> str:
            seen.append(messages[0].content)
            return super()._call(messages, *args, **kwargs)

    answer = json.dumps({"query": "x", "filter": 'gt("rating", "9")'})
    retriever = self_query_retriever(Listening(responses=[answer]), store, "Films of {all} kinds", schema)
    assert ids(await retriever.ainvoke("the best")) == {"zone"}
    [prompt] = seen
    assert "Films of {all} kinds" in prompt
    assert "From 1 to 10" in prompt
    for name in ("year", "genre", "director", "rating", "at", "zip", "public"):
        assert f'"{name}": {{' in prompt
    for comparator in ("contain", "like", "in", "nin"):
        assert comparator in prompt


async def test_mmr_takes_the_filter(store: AsyncQdrantVectorStore) -> None:
    retriever = self_query_retriever(model('lt("year", 1994)'), store, "Films", ATTRIBUTES, search_type="mmr")
    assert ids(await retriever.ainvoke("films")) == {"park", "zone"}


@pytest.mark.parametrize("filter", ['eq("year", 2024-02-31)', 'gt("director", "B")', 'eq("year", [1, 2])'])
@pytest.mark.filterwarnings("ignore:Dates are expected")
async def test_what_no_filter_can_mean_is_an_error(store: AsyncQdrantVectorStore, filter: str) -> None:  # noqa: A002
    retriever = self_query_retriever(model(filter), store, "Films", ATTRIBUTES)
    with pytest.raises(InvalidFilter):
        await retriever.ainvoke("films")


async def test_an_attribute_that_is_not_said_is_langchains_error(store: AsyncQdrantVectorStore) -> None:
    retriever = self_query_retriever(model('eq("secret", 1)'), store, "Films", ATTRIBUTES)
    with pytest.raises(OutputParserException, match="secret"):
        await retriever.ainvoke("films")


async def test_a_model_that_gives_messages(store: AsyncQdrantVectorStore) -> None:
    answer = AIMessage(json.dumps({"query": "", "filter": 'eq("year", 1995)'}))
    llm = GenericFakeChatModel(messages=iter([answer]))
    retriever = self_query_retriever(llm, store, "Films", [{"name": "year", "description": "", "type": "integer"}])
    assert ids(await retriever.ainvoke("films")) == {"toys"}


def test_options_are_not_shared(connection: Connection) -> None:
    store = AsyncQdrantVectorStore(connection, "films", DeterministicFakeEmbedding(size=8))
    chain: dict[str, Any] = {}
    self_query_retriever(model("NO_FILTER"), store, "Films", ATTRIBUTES, chain_kwargs=chain)
    assert chain == {}


def test_what_cannot_be_meant_is_refused(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    store = AsyncQdrantVectorStore(connection, "films", DeterministicFakeEmbedding(size=8))
    llm = model("NO_FILTER")
    with pytest.raises(TypeError, match="unexpected keyword argument 'limit'"):
        self_query_retriever(llm, store, "Films", ATTRIBUTES, limit=3)  # type: ignore[call-arg]
    with pytest.raises(InvalidInput, match="contents says in words"):
        self_query_retriever(llm, store, " ", ATTRIBUTES)
    with pytest.raises(InvalidFilter, match="no operator"):
        self_query_retriever(llm, store, "Films", ATTRIBUTES, search_kwargs={"filter": {"a": {"$x": 1}}})
    for module in ("lark", "langchain_classic.retrievers.self_query.base"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, module, None)
            with pytest.raises(ImportError, match=r"pip install 'langchain-qdrant-async\[self-query\]'"):
                self_query_retriever(llm, store, "Films", ATTRIBUTES)
