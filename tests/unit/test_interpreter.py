"""Which Python runs an engine, and where it finds modules."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from langchain_qdrant_async import EngineError
from langchain_qdrant_async.interpreter import PYTHON, command, environment, interpreter

MODULES = "LANGCHAIN_QDRANT_ASYNC_SYS_PATH"


@pytest.fixture(autouse=True)
def _nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (PYTHON, MODULES):
        monkeypatch.delenv(name, raising=False)


def modules() -> list[str]:
    return json.loads(environment()[MODULES])[1]  # type: ignore[no-any-return]


def test_our_own_interpreter() -> None:
    assert interpreter() == sys.executable


@pytest.mark.parametrize("name", ["python", "python3", "python3.13t", "Python", "pypy3", "graalpy"])
def test_what_is_called_a_python(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(sys, "executable", f"/somewhere/{name}")
    assert interpreter() == f"/somewhere/{name}"


@pytest.mark.parametrize("name", ["myapp", "uwsgi", "httpd", "gunicorn", "blender", "my python"])
def test_an_application(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(sys, "executable", f"/somewhere/{name}")
    with pytest.raises(EngineError, match=rf"{name} is an application.*{PYTHON}.*or use a Qdrant server"):
        interpreter()


def test_an_application_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    with pytest.raises(EngineError, match="is an application"):
        interpreter()


def test_uwsgi(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uwsgi", ModuleType("uwsgi"))
    with pytest.raises(EngineError, match="is an application"):
        interpreter()


@pytest.mark.parametrize("executable", [None, ""])
def test_an_interpreter_that_does_not_know_itself(monkeypatch: pytest.MonkeyPatch, executable: str | None) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    with pytest.raises(EngineError, match=f"does not know its own executable; name in .* {PYTHON}"):
        interpreter()


def test_an_interpreter_that_is_named_goes_before(monkeypatch: pytest.MonkeyPatch) -> None:
    named = sys.executable
    monkeypatch.setenv(PYTHON, named)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", "/somewhere/myapp")
    assert interpreter() == named


@pytest.mark.parametrize("named", ["/nowhere/python", "/", __file__])
def test_what_is_named_and_cannot_be_executed(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    if named == __file__ and os.access(named, os.X_OK):
        pytest.skip("all files can be executed here")
    monkeypatch.setenv(PYTHON, named)
    with pytest.raises(EngineError, match="cannot be executed"):
        interpreter()


def test_what_was_started_as_an_interpreter_and_is_none_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An application whose file is called `python`: the chain ends at its first link."""
    monkeypatch.setenv(MODULES, "[false, []]")
    with pytest.raises(EngineError, match="was started as a Python interpreter, and is none"):
        interpreter()


@pytest.mark.parametrize("entry", ["/a:b", "/new\nline", "/\udcff", "/é 😀", "/100%", "/zip.egg"])
def test_any_folder_of_modules(monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, entry])
    assert modules()[-1] == entry
    env = environment() | {"PYTHONIOENCODING": "utf-8"}
    found = subprocess.run(command(sys.executable, "site"), env=env, capture_output=True, check=True, timeout=60)
    assert f"    {entry!r},\n" in found.stdout.decode()


def test_modules_are_found_in_folders_that_are_named_relatively(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", "lib", *sys.path])
    assert {str(tmp_path), str(tmp_path / "lib")} <= set(modules())


def test_the_folder_of_modules_may_be_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    monkeypatch.setattr(sys, "path", ["", "/lib"])
    assert modules() == ["/lib"]


@pytest.mark.parametrize("linked", [False, True])
def test_the_scripts_folder_comes_last(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, linked: bool) -> None:
    main = ModuleType("__main__")
    main.__file__ = str(tmp_path / "script.py")
    folder = tmp_path
    if linked:
        folder = tmp_path / "real"
        folder.mkdir()
        (folder / "script.py").touch()
        (tmp_path / "script.py").symlink_to(folder / "script.py")
    monkeypatch.setitem(sys.modules, "__main__", main)
    monkeypatch.setattr(sys, "path", [str(folder), "/lib"])
    assert modules() == ["/lib", str(folder)]


def test_what_the_package_lies_in_keeps_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    root = str(Path(__file__).parents[2])
    main = ModuleType("__main__")
    main.__file__ = f"{root}/script.py"
    monkeypatch.setitem(sys.modules, "__main__", main)
    monkeypatch.setattr(sys, "path", [root, "/lib"])
    assert modules() == [root, "/lib"]


def test_pythonpath_is_not_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would come before the standard library, and all of it is named anyway."""
    monkeypatch.setenv("PYTHONPATH", "/shadows")
    assert "PYTHONPATH" not in environment()


def test_a_named_interpreter_gets_the_environment_of_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """An application that was frozen has its own libraries, which are not the interpreter's."""
    for name, value in {
        PYTHON: sys.executable,
        "PYTHONHOME": "/app",
        "PYTHONPATH": "/theirs",
        "LD_LIBRARY_PATH": "/app/lib",
        "LD_LIBRARY_PATH_ORIG": "/usr/local/lib",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    found = environment()
    assert "PYTHONHOME" not in found
    assert (found["PYTHONPATH"], found["LD_LIBRARY_PATH"]) == ("/theirs", "/usr/local/lib")
