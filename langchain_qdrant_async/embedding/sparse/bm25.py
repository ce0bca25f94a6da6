"""BM25 as sparse vectors: the document's half here, the inverse document frequency in Qdrant.

Positions and weights are those of `qdrant/bm25` on a server, so that either may write and search what the other wrote:
the encoder is Qdrant's own, which the embedded engine brings along. Give the sparse vectors of the collection the IDF
modifier, as a store does; without it frequent words count as much as rare ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, Literal

from langchain_qdrant_async.checks import is_float, is_number, shortened, whole_number
from langchain_qdrant_async.embedding.fingerprint import Fingerprint
from langchain_qdrant_async.embedding.sparse.sparse import SparseEmbeddings, SparseVector
from langchain_qdrant_async.embedding.texts import check_text, check_texts
from langchain_qdrant_async.errors import InvalidInput

_USUAL_LENGTH = 256.0
"""Words of a text on the average, where nobody says it. Source: `qdrant/bm25`, `avg_len`."""


class Bm25Embeddings(SparseEmbeddings):
    """BM25 without a model to download; about 50 microseconds for a hundred words."""

    idf = True
    """Qdrant is to weigh words by how rare they are."""

    def __init__(  # noqa: PLR0913  each is an option of the model
        self,
        *,
        k: float = 1.2,
        b: float = 0.75,
        avg_len: float | None = None,
        language: str = "english",
        stopwords: Iterable[str] | None = None,
        stem: bool = True,
        lowercase: bool = True,
        ascii_folding: bool = False,
        min_token_len: int | None = None,
        max_token_len: int | None = None,
        tokenizer: Literal["word", "whitespace", "prefix", "multilingual"] = "word",
    ) -> None:
        """Say how to weigh; the options are those of `qdrant/bm25`.

        Args:
            k: how much a word's repetition counts, from 0.
            b: how much long texts are held back, 0 to 1.
            avg_len: words of your texts on the average, stop words left out. None: a store learns it from the first
                texts of a collection and keeps it there; 256 otherwise.
            language: decides stop words and stemmer.
            stopwords: instead of the language's; an empty list leaves no word out.
            stem: whether forms of a word are brought together.
            lowercase: whether `Apple` is `apple`.
            ascii_folding: whether `café` is `cafe`.
            min_token_len: characters below which a word is left out.
            max_token_len: characters above which a word is left out.
            tokenizer: how a text is cut; `"multilingual"` for languages without spaces.

        Raises:
            InvalidInput: an option out of its range, or a language that is not known.
            ImportError: the extra `bm25` is not installed.
        """
        _check_options(k=k, b=b, avg_len=avg_len, language=language, tokenizer=tokenizer)
        _check_flags(stem=stem, lowercase=lowercase, ascii_folding=ascii_folding)
        self._options: dict[str, Any] = {
            "k": k,
            "b": b,
            "language": language,
            "stopwords": None if stopwords is None else frozenset(_words(stopwords)),
            "stem": stem,
            "lowercase": lowercase,
            "ascii_folding": ascii_folding,
            "min_token_len": _length("min_token_len", min_token_len),
            "max_token_len": _length("max_token_len", max_token_len),
            "tokenizer": tokenizer,
        }
        self._given_length = avg_len
        self.avg_len = _USUAL_LENGTH if avg_len is None else avg_len
        self._encoder = _encoder(self._options, self.avg_len)

    @property
    def fingerprint(self) -> Fingerprint:
        """What decides the numbers."""
        words = self._options["stopwords"]
        options = self._options | {"stopwords": None if words is None else sorted(words)}
        return {"class": "Bm25", "avg_len": self.avg_len, **options}

    def embed_documents(self, texts: list[str]) -> list[SparseVector]:
        """A vector for each text: how much each of its words speaks for it; none for a text without a word.

        Source: Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009, eq. 3.15.
        """
        return [_vector(self._encoder.embed_document(_encodable(text))) for text in check_texts(texts)]

    def embed_query(self, text: str) -> SparseVector:
        """The query's words, each once."""
        return _vector(self._encoder.embed_query(_encodable(check_text(text))))

    def learn(self, texts: list[str]) -> dict[str, float]:
        """What a collection is to keep of its texts: their average length, unless it was given.

        The words are counted by what the encoder gives where the length of a text does not matter: with `k=1` and
        `b=0` a word that comes `n` times weighs `2 n / (n + 1)`.
        """
        if self._given_length is not None or not texts:
            return {}
        counter = _encoder(self._options | {"k": 1.0, "b": 0.0}, _USUAL_LENGTH)
        weights = (counter.embed_document(_encodable(text)).values for text in texts)
        words = sum(round(weight / (2 - weight)) for each in weights for weight in each)
        return {"avg_len": max(1.0, words / len(texts))}

    def with_learned(self, learned: Mapping[str, Any]) -> Bm25Embeddings:
        """The same, with what a collection has kept; what was given stays."""
        length = learned.get("avg_len")
        if self._given_length is not None or not is_number(length) or length <= 0:
            return self
        made = type(self).__new__(type(self))
        made.__setstate__(self.__getstate__() | {"avg_len": float(length)})
        return made

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in super().__getstate__().items() if name != "_encoder"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._encoder = _encoder(self._options, self.avg_len)


def _encoder(options: Mapping[str, Any], avg_len: float) -> Any:
    """Qdrant's own encoder."""
    edge = _edge()
    given = {name: options[name] for name in _PASSED if options[name] is not None}
    if options["stopwords"] is not None:
        given["stopwords"] = edge.StopwordsSet(custom=set(options["stopwords"]))
    if not options["stem"]:
        given["stemmer"] = edge.DisabledStemmer()
    try:
        kind = getattr(edge.TokenizerType, str(options["tokenizer"]).capitalize())
        return edge.Bm25(edge.Bm25Config(avg_len=avg_len, tokenizer=kind, **given))
    except (ValueError, TypeError, OverflowError, AttributeError) as error:
        raise InvalidInput(f"BM25 cannot be so: {error}") from None


_PASSED = ("k", "b", "language", "lowercase", "ascii_folding", "min_token_len", "max_token_len")


def _edge() -> Any:
    try:
        return import_module("qdrant_edge")
    except ImportError as error:
        raise ImportError("qdrant-edge-py is needed for BM25: pip install 'langchain-qdrant-async[bm25]'") from error


def _vector(sparse: Any) -> SparseVector:
    return SparseVector(sparse.indices, sparse.values)


def _encodable(text: str) -> str:
    """The text, with what is no Unicode as an unknown character; it is refused where it is stored."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _check_options(**given: Any) -> None:
    for name in ("language", "tokenizer"):
        if not isinstance(given[name], str):
            raise InvalidInput(f"BM25 cannot be so: {name} must be a string, not {shortened(given[name])}")
    for name, most in (("k", math.inf), ("b", 1), ("avg_len", math.inf)):
        value = given[name]
        least_excluded = name == "avg_len"
        if value is None and least_excluded:
            continue
        if not is_float(value) or not 0 <= value <= most or math.isinf(value) or (least_excluded and value == 0):
            bounds = "above 0" if least_excluded else "from 0" if most == math.inf else "from 0 to 1"
            raise InvalidInput(f"BM25 cannot be so: {name} must be a number {bounds}, not {shortened(value)}")


def _check_flags(**given: Any) -> None:
    for name, value in given.items():
        if not isinstance(value, bool):
            raise InvalidInput(f"BM25 cannot be so: {name} must be True or False, not {shortened(value)}")


def _words(given: Any) -> Iterable[str]:
    if isinstance(given, Iterable) and not isinstance(given, str | bytes):
        listed = list(given)
        if all(isinstance(each, str) for each in listed):
            return listed
    raise InvalidInput(f"stopwords must be a list of words, not {shortened(given)}")


def _length(name: str, given: int | None) -> int | None:
    return None if given is None else whole_number(name, given, at_least=0)
