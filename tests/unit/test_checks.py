"""What is checked of values that callers give, each in one place."""

from __future__ import annotations

import enum
from typing import Any

import numpy as np
import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_qdrant_async import AsyncQdrantVectorStore, Remote
from langchain_qdrant_async.checks import (
    INT64,
    check_seconds,
    check_unicode,
    is_number,
    is_unicode,
    is_whole,
    plain_type,
    whole_number,
)
from langchain_qdrant_async.errors import InvalidFilter, InvalidInput


class Level(enum.IntEnum):
    HIGH = 3


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), Level.HIGH])
def test_whole_numbers_become_ints(value: Any) -> None:
    number = whole_number("k", value, at_least=1, at_most=3)
    assert is_whole(value)
    assert (number, type(number)) == (3, int)


@pytest.mark.parametrize("value", [0, -1, True, 1.0, np.float64(1), "1", None])
def test_what_is_no_whole_number_is_refused_by_name(value: Any) -> None:
    with pytest.raises(InvalidInput, match=r"^k must be a whole number, 1 or more, not "):
        whole_number("k", value, at_least=1)


def test_the_bounds_of_whole_numbers_are_said() -> None:
    with pytest.raises(InvalidInput, match=r"^k must be a whole number from 1 to 65,536, not 65537$"):
        whole_number("k", 65_537, at_least=1, at_most=65_536)
    with pytest.raises(InvalidInput, match=r"^k must be below 2,147,483,648, not"):
        whole_number("k", 2**31, at_least=1)


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        *((value, True) for value in (1, 0.5, np.float32(0.5), np.int8(1), float("inf"))),
        *((value, False) for value in (float("nan"), np.float32("nan"), True, np.bool_(True), "1")),
    ],
)
def test_numbers_can_be_compared(value: Any, is_one: bool) -> None:
    assert is_number(value) is is_one


def test_seconds_are_above_zero_and_no_more_than_grpc_takes() -> None:
    assert check_seconds("timeout", np.float32(0.5)) == 0.5
    assert check_seconds("timeout", float("inf")) == 1e8
    for value in (0, -1, float("nan"), True, "1", None):
        with pytest.raises(InvalidInput, match="timeout must be above 0 seconds"):
            check_seconds("timeout", value)


@pytest.mark.parametrize(
    ("text", "valid"), [("", True), ("a", True), ("é🙂\0", True), ("\ud800", False), ("é\udfff", False)]
)
def test_half_of_a_surrogate_pair_is_no_unicode(text: str, valid: bool) -> None:
    assert is_unicode(text) is valid
    if valid:
        assert check_unicode("it", text, InvalidFilter) == text
    else:
        with pytest.raises(InvalidFilter, match=r"^it is not valid Unicode: '.*' holds half of a surrogate pair"):
            check_unicode("it", text, InvalidFilter)


@pytest.mark.parametrize(
    ("value", "plain"),
    [("x", "x"), (np.bool_(True), True), (Level.HIGH, 3), (np.float32(0.5), 0.5), (np.str_("x"), "x")],
)
def test_scalars_become_plain(value: Any, plain: Any) -> None:
    make = plain_type(value)
    assert make is not None
    assert (make(value), type(make(value))) == (plain, type(plain))


def test_containers_and_none_are_no_scalars() -> None:
    strangers: list[object] = [None, [], {}, b"x", 1j]
    assert not any(map(plain_type, strangers))


def test_int64_ends_where_qdrants_integers_do() -> None:
    assert -(2**63) in INT64
    assert 2**63 - 1 in INT64
    assert 2**63 not in INT64


@pytest.mark.parametrize("value", [10**400, 10**5000, -(10**5000), 2**70, float("nan"), None], ids=lambda _: "")
def test_hostile_numbers_are_errors_of_ours(value: object) -> None:
    store = AsyncQdrantVectorStore("http://127.0.0.1:9", "docs", DeterministicFakeEmbedding(size=4))
    rare: list[dict[str, Any]] = [{"k": value}, {"offset": value}]
    rare += [] if value is None else [{"consistency": value}]
    rare += [] if value is None or value == 2**70 else [{"score_threshold": value}, {"timeout": value or -1}]
    for keywords in rare:
        if "timeout" in keywords and isinstance(value, float):
            continue
        with pytest.raises(InvalidInput):
            store.similarity_search("a", **keywords)


@pytest.mark.parametrize("given", [None, 5, "text", Document("x"), object()])
def test_what_is_no_list_is_refused(given: Any) -> None:
    store = AsyncQdrantVectorStore("http://127.0.0.1:9", "docs", DeterministicFakeEmbedding(size=4))
    calls: tuple[Any, ...] = (store.add_documents, store.add_texts, lambda it: store.add_texts(["a"], it))
    for call in calls[: 2 if given is None else 3]:
        with pytest.raises(InvalidInput):
            call(given)


def test_names_and_addresses_that_cannot_be_are_refused_without_what_is_in_them() -> None:
    with pytest.raises(InvalidInput, match="collection_name is not valid Unicode"):
        AsyncQdrantVectorStore("http://127.0.0.1:9", "a\ud800", None)
    for address in ("http://user:secret@host:99999", "http://host:secret", "https://[secret"):
        with pytest.raises(InvalidInput) as raised:
            Remote(address)
        assert "secret" not in str(raised.value)
        assert raised.value.__cause__ is None
    with pytest.raises(InvalidInput, match=r"search_kwargs=\{'filter': \.\.\.\}"):
        AsyncQdrantVectorStore("http://127.0.0.1:9", "docs", None).as_retriever(filter={})  # type: ignore[call-arg]
