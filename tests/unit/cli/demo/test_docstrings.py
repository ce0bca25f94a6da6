"""What the demo finds in source files, and under which names."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent

import pytest

from langchain_qdrant_async.cli.demo.docstrings import LONGEST, Definition, definitions

FILES = {
    "tools/__init__.py": "from .threads import *\nfrom ._hidden import secret\nfrom .deep import Deep\n",
    "tools/threads.py": """
        __all__ = ("to_thread",)
        async def to_thread(func, /, *args):
            '''Run it elsewhere.

            At length.'''
        def left_out():
            '''Public, and not in `__all__`.'''
        def _private():
            '''Nobody's business.'''
        """,
    "tools/_hidden.py": """
        def secret():
            '''Offered by the package.'''
        def really_secret():
            '''Offered by nobody.'''
        """,
    "tools/deep.py": """
        class Deep(Base, metaclass=Meta):
            '''A class.'''
            def method(self):
                '''Too little without its class.'''
        """,
    "branches.py": """
        try:
            from quick import f
        except ImportError:
            def f(x=1):
                '''Slow.'''
        if True:
            def g():
                '''Sometimes.'''
        else:
            def g():
                '''Otherwise.'''
        def undocumented(): pass
        def outer():
            '''Outer.'''
            def inner():
                '''Nobody can call it.'''
        """,
    "elsewhere.py": "__all__ = ['to_thread']\nfrom tools.threads import to_thread\n",
    "test/test_x.py": "def f():\n    '''A test.'''\n",
    "site-packages/x.py": "def f():\n    '''Somebody else's.'''\n",
    "lib-dash/x.py": "def f():\n    '''Not a module.'''\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, source in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(source))
    return tmp_path


@pytest.fixture
def found(root: Path) -> dict[str, Definition]:
    return {each.name: each for each in definitions(root)}


def test_names_are_those_that_users_write(found: dict[str, Definition]) -> None:
    assert sorted(found) == [
        "branches.f", "branches.g", "branches.outer", "tools.Deep", "tools.secret", "tools.threads.left_out",
        "tools.to_thread",
    ]  # fmt: skip


def test_a_definition_has_everything(found: dict[str, Definition]) -> None:
    each = found["tools.to_thread"]
    assert each.summary == "async function: Run it elsewhere."
    assert each.metadata == {
        "name": "tools.to_thread",
        "kind": "function",
        "module": "tools",
        "line": 3,
        "python": sys.version.split()[0],
        "signature": "tools.to_thread(func, /, *args)",
        "docstring": "Run it elsewhere.\n\nAt length.",
    }


def test_a_class_shows_its_bases(found: dict[str, Definition]) -> None:
    assert found["tools.Deep"].metadata["signature"] == "tools.Deep(Base)"
    assert found["tools.Deep"].summary == "class: A class."


def test_of_two_branches_the_first_counts(found: dict[str, Definition]) -> None:
    assert found["branches.g"].docstring == "Sometimes."
    assert found["branches.f"].signature == "(x=1)"


def test_a_long_docstring_ends_with_a_whole_word(tmp_path: Path) -> None:
    (tmp_path / "long.py").write_text(f"def f():\n    '''{'word ' * LONGEST}'''\n")
    [each] = definitions(tmp_path)
    assert len(each.docstring) <= LONGEST + 2
    assert each.docstring.endswith("word …")


def test_nothing_is_run(tmp_path: Path) -> None:
    (tmp_path / "bomb.py").write_text("def f():\n    '''Harmless.'''\nraise SystemExit\n")
    assert [each.name for each in definitions(tmp_path)] == ["bomb.f"]


def test_the_library_of_this_python_is_large_and_public() -> None:
    found = {each.name: each for each in definitions()}
    assert len(found) > 1_500
    assert {"asyncio.to_thread", "os.path.join", "json.loads", "contextlib.suppress", "decimal.Decimal"} <= set(found)
    assert not [name for name in found if any(part.startswith("_") for part in name.split("."))]
    assert all(each.name == f"{each.module}.{each.name.rsplit('.', 1)[1]}" for each in found.values())
