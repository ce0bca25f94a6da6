"""A search service: one connection and one store for the whole application, and a loop that never waits for them.

    QDRANT=http://localhost:6334 uvicorn examples.fastapi_app:app
    python examples/fastapi_app.py          # in memory, on port 8000

`create_app` takes where Qdrant is and which embeddings to use, so that tests can pass their own.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI, Query, Request
from fastapi.responses import JSONResponse
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings
from pydantic import BaseModel, Field

from langchain_qdrant_async import (
    AsyncQdrantVectorStore,
    CollectionSpec,
    Connection,
    DeadlineExceeded,
    InvalidInput,
    NotFound,
    QdrantStoreError,
    RateLimited,
    Unavailable,
)
from langchain_qdrant_async.proto import service

STATUS: dict[type[QdrantStoreError], int] = {
    InvalidInput: 422,
    NotFound: 404,
    RateLimited: 429,
    Unavailable: 503,
    DeadlineExceeded: 504,
}
"""Which HTTP status an error means; any other of the package's is a bad gateway, 502."""


class NewDocument(BaseModel):
    """A document to add."""

    text: str = Field(min_length=1)
    id: str | None = None
    metadata: dict[str, Any] = {}


class Question(BaseModel):
    """A search."""

    query: str = Field(min_length=1)
    k: int = Field(default=4, ge=1, le=100)
    filter: dict[str, Any] | None = None


class Hit(BaseModel):
    """A document that was found."""

    id: str | None
    text: str
    metadata: dict[str, Any]
    score: float


def store_of(request: Request) -> AsyncQdrantVectorStore:
    """The application's store."""
    store: AsyncQdrantVectorStore = request.app.state.store
    return store


Store = Annotated[AsyncQdrantVectorStore, Depends(store_of)]


def create_app(
    target: Connection | str = ":memory:", embedding: Embeddings | None = None, collection: str = "docs"
) -> FastAPI:
    """The application.

    Args:
        target: a connection, which stays its owner's to close; or `":memory:"`, a folder, or a URL.
        embedding: what turns text into 100 numbers; by default a fake, for trying this without a model.
        collection: where the documents are.
    """
    embeddings = embedding or DeterministicFakeEmbedding(size=100)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        spec = CollectionSpec(collection, payload_indexes={"lang": "keyword"})
        async with AsyncQdrantVectorStore(target, embedding=embeddings, spec=spec) as app.state.store:
            yield

    app = FastAPI(title="Search", lifespan=lifespan)
    app.add_exception_handler(QdrantStoreError, as_status)
    app.post("/documents", status_code=201)(add_documents)
    app.post("/search")(search)
    app.get("/search")(search_by_url)
    app.get("/health")(health)
    return app


async def add_documents(store: Store, documents: list[NewDocument]) -> list[str]:
    """Add documents, or replace those whose ids exist; their ids."""
    return await store.aadd_documents([Document(each.text, id=each.id, metadata=each.metadata) for each in documents])


async def search(store: Store, question: Question) -> list[Hit]:
    """What is nearest to the query, best first."""
    found = await store.asimilarity_search_with_score(question.query, question.k, filter=question.filter)
    return [Hit(id=each.id, text=each.page_content, metadata=each.metadata, score=score) for each, score in found]


async def search_by_url(
    store: Store,
    query: Annotated[str, Query(min_length=1)],
    k: Annotated[int, Query(ge=1, le=100)] = 4,
    filter: Annotated[str | None, Query(description="The filter, as JSON.")] = None,  # noqa: A002
) -> list[Hit]:
    """The same, for links and browsers."""
    try:
        question = Question(query=query, k=k, filter=json.loads(filter) if filter else None)
    except ValueError as error:
        raise InvalidInput(f"filter must be a JSON object: {error}") from error
    return await search(store, question)


async def health(store: Store) -> dict[str, str]:
    """Whether Qdrant answers."""
    reply = await store.connection.service.HealthCheck(service.HealthCheckRequest(), timeout=2)
    return {"qdrant": reply.version}


async def as_status(_: Request, error: Exception) -> JSONResponse:
    """The HTTP answer for an error of the store."""
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 502)
    return JSONResponse({"error": type(error).__name__, "detail": str(error)}, status)


app = create_app(os.environ.get("QDRANT", ":memory:"))


def main() -> None:
    """Serve on this machine's port 8000."""
    uvicorn.run(app, host="127.0.0.1", port=8000)


if __name__ == "__main__":
    main()
