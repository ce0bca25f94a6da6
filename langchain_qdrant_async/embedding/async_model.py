"""Any embeddings as something to await, which never blocks the loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from langchain_qdrant_async.checks import whole_number
from langchain_qdrant_async.embedding.array_embeddings import ArrayEmbeddings
from langchain_qdrant_async.errors import EmbeddingError, InvalidInput, QdrantStoreError
from langchain_qdrant_async.runtime.threads import Threads

THREADS = 32
"""Calls of models without async methods that run at once; more of them wait.

Most such models wait for a network.
"""

_BORROWING = frozenset(("langchain_core.embeddings.embeddings", "langchain_qdrant.sparse_embeddings"))
"""Modules whose async methods give the blocking ones to the loop's default executor, which the whole process shares."""


class ModelThreads(Threads):
    """Threads for the models that have no async methods of their own; any number of models may share them."""

    def __init__(self, limit: int = THREADS) -> None:
        """No thread starts before the first call that needs one.

        Raises:
            InvalidInput: the limit is no whole number from 1 on.
        """
        super().__init__("embedding-calls", whole_number("model_threads", limit, at_least=1, at_most=1_000))


class AsyncModel:
    """The async half of any embeddings: awaited where a model has one, and on threads where it has not.

    How a model is called is found out once, here, not in each call: asking for a runtime protocol takes 10
    microseconds. Models that give arrays are asked for arrays.
    """

    def __init__(self, embedding: object, threads: Threads) -> None:
        """Nothing is called yet.

        Args:
            embedding: dense, sparse or late-interaction embeddings; the async methods may be missing.
            threads: where blocking methods run.

        Raises:
            InvalidInput: it has no methods to embed with.
        """
        kind = "_array" if isinstance(embedding, ArrayEmbeddings) else ""
        self.name = type(embedding).__name__
        self.embed_documents = _method(embedding, f"embed_documents{kind}")
        self.embed_query = _method(embedding, f"embed_query{kind}")
        self._documents = _awaitable(embedding, f"embed_documents{kind}", threads)
        self._query = _awaitable(embedding, f"embed_query{kind}", threads)

    async def documents(self, texts: list[str]) -> Any:
        """What the model gives for several texts, unchecked.

        Raises:
            EmbeddingError: the model failed.
        """
        try:
            return await self._documents(texts)
        except (QdrantStoreError, ImportError):  # these say themselves whose error it is, and what to install
            raise
        except Exception as error:
            raise EmbeddingError(f"{self.name} failed: {type(error).__name__}: {error}") from error

    async def query(self, text: str) -> Any:
        """What the model gives for a query, unchecked.

        Raises:
            EmbeddingError: the model failed.
        """
        try:
            return await self._query(text)
        except (QdrantStoreError, ImportError):  # as above
            raise
        except Exception as error:
            raise EmbeddingError(f"{self.name} failed: {type(error).__name__}: {error}") from error


def _method(embedding: object, name: str) -> Callable[[Any], Any]:
    method: Callable[[Any], Any] | None = getattr(embedding, name, None)
    if method is None:
        raise InvalidInput(f"{type(embedding).__name__} cannot embed texts: it has no method {name}")
    return method


def _awaitable(embedding: object, name: str, threads: Threads) -> Callable[[Any], Awaitable[Any]]:
    """The method's async twin if the model has one of its own, else the method on one of the threads."""
    twin: Callable[[Any], Awaitable[Any]] | None = getattr(embedding, f"a{name}", None)
    if twin is None or getattr(getattr(twin, "__func__", None), "__module__", None) in _BORROWING:
        method = _method(embedding, name)
        return lambda given: threads.run(method, given)
    return twin
