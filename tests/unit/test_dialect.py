"""One dialect in all of the package: what of it can be checked. docs/design.md says it in words."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

import langchain_qdrant_async

ROOT = Path(__file__).parents[2]
NAME = "langchain_qdrant_async"
SOURCES = sorted((ROOT / NAME).rglob("*.py"))
TESTS = [*sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "examples").rglob("*.py"))]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
WIDTH = 120

NAMES = {*langchain_qdrant_async.__all__, "Qdrant", "LangChain", "Python", "None", "True", "False", "Unix"}
"""Words that keep their capital wherever they stand."""

Offence = tuple[ast.AST, str]


@cache
def text_of(path: Path) -> str:
    return path.read_text()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path))


# ── imports ──────────────────────────────────────────────────────────────────────────────────────────────────────


def imports_are_absolute(tree: ast.Module) -> Iterator[Offence]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield node, "a relative import"


def generated_modules_have_one_name(tree: ast.Module) -> Iterator[Offence]:
    """`from langchain_qdrant_async.proto import points`, and then `points.PointStruct`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == f"{NAME}.proto":
            yield from ((node, f"{each.name} as {each.asname}") for each in node.names if each.asname)
        elif isinstance(node, ast.ImportFrom) and node.module == NAME:
            yield from ((node, "the module proto itself") for each in node.names if each.name == "proto")
        elif isinstance(node, ast.Import):
            yield from ((node, each.name) for each in node.names if each.name == f"{NAME}.proto")


def private_names_stay_in_their_module(tree: ast.Module) -> Iterator[Offence]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == NAME:
            yield from ((node, each.name) for each in node.names if each.name.startswith("_"))


# ── docstrings ───────────────────────────────────────────────────────────────────────────────────────────────────

_SECTION = re.compile(r"^(Args|Raises|Returns|Yields|Attributes|Source|Example|Examples|Note):[ \t]*(?P<rest>.*)$")
_AMERICAN = re.compile(
    r"\b(?:(?:optim|normal|quant|serial|initial|recogn|organ|summar|token)iz|behavior|neighbor|favor|analyz|color|center)\w*",
    re.IGNORECASE,
)
_ENTRY = re.compile(r"^    (?P<name>[\w*`.]+): +(?P<text>\S.*)$")


def docstrings(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text is not None:
                yield node, text


def entries(text: str, section: str) -> Iterator[tuple[str, str]]:
    """The names and the texts of a section, continued lines joined."""
    name, said, inside = "", "", False
    for line in [*text.splitlines(), f"{section}:"]:
        if _SECTION.match(line) or (line and not line.startswith(" ")):
            if name:
                yield name, said
            name, inside = "", line == f"{section}:"
        elif inside and (entry := _ENTRY.match(line)):
            if name:
                yield name, said
            name, said = entry["name"], entry["text"]
        elif name:
            said = f"{said} {line.strip()}".strip()


def docstrings_begin_with_a_sentence(tree: ast.Module) -> Iterator[Offence]:
    for node, text in docstrings(tree):
        if not text.splitlines()[0].endswith((".", ":", "?")):
            yield node, text.splitlines()[0]


def entries_are_phrases(tree: ast.Module) -> Iterator[Offence]:
    """`name: lower case, with a full stop.`"""
    for node, text in docstrings(tree):
        for section in ("Args", "Raises", "Attributes"):
            for name, said in entries(text, section):
                if begins_with_capital(said) or not said.endswith("."):
                    yield node, f"{section} {name}: {said}"


def constants_below_which_a_text_stands(tree: ast.Module) -> Iterator[Offence]:
    """The text below a field or a constant is a sentence, too."""
    for parent in ast.walk(tree):
        body = getattr(parent, "body", None)
        if isinstance(parent, ast.Module | ast.ClassDef) and isinstance(body, list):
            for before, node in pairwise(body):
                said = _literal(node) if isinstance(before, ast.Assign | ast.AnnAssign) else None
                if said is not None and not said.partition("\n\n")[0].rstrip().endswith((".", "]`", ":")):
                    yield node, said


def fields_are_documented(tree: ast.Module) -> Iterator[Offence]:
    """By a docstring below each of them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and _has_fields(node):
            if "\nAttributes:" in (ast.get_docstring(node) or ""):
                yield node, f"{node.name} lists its attributes in its docstring"
            for field, after in zip(node.body, [*node.body[1:], None], strict=True):
                if isinstance(field, ast.AnnAssign) and _is_public_field(field) and _literal(after) is None:
                    yield field, f"{node.name}.{ast.unparse(field.target)} has no docstring"


def prose_is_british(tree: ast.Module) -> Iterator[Offence]:
    """Names in backticks and of parameters apart."""
    for node in ast.walk(tree):
        for word in _AMERICAN.findall(
            re.sub(r"`[^`]*`|https?://\S+|^ +\w+:", "", _literal(node) or "", flags=re.MULTILINE)
        ):
            yield node, word


def _has_fields(node: ast.ClassDef) -> bool:
    marks = [ast.unparse(each) for each in (*node.decorator_list, *node.bases)]
    return any(re.match(r"(dataclasses\.)?dataclass\b|(typing\.)?(TypedDict|NamedTuple)\b", mark) for mark in marks)


def _is_public_field(node: ast.AnnAssign) -> bool:
    return not ast.unparse(node.target).startswith("_") and not ast.unparse(node.annotation).startswith("ClassVar")


def _literal(node: ast.AST | None) -> str | None:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return node.value.value
    return None


# ── what errors say ──────────────────────────────────────────────────────────────────────────────────────────────

ERRORS = {
    node.name for node in tree_of(ROOT / NAME / "errors.py").body if isinstance(node, ast.ClassDef) and node.bases
}


def errors_say_what_is_wrong_in_one_way(tree: ast.Module) -> Iterator[Offence]:
    """Lower case, no full stop at the end; also the texts of functions that are called for the message."""
    makers = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS and node.args:
            for text in _texts(node.args[0], makers):
                said = ast.unparse(text)
                first, last = _ends(text)
                if begins_with_capital(first) or last.rstrip().endswith("."):
                    yield text, said


def _texts(node: ast.expr, makers: dict[str, ast.FunctionDef]) -> Iterator[ast.expr]:
    if isinstance(node, ast.IfExp):
        yield from (*_texts(node.body, makers), *_texts(node.orelse, makers))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in makers:
        for each in ast.walk(makers[node.func.id]):
            if isinstance(each, ast.Return) and each.value is not None:
                yield each.value
    else:
        yield node


def _ends(node: ast.expr) -> tuple[str, str]:
    """How a text begins and ends; empty where that is a placeholder."""
    if isinstance(node, ast.BinOp):
        return _ends(node.left)[0], _ends(node.right)[1]
    if isinstance(node, ast.JoinedStr) and node.values:
        return _ends(node.values[0])[0], _ends(node.values[-1])[1]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value, node.value
    return "", ""


def begins_with_capital(text: str) -> bool:
    """Whether a text begins like a sentence; names and abbreviations keep their capitals."""
    word = re.match(r"[A-Za-z_]*", text)
    first = word[0] if word else ""
    return first[:1].isupper() and first not in NAMES and not any(letter.isupper() for letter in first[1:])


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────


def units_are_short(tree: ast.Module) -> Iterator[Offence]:
    """`_s` for seconds and `_bytes` for bytes, in the names of parameters, fields and variables."""
    for node in ast.walk(tree):
        stored = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        name = node.arg if isinstance(node, ast.arg) else node.id if stored and isinstance(node, ast.Name) else ""
        if re.search(r"_(seconds|secs|sec|nbytes|size_b)$", name):
            yield node, name


IN_THE_PACKAGE: list[Callable[[ast.Module], Iterator[Offence]]] = [
    imports_are_absolute,
    generated_modules_have_one_name,
    private_names_stay_in_their_module,
    docstrings_begin_with_a_sentence,
    entries_are_phrases,
    constants_below_which_a_text_stands,
    fields_are_documented,
    errors_say_what_is_wrong_in_one_way,
    units_are_short,
    prose_is_british,
]


@pytest.mark.parametrize("rule", IN_THE_PACKAGE, ids=lambda rule: rule.__name__)
def test_the_package_keeps_to(rule: Callable[[ast.Module], Iterator[Offence]]) -> None:
    _nothing(offences(rule, SOURCES))


@pytest.mark.parametrize("rule", IN_THE_PACKAGE[:2], ids=lambda rule: rule.__name__)
def test_the_tests_and_examples_keep_to(rule: Callable[[ast.Module], Iterator[Offence]]) -> None:
    _nothing(offences(rule, TESTS))


def offences(rule: Callable[[ast.Module], Iterator[Offence]], paths: list[Path]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)} {what}"
        for path in paths
        for node, what in rule(tree_of(path))
    ]


def test_constants_of_one_module_begin_with_an_underscore() -> None:
    """Those without one are used by another module, by a test, or told to users."""
    words = {path: set(re.findall(r"\w+", text_of(path))) for path in (*SOURCES, *TESTS, *PAGES)}
    _nothing(
        f"{path.relative_to(ROOT)}:{node.lineno} {name}"
        for path in SOURCES
        for node, name in _constants(tree_of(path))
        if not any(name in words[each] for each in words if each not in {path, Path(__file__)})
    )


def _constants(tree: ast.Module) -> Iterator[tuple[ast.stmt, str]]:
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in targets:
            if isinstance(target, ast.Name) and re.fullmatch(r"[A-Z][A-Z0-9_]+", target.id):
                yield node, target.id


def test_pages_are_as_wide_as_the_code() -> None:
    """Tables, code, and the targets of links apart."""
    found = []
    for page in PAGES:
        fenced = False
        for number, line in enumerate(text_of(page).splitlines(), 1):
            fenced ^= line.startswith("```")
            prose = not fenced and not line.startswith(("|", "    ", "<!--"))
            if prose and len(re.sub(r"\]\([^)]*\)|https?://\S+", "]", line)) > WIDTH:
                found.append(f"{page.relative_to(ROOT)}:{number} {line}")
    _nothing(found)


def _nothing(offending: Iterable[str]) -> None:
    if found := list(offending):
        pytest.fail(f"{len(found)} times:\n" + "\n".join(found), pytrace=False)


# ── the rules themselves ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (imports_are_absolute, "from . import x"),
        (generated_modules_have_one_name, "from langchain_qdrant_async.proto import points as p"),
        (generated_modules_have_one_name, "from langchain_qdrant_async import proto"),
        (private_names_stay_in_their_module, "from langchain_qdrant_async.document.ids import _message"),
        (docstrings_begin_with_a_sentence, 'def f():\n    """No stop"""'),
        (entries_are_phrases, 'def f(a):\n    """Do.\n\n    Args:\n        a: No stop\n            here.\n    """'),
        (entries_are_phrases, 'def f(a):\n    """Do.\n\n    Args:\n        a: no stop\n            here\n    """'),
        (entries_are_phrases, 'def f(a):\n    """Do.\n\n    Raises:\n        InvalidInput: Not so.\n    """'),
        (constants_below_which_a_text_stands, 'A = 1\n"""A number"""'),
        (fields_are_documented, "@dataclass(frozen=True)\nclass A:\n    a: int"),
        (fields_are_documented, 'class A(TypedDict, total=False):\n    a: int\n    """It."""\n    b: int'),
        (fields_are_documented, '@dataclass\nclass A:\n    """An A.\n\n    Attributes:\n        a: it.\n    """'),
        (errors_say_what_is_wrong_in_one_way, "raise InvalidInput('Wrong')"),
        (errors_say_what_is_wrong_in_one_way, "raise InvalidInput(f'{a} is wrong' 'here.')"),
        (errors_say_what_is_wrong_in_one_way, "def f():\n    return 'Wrong'\nraise InvalidInput(f())"),
        (units_are_short, "def f(timeout_seconds): ..."),
        (prose_is_british, '"""Optimize it."""'),
    ],
)
def test_a_rule_finds_what_offends(rule: Callable[[ast.Module], Iterator[Offence]], source: str) -> None:
    assert list(rule(ast.parse(source)))


@pytest.mark.parametrize(
    "source",
    [
        'def f(a):\n    """Do.\n\n    Args:\n        a: Qdrant\'s own,\n            or LangChain\'s.\n    """',
        '@dataclass\nclass A:\n    a: int\n    """It."""\n    _b: int',
        "raise InvalidInput('Hnsw.m must be a number')",
        "raise InvalidInput(f'{a} is not one')",
        "raise InvalidInput('API keys …')",
        "from langchain_qdrant_async.proto import collections, points",
    ],
)
def test_the_rules_let_pass(source: str) -> None:
    assert [each for rule in IN_THE_PACKAGE for each in rule(ast.parse(source))] == []
