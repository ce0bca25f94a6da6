"""The command line against a real engine: lists, searches, checks and serves."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from langchain_core.documents import Document
from typer.testing import CliRunner

from langchain_qdrant_async import (
    AsyncQdrantVectorStore,
    CollectionSpec,
    Connection,
    Policy,
    ReducedEmbeddings,
    Remote,
    SentenceTransformerEmbeddings,
    Unauthenticated,
)
from langchain_qdrant_async.cli.app import app
from langchain_qdrant_async.collection.collections import Collections
from langchain_qdrant_async.runtime.blocking import run

ROOT = Path(__file__).parents[3]
DOCUMENTS = [
    Document("Bread rises because yeast makes gas.", id="bread", metadata={"topic": "food"}),
    Document("Mercury is the smallest planet.", id="mercury", metadata={"topic": "space"}),
    Document("Venus is the hottest planet.", id="venus", metadata={"topic": "space"}),
]


def call(*arguments: str | Path) -> tuple[int, str]:
    """Exit code and everything that was said."""
    result = CliRunner().invoke(app, [str(each) for each in arguments], env={"COLUMNS": "400", "NO_COLOR": "1"})
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one collection of three documents."""
    folder = tmp_path_factory.mktemp("cli")
    embedding = ReducedEmbeddings(SentenceTransformerEmbeddings("all-MiniLM-L6-v2"), dimension=100)
    with Connection(str(folder)) as connection:
        AsyncQdrantVectorStore(connection, embedding=embedding, spec=CollectionSpec("facts")).add_documents(DOCUMENTS)
    return folder


def test_collections_are_listed_with_their_size(folder: Path) -> None:
    code, said = call("collections", "--path", folder)
    assert code == 0
    [row] = [line for line in said.splitlines() if "facts" in line]
    assert [cell.strip() for cell in row.strip("│").split("│")] == ["facts", "3", "100", "Cosine"]


def test_a_search_shows_the_nearest_first(folder: Path) -> None:
    code, said = call("search", "a celestial body", "--path", folder, "--collection", "facts", "-k", "2")
    assert code == 0
    assert "mercury" in said
    assert "venus" in said
    assert "bread" not in said


def test_a_search_can_be_filtered(folder: Path) -> None:
    where = ("--path", folder, "--collection", "facts")
    code, said = call("search", "planet", *where, "--filter", '{"topic": "food"}', "--mmr")
    assert code == 0
    assert "bread" in said
    assert "venus" not in said


def test_a_search_imports_nothing_that_takes_seconds(folder: Path) -> None:
    heavy = ("torch", "transformers", "sentence_transformers", "langsmith", "qdrant_client.http")
    program = (
        "import sys\n"
        f"sys.argv = ['x', 'search', 'a celestial body', '--path', {str(folder)!r}, '--collection', 'facts']\n"
        "from langchain_qdrant_async.cli.app import main\n"
        "try:\n    main()\nfinally:\n"
        f"    print([each for each in {heavy} if each in sys.modules])\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "mercury" in ended.stdout, ended.stderr
    assert ended.stdout.splitlines()[-1] == "[]"


def test_the_doctor_looks_at_the_engine_that_is_named(folder: Path) -> None:
    code, said = call("doctor", "--path", folder)
    assert code == 0
    assert "all-MiniLM-L6-v2" in said
    assert "a round trip takes" in said
    assert str(folder.name)[:8] in said.replace("\n", "")


def test_the_doctor_says_that_nobody_answers() -> None:
    code, said = call("doctor", "--url", "http://127.0.0.1:9")
    assert code == 1
    assert "127.0.0.1:9" in said


@contextmanager
def served(folder: Path, *options: str, **environment: str) -> Iterator[int]:
    """The port at which `serve` serves a folder, from its command line to Ctrl-C."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from langchain_qdrant_async.cli.app import main; main()", "serve", str(folder)]
    known = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    process = subprocess.Popen([*command, "--port", str(port), *options], env=known, stderr=subprocess.PIPE, text=True)
    try:
        yield port
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert f"Serving {folder} on 127.0.0.1:{port}" in said
    assert "Traceback" not in said


def test_serving_a_folder_until_interrupted(folder: Path) -> None:
    with (
        served(folder) as port,
        Connection(f"http://127.0.0.1:{port}", policy=Policy(read_deadline_s=30)) as connection,
    ):
        run(connection_is_up(connection))
        assert run(Collections(connection).names()) == ["facts"]


def test_serving_asks_for_the_key_that_the_environment_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(tmp_path / "new", "--api-key-env", "THE_KEY", THE_KEY="s3cret") as port:
        address = f"http://127.0.0.1:{port}"
        with Connection(Remote(address, api_key="s3cret")) as connection:
            run(connection_is_up(connection))
            assert run(Collections(connection).names()) == []
        with Connection(Remote(address, api_key="wrong")) as connection, pytest.raises(Unauthenticated):
            run(Collections(connection).names())
        monkeypatch.setenv("QDRANT_API_KEY", "s3cret")
        assert call("collections", "--url", address)[0] == 0


async def connection_is_up(connection: Connection) -> None:
    """Wait for the server; every refused attempt is repeated by the connection's own policy."""
    from langchain_qdrant_async import Unavailable
    from langchain_qdrant_async.proto import service

    for _ in range(20):
        try:
            await connection.service.HealthCheck(service.HealthCheckRequest())
        except Unavailable:
            continue
        return
    pytest.fail("the server did not start")


def test_the_doctor_says_how_a_reduction_has_drifted(tmp_path: Path) -> None:
    texts = [f"The {number}. recipe: bake {what} with {how}." for number in range(9) for what in WHAT for how in HOW]
    embedding = ReducedEmbeddings(SentenceTransformerEmbeddings("all-MiniLM-L6-v2"), dimension=50)
    with Connection(str(tmp_path)) as connection:
        store = AsyncQdrantVectorStore(connection, embedding=embedding, spec=CollectionSpec("cooking", dimension=50))
        store.add_texts(texts)
        code, said = call("doctor", "--path", tmp_path, "--collection", "cooking")
        assert code == 0, said
        [fine] = [line for line in said.splitlines() if "reduction of cooking" in line]
        assert "when it was fitted" in fine
        assert "overlap@10" in fine
        store.delete(delete_all=True)
        store.add_texts(row for row in Path(__file__).read_text().splitlines() if len(row) > 30)
        code, said = call("doctor", "--path", tmp_path, "--collection", "cooking")
    assert code == 1
    assert "areindex()" in said


def test_the_doctor_says_when_there_is_no_reduction(tmp_path: Path) -> None:
    with Connection(str(tmp_path)) as connection:
        store = AsyncQdrantVectorStore(connection, "whole", SentenceTransformerEmbeddings("all-MiniLM-L6-v2"))
        store.add_texts(["one", "two"])
        code, said = call("doctor", "--path", tmp_path, "--collection", "whole")
    assert code == 0
    assert "no reduction that could drift" in said


WHAT = ("bread", "cake", "pie", "rolls", "pizza")
HOW = ("flour", "butter", "sugar", "yeast", "salt")
