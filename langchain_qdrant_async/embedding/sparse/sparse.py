"""Sparse vectors: a weight for each word that matters, for keyword and hybrid search.

The interface is langchain-qdrant's, so that its sparse embeddings work here and these work there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from langchain_qdrant_async.runtime.threads import Threads


@dataclass(frozen=True)
class SparseVector:
    """Numbers at some positions and zero at all others."""

    indices: list[int] = field(default_factory=list)
    """Positions, each once, 0 to 2**32 - 1."""
    values: list[float] = field(default_factory=list)
    """The number at each of them."""

    def __len__(self) -> int:
        return len(self.indices)


class SparseEmbeddings(ABC):
    """Text -> sparse vectors. Blocking methods are yours; their async twins run them on an own thread."""

    @abstractmethod
    def embed_documents(self, texts: list[str]) -> list[SparseVector]:
        """A vector for each text, in order."""

    @abstractmethod
    def embed_query(self, text: str) -> SparseVector:
        """The query's vector."""

    async def aembed_documents(self, texts: list[str]) -> list[SparseVector]:
        """As `embed_documents`, off the loop."""
        return await self._own_threads().run(self.embed_documents, texts)

    async def aembed_query(self, text: str) -> SparseVector:
        """As `embed_query`, off the loop."""
        return await self._own_threads().run(self.embed_query, text)

    def __getstate__(self) -> dict[str, object]:
        """What it is made of, for copies and pickles; they get threads of their own."""
        return {name: value for name, value in vars(self).items() if name != "_threads"}

    def _own_threads(self) -> Threads:
        threads: Threads = self.__dict__.setdefault("_threads", Threads("sparse-embedding", 1))
        return threads
