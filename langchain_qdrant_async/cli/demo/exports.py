"""Under which name the world knows a definition: `asyncio.to_thread`, not `asyncio.threads.to_thread`. Static."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

_ALIASES = {os.path.__name__: "os.path"}
"""Modules that everybody knows by another name, which nothing static shows."""


@dataclass(frozen=True, slots=True)
class Module:
    """A module as its source file shows it."""

    name: str
    """Dotted."""
    tree: ast.Module
    """Its source."""
    is_package: bool
    """Whether the file is a package's `__init__.py`."""
    declared: frozenset[str] = field(init=False)
    """What its `__all__` names, as far as it is written out."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "declared", frozenset(_declared(self.tree)))

    def origin(self, node: ast.ImportFrom) -> str:
        """The absolute name of the module that the statement imports from."""
        if not node.level:
            return node.module or ""
        parts = self.name.split(".")
        package = parts[: len(parts) - node.level + self.is_package]
        return ".".join([*package, *([node.module] if node.module else [])])


def _declared(tree: ast.Module) -> Iterable[str]:
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
        )
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            assert isinstance(node, ast.Assign | ast.AugAssign)  # noqa: S101  the only ones with targets
            yield from _strings(node.value)


def _strings(node: ast.expr) -> list[str]:
    elements = node.elts if isinstance(node, ast.List | ast.Tuple) else []
    return [each.value for each in elements if isinstance(each, ast.Constant) and isinstance(each.value, str)]


def statements(inside: ast.Module | ast.If | ast.Try) -> Iterator[ast.stmt]:
    """The statements of a body, with those under its `if` and `try`, whichever of them would run."""
    handlers = [each for handler in inside.handlers for each in handler.body] if isinstance(inside, ast.Try) else []
    otherwise = [] if isinstance(inside, ast.Module) else inside.orelse
    for node in (*inside.body, *handlers, *otherwise):
        if isinstance(node, ast.If | ast.Try):
            yield from statements(node)
        else:
            yield node


class Exports:
    """Which module offers what another one defines."""

    def __init__(self, modules: Mapping[str, Module]) -> None:
        """Read every module's imports once."""
        self._modules = modules
        self._offered: dict[str, set[tuple[str, str | None]]] = {}
        for module in modules.values():
            for node in statements(module.tree):
                if isinstance(node, ast.ImportFrom):
                    self._note(module, node)

    def home(self, module: str, name: str) -> str | None:
        """The shortest public module that offers what a module defines; None when none does."""
        if not _is_public(name):
            return None
        homes = [_ALIASES.get(home, home) for home in self._homes(module, name) if _is_public(home)]
        return min(homes, key=lambda home: (home.count("."), len(home), home), default=None)

    def _homes(self, module: str, name: str) -> list[str]:
        offered = self._offered.get(module, set())
        return [
            module,
            *sorted(home for home, what in offered if what == name or (what is None and self._starred(module, name))),
        ]

    def _starred(self, module: str, name: str) -> bool:
        declared = self._modules[module].declared if module in self._modules else frozenset()
        return name in declared if declared else _is_public(name)

    def _note(self, module: Module, node: ast.ImportFrom) -> None:
        """An import offers something when it is a star, or when the importing module says so in its `__all__`."""
        origin = module.origin(node)
        for alias in node.names:
            if alias.name == "*":
                self._offered.setdefault(origin, set()).add((module.name, None))
            elif alias.name in module.declared or _is_inside(origin, module):
                self._offered.setdefault(origin, set()).add((module.name, alias.name))


def _is_inside(origin: str, module: Module) -> bool:
    return module.is_package and origin.startswith(f"{module.name}.")


def _is_public(name: str) -> bool:
    return not any(part.startswith("_") for part in name.split("."))
