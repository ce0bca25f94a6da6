"""No line of gRPC's C core on stderr, however a connection and its engine end."""

from __future__ import annotations

from pathlib import Path

from tests.programs import run_program

PROGRAM = """
import asyncio, gc, os, signal, sys, time
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_qdrant_async import AsyncQdrantVectorStore

def store_of():
    return AsyncQdrantVectorStore(sys.argv[1], "docs", DeterministicFakeEmbedding(size=4))

def until_lost(lease):
    while not lease.lost.is_set(): time.sleep(0.01)

async def use(store):
    return await store.aadd_texts(["a"])

for _ in range(2):
    loop = asyncio.new_event_loop()
    store = store_of(); store.add_texts(["a"]); loop.run_until_complete(use(store)); store.close()
    store = store_of(); store.add_texts(["a"]); loop.run_until_complete(use(store))
    lease = store.connection._place._lease
    os.kill(lease.pid, signal.SIGTERM); until_lost(lease)
    store.add_texts(["b"])
    del store, lease
    gc.collect()
print("done")
"""


def test_engines_that_end_before_the_channels_to_them(tmp_path: Path) -> None:
    ended = run_program(PROGRAM, str(tmp_path / "folder"))
    assert ended.complained == ""
    assert (ended.code, ended.said) == (0, "done\n")
