"""The Cranfield collection, where it is at hand: 1,400 abstracts, 225 questions, graded judgements.

Point `CRANFIELD_DIR` at a folder with `docs.jsonl` (`id`, `text`), `queries.jsonl` (`id`, `text`) and `qrels.tsv`
(`query_id`, `doc_id`, `gain`).
"""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FOLDER = Path(os.environ.get("CRANFIELD_DIR", Path(__file__).parents[3] / "shared" / "data" / "cranfield"))


@dataclass(frozen=True)
class Cranfield:
    """Documents and questions by id, and what is relevant to each question."""

    documents: Mapping[str, str]
    questions: Mapping[str, str]
    gains: Mapping[str, Mapping[str, float]]

    def ndcg(self, found: Mapping[str, Sequence[str]], depth: int = 10) -> float:
        """Mean normalised discounted cumulative gain of the answers, over the questions with judgements.

        Source: Järvelin and Kekäläinen 2002, with gain `2**grade - 1` and discount `log2(rank + 1)`.
        """
        return float(np.mean([self._ndcg(gains, found[question], depth) for question, gains in self.gains.items()]))

    def _ndcg(self, gains: Mapping[str, float], found: Sequence[str], depth: int) -> float:
        ideal = sorted(gains.values(), reverse=True)[:depth]
        return _dcg([gains.get(each, 0.0) for each in found[:depth]]) / _dcg(ideal)


def _dcg(gains: Sequence[float]) -> float:
    return sum((2**gain - 1) / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def load() -> Cranfield:
    """The collection.

    Raises:
        FileNotFoundError: it is not there.
    """
    gains: dict[str, dict[str, float]] = {}
    with (FOLDER / "qrels.tsv").open() as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            gains.setdefault(row["query_id"], {})[row["doc_id"]] = float(row["gain"])
    return Cranfield(_texts("docs.jsonl"), _texts("queries.jsonl"), gains)


def _texts(name: str) -> dict[str, str]:
    with (FOLDER / name).open() as lines:
        return {str(each["id"]): each["text"] for each in map(json.loads, lines)}
