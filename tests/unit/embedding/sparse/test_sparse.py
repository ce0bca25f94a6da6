"""What all sparse embeddings have in common."""

from __future__ import annotations

import threading

from langchain_qdrant_async.embedding import SparseEmbeddings, SparseVector


async def test_a_blocking_encoder_runs_off_the_loop() -> None:
    class Own(SparseEmbeddings):
        def embed_documents(self, texts: list[str]) -> list[SparseVector]:
            return [SparseVector([threading.get_ident()], [1.0]) for _ in texts]

        def embed_query(self, text: str) -> SparseVector:
            return self.embed_documents([text])[0]

    assert (await Own().aembed_query("cat")).indices != [threading.get_ident()]
