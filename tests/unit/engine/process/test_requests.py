"""How many parts a request is taken to have: never fewer than it has, and not many more."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from langchain_qdrant_async.engine.process.requests import parts
from langchain_qdrant_async.proto import points
from tests.engine_messages import payload, point

MEGABYTE = 2**20
values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)


def short_messages(message: Any) -> int:
    """Messages below this one that have less than 16 bytes, the entries of maps apart."""
    found = 0
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        inner = value.values() if field.message_type.GetOptions().map_entry else value if field.is_repeated else [value]
        if not field.message_type.GetOptions().map_entry or hasattr(value, "values"):
            for each in inner:
                found += (each.ByteSize() < 16) + short_messages(each)
    return found


@given(st.lists(values, max_size=5))
def test_every_short_part_is_counted(given: list[Any]) -> None:
    structs = [points.PointStruct(payload=payload({"key": each})) for each in given]
    message = points.UpsertPoints(collection_name="docs", points=structs)
    assert parts(message.SerializeToString()) >= short_messages(message)


def test_parts_at_the_seam_of_two_pieces_are_counted_once() -> None:
    for size in (MEGABYTE - 2, MEGABYTE - 1, MEGABYTE, MEGABYTE + 1):
        assert parts(b"\x01" * size + b"\x1a\x00" * 3) == 3


def test_ordinary_vectors_and_texts_have_few() -> None:
    numbers = np.random.default_rng(0).normal(size=(2_000, 1_000)).astype(np.float32)
    assert parts(numbers.tobytes()) < 80_000
    assert parts(np.zeros(2_000_000, np.float32).tobytes()) == 0
    assert parts(("several words for a document\n" * 100_000).encode()) < 150_000


def test_a_batch_of_documents_has_as_many_as_it_seems() -> None:
    batch = [point(number, [1.5] * 100, page_content="text " * 100) for number in range(256)]
    message = points.UpsertPoints(collection_name="docs", points=batch).SerializeToString()
    assert parts(message) < 256 * 20
