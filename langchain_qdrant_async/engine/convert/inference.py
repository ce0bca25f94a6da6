"""Texts that the engine itself turns into vectors: BM25, by the model's name on a server, `qdrant/bm25`.

Source: `Bm25Config` in `lib/api/src/rest/schema.rs` of Qdrant.
"""

from __future__ import annotations

import functools
from typing import Any

import qdrant_edge as edge

from langchain_qdrant_async.engine.convert.schema import Sparse
from langchain_qdrant_async.engine.convert.values import from_payload
from langchain_qdrant_async.engine.status import malformed, unimplemented
from langchain_qdrant_async.proto import points

_BM25 = "qdrant/bm25"


def document_vector(message: points.Document) -> Sparse:
    """The vector of a text that is stored."""
    return _sparse(_model(message).embed_document(message.text))


def query_vector(message: points.Document) -> Sparse:
    """The vector of a text that is asked for."""
    return _sparse(_model(message).embed_query(message.text))


def _model(message: points.Document) -> edge.Bm25:
    if message.model.lower() != _BM25:
        raise unimplemented(f"Inference model {message.model!r} is not available in the embedded service")
    return _bm25(points.Document(options=message.options).SerializeToString(deterministic=True))


@functools.lru_cache(32)
def _bm25(message: bytes) -> edge.Bm25:
    """The encoder with the options of a document; making one takes longer than using it."""
    options = from_payload(points.Document.FromString(message).options)
    try:
        given = {name: _READERS.get(name, lambda value: value)(value) for name, value in options.items()}
        return edge.Bm25(edge.Bm25Config(**given))
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise malformed(f"Invalid BM25 config: {error}") from None


def _stopwords(given: Any) -> Any:
    if isinstance(given, str):
        return getattr(edge.Language, given.capitalize())
    languages = {getattr(edge.Language, each.capitalize()) for each in given.get("languages") or ()}
    return edge.StopwordsSet(languages=languages, custom=set(given.get("custom") or ()))


def _stemmer(given: Any) -> Any:
    if given["type"] == "snowball":
        return edge.SnowballParams(getattr(edge.SnowballLanguage, given["language"].capitalize()))
    return edge.DisabledStemmer()


def _whole(given: Any) -> int | None:
    return None if given is None else int(given)


_READERS: dict[str, Any] = {
    "tokenizer": lambda name: getattr(edge.TokenizerType, name.capitalize()),
    "stopwords": _stopwords,
    "stemmer": _stemmer,
    "min_token_len": _whole,
    "max_token_len": _whole,
    "k": float,
    "b": float,
    "avg_len": float,
}


def _sparse(vector: Any) -> Sparse:
    return Sparse(list(vector.indices), list(vector.values))
