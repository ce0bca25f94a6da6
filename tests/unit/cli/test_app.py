"""The command line: what it refuses, and what it says. What it does is in tests/integration/test_cli.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from langchain_qdrant_async.cli.app import app, main

ROOT = Path(__file__).parents[3]
COMMANDS = ("demo", "search", "collections", "doctor", "serve")


def call(*arguments: str) -> tuple[int, str]:
    """Exit code and everything that was said."""
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"})
    return result.exit_code, result.output


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The entry point itself; the exit code."""
    monkeypatch.setattr(sys, "argv", ["langchain-qdrant-async", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(str(ended.value.code or 0))


def python(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)


def test_help_names_every_command() -> None:
    code, said = call("--help")
    assert code == 0
    assert all(f" {command} " in said for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    code, said = call(command, "--help")
    assert code == 0
    assert "Usage:" in said


def test_without_arguments_it_shows_the_help() -> None:
    assert "Usage:" in call()[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["search", "x", "--path", "a", "--url", "http://b"], "give --path or --url, not both"),
        (["search", "x", "--path", "/no/such/folder"], "there is no folder /no/such/folder: check --path"),
        (["search", "x", "--filter", "{"], "--filter is not JSON"),
        (["search", "x", "-k", "0"], "Invalid value for"),
        (["search"], "Missing argument"),
        (["collections", "--path", "/no/such/folder"], "there is no folder"),
        (["serve", "folder", "--host", "0.0.0.0"], "0.0.0.0 can be reached from other machines"),
        (["serve", "folder", "--host", "::"], "--api-key-env"),
        (["serve", "folder", "--host", "example.com"], "example.com can be reached from other machines"),
        (["serve", "folder", "--api-key-env", "NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE holds no API key"),
        (["serve", "folder", "--tls-cert", __file__], "--tls-cert and --tls-key belong together"),
        (["serve", "folder", "--port", "0"], "Invalid value for"),
        (["nonsense"], "No such command"),
    ],
)
def test_what_cannot_be_meant_ends_with_2_and_a_reason(arguments: list[str], said: str) -> None:
    code, output = call(*arguments)
    assert code == 2
    assert said in output
    assert "Traceback" not in output


def test_without_the_demo_search_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    code, output = call("search", "x")
    assert code == 2
    assert str(tmp_path / "langchain-qdrant-async" / "demo") in output
    assert "langchain-qdrant-async demo" in output


def test_an_error_of_the_input_is_one_line_and_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(monkeypatch, "collections", "--url", "ftp://x") == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("langchain-qdrant-async: 'ftp://x' is not an address")


def test_a_qdrant_that_is_not_there_is_one_line_and_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(monkeypatch, "collections", "--url", "http://127.0.0.1:9") == 1
    [line] = capsys.readouterr().err.splitlines()
    assert "127.0.0.1:9" in line


def test_a_missing_extra_is_named() -> None:
    ended = python("import sys; sys.modules['typer'] = None; import langchain_qdrant_async.cli.app")
    assert ended.returncode == 1
    assert ended.stderr.strip().endswith("pip install 'langchain-qdrant-async[cli]'")


def test_another_missing_extra_is_named_when_it_is_needed() -> None:
    program = (
        "import sys; sys.modules['rich.table'] = None; sys.argv = ['x', 'doctor', '--url', 'http://127.0.0.1:9'];"
        "from langchain_qdrant_async.cli.app import main; main()"
    )
    ended = python(program)
    assert ended.returncode == 1
    assert ended.stderr.strip().endswith("pip install 'langchain-qdrant-async[cli]'")


def test_it_starts_without_what_only_commands_need() -> None:
    heavy = ("grpc", "langchain_core", "numpy", "qdrant_client", "torch", "langchain_qdrant_async.engine")
    ended = python(
        f"import sys, langchain_qdrant_async.cli.app; print([each for each in {heavy} if each in sys.modules])"
    )
    assert ended.stdout.strip() == "[]", ended.stderr
