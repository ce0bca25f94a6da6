"""The engine beside a real server: recorded requests are sent again, and each answer must be the recorded one.

The recordings are not part of the repository. QDRANT_CONFORMANCE names the folder that has them, in `recordings`, and
the replayer, the package `qdrant_conformance`.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from json import loads
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.engine_messages import OPTIONS, Engine

pytest_plugins = ("tests.engine_fixtures",)

FOLDER = os.environ.get("QDRANT_CONFORMANCE", "")
RECORDINGS = sorted(Path(FOLDER, "recordings").rglob("*.json")) if FOLDER else []
DIFFERENT = loads(Path(__file__).with_name("differences.json").read_text())
"""Why a case differs from the recorded server, by its name or by a part of it."""

pytestmark = [
    pytest.mark.skipif(not FOLDER, reason="QDRANT_CONFORMANCE names no folder with recorded answers"),
    pytest.mark.may_block,
]


@pytest.fixture(scope="module")
def replayer() -> Iterator[Any]:
    sys.path.insert(0, FOLDER)
    yield importlib.import_module("qdrant_conformance")
    sys.path.remove(FOLDER)


@pytest.fixture(scope="module")
def channel(engine: Engine) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(engine.target, options=OPTIONS) as channel:
        yield channel


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_the_answers_are_those_of_a_server(path: Path, replayer: Any, channel: grpc.Channel) -> None:
    if loads(path.read_text())["group"] != "core":
        pytest.skip("needs credentials of its own")
    differences = replayer.check(path, channel)
    if differences and path.stem in DIFFERENT:
        pytest.xfail(DIFFERENT[path.stem])
    assert not differences
