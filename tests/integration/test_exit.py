"""The program's end: whatever is still open then, it ends by itself, soon and without a word."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAD = """
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_qdrant_async import AsyncQdrantVectorStore
E = DeterministicFakeEmbedding(size=4)
"""
PROGRAMS = {
    "a finaliser that closes": """
class Service:
    def __init__(self): self.store = AsyncQdrantVectorStore(":memory:", "docs", E); self.store.add_texts(["a"])
    def __del__(self): self.store.close()
service = Service()
""",
    "a generator with an open store": """
def dependency():
    with AsyncQdrantVectorStore(":memory:", "docs", E) as store: yield store
generator = dependency(); next(generator).add_texts(["a"])
""",
    "a finaliser that closes a connection": """
from langchain_qdrant_async import Connection
class Service:
    def __init__(self):
        self.connection = Connection(":memory:")
        AsyncQdrantVectorStore(self.connection, "d", E).add_texts(["a"])
    def __del__(self): self.connection.close()
service = Service()
""",
    "nothing that closes": """
store = AsyncQdrantVectorStore(":memory:", "docs", E); store.add_texts(["a"])
""",
}


def _run(program: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", HEAD + program]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_ends(program: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", HEAD + program], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0
    assert "Traceback" not in ended.stderr


def test_a_search_at_the_end_is_refused_at_once() -> None:
    program = """
class Service:
    def __init__(self): self.store = AsyncQdrantVectorStore(":memory:", "docs", E); self.store.add_texts(["a"])
    def __del__(self): self.store.similarity_search("a")
service = Service()
"""
    ended = subprocess.run(
        [sys.executable, "-c", HEAD + program], capture_output=True, text=True, timeout=60, check=False
    )
    assert "the interpreter is ending" in ended.stderr
