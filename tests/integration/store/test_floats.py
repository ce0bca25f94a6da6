"""Floats survive Qdrant's JSON: what it rounds is foretold, and put right."""

from __future__ import annotations

import copy
import random
import struct
import time
from math import isfinite, ulp
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_qdrant_async import AsyncQdrantVectorStore, Collections, Connection
from langchain_qdrant_async.document.floats import as_stored, between, to_store
from langchain_qdrant_async.document.layout import EXACT_FLOATS_KEY
from langchain_qdrant_async.document.message import get_points
from langchain_qdrant_async.document.payload import from_payload, to_payload
from langchain_qdrant_async.document.values import from_value, to_value
from langchain_qdrant_async.proto import common


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_is_stored_is_very_near(value: float) -> None:
    low, high = between(value)
    assert low <= value <= high
    assert abs(as_stored(value) - value) <= 4 * ulp(value) or abs(value) < 1e-290
    assert as_stored(-value) == -as_stored(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_copy_of_what_is_stored_is_stored_the_same(value: float) -> None:
    stored = as_stored(value)
    assert not isfinite(stored) or as_stored(to_store(stored)) == stored


@given(st.decimals(-(10**9), 10**9, places=3))
def test_short_decimals_are_exact(value: Any) -> None:
    assert as_stored(float(value)) == float(value)


SAMPLE = [
    *(random.Random(1).random() for _ in range(500)),
    *(random.Random(2).uniform(-1e10, 1e10) for _ in range(500)),
    *(each for (each,) in struct.iter_unpack("d", random.Random(3).randbytes(4000)) if isfinite(each)),
    *(0.1 + 0.2, time.time(), 1e22, 1e23, 5e-324, 1.7976931348623157e308, 0.0),
]


async def test_qdrant_rounds_as_foretold_and_documents_come_back_exactly(
    connection: Connection, collection_name: str
) -> None:
    """The first half fails when Qdrant begins to read floats exactly: then this module can go."""
    store = AsyncQdrantVectorStore(connection, collection_name)
    metadata = {"list": SAMPLE, "deep": {"a.b": [{"x": 0.9452706955539223}]}}
    await store.aadd_embeddings(["text"], [[1.0]], [metadata], ["1"])
    [found] = await store.aget_by_ids(["1"])
    assert found.metadata == metadata

    response = await connection.points.Get(get_points(collection_name, [common.PointId(num=1)]))
    stored = from_value(response.result[0].payload["metadata"])["list"]
    assert stored == [as_stored(each) for each in SAMPLE]
    assert stored != SAMPLE


@pytest.mark.parametrize("operator", ["$eq", "$gte", "$lte", "$in"])
@pytest.mark.parametrize("indexed", [False, True])
async def test_filters_find_rounded_floats(
    connection: Connection, collection_name: str, operator: str, indexed: bool
) -> None:
    values = [each for each in SAMPLE if as_stored(each) != each][:20]
    store = AsyncQdrantVectorStore(connection, collection_name)
    ids = await store.aadd_embeddings(["text"] * 20, [[1.0]] * 20, [{"x": each} for each in values])
    if indexed:
        await Collections(connection).index(collection_name, "x", "float")
    for id_, value in zip(ids, values, strict=True):
        wanted = [value] if operator == "$in" else value
        found = await store.asimilarity_search_by_vector([1.0], k=20, filter={"x": {operator: wanted}})
        assert id_ in {each.id for each in found}
        above = await store.asimilarity_search_by_vector([1.0], k=20, filter={"x": {"$gt": value}})
        assert id_ not in {each.id for each in above}


def test_a_float_that_somebody_else_changed_stays_changed() -> None:
    metadata = {"x": 0.9452706955539223, "y": [0.38120423768821243]}
    payload = to_payload("text", metadata)
    assert EXACT_FLOATS_KEY in payload
    changed = copy.deepcopy(payload)
    changed["metadata"].CopyFrom(to_value({"x": 5.0}))
    assert from_payload(changed).metadata == {"x": 5.0}
    assert EXACT_FLOATS_KEY not in to_payload("text", {"x": 0.25})
    assert from_payload(to_payload("text", metadata, metadata_key=None), metadata_key=None).metadata == metadata
