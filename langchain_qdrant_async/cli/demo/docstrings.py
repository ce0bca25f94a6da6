"""What the standard library says about itself: found in its source files with `ast`; nothing is imported or run."""

from __future__ import annotations

import ast
import inspect
import os
import platform
import sysconfig
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from langchain_qdrant_async.cli.demo.exports import Exports, Module, statements

Kind: TypeAlias = Literal["function", "class"]
Node: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

_LEFT_OUT = frozenset(
    {"__phello__", "dist-packages", "ensurepip", "idlelib", "lib-dynload", "lib2to3", "pydoc_data", "site-packages",
     "test", "tests", "turtledemo"} | {"ntpath", "posixpath"} - {os.path.__name__}
)  # fmt: skip
"""Folders and modules of tests, of other people and of other systems, or that nobody would look for."""
LONGEST = 1_000
"""Characters of a docstring that are kept."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A function or class with a docstring. Methods are left out: without their class their first lines say little."""

    name: str
    """As a user would write it: `asyncio.to_thread`."""
    kind: Kind
    """Which of the two."""
    module: str
    """The public module: `asyncio`."""
    line: int
    """Where it begins in its source file."""
    signature: str
    """`(func, /, *args, **kwargs)`."""
    docstring: str
    """Its first part."""
    is_async: bool = False
    """Whether it is a coroutine."""

    @property
    def summary(self) -> str:
        """What is embedded and shown: the kind and the docstring's first paragraph.

        Names, signatures and later paragraphs only blur it: with all of them, "run blocking code without blocking the
        loop" found `asyncio.to_thread` at place 300 or so instead of among the first.
        """
        first, _, _ = self.docstring.partition("\n\n")
        return f"{'async ' if self.is_async else ''}{self.kind}: {' '.join(first.split())}"

    @property
    def metadata(self) -> dict[str, str | int]:
        """What a filter can ask for, and what comes back beside the summary."""
        return {
            "name": self.name,
            "kind": self.kind,
            "module": self.module,
            "line": self.line,
            "python": platform.python_version(),
            "signature": f"{self.name}{self.signature}",
            "docstring": self.docstring,
        }


def definitions(root: Path | None = None) -> list[Definition]:
    """Every public definition that has a docstring, sorted by name.

    Args:
        root: folder of the standard library; by default the running Python's.
    """
    modules = dict(_modules(root or Path(sysconfig.get_path("stdlib"))))
    exports = Exports(modules)
    found: dict[str, Definition] = {}
    for module in modules.values():
        for each in _of_module(module, exports):
            found.setdefault(each.name, each)
    return sorted(found.values(), key=lambda each: each.name)


def _modules(root: Path) -> Iterator[tuple[str, Module]]:
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if _LEFT_OUT.isdisjoint(parts) and all(part.isidentifier() for part in parts):
            is_package = parts[-1] == "__init__"
            name = ".".join(parts[:-1] if is_package else parts)
            yield name, Module(name, _parse(path), is_package)


def _parse(path: Path) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an odd escape in somebody else's string
        return ast.parse(path.read_bytes())


def _of_module(module: Module, exports: Exports) -> Iterator[Definition]:
    for node in statements(module.tree):
        if not isinstance(node, Node):
            continue
        docstring = ast.get_docstring(node)
        home = exports.home(module.name, node.name)
        if docstring and home:
            yield _definition(home, node, _trimmed(docstring))


def _definition(home: str, node: Node, docstring: str) -> Definition:
    return Definition(
        name=f"{home}.{node.name}",
        kind="class" if isinstance(node, ast.ClassDef) else "function",
        module=home,
        line=node.lineno,
        signature=_signature(node),
        docstring=docstring,
        is_async=isinstance(node, ast.AsyncFunctionDef),
    )


def _signature(node: Node) -> str:
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(ast.unparse(base) for base in node.bases)
        return f"({bases})" if bases else ""
    return f"({ast.unparse(node.args)})"


def _trimmed(docstring: str) -> str:
    """The docstring, cut at the end of a word when it is long."""
    text = inspect.cleandoc(docstring)
    return text if len(text) <= LONGEST else f"{text[:LONGEST].rsplit(maxsplit=1)[0]} …"
