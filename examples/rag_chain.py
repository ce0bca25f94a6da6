"""Retrieval-augmented generation as an LCEL chain, streamed. Put a chat model of yours in the fake one's place.

python examples/rag_chain.py
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.language_models import BaseChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnablePassthrough

from langchain_qdrant_async import AsyncQdrantVectorStore, Connection

TEXTS = ["The office opens at eight.", "Coffee is on the second floor.", "Parking needs a badge."]
PROMPT = ChatPromptTemplate.from_messages([("system", "Use only this:\n{context}"), ("human", "{question}")])


def chain(retriever: BaseRetriever, model: BaseChatModel) -> Runnable[str, str]:
    """Question -> answer, from what the retriever finds."""
    return {"context": retriever | lines, "question": RunnablePassthrough()} | PROMPT | model | StrOutputParser()


def lines(documents: Sequence[Document]) -> str:
    """Documents as text for a prompt."""
    return "\n".join(document.page_content for document in documents)


async def main(target: str = ":memory:") -> None:
    """Ask one question.

    Args:
        target: `":memory:"`, a folder, or the URL of a Qdrant server.
    """
    model = GenericFakeChatModel(messages=iter([AIMessage("Coffee is on the second floor.")]))
    async with Connection(target) as connection:
        store = AsyncQdrantVectorStore(connection, "office", DeterministicFakeEmbedding(size=100))
        await store.aadd_texts(TEXTS)
        answer = chain(store.as_retriever(search_kwargs={"k": 2}), model)
        async for piece in answer.astream("Where is the coffee?"):
            print(piece, end="", flush=True)
    print()


if __name__ == "__main__":
    asyncio.run(main())
