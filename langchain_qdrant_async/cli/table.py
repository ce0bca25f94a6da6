"""What was found, as a table on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import shorten
from typing import TypeAlias

from langchain_core.documents import Document
from rich.markup import escape
from rich.table import Table

Scored: TypeAlias = Sequence[tuple[Document, float | None]]
"""Documents, each with its score, if there are scores."""


def table(title: str, found: Scored, took_s: float) -> Table:
    """What was found, best first, with scores as Qdrant gave them."""
    caption = f"{took_s * 1_000:.0f} ms"
    shown = Table(title=escape(title), caption=caption, title_justify="left", caption_justify="right")
    scores = [score for _, score in found]
    if None not in scores:
        shown.add_column("score", justify="right", no_wrap=True)
    shown.add_column("name", style="bold", no_wrap=True)
    shown.add_column("kind", no_wrap=True)
    shown.add_column("what it says", min_width=20)
    for document, score in found:
        name, kind = document.metadata.get("name", document.id), document.metadata.get("kind", "")
        shown.add_row(*([] if None in scores else [f"{score:.3f}"]), str(name), str(kind), escape(said(document)))
    return shown


def said(document: Document) -> str:
    """The beginning of a text; the demo's own are cut after the kind, which has its column."""
    kind, _, rest = document.page_content.partition(": ")
    text = rest if kind.endswith(str(document.metadata.get("kind"))) else document.page_content
    return shorten(text, 100, placeholder=" …")
