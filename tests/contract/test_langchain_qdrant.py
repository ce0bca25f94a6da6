"""langchain-qdrant's own tests of its class, run against `compat.QdrantVectorStore` in its place. On demand:

    LANGCHAIN_QDRANT_SDIST=folder python -m pytest tests/contract/test_langchain_qdrant.py

The folder is the unpacked source distribution of langchain-qdrant 1.1.0; `requests`, which its tests import, must be
installed. Tests that want a server get an embedded engine that is served.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine_messages import Engine

pytest_plugins = ("tests.engine_fixtures",)

SDIST = os.environ.get("LANGCHAIN_QDRANT_SDIST")
DIFFERENT = {
    "test_qdrant_add_texts_stores_duplicated_texts",
    "test_from_texts_passed_optimizers_config_and_on_disk_payload",
}
"""What is different, as the guide on moving says: six cases of these two."""

PATCH = """
import os

import langchain_qdrant.qdrant
from qdrant_client import QdrantClient

import tests.integration_tests.fixtures as fixtures
from langchain_qdrant_async import compat

for module in (langchain_qdrant, langchain_qdrant.qdrant):
    module.QdrantVectorStore = compat.QdrantVectorStore
langchain_qdrant.qdrant.QdrantVectorStoreError = compat.QdrantVectorStoreError
URL = os.environ["SERVED"]
fixtures.qdrant_locations = lambda use_in_memory=True: [":memory:"] if use_in_memory else [URL]


def pytest_runtest_teardown():
    host, port = URL.removeprefix("http://").split(":")
    client = QdrantClient(host=host, grpc_port=int(port), prefer_grpc=True, check_compatibility=False)
    for each in client.get_collections().collections:
        client.delete_collection(each.name)
    client.close()
"""


@pytest.mark.skipif(SDIST is None, reason="LANGCHAIN_QDRANT_SDIST names no unpacked langchain-qdrant 1.1.0")
@pytest.mark.skipif(importlib.util.find_spec("requests") is None, reason="requests is not installed")
@pytest.mark.timeout(900)
def test_its_tests_pass_but_for_what_is_different(engine: Engine, tmp_path: Path) -> None:
    sdist = Path(str(SDIST))
    shutil.copytree(sdist / "tests", tmp_path / "tests")
    (tmp_path / "tests" / "integration_tests" / "conftest.py").write_text(PATCH)
    paths = os.pathsep.join([str(tmp_path), str(sdist), str(Path(__file__).parents[2])])
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-W",
        "ignore",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
    ]
    ended = subprocess.run(
        [*command, "tests/integration_tests/qdrant_vector_store"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths, "SERVED": f"http://{engine.address}"},
        capture_output=True,
        text=True,
        check=False,
    )
    failed = re.findall(r"^(?:FAILED|ERROR) \S*::(\w+)", ended.stdout, re.MULTILINE)
    passed = re.search(r"(\d+) passed", ended.stdout)
    assert passed is not None, ended.stdout[-2_000:]
    assert int(passed[1]) >= 300, ended.stdout[:6_000]
    assert set(failed) <= DIFFERENT
    assert len(failed) <= 6
