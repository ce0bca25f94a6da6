"""What a reduction costs and gives on Cranfield: nDCG@10 by size, kind and sample, with Int8 as Qdrant does it.

python -m tests.benchmark.embedding_quality [--cache vectors.npz] [--plot docs/guides/choosing-the-size.svg]
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from langchain_qdrant_async.embedding import Reduction, SentenceTransformerEmbeddings
from langchain_qdrant_async.embedding.matrix import Matrix
from tests.benchmark.cranfield import Cranfield, load

SIZES = (25, 50, 75, 100, 128, 192, 256, 384)
SPLITS = 5


@dataclass(frozen=True)
class Collection:
    """Vectors of documents and queries, and what each document is worth to each query, (queries, documents)."""

    documents: Matrix
    queries: Matrix
    gains: NDArray[np.float64]

    @classmethod
    def load(cls, cache: Path | None) -> Collection:
        data = load()
        gains = _gains(data)
        if cache is not None and cache.exists():
            stored = np.load(cache)
            return cls(stored["documents"], stored["queries"], gains)
        with SentenceTransformerEmbeddings("all-MiniLM-L6-v2", device="cpu") as model:
            vectors = model.embed_documents_array(list(data.documents.values()))
            asked = np.stack([model.embed_query_array(question) for question in data.questions.values()])
        if cache is not None:
            np.savez(cache, documents=vectors, queries=asked)
        return cls(vectors, asked, gains)

    def ndcg(self, reduction: Reduction | None = None, *, quantized: bool = True) -> float:
        """nDCG@10 by exact search, the mean over queries with judgements."""
        documents = self.documents if reduction is None else reduction.apply(self.documents)
        queries = self.queries if reduction is None else reduction.apply(self.queries)
        if quantized:
            documents, queries = int8(documents, documents), int8(queries, documents)
        return ndcg_at_10(queries @ documents.T, self.gains)


def int8(vectors: Matrix, stored: Matrix) -> Matrix:
    """Qdrant's scalar quantisation and back: one linear scale of 127 steps for all numbers of the collection.

    Source: qdrant, lib/quantization/src/encoded_vectors_u8.rs.
    """
    lowest, step = stored.min(), (stored.max() - stored.min()) / 127
    return np.asarray(np.clip(np.round((vectors - lowest) / step), 0, 127) * step + lowest, np.float32)


def ndcg_at_10(scores: Matrix, gains: NDArray[np.float64]) -> float:
    """Source: Jarvelin and Kekalainen, Cumulated Gain-Based Evaluation of IR Techniques, 2002."""
    discounts = 1 / np.log2(np.arange(2, 12))
    best = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    reached = np.take_along_axis(gains, best, axis=1) @ discounts
    ideal = np.sort(gains, axis=1)[:, ::-1][:, :10] @ discounts
    judged = ideal > 0
    return float((reached[judged] / ideal[judged]).mean())


def _gains(data: Cranfield) -> NDArray[np.float64]:
    columns = {document: place for place, document in enumerate(data.documents)}
    gains = np.zeros((len(data.questions), len(columns)))
    for row, question in enumerate(data.questions):
        for document, gain in data.gains.get(question, {}).items():
            gains[row, columns[document]] = 2**gain - 1
    return gains


def kinds(collection: Collection, full: float) -> None:
    """Each kind of reduction at 100 numbers."""
    fitted = Reduction.fit(collection.documents)
    print(f"full vectors, 384 numbers, float32: {full:.4f}")
    for reduction in (fitted, Reduction.random_projection(384, 100), Reduction.truncation(384, 100)):
        plain, quantized = collection.ndcg(reduction, quantized=False), collection.ndcg(reduction)
        shares = f"float32 {plain / full:.1%}, int8 {quantized / full:.1%}"
        print(f"{reduction.kind:22} nDCG@10 {plain:.4f} and {quantized:.4f}: {shares}")
    print(fitted.quality)


def samples(collection: Collection, full: float) -> None:
    """A fit on some of the documents, searched for in all of them."""
    random = np.random.RandomState(0)
    for count in (50, 100, 200, 500, 1000):
        fits = [Reduction.fit(collection.documents[random.permutation(1400)[:count]]) for _ in range(SPLITS)]
        scores = [collection.ndcg(fit) / full for fit in fits]
        print(f"fitted on {count:5} documents: {np.mean(scores):.1%} (worst of {SPLITS}: {min(scores):.1%})")


def exponents(collection: Collection, full: float) -> None:
    """How far to whiten, by halves: fitted on one half of the documents and judged on queries over all."""
    random = np.random.RandomState(0)
    halves = [random.permutation(1400)[:700] for _ in range(SPLITS)]
    for exponent in (0.0, 0.2, 0.3, 0.35, 0.4, 0.5, 0.7):
        fits = [Reduction.fit(collection.documents[half], exponent=exponent) for half in halves]
        print(f"exponent {exponent}: {np.mean([collection.ndcg(fit) / full for fit in fits]):.1%}")


def costs() -> None:
    """CPU of fitting and of applying, medians of 5."""
    vectors = np.random.RandomState(0).standard_normal((10_000, 384)).astype(np.float32)
    batches = [vectors[start : start + 256] for start in range(0, 10_000, 256)]
    fits, applications = [], []
    for _ in range(5):
        started = time.process_time()
        reduction = Reduction.fit(batches)
        fitted = time.process_time()
        for batch in batches:
            reduction.apply(batch)
        fits.append(fitted - started)
        applications.append(time.process_time() - fitted)
    print(f"fit 10,000 x 384: {median(fits):.2f} s of CPU; apply: {median(applications) * 100:.1f} us a vector")


def sizes(collection: Collection) -> list[tuple[int, float, float, float]]:
    """(numbers, fitted and quantised, truncated, whole) for each size."""
    full = collection.ndcg(quantized=False)
    rows = [
        (
            size,
            collection.ndcg(Reduction.fit(collection.documents, size)),
            collection.ndcg(Reduction.truncation(384, size)),
            full,
        )
        for size in SIZES
    ]
    for size, fitted, truncated, _ in rows:
        print(f"| {size} | {fitted:.3f} | {fitted / full:.1%} | {truncated:.3f} | {size} | {4 * size} |")
    return rows


def plot(rows: list[tuple[int, float, float, float]]) -> str:
    """The curves as an SVG, without a plotting library."""
    fitted = [(size, value) for size, value, _, _ in rows]
    truncated = [(size, value) for size, _, value, _ in rows]
    full = [(SIZES[0], rows[0][3]), (SIZES[-1], rows[0][3])]
    curves = [
        ("fitted, Int8", "#0a7d4f", "", fitted),
        ("truncated, Int8", "#b3541e", "", truncated),
        ("whole vectors, float32", "#555", ' stroke-dasharray="5 4"', full),
    ]
    body = "".join(_curve(*curve, place) for place, curve in enumerate(curves))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 380" font-family="sans-serif" font-size="13">'
        '<rect width="640" height="380" fill="white"/>' + _axes() + body + "</svg>\n"
    )


def _place(size: float, value: float) -> tuple[float, float]:
    return 60 + (size - 25) / 359 * 550, 320 - (value - 0.2) / 0.35 * 290


def _curve(name: str, color: str, dashes: str, points: list[tuple[int, float]], place: int) -> str:
    line = " ".join("{:.1f},{:.1f}".format(*_place(*point)) for point in points)
    y = 230 + 22 * place
    return (
        f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2"{dashes}/>'
        f'<line x1="400" x2="430" y1="{y}" y2="{y}" stroke="{color}" stroke-width="2"{dashes}/>'
        f'<text x="438" y="{y + 4}">{name}</text>'
    )


def _axes() -> str:
    across = "".join(f'<text x="{_place(size, 0)[0]:.0f}" y="340" text-anchor="middle">{size}</text>' for size in SIZES)
    up = "".join(
        f'<text x="50" y="{_place(25, value)[1] + 4:.0f}" text-anchor="end">{value:.2f}</text>'
        f'<line x1="60" x2="610" y1="{_place(25, value)[1]:.0f}" y2="{_place(25, value)[1]:.0f}" stroke="#ddd"/>'
        for value in (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55)
    )
    titles = (
        '<text x="335" y="366" text-anchor="middle">numbers in a vector</text>'
        '<text x="60" y="18">nDCG@10 on Cranfield</text>'
    )
    return across + up + titles


def main() -> None:
    """Print everything; draw the plot if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, help="keep the model's vectors here between runs")
    parser.add_argument("--plot", type=Path, help="write the plot of quality against size here")
    arguments = parser.parse_args()
    collection = Collection.load(arguments.cache)
    full = collection.ndcg(quantized=False)
    kinds(collection, full)
    samples(collection, full)
    exponents(collection, full)
    costs()
    rows = sizes(collection)
    if arguments.plot is not None:
        arguments.plot.write_text(plot(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
