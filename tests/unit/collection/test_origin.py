"""What a collection says of its vectors may come from anybody."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from langchain_qdrant_async.collection.origin import ORIGIN_KEY, Origin
from langchain_qdrant_async.document.values import to_value
from langchain_qdrant_async.embedding import Reduction
from langchain_qdrant_async.errors import CollectionMismatch

MODEL = {"model": "a model"}
REDUCTION = base64.b64encode(Reduction.truncation(64, 10).to_bytes()).decode()


def read(**stored: Any) -> Origin | None:
    return Origin.from_metadata({ORIGIN_KEY: to_value({"format": 1, "model": MODEL, **stored})})


def test_it_is_read_as_it_was_written() -> None:
    origin = read(reduction=REDUCTION)
    assert origin is not None
    assert repr(origin.reduction) == repr(Reduction.truncation(64, 10))
    assert read(reduction=None) == Origin(MODEL)


@pytest.mark.parametrize("reduction", ["", "no base64 at all", REDUCTION[:100], "x" * 100_000, 5, [], {"a": 1}, True])
def test_a_reduction_that_cannot_be_read_says_so(reduction: Any) -> None:
    with pytest.raises(CollectionMismatch, match="cannot be read") as refused:
        read(reduction=reduction)
    assert len(str(refused.value)) < 1_000


@pytest.mark.parametrize("model", ["a name", 5, [], None])
def test_what_names_no_model_is_no_origin(model: Any) -> None:
    assert read(model=model) is None
