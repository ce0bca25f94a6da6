"""The house keeps its measures: small functions, no import circle, a place for everything."""

from __future__ import annotations

import ast
import io
import statistics
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

from docs.house import MODULES, NAME, ROOT, contracts, imports_of, names_in

PACKAGE = ROOT / NAME

MEDIAN_LINES, P90_LINES, LONGEST_LINES = 6, 15, 33
"""Of functions, without docstrings, comments and blank lines."""
CLASS_LINES = 320
PRIVATE_PARAMETERS = 5
SAME_LINES = 8
"""Lines of code in a row that may stand in two places."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def code_lines(path: Path) -> frozenset[int]:
    """The numbers of the lines that hold code: no blank ones, comments and docstrings."""
    kept: set[int] = set()
    skipped = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if token.type not in skipped:
            kept.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            kept.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return frozenset(kept)


def functions() -> Iterator[tuple[str, Function, int]]:
    """Where each function stands, the function, and its lines of code from `def` to its end."""
    for name, path in MODULES.items():
        for node in ast.walk(tree(path)):
            if isinstance(node, Function):
                lines = code_lines(path).intersection(range(node.lineno, (node.end_lineno or node.lineno) + 1))
                yield f"{name}:{node.lineno} {node.name}", node, len(lines)


def parameters(function: Function) -> list[str]:
    """All parameters but `self` and `cls`, which are known by their names."""
    given = function.args
    every = [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]
    return [each.arg for each in every if each is not None and each.arg not in {"self", "cls"}]


# ── sizes ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_functions_are_short() -> None:
    measured = sorted(((lines, where) for where, _, lines in functions()), reverse=True)
    sizes = [lines for lines, _ in measured]
    median, p90 = statistics.median(sizes), statistics.quantiles(sizes, n=10)[-1]
    found = f"{len(sizes)} functions: median {median}, p90 {p90}, longest {measured[:10]}"
    assert median <= MEDIAN_LINES, found
    assert p90 <= P90_LINES, found
    assert sizes[0] <= LONGEST_LINES, found


def test_classes_are_not_long() -> None:
    sizes = {
        f"{name}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for name, path in MODULES.items()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef)
    }
    assert {where: lines for where, lines in sizes.items() if lines > CLASS_LINES} == {}


def test_private_functions_take_few_parameters() -> None:
    counted = {
        where: len(parameters(function))
        for where, function, _ in functions()
        if function.name.startswith("_") and not function.name.endswith("__")
    }
    assert {where: count for where, count in counted.items() if count > PRIVATE_PARAMETERS} == {}


def test_no_lines_stand_in_two_places() -> None:
    """Imports, signatures and closing brackets apart: they are the same wherever the same is imported or taken."""
    places: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, path in MODULES.items():
        text = path.read_text().splitlines()
        lines = [(number, text[number - 1].strip()) for number in sorted(code_lines(path) - _said_often(path))]
        for start in range(len(lines) - SAME_LINES):
            window = lines[start : start + SAME_LINES + 1]
            places[tuple(line for _, line in window)].append(f"{name}:{window[0][0]}")
    assert {where[0]: where[1:] for where in places.values() if len(where) > 1} == {}


def _said_often(path: Path) -> set[int]:
    """The lines of imports, of signatures, and those that only close brackets."""
    lines: set[int] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        elif isinstance(node, Function):
            lines.update(range(node.lineno, node.body[0].lineno))
    closing = {number for number, line in enumerate(path.read_text().splitlines(), 1) if not line.strip("()[]{}, \t")}
    return lines | closing


# ── imports ──────────────────────────────────────────────────────────────────────────────────────────────────────


GRAPH = {name: {module for module, _ in imports_of(name)} for name in MODULES}


def test_there_is_no_import_circle() -> None:
    try:
        TopologicalSorter(GRAPH).prepare()
    except CycleError as error:
        circle = error.args[1][::-1]
        pytest.fail("\n".join(f"{one} imports {other}" for one, other in pairwise(circle)))


def test_the_circle_is_looked_for_inside_functions() -> None:
    """The command line imports what a command needs when it runs."""
    assert any(module.startswith(f"{NAME}.store") for module in GRAPH[f"{NAME}.cli.app"])


def test_nobody_inside_imports_from_the_package_root() -> None:
    assert [f"{name}:{line}" for name in MODULES for module, line in imports_of(name) if module == NAME] == []


# ── places ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_folder_is_named_in_the_contract() -> None:
    """A folder that has folders inside is sorted by a contract of its own, and each contract is exhaustive."""
    named: set[str] = set()
    for contract in contracts():
        assert contract["exhaustive"]
        names = [name for layer in contract["layers"] for name in names_in(layer)]
        named.update(f"{container}.{name}" for container in contract["containers"] for name in names)
    folders = {name for name, path in MODULES.items() if path.name == "__init__.py"} - {NAME}
    assert sorted(folders - named) == []


@pytest.mark.parametrize("kind", ["unit", "property", "integration"])
def test_tests_stand_in_the_folder_of_their_subject(kind: str) -> None:
    folders = {path.parent.relative_to(ROOT / "tests" / kind) for path in (ROOT / "tests" / kind).rglob("test_*.py")}
    assert [str(each) for each in sorted(folders) if not (PACKAGE / each / "__init__.py").exists()] == []


def test_no_name_says_nothing() -> None:
    nothing = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}
    assert [name for name in MODULES if nothing & set(name.split("."))] == []
