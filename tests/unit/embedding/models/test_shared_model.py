"""One model, many callers: what waits together is encoded together, and nobody pays for anybody else."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from langchain_qdrant_async.embedding.matrix import Matrix
from langchain_qdrant_async.embedding.models.shared_model import Purpose, SharedModel
from langchain_qdrant_async.errors import EmbeddingError

PATIENCE_S = 20


class Model:
    """Gives each text its length and first letter; stops at a gate when it is told to, and keeps a log."""

    def __init__(self) -> None:
        self.calls: list[tuple[Purpose, list[str]]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Semaphore(0)

    def __call__(self, texts: list[str], purpose: Purpose) -> Matrix:
        self.calls.append((purpose, texts))
        self.entered.release()
        assert self.gate.wait(PATIENCE_S)
        if "bad" in texts:
            raise ValueError("cannot read this")
        if "endless" in texts:
            return np.full((len(texts), 2), np.nan, np.float32)
        return np.array([self.row(text) for text in texts], np.float32)

    @staticmethod
    def row(text: str) -> list[float]:
        return [float(len(text)), float(ord(text[:1] or " "))]

    async def busy(self, encoder: SharedModel) -> asyncio.Task[Matrix]:
        """Somebody's text is with the model, which waits at the gate."""
        self.gate.clear()
        task = asyncio.create_task(encoder.encode(["first"], "query"))
        assert await asyncio.to_thread(self.entered.acquire, timeout=PATIENCE_S)
        return task


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def encoder(model: Model) -> Iterator[SharedModel]:
    encoder = SharedModel(model, source="model", batch_size=64, prepare=lambda: None)
    yield encoder
    model.gate.set()
    encoder.close()


async def started(encoder: SharedModel, texts: list[str], purpose: Purpose = "query") -> list[asyncio.Task[Matrix]]:
    """A caller for each text, all of them waiting."""
    tasks = [asyncio.create_task(encoder.encode([text], purpose)) for text in texts]
    await asyncio.sleep(0)
    return tasks


async def test_what_queued_while_the_model_was_busy_goes_next_in_one_call(model: Model, encoder: SharedModel) -> None:
    first = await model.busy(encoder)
    tasks = await started(encoder, [f"text {n}" for n in range(50)])
    model.gate.set()
    rows = await asyncio.gather(first, *tasks)
    assert [len(texts) for _, texts in model.calls] == [1, 50]
    assert [row.tolist() for row in rows[1:]] == [[Model.row(f"text {n}")] for n in range(50)]


async def test_a_lone_caller_goes_at_once(model: Model, encoder: SharedModel) -> None:
    for n in range(5):
        await encoder.encode([f"text {n}"], "query")
    assert [len(texts) for _, texts in model.calls] == [1] * 5


async def test_a_text_that_many_ask_for_is_encoded_once(model: Model, encoder: SharedModel) -> None:
    first = await model.busy(encoder)
    tasks = await started(encoder, ["same"] * 20)
    model.gate.set()
    await asyncio.gather(first, *tasks)
    assert model.calls[1] == ("query", ["same"])


async def test_cancelled_callers_drop_out(model: Model, encoder: SharedModel) -> None:
    first = await model.busy(encoder)
    tasks = await started(encoder, ["stays", "goes", "stays too"])
    tasks[1].cancel()
    await asyncio.gather(tasks[1], return_exceptions=True)
    model.gate.set()
    await asyncio.gather(first, tasks[0], tasks[2])
    assert sorted(model.calls[1][1]) == ["stays", "stays too"]


async def test_cancelling_an_ingestion_stops_it_after_its_slice(model: Model, encoder: SharedModel) -> None:
    model.gate.clear()
    ingestion = asyncio.create_task(encoder.encode([f"{n} " * 500 for n in range(1000)], "document"))
    assert await asyncio.to_thread(model.entered.acquire, timeout=PATIENCE_S)
    ingestion.cancel()
    await asyncio.gather(ingestion, return_exceptions=True)
    model.gate.set()
    await encoder.encode(["after"], "query")
    assert sum(len(texts) for purpose, texts in model.calls if purpose == "document") < 10


async def test_the_model_is_not_disturbed_by_callers_who_left_while_it_worked(
    model: Model, encoder: SharedModel
) -> None:
    first = await model.busy(encoder)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    model.gate.set()
    assert (await encoder.encode(["next"], "query")).tolist() == [Model.row("next")]


@pytest.mark.parametrize(("text", "message"), [("bad", "cannot read this"), ("endless", "nan as component 0")])
async def test_one_bad_text_fails_only_its_caller(model: Model, encoder: SharedModel, text: str, message: str) -> None:
    first = await model.busy(encoder)
    tasks = await started(encoder, ["a", "b", text, "c", "d", "e"])
    model.gate.set()
    outcomes = await asyncio.gather(first, *tasks, return_exceptions=True)
    failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert len(failed) == 1
    assert isinstance(failed[0], EmbeddingError)
    assert message in str(failed[0])


async def test_queries_go_before_the_rest_of_an_ingestion(model: Model, encoder: SharedModel) -> None:
    model.gate.clear()
    ingestion = asyncio.create_task(encoder.encode([f"{n} " * 400 for n in range(100)], "document"))
    assert await asyncio.to_thread(model.entered.acquire, timeout=PATIENCE_S)
    queries = await started(encoder, ["query one", "query two"])
    model.gate.set()
    await asyncio.gather(ingestion, *queries)
    purposes = [purpose for purpose, _ in model.calls]
    assert purposes.index("query") == 1
    assert len(model.calls[0][1]) < 20


async def test_a_flood_of_queries_does_not_stop_an_ingestion(model: Model, encoder: SharedModel) -> None:
    ingested = asyncio.Event()

    async def ask() -> None:
        while not ingested.is_set():
            await encoder.encode(["again"], "query")

    callers = [asyncio.create_task(ask()) for _ in range(4)]
    rows = await encoder.encode([f"{n} " * 400 for n in range(60)], "document")
    ingested.set()
    await asyncio.gather(*callers)
    assert len(rows) == 60


async def test_ingestions_take_turns(model: Model, encoder: SharedModel) -> None:
    model.gate.clear()
    large = asyncio.create_task(encoder.encode([f"large {n} " * 300 for n in range(600)], "document"))
    assert await asyncio.to_thread(model.entered.acquire, timeout=PATIENCE_S)
    small = await started(encoder, ["small"], "document")
    model.gate.set()
    await asyncio.gather(large, *small)
    assert "small" in [text for _, texts in model.calls[1:3] for text in texts]


async def test_purposes_are_never_mixed(model: Model, encoder: SharedModel) -> None:
    first = await model.busy(encoder)
    queries, documents = await started(encoder, ["q1", "q2"]), await started(encoder, ["d1", "d2"], "document")
    model.gate.set()
    await asyncio.gather(first, *queries, *documents)
    assert sorted((purpose, sorted(texts)) for purpose, texts in model.calls[1:]) == [
        ("document", ["d1", "d2"]),
        ("query", ["q1", "q2"]),
    ]


async def test_order_is_kept_through_sorting_and_slicing(model: Model, encoder: SharedModel) -> None:
    texts = ["x" * (n * 37 % 101) for n in range(300)]
    rows = await encoder.encode(texts, "document")
    assert rows[:, 0].tolist() == [float(len(text)) for text in texts]


def test_loops_and_threads_share_one_model(model: Model, encoder: SharedModel) -> None:
    async def three(name: str) -> list[Matrix]:
        return await asyncio.gather(*(encoder.encode([f"{name}{n}"], "query") for n in range(3)))

    def on_a_loop(name: str) -> list[float]:
        return [float(rows[0, 1]) for rows in asyncio.run(three(name))]

    def blocking(name: str) -> list[float]:
        return [float(encoder.encode_blocking([f"{name}{n}"], "query")[0, 1]) for n in range(3)]

    jobs: list[tuple[Callable[[str], list[float]], str]] = [(on_a_loop, "a"), (blocking, "b")] * 4
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda job: job[0](job[1]), jobs))
    assert results == [[float(ord(name))] * 3 for _, name in jobs]


async def test_a_model_that_cannot_be_loaded_fails_everybody_and_is_tried_again(model: Model) -> None:
    problems = [OSError("no such file")]

    def prepare() -> None:
        if problems:
            raise problems.pop()

    encoder = SharedModel(model, source="model", batch_size=8, prepare=prepare)
    with pytest.raises(EmbeddingError, match="no such file"):
        await encoder.encode(["text"], "query")
    assert len(await encoder.encode(["text"], "query")) == 1
    await encoder.aclose()


async def test_closing_fails_who_waits_and_finishes_what_runs(model: Model, encoder: SharedModel) -> None:
    first = await model.busy(encoder)
    (waiting,) = await started(encoder, ["waiting"])
    closing = asyncio.create_task(encoder.aclose())
    with pytest.raises(EmbeddingError, match="closed while texts were waiting"):
        await waiting
    model.gate.set()
    assert (await first).tolist() == [Model.row("first")]
    await closing
    with pytest.raises(EmbeddingError, match="was closed"):
        await encoder.encode(["late"], "query")


async def test_a_result_does_not_keep_its_batch_alive(model: Model, encoder: SharedModel) -> None:
    first = await model.busy(encoder)
    tasks = await started(encoder, [f"text {n}" for n in range(50)])
    model.gate.set()
    rows = await asyncio.gather(first, *tasks)
    assert all(row.base is None and row.nbytes == 8 for row in rows)


async def test_nothing_is_kept_of_cancelled_callers(model: Model, encoder: SharedModel) -> None:
    class Text(str):
        """A string that can be watched."""

        __slots__ = ("__weakref__",)

    first = await model.busy(encoder)
    text = Text("a large text")
    watched = weakref.ref(text)
    task = asyncio.create_task(encoder.encode([text], "query"))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    del text, task
    await asyncio.sleep(0)  # the loop itself holds the outcome until its next step
    gc.collect()
    assert watched() is None
    model.gate.set()
    await first


def test_a_loop_that_is_gone_does_not_stop_the_others(model: Model, encoder: SharedModel) -> None:
    async def leave() -> None:
        task = await model.busy(encoder)
        task.cancel()

    asyncio.run(leave())
    model.gate.set()
    assert encoder.encode_blocking(["next"], "query").tolist() == [Model.row("next")]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_an_encoder_of_its_own(model: Model, encoder: SharedModel) -> None:
    encoder.encode_blocking(["parent"], "query")
    child = os.fork()
    if child == 0:
        signal.alarm(PATIENCE_S)
        rows = encoder.encode_blocking(["child"], "query")
        os._exit(0 if rows.tolist() == [Model.row("child")] else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert encoder.encode_blocking(["parent"], "query").tolist() == [Model.row("parent")]
