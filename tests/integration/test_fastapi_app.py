"""The FastAPI example behind a real server: many requests at once, and a loop that is never blocked by them."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
import uvicorn
from fastapi import FastAPI

from examples.fastapi_app import create_app
from langchain_qdrant_async import Connection, Embedded, Policy

AT_ONCE = 64


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, which is served on this very loop."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
        running = asyncio.create_task(server.serve(sockets=[listener]))
        host, port = listener.getsockname()
        try:
            async with httpx.AsyncClient(base_url=f"http://{host}:{port}", timeout=30, trust_env=False) as client:
                yield client
        finally:
            server.should_exit = True
            await running


@pytest.fixture
async def client(connection: Connection, collection_name: str) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create_app(connection, collection=collection_name)) as client:
        yield client


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[Connection]:
    """A connection to an engine that the test may stop."""
    async with Connection(Embedded(tmp_path / "engine")) as connection:
        yield connection


@contextmanager
def stopped(folder: Path) -> Iterator[None]:
    """The engine of a folder hears and answers nothing."""
    [pid] = [each.pid for each in psutil.process_iter() if str(folder) in " ".join(_command(each))]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


async def fill(client: httpx.AsyncClient, count: int = AT_ONCE) -> None:
    documents = [{"text": f"text {n}", "id": f"id-{n}", "metadata": {"n": n, "lang": "en"}} for n in range(count)]
    response = await client.post("/documents", json=documents)
    assert response.status_code == 201
    assert response.json() == [each["id"] for each in documents]


async def search(client: httpx.AsyncClient, number: int) -> tuple[str, float]:
    response = await client.post("/search", json={"query": f"text {number}", "k": 2})
    assert response.status_code == 200
    best = response.json()[0]
    return best["id"], best["score"]


async def test_documents_are_found_by_text_and_by_filter(client: httpx.AsyncClient) -> None:
    await fill(client, 5)
    response = await client.post("/search", json={"query": "text 3", "k": 1, "filter": {"n": {"$lte": 3}}})
    [hit] = response.json()
    assert hit.pop("score") == pytest.approx(1, abs=1e-4)
    assert hit == {"id": "id-3", "text": "text 3", "metadata": {"n": 3, "lang": "en"}}
    response = await client.get("/search", params={"query": "text 3", "k": 5, "filter": '{"n": {"$gt": 3}}'})
    assert [each["id"] for each in response.json()] == ["id-4"]


async def test_a_search_before_any_document_finds_nothing(client: httpx.AsyncClient) -> None:
    response = await client.get("/search", params={"query": "anything"})
    assert (response.status_code, response.json()) == (200, [])


async def test_it_says_that_it_is_well(client: httpx.AsyncClient) -> None:
    response = await client.get("/health")
    assert response.status_code == 200
    assert response.json()["qdrant"]


async def test_64_requests_at_once_all_find_their_own(client: httpx.AsyncClient) -> None:
    await fill(client)
    found = await asyncio.gather(*(search(client, number) for number in range(AT_ONCE)))
    assert [each for each, _ in found] == [f"id-{number}" for number in range(AT_ONCE)]
    assert all(score == pytest.approx(1, abs=1e-4) for _, score in found)


async def test_searches_that_wait_for_qdrant_do_not_block_the_loop(own: Connection, tmp_path: Path) -> None:
    """The engine stands still, 64 searches hang, and the application answers and the loop beats all the same."""
    async with serving(create_app(own)) as client:
        await fill(client)
        with stopped(tmp_path):
            searches = [asyncio.create_task(search(client, number)) for number in range(AT_ONCE)]
            for _ in range(3):
                response = await client.get("/openapi.json")
                assert response.status_code == 200
            beats = 0
            for _ in range(1_000):
                await asyncio.sleep(0)
                beats += 1
            assert beats == 1_000
            assert not any(each.done() for each in searches)
        found = await asyncio.gather(*searches)
    assert [each for each, _ in found] == [f"id-{number}" for number in range(AT_ONCE)]


async def test_a_qdrant_that_does_not_answer_in_time_is_a_gateway_timeout(own: Connection, tmp_path: Path) -> None:
    async with serving(create_app(own)) as client:
        await fill(client, 1)  # starts the engine, which takes its time on a busy machine
    hasty = Connection(own.target, policy=Policy(read_deadline_s=3))
    async with hasty, serving(create_app(hasty)) as client:
        assert (await client.post("/search", json={"query": "text 0"})).status_code == 200
        with stopped(tmp_path):
            response = await client.post("/search", json={"query": "text 0"})
    assert response.status_code == 504
    assert response.json()["error"] == "DeadlineExceeded"


async def test_a_qdrant_that_is_not_there_is_an_unavailable_service() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with serving(create_app(f"http://127.0.0.1:{unused.getsockname()[1]}")) as client:
            response = await client.get("/health")
    assert response.status_code == 503
    assert response.json()["error"] == "Unavailable"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"query": "x", "filter": {"n": {"$near": 3}}}, "$near"),
        ({"query": "x", "k": 0}, "greater than or equal to 1"),
        ({"query": ""}, "at least 1 character"),
    ],
)
async def test_what_cannot_be_understood_is_unprocessable(client: httpx.AsyncClient, body: object, said: str) -> None:
    response = await client.post("/search", json=body)
    assert response.status_code == 422
    assert said in response.text


@pytest.mark.parametrize("condition", ["{", "[1]", '{"n": {"$near": 3}}'])
async def test_a_filter_in_a_url_that_is_none_is_unprocessable(client: httpx.AsyncClient, condition: str) -> None:
    response = await client.get("/search", params={"query": "x", "filter": condition})
    assert response.status_code == 422
    assert "filter" in response.text


async def test_metadata_that_qdrant_cannot_hold_is_unprocessable_by_its_path(client: httpx.AsyncClient) -> None:
    documents = [{"text": "t", "metadata": {"n": 2**70}}]
    response = await client.post("/documents", json=documents)
    assert response.status_code == 422
    assert "n" in response.json()["detail"]
