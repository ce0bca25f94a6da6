"""What is to be embedded: strings, and a list of them where several are asked for."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_qdrant_async.errors import InvalidInput


def check_texts(texts: Sequence[str]) -> list[str]:
    """The texts as a list of the caller's strings.

    Raises:
        InvalidInput: a single string instead of several, or something that is not a string.
    """
    if isinstance(texts, str):
        raise InvalidInput("a list of texts is needed and one string was given: use [text], or embed_query(text)")
    listed = list(texts)
    for position, text in enumerate(listed):
        if not isinstance(text, str):
            raise InvalidInput(f"text {position} is a {type(text).__name__}; only strings can be embedded")
    return listed


def check_text(text: str) -> str:
    """The text itself.

    Raises:
        InvalidInput: it is not a string.
    """
    if not isinstance(text, str):
        raise InvalidInput(f"the text is a {type(text).__name__}; only strings can be embedded")
    return text
