"""Errors are short, whatever they speak of."""

from __future__ import annotations

import pickle

import grpc
import pytest

from langchain_qdrant_async import errors
from langchain_qdrant_async.errors import PartialWrite, QdrantStoreError, RpcError, abridged

LONG = "begin" + "x" * 100_000 + "end"
CLASSES = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, QdrantStoreError)]


@pytest.mark.parametrize("kind", CLASSES)
def test_a_message_keeps_its_two_ends(kind: type[QdrantStoreError]) -> None:
    if issubclass(kind, PartialWrite):
        error: QdrantStoreError = kind(LONG, written=["1"], unwritten=[])
    elif issubclass(kind, RpcError):
        error = kind(LONG, code=grpc.StatusCode.INTERNAL)
    else:
        error = kind(LONG)
    text = str(error)
    assert len(text) < 5_000
    assert (text[:5], text[-3:]) == ("begin", "end")
    assert "96,068 characters are left out" in text
    assert str(pickle.loads(pickle.dumps(error))) == text


def test_a_short_message_is_left_alone() -> None:
    assert abridged("x" * 4_000) == "x" * 4_000
    assert str(QdrantStoreError("a", "b")) == "('a', 'b')"
    assert str(QdrantStoreError()) == ""
