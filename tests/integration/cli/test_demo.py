"""The demo on a few modules, with the real model: it fills, resumes, shows, and finds what it promises."""

from __future__ import annotations

import asyncio
import io
from contextlib import aclosing
from pathlib import Path

import pytest
from rich.console import Console

from langchain_qdrant_async import Connection, ReducedEmbeddings, Reduction, SentenceTransformerEmbeddings
from langchain_qdrant_async.cli.demo import home, standard_library
from langchain_qdrant_async.cli.demo.docstrings import Definition, definitions
from langchain_qdrant_async.cli.demo.tour import answering_chain, run

MODULES = {"asyncio", "json", "queue", "shutil", "threading", "tomllib"}
ANSWERS = {
    "copy everything in a directory": "shutil.copytree",
    "unpack an archive": "shutil.unpack_archive",
    "read TOML from a text": "tomllib.loads",
    "how many threads are there": "threading.active_count",
    "wait until one of several tasks is done": "asyncio.wait",
}
QUESTION = "run blocking code without blocking the loop"


@pytest.fixture(scope="module")
def found() -> list[Definition]:
    return [each for each in definitions() if each.module in MODULES]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def first_run(folder: Path, found: list[Definition]) -> str:
    return shown(folder, found)


def shown(folder: Path, found: list[Definition]) -> str:
    """What the demo prints."""
    console = Console(file=io.StringIO(), width=140)
    asyncio.run(run(folder, console, found))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_first_run_indexes_and_shows_everything(first_run: str, found: list[Definition]) -> None:
    assert f"{len(found):,} docstrings in Python's standard library, 0 of them indexed already." in first_run
    for part in (
        "search:",
        "384 numbers for each, brought to 100 by a reduction fitted on a sample: overlap@10 ",
        "questions with a known answer",
        "filtered search:",
        "MMR retriever",
        "LCEL chain",
        "at once on one event loop",
        "asyncio.to_thread",
    ):
        assert part in first_run


def test_the_second_run_indexes_nothing(first_run: str, folder: Path, found: list[Definition]) -> None:
    again = shown(folder, found)
    assert f"{len(found):,} of them indexed already." in again
    assert "embedding and writing" not in again
    assert "asyncio.to_thread" in again


async def test_answers_are_found_near_the_top(first_run: str, folder: Path) -> None:
    async with Connection(str(folder)) as connection:
        store = standard_library.store_of(connection, standard_library.embedding())
        for question, answer in ANSWERS.items():
            assert answer in [each.id for each in await store.asimilarity_search(question, k=3)], question
        hits = await store.asimilarity_search(QUESTION, k=20)
        filtered = await store.asimilarity_search(QUESTION, k=3, filter={"module": "threading", "kind": "class"})
        said = await answering_chain(store).ainvoke("copy everything in a directory")
    assert "asyncio.to_thread" in [each.id for each in hits]
    assert {each.metadata["module"] for each in filtered} == {"threading"}
    assert said.splitlines()[0] == "copy everything in a directory"
    assert "[shutil.copytree]" in said


async def test_an_interrupted_run_goes_on_where_it_was(
    tmp_path: Path, found: list[Definition], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standard_library, "FITTED", len(found) - 1)
    async with Connection(str(tmp_path)) as connection:
        store = standard_library.store_of(connection, standard_library.embedding())
        async with aclosing(standard_library.fill(store, found)) as batches:
            written = await anext(batches)
        left = await standard_library.missing(store, found)
        assert len(left) == len(found) - written > 0
        assert [written async for written in standard_library.fill(store, left)][-1] > 0
        assert await standard_library.missing(store, found) == []


async def test_a_changed_docstring_is_indexed_again(first_run: str, folder: Path, found: list[Definition]) -> None:
    [known] = [each for each in found if each.name == "asyncio.to_thread"]
    changed = Definition(known.name, known.kind, known.module, known.line, known.signature, "Otherwise.")
    async with Connection(str(folder)) as connection:
        store = standard_library.store_of(connection, standard_library.embedding())
        assert await standard_library.missing(store, [known, changed]) == [changed]


async def test_a_folder_of_an_earlier_version_is_used_as_it_is_and_says_so(
    tmp_path: Path, found: list[Definition]
) -> None:
    model = SentenceTransformerEmbeddings(standard_library.MODEL)
    earlier = ReducedEmbeddings(model, reduction=Reduction.random_projection(384, standard_library.DIMENSION))
    async with Connection(str(tmp_path)) as connection, aclosing(model):
        store = standard_library.store_of(connection, earlier)
        await store.aadd_texts([found[0].summary], [found[0].metadata], [found[0].name])
    console = Console(file=io.StringIO(), width=400)
    await run(tmp_path, console, found[:3])
    assert isinstance(console.file, io.StringIO)
    assert "1 of them indexed already" in console.file.getvalue()
    assert f"not fitted (random-projection) and finds less: delete {tmp_path}" in console.file.getvalue()


def test_the_data_goes_where_the_user_keeps_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert home.default_folder() == tmp_path / "langchain-qdrant-async" / "demo"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home.default_folder() == tmp_path / ".local" / "share" / "langchain-qdrant-async" / "demo"
