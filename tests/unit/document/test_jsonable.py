"""Values of other types: stored as pydantic makes them, compared in filters in the same form, and left as they are."""

from __future__ import annotations

import collections
import copy
import dataclasses
import datetime as dt
import decimal
import enum
import ipaddress
import pathlib
import uuid
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr, field_serializer
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic_core import to_jsonable_python

from langchain_qdrant_async.document.payload import from_payload, to_payload
from langchain_qdrant_async.errors import InvalidPayload
from langchain_qdrant_async.filters import to_filter
from langchain_qdrant_async.proto import common

AT = dt.datetime(2024, 5, 1, 12, 30, 0, 7, tzinfo=dt.UTC)


class Kind(enum.Enum):
    TEXT = "text"
    DAY = dt.date(2024, 5, 1)


class Pair(NamedTuple):
    first: int
    at: dt.datetime


@dataclasses.dataclass
class Part:
    day: dt.date
    any: Any = None


@pydantic_dataclass
class Checked:
    day: dt.date
    any: Any = None


class Model(BaseModel):
    day: dt.date
    any: Any = None
    key: SecretStr = SecretStr("secret")

    @field_serializer("day")
    def year(self, day: dt.date) -> int:
        return day.year


VALUES: list[Any] = [
    AT, AT.replace(tzinfo=None), AT.astimezone(dt.timezone(dt.timedelta(hours=-3))), AT.date(), AT.time(),
    dt.timedelta(days=1, seconds=2.5), dt.timedelta(seconds=-1), uuid.UUID(int=5), decimal.Decimal("1.50"),
    decimal.Decimal("NaN"), pathlib.Path("a/b"), Kind.TEXT, Kind.DAY, b"text", bytearray(b"x"), {1}, frozenset({"a"}),
    collections.deque([1, AT]), ipaddress.ip_address("10.0.0.1"), complex(1, 2), SecretStr("secret"),
    {1: "a", None: "b", False: "c", 1.5: "d", AT.date(): "e", uuid.UUID(int=1): {2: {AT}}}, Part(AT.date(), [{AT}]),
    Checked(AT.date(), {1: AT}), Model(day=AT.date(), any={1: {AT.time()}}), [Model(day=AT.date())],
    Pair(1, AT),
]  # fmt: skip


def stored(value: Any) -> Any:
    return from_payload(to_payload("text", {"v": value})).metadata["v"]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_is_stored_as_pydantic_makes_it_and_stays_as_it_is(value: Any) -> None:
    before = copy.deepcopy(value)
    assert stored(value) == (made := to_jsonable_python({"v": value})["v"])
    assert value == before or str(value) == str(before)  # a decimal NaN equals nothing
    assert stored({"deep": [value]}) == {"deep": [made]}


leaves = (
    st.datetimes(timezones=st.none() | st.timezones())
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.uuids()
    | st.decimals()
    | st.sampled_from(Kind)
    | st.text().map(str.encode)
    | st.integers(-(2**63), 2**63 - 1)
)
keys = st.text() | st.integers() | st.dates() | st.uuids() | st.none()


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3) | st.builds(Part, st.dates(), inner)
        ),
        max_leaves=8,
    )
)
def test_whatever_nests_in_whatever_is_stored_as_pydantic_makes_it(value: Any) -> None:
    try:
        assert stored(value) == to_jsonable_python(value)
    except InvalidPayload as error:
        assert "stored as the same text" in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (np.array([[1, 2]]), [[1, 2]]),
        (np.array(["a"]), ["a"]),
        (np.array([0.5, 1]), [0.5, 1.0]),
        (np.array(3), 3),
        (np.array([AT.date(), None], dtype=object), ["2024-05-01", None]),
        (np.array(["2024-05-01", "NaT"], dtype="datetime64[ns]"), ["2024-05-01T00:00:00", None]),
        (np.array("2024-05-01", dtype="datetime64[ns]"), "2024-05-01T00:00:00"),
        (np.datetime64("2024-05-01"), "2024-05-01"),
        (np.datetime64("2024-05-01T12"), "2024-05-01T12:00:00"),
        (np.timedelta64(90, "s"), "PT1M30S"),
        (pathlib.PurePosixPath("a"), "a"),
        ({np.int64(1): np.float32(0.5)}, {"1": 0.5}),
        (Part(AT.date(), np.array([1])), {"day": "2024-05-01", "any": [1]}),
        ({"any": {np.bool_(True)}}, {"any": [True]}),
        ((each for each in [1, AT.date()]), [1, "2024-05-01"]),
    ],
)
def test_numpy_and_its_like_have_forms_of_their_own(value: Any, read: Any) -> None:
    assert stored(value) == read


@pytest.mark.parametrize("holder", [Part, Checked, lambda day, any: Model(day=day, any=any)])  # noqa: A006
def test_what_has_no_form_is_refused_with_its_path_inside_objects(holder: Any) -> None:
    with pytest.raises(InvalidPayload, match=r"^metadata\.v\[0\]\.any\.x is of type object"):
        to_payload("text", {"v": [holder(AT.date(), {"x": object()})]})


@pytest.mark.parametrize("value", [each for each in VALUES if not isinstance(stored(each), (list, dict))], ids=repr)
def test_a_filter_compares_with_what_is_stored(value: Any) -> None:
    text = stored(value)
    equal = common.FieldCondition(key="metadata.v", match=common.Match(keyword=text))
    among = common.FieldCondition(key="metadata.v", match=common.Match(keywords=common.RepeatedStrings(strings=[text])))
    assert to_filter({"v": value}) == to_filter({"v": {"$eq": value}})
    assert to_filter({"v": value}) == common.Filter(must=[common.Condition(field=equal)])
    assert to_filter({"v": {"$in": [value]}}) == common.Filter(must=[common.Condition(field=among)])
