"""Which Python runs the processes of an engine, and where these find modules.

They find those that the process that started them finds, and the standard library before all: a `resource.py` beside
the user's script is the script's. Decision: docs/decisions/0401-which-python.md.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from langchain_qdrant_async.errors import EngineError

PYTHON = "LANGCHAIN_QDRANT_ASYNC_PYTHON"
"""Environment variable: the interpreter that runs engines, for applications that are none themselves."""

_MODULES = "LANGCHAIN_QDRANT_ASYNC_SYS_PATH"
"""Environment variable of an engine's processes: whether `PYTHON` was named, and the starter's `sys.path`, as JSON.

`PYTHONPATH` would come before the standard library, and cannot hold a folder with a colon in its name.
"""
_BOOT = f"""\
import json, os, runpy, sys
named, theirs = json.loads(os.environ.get({_MODULES!r}, "[true, []]"))
library = os.path.dirname(os.__file__)
own = {{library, os.path.join(library, "lib-dynload")}}
first = [each for each in sys.path if named or each in own or os.path.dirname(each) == os.path.dirname(library)]
sys.path[:] = dict.fromkeys([*first, *theirs, *sys.path])
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""
_PYTHONS = ("python", "pypy", "graalpy")
_LIBRARIES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_BEFORE = "_ORIG"
"""What PyInstaller appends to the name under which it keeps the value that was there before its own.

Source: https://pyinstaller.org/en/stable/runtime-information.html#ld-library-path-libpath-considerations
"""


def interpreter() -> str:
    """The interpreter for an engine.

    Raises:
        EngineError: none is known, or this process was itself started as one and is none.
    """
    named = os.environ.get(PYTHON)
    if _MODULES in os.environ:
        raise EngineError(f"{named or sys.executable} was started as a Python interpreter, and is none; {_ADVICE}")
    if named:
        return _checked(named)
    if not sys.executable:
        raise EngineError(f"this interpreter does not know its own executable; {_ADVICE}")
    if _is_application():
        raise EngineError(f"{sys.executable} is an application, which cannot be started as an interpreter; {_ADVICE}")
    return sys.executable


def command(python: str, module: str, *arguments: str, safe_path: bool = True) -> list[str]:
    """What runs a module of ours, in the `environment`.

    Args:
        python: the interpreter.
        module: the module, which is run as a program.
        arguments: the program's.
        safe_path: whether the working directory holds no modules.
    """
    return [python, *(["-P"] if safe_path else []), "-c", _BOOT, module, *arguments]


def environment() -> dict[str, str]:
    """The environment in which an engine's process finds the modules that this process finds."""
    named = bool(os.environ.get(PYTHON))
    inherited = dict(os.environ)
    inherited.pop("PYTHONHOME" if named else "PYTHONPATH", None)
    if named and getattr(sys, "frozen", False):
        inherited |= {name: os.environ.get(f"{name}{_BEFORE}", "") for name in _LIBRARIES if name in inherited}
    return inherited | {_MODULES: json.dumps([named, _modules()])}


_ADVICE = (
    f"name in the environment variable {PYTHON} an interpreter in which langchain-qdrant-async[embedded] is installed,"
    " or use a Qdrant server"
)


def _checked(named: str) -> str:
    if not os.access(named, os.X_OK) or Path(named).is_dir():
        raise EngineError(f"{PYTHON} is {named!r}, which cannot be executed")
    return named


def _is_application() -> bool:
    """Whether `sys.executable` is something else than Python: frozen, uWSGI, or any program that embeds it."""
    name = Path(sys.executable).name.lower()
    return getattr(sys, "frozen", False) or "uwsgi" in sys.modules or not name.startswith(_PYTHONS)


def _modules() -> list[str]:
    """Where this process finds modules: the script's folder last, unless this package lies in it."""
    entries = [entry for entry in map(_absolute, map(os.fsdecode, sys.path)) if entry is not None]
    scripts = _script_folders() - {str(Path(__file__).absolute().parents[1])}
    entries.sort(key=lambda entry: entry in scripts)
    return list(dict.fromkeys(entries))


def _script_folders() -> set[str | None]:
    """What Python itself put first, or may have put."""
    if sys.flags.safe_path:
        return set()
    main = sys.modules.get("__main__")
    script: str | None = getattr(main, "__file__", None)
    if script is None or getattr(main, "__spec__", None) is not None:  # -c, or -m
        return {_absolute("")}
    return {_absolute(os.path.dirname(path)) for path in (script, os.path.realpath(script))}  # noqa: PTH120


def _absolute(entry: str) -> str | None:
    """A folder that need not exist; None if the working directory is meant, and has been removed."""
    try:
        return os.path.abspath(entry)  # noqa: PTH100
    except FileNotFoundError:
        return None
