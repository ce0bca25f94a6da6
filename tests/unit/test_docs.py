"""The documentation is true: snippets compile and run, links lead somewhere, and every public name is there."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import langchain_qdrant_async
from docs import house
from langchain_qdrant_async import AsyncQdrantVectorStore, Collections
from langchain_qdrant_async.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
REFERENCE = "\n".join(page.read_text() for page in PAGES if "reference" in page.parts)

_FENCE = re.compile(r"^```python(?P<marks>[^\n]*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")


def _snippets() -> list[tuple[str, str, bool]]:
    """Where it stands, the code, and whether it is marked ```` ```python run ````."""
    found = []
    for page in PAGES:
        text = page.read_text()
        for match in _FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append((f"{page.relative_to(ROOT)}:{line}", match["code"], match["marks"].strip() == "run"))
    return found


SNIPPETS = _snippets()


@pytest.mark.parametrize(("where", "code"), [each[:2] for each in SNIPPETS], ids=[each[0] for each in SNIPPETS])
def test_a_snippet_compiles(where: str, code: str) -> None:
    compile(code, where, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize(
    ("where", "code"), [each[:2] for each in SNIPPETS if each[2]], ids=[e[0] for e in SNIPPETS if e[2]]
)
def test_a_snippet_that_says_so_runs(where: str, code: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", "-c", code]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, f"{where}\n{ended.stderr}"


def test_there_are_snippets_that_run() -> None:
    assert sum(runs for _, _, runs in SNIPPETS) >= 5


@pytest.mark.parametrize("where", [each[0] for each in SNIPPETS])
def test_what_a_snippet_imports_from_here_exists(where: str) -> None:
    [code] = [each[1] for each in SNIPPETS if each[0] == where]
    for node in ast.walk(compile(code, where, "exec", flags=ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)):
        if isinstance(node, ast.ImportFrom) and node.module == "langchain_qdrant_async":
            assert {each.name for each in node.names} <= set(langchain_qdrant_async.__all__)


@pytest.mark.parametrize("page", PAGES, ids=[str(each.relative_to(ROOT)) for each in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    for match in _LINK.finditer(page.read_text()):
        target = match["target"].partition("#")[0]
        if target and not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_page_can_be_reached_from_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / match["target"]).resolve() for match in _LINK.finditer(index.read_text())}
    pages = {page for page in PAGES if page.parent.name in {"guides", "reference"}}
    assert pages <= linked


def test_every_public_name_is_in_the_reference() -> None:
    missing = [name for name in langchain_qdrant_async.__all__ if not re.search(rf"\b{name}\b", REFERENCE)]
    assert missing == []


@pytest.mark.parametrize("cls", [AsyncQdrantVectorStore, Collections])
def test_every_async_method_is_in_the_reference(cls: type) -> None:
    methods = [name for name, _ in inspect.getmembers(cls, inspect.iscoroutinefunction) if not name.startswith("_")]
    inherited = {"aadd", "asearch", "ainvoke"}
    missing = [name for name in methods if name not in inherited and not re.search(rf"\b{name}\b", REFERENCE)]
    assert missing == []


def test_every_command_is_in_the_reference() -> None:
    commands = [each.callback.__name__ for each in app.registered_commands if each.callback]
    assert commands
    assert [name for name in commands if f"langchain-qdrant-async {name}" not in REFERENCE] == []


def test_the_design_page_draws_the_house_as_it_is() -> None:
    """`make docs` draws it anew."""
    page = house.PAGE.read_text()
    assert house.drawing() in page
    assert house.drawn(page) == page


def test_decisions_are_short() -> None:
    """At most 40 lines, and a number of their own."""
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [each.name for each in records if len(each.read_text().splitlines()) > 40] == []
    numbers = [each.name[:4] for each in records]
    assert len(set(numbers)) == len(numbers)
    assert all(re.match(rf"# {each.name[:4]}:? \S", each.read_text()) for each in records)
