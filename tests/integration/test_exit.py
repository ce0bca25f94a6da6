"""The program's end: whatever is open or under way then, it ends by itself, soon and without a word."""

from __future__ import annotations

import pytest

from tests.programs import run_program

MOST_S = 10.0
"""Much more than it takes (tests/benchmark/ends.py says how much), and much less than what is not waited for."""
HEAD = """
import asyncio, atexit, sys, threading, time
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings
from langchain_qdrant_async import AsyncQdrantVectorStore, Connection, ReducedEmbeddings, SentenceTransformerEmbeddings

entered = threading.Event()

class Sleeping(Embeddings):
    def embed_documents(self, texts): entered.set(); time.sleep(60); return [[1.0] * 4] * len(texts)
    def embed_query(self, text): return self.embed_documents([text])[0]

class Computing(Sleeping):
    def embed_documents(self, texts):
        entered.set()
        while True: sum(range(1000))

class Awaiting(Sleeping):
    async def aembed_documents(self, texts): entered.set(); await asyncio.sleep(60)
    async def aembed_query(self, text): await self.aembed_documents([text])

class Holding(Sleeping):  # the background loop
    async def aembed_documents(self, texts): Sleeping().embed_documents(texts)
    async def aembed_query(self, text): await self.aembed_documents([text])

class Hogging(Sleeping):
    async def aembed_documents(self, texts): Computing().embed_documents(texts)
    async def aembed_query(self, text): await self.aembed_documents([text])

def store_of(embedding=None, connection=":memory:"):
    return AsyncQdrantVectorStore(connection, "docs", embedding or DeterministicFakeEmbedding(size=4))

def aside(function, *args):
    threading.Thread(target=function, args=args, daemon=True).start()

async def until_entered():
    while not entered.is_set(): await asyncio.sleep(0.01)
"""
PROGRAMS = {
    "models that sleep, compute, and hold the loop": """
models = [Sleeping(), Computing(), Holding(), Hogging()]
for model in models:
    aside(store_of(model).add_texts, ["a"])
    entered.wait(30)
    entered.clear()
mark()
""",
    "a cancelled call, whose model goes on": """
store = store_of(Sleeping())
async def main():
    task = asyncio.create_task(store.aadd_texts(["a"]))
    await until_entered()
    mark()
asyncio.run(main())
""",
    "an engine that is starting": """
store = store_of(); aside(store.add_texts, ["a"]); mark()
""",
    "a loop that nobody closed, with a task": """
store = store_of(Awaiting()); loop = asyncio.new_event_loop()
task = loop.create_task(store.aadd_texts(["a"]))
loop.run_until_complete(until_entered())
mark()
""",
    "threads that go on searching": """
store = store_of(); store.add_texts(["a"])
def search():
    while True: store.similarity_search("a"); entered.set()
async def asearch():
    while True: await store.asimilarity_search("a")
aside(search); aside(search); aside(asyncio.run, asearch())
entered.wait(30)
mark()
""",
    "generators with an open store, and finalisers that close": """
class Service:
    def __init__(self): self.store = store_of(connection=Connection(":memory:")); self.store.add_texts(["a"])
    def __del__(self): self.store.close(); self.store.connection.close()
def dependency():
    with store_of() as store: yield store
async def async_dependency():
    async with store_of() as store: await store.aadd_texts(["a"]); yield store
service, generator, async_generator = Service(), dependency(), async_dependency()
next(generator).add_texts(["a"])
loop = asyncio.new_event_loop(); loop.run_until_complete(async_generator.__anext__())
mark()
""",
    "stores used in every way": """
first, second = store_of(), store_of()
first.add_texts(["a"]); asyncio.run(first.asimilarity_search("a"))
loop = asyncio.new_event_loop(); loop.run_until_complete(second.aadd_texts(["a"]))
mark()
""",
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_ends(program: str) -> None:
    ended = run_program(HEAD + program)
    assert ended.complained == ""
    assert ended.code == 0
    assert ended.took_s < MOST_S


def test_a_real_model_that_computes_does_not_hold_the_program_nor_crash_it() -> None:
    program = """
model = SentenceTransformerEmbeddings("all-MiniLM-L6-v2")
class Noted(Embeddings):
    def embed_documents(self, texts): return model.embed_documents(texts)
    def embed_query(self, text): return model.embed_query(text)
store = store_of(ReducedEmbeddings(model, dimension=100))
store.embedding.embed_query("the model is loaded")
aside(store.add_texts, [f"text number {n} of some words that say nothing" * (n % 7) for n in range(50_000)])
aside(model.embed_documents, [f"text number {n}" for n in range(50_000)])
threading.Event().wait(0.3)  # which moment it is does not matter
atexit.register(print, "soon", flush=True)
"""
    ended = run_program(HEAD + program)
    assert [line for line in ended.complained.splitlines() if line and "Loading weights" not in line] == []
    assert (ended.code, ended.said) == (0, "soon\n")


def test_what_goes_on_after_the_main_thread_works() -> None:
    """In threads that are waited for, and in functions that are called at the end."""
    program = """
store = store_of()
def late():
    threading.main_thread().join()
    store.add_texts(["a"])
    print(len(store.similarity_search("a")), len(asyncio.run(store.asimilarity_search("a"))))
atexit.register(lambda: print(len(store.add_texts(["b"]))))
threading.Thread(target=late).start()
"""
    ended = run_program(HEAD + program)
    assert (ended.code, ended.said, ended.complained) == (0, "1 1\n1\n", "")


def test_a_search_at_the_very_end_is_refused_at_once() -> None:
    program = """
class Service:
    def __init__(self): self.store = store_of(); self.store.add_texts(["a"])
    def __del__(self): self.store.similarity_search("a")
service = Service()
mark()
"""
    ended = run_program(HEAD + program)
    assert "the interpreter is ending" in ended.complained
    assert ended.took_s < MOST_S


INTERRUPTED = {
    "a blocking call": 'store_of(Sleeping()).add_texts(["a"])',
    "a model that is loaded": """
import langchain_qdrant_async.embedding.models.sentence_transformer as module
module.load = lambda *_: Computing().embed_documents([])
SentenceTransformerEmbeddings("any").load()
""",
    "a coroutine": """
async def wake():  # Python's own handler may miss a signal in the moment in which the loop falls asleep
    while True: await asyncio.sleep(0.1)
async def main():
    waking = asyncio.create_task(wake())
    await store_of(Awaiting()).aadd_texts(["a"])
asyncio.run(main())
""",
}


@pytest.mark.parametrize("program", INTERRUPTED.values(), ids=INTERRUPTED)
def test_ctrl_c_ends_a_program(program: str) -> None:
    ended = run_program(HEAD + "aside(lambda: [entered.wait(30), mark()])\n" + program, ctrl_c=True)
    assert ended.complained.rstrip().endswith("KeyboardInterrupt")
    for line in ("Exception in", "ignored", "destroyed", "never"):
        assert line not in ended.complained
    assert ended.code != 0
    assert ended.took_s < MOST_S
