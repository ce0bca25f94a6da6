"""Vectors that Qdrant makes itself: the texts are sent, with the name of a model that it knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_qdrant_async.document.values import to_value
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.proto import points


class ServerEncoder:
    """Leaves a field's vectors to Qdrant: `qdrant/bm25` on any server and in the embedded engine, others in the cloud.

    Give it to a `VectorField`, or to a store as its `sparse_embedding`: `ServerEncoder("qdrant/bm25")`.
    """

    def __init__(self, model: str, options: Mapping[str, Any] | None = None) -> None:
        """Name a model; no I/O.

        Args:
            model: as Qdrant knows it.
            options: what it takes, such as `{"language": "german", "avg_len": 100}` for `qdrant/bm25`.

        Raises:
            InvalidInput: the model has no name, or an option has no form in JSON.
        """
        if not isinstance(model, str) or not model:
            raise InvalidInput(f"a model is named by a string, not {model!r}")
        self.model_name = model
        self.options = dict(options or {})
        self._options = {name: to_value(value, name) for name, value in self.options.items()}

    async def documents(self, texts: list[str]) -> list[points.Document]:
        """What stands for the vector of each text."""
        return [self._document(text) for text in texts]

    async def query(self, text: str) -> points.Document:
        """What stands for the vector of the query."""
        return self._document(text)

    def __reduce__(self) -> tuple[object, ...]:
        return ServerEncoder, (self.model_name, self.options)

    def _document(self, text: str) -> points.Document:
        return points.Document(text=text, model=self.model_name, options=self._options)
