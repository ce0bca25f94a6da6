"""The house as its imports build it: `python docs/house.py` draws it anew into docs/design.md."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
NAME = "langchain_qdrant_async"
PAGE = ROOT / "docs" / "design.md"

MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / NAME).rglob("*.py"))
}
"""The file of each module; a folder is its `__init__`."""

_BEGIN = "<!-- drawn by docs/house.py: `make docs` -->"
_END = "<!-- end of the drawing -->"


def imports_of(name: str) -> Iterator[tuple[str, int]]:
    """The modules of the package that one imports, with the line; inside functions, too.

    What only a type checker sees is left out.
    """
    for node in _executed(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.Import):
            yield from ((each.name, node.lineno) for each in node.names if _is_ours(each.name))
        elif isinstance(node, ast.ImportFrom) and _is_ours(source := _source(name, node)):
            for each in node.names:
                inner = f"{source}.{each.name}"
                yield inner if inner in MODULES else source, node.lineno


def contracts() -> list[dict[str, Any]]:
    """The contracts about layers, from pyproject.toml; layers from top to bottom."""
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return [each for each in found if each["type"] == "layers"]


def names_in(layer: str) -> list[str]:
    """What stands beside each other in a layer: `"(a) | b"` is `["a", "b"]`."""
    return [each.strip(" ()") for each in layer.replace(":", "|").split("|")]


def drawing() -> str:
    """The diagram: a box for each folder and module at the top, in its layer; an arrow is an import."""
    arrows = _arrows()
    known = {name for edge in arrows for name in edge}
    [top] = [each for each in contracts() if each["containers"] == [NAME]]
    lines = ["flowchart TD"]
    for number, layer in enumerate(top["layers"]):
        boxes = " ~~~ ".join(_box(name) for name in names_in(layer) if name in known)
        lines += [f'  subgraph layer{number}[" "]', "    direction LR", f"    {boxes}", "  end"] if boxes else []
    lines += [f"  {one} --> {other}" for one, other in sorted(_without_detours(arrows))]
    lines.append("  transport -. starts and calls .-> engine")
    return "\n".join(["```mermaid", *lines, "```"])


def drawn(page: str) -> str:
    """The page with the drawing of today."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n\n{drawing()}\n\n{_END}{after}"


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            for otherwise in child.orelse:
                yield from (otherwise, *_executed(otherwise))
        else:
            yield from (child, *_executed(child))


def _source(name: str, node: ast.ImportFrom) -> str:
    """The module that an import names; a relative one counted from where it stands."""
    if not node.level:
        return node.module or ""
    package = name.split(".") if MODULES[name].name == "__init__.py" else name.split(".")[:-1]
    return ".".join([*package[: len(package) - node.level + 1], *([node.module] if node.module else [])])


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == NAME


def _arrows() -> set[tuple[str, str]]:
    """Which folder imports which; a module at the top counts as one."""
    edges = {(_folder(name), _folder(module)) for name in MODULES for module, _ in imports_of(name)}
    return {(one, other) for one, other in edges if one != other and "" not in {one, other}}


def _folder(module: str) -> str:
    return (module.split(".")[1:2] or [""])[0]


def _box(name: str) -> str:
    return f'{name}["{name}{"/" if (ROOT / NAME / name).is_dir() else ""}"]'


def _without_detours(arrows: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The arrows that lead where no other way does: the rest would hide them."""
    return {(one, other) for one, other in arrows if other not in _reached(arrows - {(one, other)}, one)}


def _reached(arrows: set[tuple[str, str]], start: str) -> set[str]:
    found = waiting = {start}
    while waiting:
        waiting = {other for one, other in arrows if one in waiting} - found
        found = found | waiting
    return found - {start}


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text()))
