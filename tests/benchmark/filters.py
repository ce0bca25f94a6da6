"""What reading the largest filters that are taken costs the loop, by kind: `python -m tests.benchmark.filters`.

Each is made as large as it may be, and read five times: the median of the CPU time.
"""

from __future__ import annotations

import datetime as dt
import statistics
import time
import uuid
from collections.abc import Callable
from typing import Any

from langchain_qdrant_async.errors import InvalidFilter
from langchain_qdrant_async.filters import to_filter

_BEYOND = 400_000


def words(count: int) -> list[str]:
    return [f"w{number}" for number in range(count)]


def place(number: int) -> dict[str, int]:
    return {"lon": number % 180, "lat": number % 90}


KINDS: dict[str, Callable[[int], Any]] = {
    "conditions": lambda n: {"$and": [{f"f{i}": i} for i in range(n)]},
    "fields": lambda n: {f"f{i}": i for i in range(n)},
    "or alternatives diff": lambda n: {"$or": [{f"f{i}": i} for i in range(n)]},
    "or gt": lambda n: {"$or": [{"f": {"$gt": i}} for i in range(n)]},
    "between nums": lambda n: {"$or": [{"f": {"$between": [i, i + 1]}} for i in range(n)]},
    "between moments": lambda n: {"$or": [{"f": {"$between": ["2024-01-01", "2024-01-02"]}} for i in range(n)]},
    "in words": lambda n: {"f": {"$in": words(n)}},
    "in ints": lambda n: {"f": {"$in": list(range(n))}},
    "in floats": lambda n: {"f": {"$in": [i + 0.1 for i in range(n)]}},
    "in mixed": lambda n: {"f": {"$in": [x for i in range(n // 3) for x in (f"w{i}", i, i + 0.5)]}},
    "in dates": lambda n: {"f": {"$in": [dt.date(2024, 1, 1)] * n}},
    "in uuids": lambda n: {"f": {"$in": [uuid.UUID(int=i) for i in range(n)]}},
    "all_of words": lambda n: {"f": {"$all_of": words(n)}},
    "all_of ints": lambda n: {"f": {"$all_of": list(range(n))}},
    "contains words": lambda n: {"f": {"$contains": words(n)}},
    "any_of ints": lambda n: {"f": {"$any_of": list(range(n))}},
    "polygon": lambda n: {"f": {"$geo_polygon": [place(i) for i in range(n)]}},
    "polygon lists": lambda n: {"f": {"$geo_polygon": [[i % 180, i % 90] for i in range(n)]}},
    "interiors": lambda n: {
        "f": {
            "$geo_polygon": {
                "exterior": [place(i) for i in range(3)],
                "interiors": [[place(1), place(2), place(3)]] * n,
            }
        }
    },
    "min_should": lambda n: {"$min_should": {"conditions": [{f"f{i}": i} for i in range(n)], "min_count": 1}},
    "nested": lambda n: {"f": {"$nested": {"$or": [{f"f{i}": i} for i in range(n)]}}},
    "ids": lambda n: {"$id": words(n)},
    "int ids": lambda n: {"$id": list(range(n))},
    "has_vector": lambda n: {"$has_vector": words(n)},
    "text len": lambda n: {"f": {"$text": "a " * n * 10}},
    "like len": lambda n: {"f": {"$like": "a" * n * 10 + "%"}},
    "eq len": lambda n: {"f": "a" * n * 10},
    "nots": lambda n: {"$and": [{"f": {"$not": {"$gt": i}}} for i in range(n)]},
    "size": lambda n: {"$and": [{"f": {"$size": {"$gte": i, "$lt": 9}}} for i in range(n)]},
    "near": lambda n: {"$and": [{"f": {"$geo_near": {"center": [1, 2], "radius": 3}}} for i in range(n)]},
}


def largest(make: Callable[[int], Any]) -> int:
    """The most that is taken, to 2 %."""
    low, high = 1, _BEYOND
    while low < high - max(1, low // 50):
        middle = (low + high) // 2
        try:
            to_filter(make(middle))
            low = middle
        except InvalidFilter:
            high = middle
    return low


def cost_ms(given: Any) -> float:
    taken = []
    for _ in range(5):
        began = time.process_time()
        to_filter(given)
        taken.append(time.process_time() - began)
    return 1_000 * statistics.median(taken)


def main() -> None:
    for name, make in KINDS.items():
        count = largest(make)
        print(f"{name:24} {count:8,} {cost_ms(make(count)):7.1f} ms")


if __name__ == "__main__":
    main()
