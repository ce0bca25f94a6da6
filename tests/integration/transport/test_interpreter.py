"""Engines that are started from odd places: real processes."""

from __future__ import annotations

import importlib.util
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_qdrant_async import AsyncQdrantVectorStore, Connection, Embedded, EngineError
from langchain_qdrant_async.interpreter import PYTHON, command, environment
from langchain_qdrant_async.transport.engine import join
from tests.engine_messages import WAIT_S

ROOT = Path(__file__).parents[3]
INSTALLED = ("grpc", "numpy", "qdrant_edge", "qdrant_client", "pydantic")
NAMES = ["a b", "100%", "%2F", "a?b#c", "unix:x", "line\nbreak", "é 😀", "'\"$(x)`", "-o", "*", "a\\b", "\udcff"]


def namesakes(folder: Path, names: Iterable[str]) -> None:
    """Put a module of each name into a folder."""
    for name in names:
        (folder / f"{name}.py").write_text(f"raise SystemExit('there is another {name}')")


@pytest.mark.parametrize("starts", ["a script", "a module", "anything"])
def test_the_modules_of_a_program_are_not_the_engines(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, starts: str
) -> None:
    """Every module of the standard library has a namesake; beside a script, what is installed has, too."""
    shadows, main = tmp_path / "shadows", ModuleType("__main__")
    shadows.mkdir()
    namesakes(shadows, filter(importlib.util.find_spec, sys.stdlib_module_names - {"__main__"}))
    if starts != "anything":
        namesakes(shadows, INSTALLED)
        monkeypatch.chdir(shadows)
    with monkeypatch.context() as patched:
        main.__file__ = str((shadows if starts == "a script" else tmp_path) / "main.py")
        main.__spec__ = ModuleSpec("main", None) if starts == "a module" else None
        patched.setitem(sys.modules, "__main__", main)
        patched.setattr(sys, "path", [str(shadows), *sys.path])
        patched.setenv("PYTHONPATH", str(shadows))
        env = environment()
    folder = tmp_path / "data"
    arguments = command(sys.executable, "langchain_qdrant_async.engine", str(folder), "--listen", "127.0.0.1:0")
    with subprocess.Popen(arguments, env=env, cwd="/", stdout=subprocess.PIPE) as engine:
        assert engine.stdout is not None
        assert engine.stdout.readline().startswith(b"listening on ")
        engine.terminate()
        assert engine.wait(WAIT_S) == 0


def test_a_program_in_the_folder_of_namesakes(tmp_path: Path) -> None:
    """As in the wild: of those modules that the program itself does not miss."""
    namesakes(tmp_path, ("resource", "argparse"))
    (tmp_path / "main.py").write_text(
        "import asyncio, sys\n"
        f"sys.path.insert(1, {str(ROOT)!r})\n"
        "from pathlib import Path\n"
        "from langchain_qdrant_async.transport.engine import join\n"
        "async def main():\n"
        "    await (await join(Path('data').absolute())).release()\n"
        "asyncio.run(main())\n"
    )
    subprocess.run([sys.executable, "main.py"], cwd=tmp_path, check=True, timeout=WAIT_S)


@pytest.fixture
def wrapper(tmp_path: Path) -> Path:
    """An interpreter with a name of its own."""
    path = tmp_path / "our interpreter"
    path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    path.chmod(0o755)
    return path


async def test_an_application_names_an_interpreter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wrapper: Path
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", "/nowhere/myapp")
    with pytest.raises(EngineError, match=rf"myapp is an application.*{PYTHON}"):
        await join(tmp_path / "data")
    monkeypatch.setenv(PYTHON, str(wrapper))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    await (await join(tmp_path / "data")).release()


@pytest.mark.parametrize("program", ["true", "false", "cat"])
async def test_what_is_named_as_an_interpreter_and_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str
) -> None:
    path = shutil.which(program)
    assert path is not None
    monkeypatch.setenv(PYTHON, path)
    with pytest.raises(
        EngineError, match=r"could not be started: it ended (with exit code \d|at once, \d times)"
    ) as caught:
        await join(tmp_path)
    assert f"Tried: {path} -P -m langchain_qdrant_async.engine" in str(caught.value)


async def written_and_read(folder: Path) -> None:
    async with Connection(Embedded(folder)) as connection:
        store = AsyncQdrantVectorStore(connection, "docs", DeterministicFakeEmbedding(size=4))
        await store.aadd_texts(["a"])
        assert [found.page_content for found in await store.asimilarity_search("a")] == ["a"]


async def test_any_name_of_a_folder(tmp_path: Path) -> None:
    await written_and_read(tmp_path.joinpath(*NAMES))


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where this process and its engines make their temporary folders; short, for a socket's path is limited."""
    with tempfile.TemporaryDirectory(prefix="t", dir="/tmp") as folder:
        made = Path(folder) / "a b%2F?#é😀:\n\udcff"
        made.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(made))
        monkeypatch.setenv("TMPDIR", str(made))
        yield made


def is_used(folder: Path) -> bool:
    return any(folder.iterdir())


async def test_any_name_of_the_temporary_folder(tmp_path: Path, temporary: Path) -> None:
    await written_and_read(tmp_path)
    assert not is_used(temporary)
    lease = await join(tmp_path)
    assert is_used(temporary)
    await lease.release()
