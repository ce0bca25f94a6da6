"""A running engine that the engine's tests share. A plugin: tests name it in `pytest_plugins`, and do not import it."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import pytest

from langchain_qdrant_async.proto import collections
from tests.engine_messages import OPTIONS, Engine, Stubs, serving

_MEMORY = Path("/dev/shm")


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """An engine that listens on TCP, too. In memory if the system can: it syncs its files at every step."""
    memory = _MEMORY if _MEMORY.exists() else None
    with tempfile.TemporaryDirectory(dir=memory) as folder, serving(Path(folder)) as running:
        yield running
        assert running.stop() == 0


@pytest.fixture
async def stubs(engine: Engine) -> AsyncIterator[Stubs]:
    """A channel to the shared engine, and a collection name that is not in use."""
    async with grpc.aio.insecure_channel(engine.target, options=OPTIONS) as channel:
        stubs = Stubs(channel, f"c{uuid.uuid4().hex}")
        yield stubs
        await stubs.collections.Delete(collections.DeleteCollection(collection_name=stubs.collection))
