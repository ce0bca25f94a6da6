"""Ids between the wire and the engine."""

from __future__ import annotations

from uuid import UUID

import pytest

from langchain_qdrant_async.engine.convert.ids import distinct, from_point_id, to_point_id
from langchain_qdrant_async.engine.status import Refusal
from langchain_qdrant_async.proto import common


def test_ids_survive_both_conversions_and_are_told_apart() -> None:
    ids: list[int | UUID] = [0, 2**64 - 1, UUID(int=5)]
    messages = [to_point_id(point_id) for point_id in ids]
    assert [from_point_id(message) for message in messages] == ids
    assert distinct([*messages, *messages[::-1]]) == ids


@pytest.mark.parametrize("spelling", ["", "nope", "0" * 31, "{" + "0" * 32 + "}", "urn:uuid:" + "0" * 32])
def test_spellings_that_qdrant_does_not_take(spelling: str) -> None:
    with pytest.raises(Refusal, match=f"Unable to parse UUID: {spelling}"):
        from_point_id(common.PointId(uuid=spelling))
