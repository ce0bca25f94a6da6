"""What the demo shows: the collection filled, searches, a filter, a retriever and a chain, with scores and times."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing
from multiprocessing import get_context
from multiprocessing.connection import Connection as PipeConnection
from multiprocessing.resource_tracker import ensure_running
from pathlib import Path

from langchain_core.documents import Document
from langchain_core.prompt_values import PromptValue
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnableLambda, RunnablePassthrough
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from langchain_qdrant_async.cli.ctrl_c import kept_from_child
from langchain_qdrant_async.cli.demo.docstrings import Definition, definitions
from langchain_qdrant_async.cli.demo.standard_library import MODEL, embedding, fill, kept, missing, store_of
from langchain_qdrant_async.cli.table import said, table
from langchain_qdrant_async.embedding import SentenceTransformerEmbeddings
from langchain_qdrant_async.runtime.threads import in_daemon_thread
from langchain_qdrant_async.store.vector_store import AsyncQdrantVectorStore
from langchain_qdrant_async.transport.connection import Connection

_QUESTIONS = (
    "a folder that deletes itself afterwards",
    "make a string safe for the shell",
    "copy everything in a directory",
)
_KNOWN = {
    "a folder that deletes itself afterwards": "tempfile.TemporaryDirectory",
    "compare two texts line by line": "difflib.ndiff",
    "copy everything in a directory": "shutil.copytree",
    "find the middle value of some numbers": "statistics.median",
    "ignore an exception": "contextlib.suppress",
    "is this text valid JSON": "json.loads",
    "list files that match a pattern": "glob.glob",
    "make a string safe for the shell": "shlex.quote",
    "remember the results of a function": "functools.lru_cache",
    "run blocking code without blocking the loop": "asyncio.to_thread",
    "unpack an archive": "shutil.unpack_archive",
    "wait for several threads to reach the same point": "threading.Barrier",
}
"""Questions and what a person would answer, those among them that the model does not find."""
_LOOKED_AT = 20
"""Places in which the answer may be."""
_FILTERED = ("parse a text", {"kind": "function", "module": {"$in": ["ast", "json", "tomllib"]}})
_DIVERSE = "compress data"
_ASKED = "How do I open a page in the web browser?"


async def run(folder: Path, console: Console, found: Sequence[Definition] | None = None) -> None:
    """Fill the collection as far as need be, then show it.

    Args:
        folder: where the data is kept.
        console: what to print on.
        found: what to index; by default the whole standard library.
    """
    started = time.perf_counter()
    model = SentenceTransformerEmbeddings(MODEL)
    async with Connection(str(folder)) as connection:
        store = store_of(connection, embedding(model))
        console.print("Reading Python's standard library, and loading the model.")
        library_read = _definitions() if found is None else asyncio.sleep(0, found)
        documented, _ = await asyncio.gather(library_read, model.aload())
        await _index(store, console, documented)
        _say_reduction(store, console, folder)
        await _warm_up(store, console)
        await _show(store, console)
    console.print(f"\nAll of it took {time.perf_counter() - started:.1f} s. The data stays in [bold]{folder}[/].")
    console.print('Ask it something yourself: [bold]langchain-qdrant-async search "your words"[/]')


async def _definitions() -> Sequence[Definition]:
    """Read in a process of its own: that takes seconds of Python, as loading the model does."""
    spawn = get_context("spawn")
    receiver, sender = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_send_definitions, args=(sender,), daemon=True)
    ensure_running()  # at the start it would let the signal through again
    with kept_from_child():
        process.start()
    sender.close()
    try:
        read: Sequence[Definition] = await asyncio.wrap_future(in_daemon_thread("definitions", receiver.recv))
    finally:
        process.kill()  # it has said what it had to say, or nobody waits for it any more
    return read


def _send_definitions(sender: PipeConnection) -> None:
    sender.send(definitions())


async def _index(store: AsyncQdrantVectorStore, console: Console, found: Sequence[Definition]) -> None:
    lacking = await missing(store, found)
    done = len(found) - len(lacking)
    console.print(f"{len(found):,} docstrings in Python's standard library, {done:,} of them indexed already.")
    if not lacking:
        return
    with _progress(console) as progress:
        task = progress.add_task("embedding and writing", total=len(found), completed=done)
        async with aclosing(fill(store, lacking)) as batches:
            async for count in batches:
                progress.advance(task, count)


def _progress(console: Console) -> Progress:
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    return Progress(TextColumn("{task.description}"), *columns, console=console)


def _say_reduction(store: AsyncQdrantVectorStore, console: Console, folder: Path) -> None:
    """Which reduction the collection has: another one, when an earlier version of the demo made it."""
    reduction = kept(store)
    if reduction is not None and reduction.quality is not None:
        console.print(
            f"{reduction.source_dimension} numbers for each, brought to {reduction.dimension} by a reduction fitted on"
            f" a sample: overlap@10 {reduction.quality.overlap_at_10:.2f}"
        )
    elif reduction is not None:
        console.print(
            f"This collection was made with a reduction that was not fitted ({reduction.kind}) and finds less: delete"
            f" [bold]{folder}[/] and run the demo again to have one fitted."
        )


async def _warm_up(store: AsyncQdrantVectorStore, console: Console) -> None:
    """Load the model before anything is timed."""
    started = time.perf_counter()
    await store.asimilarity_search("warm up", k=1)
    console.print(f"Model and engine are ready ({time.perf_counter() - started:.1f} s).\n")


async def _show(store: AsyncQdrantVectorStore, console: Console) -> None:
    for question in _QUESTIONS:
        await _search(store, console, question)
    await _answers(store, console)
    await _filtered_search(store, console)
    await _retrieve(store, console)
    await _ask(store, console)
    await _ask_many(store, console)


async def _search(store: AsyncQdrantVectorStore, console: Console, question: str) -> None:
    started = time.perf_counter()
    found = await store.asimilarity_search_with_score(question, k=4)
    console.print(table(f"search: {question}", found, time.perf_counter() - started))


async def _answers(store: AsyncQdrantVectorStore, console: Console) -> None:
    """Questions whose answer is known, all asked at once: in which place it was found."""
    started = time.perf_counter()
    found = await asyncio.gather(*(store.asimilarity_search(question, k=_LOOKED_AT) for question in _KNOWN))
    took_s = time.perf_counter() - started
    shown = Table(title="questions with a known answer", caption=f"{took_s * 1_000:.0f} ms for all of them at once")
    shown.title_justify, shown.caption_justify = "left", "right"
    for heading in ("question", "answer", "place", "found first"):
        shown.add_column(heading)
    for (question, answer), documents in zip(_KNOWN.items(), found, strict=True):
        names = [str(each.id) for each in documents]
        place = str(names.index(answer) + 1) if answer in names else f"not in {_LOOKED_AT}"
        shown.add_row(question, answer, place, names[0])
    console.print(shown)


async def _filtered_search(store: AsyncQdrantVectorStore, console: Console) -> None:
    question, condition = _FILTERED
    started = time.perf_counter()
    found = await store.asimilarity_search_with_score(question, k=4, filter=condition)
    console.print(table(f"filtered search: {question}   filter={condition}", found, time.perf_counter() - started))


async def _retrieve(store: AsyncQdrantVectorStore, console: Console) -> None:
    retriever = store.as_retriever(search_type="mmr", search_kwargs={"k": 4, "fetch_k": 40, "lambda_mult": 0.7})
    started = time.perf_counter()
    found = await retriever.ainvoke(_DIVERSE)
    title = f"MMR retriever, near the question and unlike each other: {_DIVERSE}"
    console.print(table(title, [(each, None) for each in found], time.perf_counter() - started))


def answering_chain(store: AsyncQdrantVectorStore) -> Runnable[str, str]:
    """A chain, retriever | prompt | answer. No language model runs: four lines of Python stand where one would."""
    prompt = ChatPromptTemplate.from_messages(
        [("system", "Answer from these docstrings only:\n\n{context}"), ("human", "{question}")]
    )
    context = store.as_retriever(search_kwargs={"k": 3}) | RunnableLambda(_context)
    return {"context": context, "question": RunnablePassthrough()} | prompt | RunnableLambda(_answer)


def _context(found: Sequence[Document]) -> str:
    return "\n\n".join(f"[{each.metadata['name']}] {said(each)}" for each in found)


def _answer(prompt: PromptValue) -> str:
    system, question = prompt.to_messages()
    sources = str(system.content).split("\n\n")[1:]
    return f"{question.content}\n" + "\n".join(f"  {number}. {each}" for number, each in enumerate(sources, start=1))


async def _ask(store: AsyncQdrantVectorStore, console: Console) -> None:
    started = time.perf_counter()
    answer = await answering_chain(store).ainvoke(_ASKED)
    title = "LCEL chain: retriever | prompt | answer (no language model)"
    subtitle = f"{(time.perf_counter() - started) * 1_000:.0f} ms"
    console.print(Panel(escape(answer), title=title, title_align="left", subtitle=subtitle, subtitle_align="right"))


async def _ask_many(store: AsyncQdrantVectorStore, console: Console) -> None:
    """Searches for many users at once: one event loop, no thread for each."""
    questions = [f"{question} {number}" for number in range(8) for question in _QUESTIONS]
    started = time.perf_counter()
    await asyncio.gather(*(store.asimilarity_search(question, k=4) for question in questions))
    console.print(
        f"{len(questions)} searches at once on one event loop: {(time.perf_counter() - started) * 1_000:.0f} ms in all."
    )
