"""Which point an id names, and what the caller gets back."""

import enum
import itertools
import uuid
from typing import Any

import numpy as np
import pytest

from langchain_qdrant_async.document.ids import from_point_id, identify, ids_for, mint, to_point_id, to_texts, winners
from langchain_qdrant_async.errors import InvalidId
from langchain_qdrant_async.proto import common

UUID = "c09ce02f-1234-4abc-8def-00000000000a"


class Color(enum.StrEnum):
    RED = "red"


class Number(enum.IntEnum):
    ONE = 1


@pytest.mark.parametrize(
    ("given", "point_id"),
    [
        (UUID, UUID),
        (uuid.UUID(UUID), UUID),
        ("0", 0),
        ("17", 17),
        (17, 17),
        (Number.ONE, 1),
        (np.int64(5), 5),
        (str(2**64 - 1), 2**64 - 1),
        (2**64 - 1, 2**64 - 1),
    ],
)
def test_canonical_ids_pass_through(given: Any, point_id: Any) -> None:
    identity = identify(given)
    assert identity.point_id == point_id
    assert identity.original is None
    assert identity.text == str(point_id) == from_point_id(to_point_id(given))


@pytest.mark.parametrize("spelling", [UUID.upper(), UUID.replace("-", ""), UUID.replace("-", "").upper()])
def test_another_spelling_of_a_uuid_names_that_uuid_and_is_kept(spelling: str) -> None:
    assert identify(spelling) == (spelling, UUID, spelling)


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "017",
        "-1",
        "+1",
        " 1",
        "1.0",
        "\u0661\u0667",
        str(2**64),
        f"{{{UUID}}}",
        f"urn:uuid:{UUID}",
        UUID + " ",
        "é🙂\0",
    ],
)
def test_other_strings_become_a_uuid_of_their_own_and_are_kept(text: str) -> None:
    identity = identify(text)
    assert identity.original == text
    assert uuid.UUID(str(identity.point_id)).version == 5


def test_the_namespace_never_changes() -> None:
    assert identify("foo").point_id == "4f472f98-e1b5-57a4-a7cc-af7a32505827"


def test_a_point_id_is_a_uuid_or_a_number_on_the_wire() -> None:
    assert to_point_id(UUID) == common.PointId(uuid=UUID)
    assert to_point_id("0") == common.PointId(num=0)
    assert to_point_id("0").WhichOneof("point_id_options") == "num"
    assert identify("a").message == to_point_id("a")


def test_a_subclass_of_str_is_its_text() -> None:
    assert identify(Color.RED) == identify("red")
    assert type(identify(Color.RED).text) is str


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "the id is empty"),
        (True, "of type bool"),
        (1.0, "of type float"),
        (b"a", "of type bytes"),
        (None, "of type NoneType"),
        (-1, "from 0 to 2\\*\\*64-1"),
        (2**64, "from 0 to 2\\*\\*64-1"),
        ("a\ud800", "not valid Unicode"),
    ],
)
def test_what_cannot_be_an_id_is_refused(given: Any, said: str) -> None:
    with pytest.raises(InvalidId, match=said):
        identify(given)
    with pytest.raises(InvalidId, match=r"ids\[1\]" if given is not None else "of type NoneType"):
        to_texts(["a", given])


def test_missing_ids_are_minted_in_place() -> None:
    first, second, third = ids_for(["a", None, 7], 3)
    assert (first, third) == ("a", "7")
    assert identify(second).original is None
    assert len({*ids_for(None, 100), mint()}) == 101


def test_a_generator_is_read_once_and_an_endless_one_not_to_its_end() -> None:
    assert ids_for((text for text in "ab"), 2) == ["a", "b"]
    with pytest.raises(InvalidId, match="3 or more ids for 2 documents"):
        ids_for(itertools.count(), 2)


@pytest.mark.parametrize("ids", [[], ["a"], ["a", "b", "c"]])
def test_the_numbers_of_ids_and_documents_must_agree(ids: list[str]) -> None:
    with pytest.raises(InvalidId, match=f"{len(ids)} ids for 2 documents"):
        ids_for(ids, 2)


@pytest.mark.parametrize("ids", ["ab", b"ab", 7, uuid.UUID(UUID)])
def test_one_id_is_not_a_list_of_ids(ids: Any) -> None:
    with pytest.raises(InvalidId, match="must be a list of ids"):
        ids_for(ids, 2)
    with pytest.raises(InvalidId, match="must be a list of ids"):
        to_texts(ids)


def test_a_set_has_no_order_to_pair_documents_by() -> None:
    with pytest.raises(InvalidId, match="no order"):
        ids_for({"a", "b"}, 2)
    assert sorted(to_texts({"a", "b"})) == ["a", "b"]


def test_the_last_document_of_an_id_wins_however_it_is_spelled() -> None:
    texts = ids_for(["a", UUID, "b", "a", UUID.upper()], 5)
    assert texts == ["a", UUID, "b", "a", UUID.upper()]
    assert winners([identify(text) for text in texts]) == [2, 3, 4]
