"""BM25 as sparse vectors: the document's half here, the inverse document frequency in Qdrant.

Give the sparse vectors of the collection the IDF modifier; without it frequent words count as much as rare ones.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable

from langchain_qdrant_async.embedding.fingerprint import Fingerprint
from langchain_qdrant_async.embedding.sparse.sparse import SparseEmbeddings, SparseVector
from langchain_qdrant_async.embedding.texts import check_text, check_texts
from langchain_qdrant_async.errors import InvalidInput

_WORD = re.compile(r"\w+")
_STOPWORDS = frozenset(
    """
    a an and are as at be but by for from had has have he her his i if in into is it its not of on or our she so such
    that the their them then there these they this to was we were what when where which who will with you your
    """.split()  # noqa: SIM905 - a list of sixty lines reads worse
)
"""English words that say nothing of what a text is about."""


def plural_stem(word: str) -> str:
    """An English noun or verb without its -s: the one suffix that is safe to remove by rule.

    Source: Harman, How Effective Is Suffixing?, 1991, the S-stemmer.
    """
    if word.endswith("ies") and not word.endswith(("eies", "aies")):
        return word[:-3] + "y"
    if word.endswith("es") and not word.endswith(("aes", "ees", "oes")):
        return word[:-1]
    if word.endswith("s") and not word.endswith(("us", "ss")):
        return word[:-1]
    return word


class Bm25Embeddings(SparseEmbeddings):
    """BM25 without a model to download and without a corpus to fit on; about 20 microseconds for a hundred words."""

    def __init__(
        self,
        *,
        k1: float = 1.2,
        b: float = 0.75,
        average_words: float = 128,
        stem: Callable[[str], str] | None = plural_stem,
        stopwords: Iterable[str] = _STOPWORDS,
    ) -> None:
        """Remember how to weigh.

        Args:
            k1: how much a word's repetition counts, from 0.
            b: how much long texts are held back, 0 to 1.
            average_words: the mean length of your texts in words, stopwords left out; 128 is about 1,000 characters.
            stem: brings the forms of a word together; for other languages give a stemmer of theirs, or None.
            stopwords: words to leave out.

        Raises:
            InvalidInput: a weight out of its range.
        """
        if k1 < 0 or not 0 <= b <= 1 or average_words <= 0:
            raise InvalidInput(f"k1={k1} must be >= 0, b={b} between 0 and 1, average_words={average_words} above 0")
        self.k1 = k1
        self.b = b
        self.average_words = average_words
        self._stem = stem
        self._stopwords = frozenset(stopwords)

    @property
    def fingerprint(self) -> Fingerprint:
        """What decides the numbers."""
        stem = None if self._stem is None else getattr(self._stem, "__qualname__", type(self._stem).__qualname__)
        return {"class": "Bm25", "k1": self.k1, "b": self.b, "average_words": self.average_words, "stem": stem}

    def embed_documents(self, texts: list[str]) -> list[SparseVector]:
        """A vector for each text: how much each of its words speaks for it.

        Source: Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009, eq. 3.15.
        """
        return [self._document(text) for text in check_texts(texts)]

    def embed_query(self, text: str) -> SparseVector:
        """The query's words, as often as they occur."""
        counts = self._counts(check_text(text))
        return SparseVector(list(counts), [float(count) for count in counts.values()])

    def _document(self, text: str) -> SparseVector:
        counts = self._counts(text)
        length = sum(counts.values())
        damping = self.k1 * (1 - self.b + self.b * length / self.average_words)
        return SparseVector(list(counts), [n * (self.k1 + 1) / (n + damping) for n in counts.values()])

    def _counts(self, text: str) -> Counter[int]:
        """Occurrences by the word's position, which is a hash of it: the same in every process."""
        words = (word for word in _WORD.findall(text.lower()) if word not in self._stopwords)
        stems = words if self._stem is None else map(self._stem, words)
        return Counter(zlib.crc32(stem.encode("utf-8", "surrogatepass")) for stem in stems)
