"""Other wordings of a question, by a model."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from langchain_core.runnables import Runnable

from langchain_qdrant_async.errors import InvalidInput

Wordings: TypeAlias = Runnable[str, Any] | Callable[[str], Awaitable[Sequence[str]]]
"""From a text to other texts: a list, or one with a line for each."""

_PROMPT = """Write three other wordings of the question below, by which a search by meaning may find what the question \
itself does not. Keep what it asks for. One on each line, nothing else.

Question: {question}"""

_MOST = 20
"""Wordings of one question, at most."""


async def wordings_of(question: str, llm: Any, given: Wordings | None, callbacks: Any) -> list[str]:
    """Other wordings, each once and not the question itself.

    Args:
        question: the text.
        llm: a model that is asked for them, unless they are given otherwise.
        given: what gives them.
        callbacks: of the run that asks.

    Raises:
        InvalidInput: neither a model nor anything else gives them, or what came is no text.
    """
    config: Any = {"callbacks": callbacks}
    if given is None and llm is None:
        raise InvalidInput("multi_query needs a model as llm, or what gives other wordings as wordings")
    if given is None:
        answer = await llm.ainvoke(_PROMPT.format(question=question), config)
    elif isinstance(given, Runnable):
        answer = await given.ainvoke(question, config)
    else:
        answer = given(question)
        answer = await answer if inspect.isawaitable(answer) else answer
    return _distinct(question, _texts(answer))


def _texts(answer: Any) -> list[str]:
    text = getattr(answer, "text", answer)
    listed = text.splitlines() if isinstance(text, str) else text
    if not isinstance(listed, list | tuple) or not all(isinstance(each, str) for each in listed):
        raise InvalidInput(f"other wordings are a list of texts, or lines, not {type(answer).__name__}")
    return [each.strip() for each in listed]


def _distinct(question: str, texts: Sequence[str]) -> list[str]:
    return [each for each in dict.fromkeys(texts) if each and each != question][:_MOST]
