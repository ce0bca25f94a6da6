"""Ctrl-C on the command line: wherever a command is, it ends at once, without a word, and nothing of it goes on."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from langchain_qdrant_async.cli.ctrl_c import INTERRUPTED
from tests.programs import run_program

MOST_S = 10.0
"""Much more than it takes (tests/benchmark/ends.py says how much), and much less than what is not waited for."""
GONE_S = 40.0
"""An engine that was started, and that nobody has joined, waits for ten seconds for somebody who does."""
PROGRAM = """
import sys, threading, time
import langchain_qdrant_async.cli.app as app
from {module} import {name} as where

def noticed(*arguments, **keywords):
    mark()
    return where(*arguments, **keywords)

def stuck(*_, **__):
    mark()
    time.sleep(60)

import {module}
{module}.{name} = {double}
app.main()
"""
LOADING = ("langchain_qdrant_async.embedding.models.sentence_transformer", "load")
CONNECTING = ("langchain_qdrant_async.cli.app", "_connection")
MOMENTS = {
    "a model is loaded": (*LOADING, "stuck", ["demo"]),
    "a command begins": (*CONNECTING, "noticed", ["doctor"]),
    "a command stands still": (*CONNECTING, "stuck", ["doctor"]),
}


@pytest.mark.parametrize(("module", "name", "double", "command"), MOMENTS.values(), ids=MOMENTS)
def test_a_command_ends(module: str, name: str, double: str, command: list[str], tmp_path: Path) -> None:
    program = PROGRAM.format(module=module, name=name, double=double)
    ended = run_program(program, *command, "--path", str(tmp_path), ctrl_c=True)
    assert ended.complained == ""
    assert ended.code == INTERRUPTED
    assert ended.took_s < MOST_S
    assert _processes_of(tmp_path) == []


def test_serving_is_ended_before_it_begins(tmp_path: Path) -> None:
    program = PROGRAM.format(module="os", name="execve", double="noticed")
    ended = run_program(program, "serve", str(tmp_path), "--port", "1", ctrl_c=True)
    assert ended.complained.count("\n") <= 2  # where it would serve, and perhaps that it cannot
    assert "Traceback" not in ended.complained
    assert ended.took_s < MOST_S


def _processes_of(folder: Path) -> list[str]:
    _, alive = psutil.wait_procs([each for each in psutil.process_iter() if _names(each, folder)], GONE_S)
    return [str(each) for each in alive if each.status() != psutil.STATUS_ZOMBIE]


def _names(process: psutil.Process, folder: Path) -> bool:
    try:
        return str(folder) in process.cmdline()
    except psutil.Error:
        return False
