"""LangChain's string ids <-> Qdrant's point ids.

Qdrant knows two kinds of id: a UUID and an unsigned 64-bit integer. An id that is the canonical text of one passes
through; every other string becomes a UUID made from it, and the string itself is kept in the payload under
`layout.ORIGINAL_ID_KEY`. So the caller always gets back the very string it gave.
"""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Iterable, Sequence, Sized
from typing import NamedTuple, TypeAlias

from langchain_qdrant_async.checks import check_unicode, is_whole
from langchain_qdrant_async.errors import InvalidId
from langchain_qdrant_async.proto import common

GivenId: TypeAlias = str | int | uuid.UUID

NAMESPACE = uuid.UUID("6f1d5b0a-7a0e-5c5e-9c7b-3d1f0f6f4a21")
"""The namespace of the UUIDs made from other strings. It is part of the stored data: it can never change."""

_U64_MAX = 2**64 - 1
_CANONICAL_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_CANONICAL_NUMBER = re.compile(r"0|[1-9][0-9]{0,19}")
_ANY_UUID = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Identity(NamedTuple):
    """One caller's id, and what stands for it in Qdrant."""

    text: str
    """The id as the caller reads it."""
    point_id: str | int
    """Canonical UUID text, or an integer: hashable, where a message is not."""
    original: str | None
    """What to keep under `layout.ORIGINAL_ID_KEY`: `text` if the point id reads differently, else None."""

    @property
    def message(self) -> common.PointId:
        """The point id as Qdrant's message."""
        return _message(self.point_id)


def mint() -> str:
    """A new id that no document has: the canonical text of a random UUID."""
    return str(uuid.uuid4())


def identify(given: GivenId) -> Identity:
    """Which point an id names, and whether its text must be kept beside it.

    Raises:
        InvalidId: empty, not an id at all, a number outside 0..2**64-1, or text that is not valid Unicode.
    """
    text = to_text(given)
    if _CANONICAL_UUID.fullmatch(text):
        return Identity(text, text, None)
    if _CANONICAL_NUMBER.fullmatch(text) and int(text) <= _U64_MAX:
        return Identity(text, int(text), None)
    return Identity(text, _uuid_of(text), text)


def to_point_id(given: GivenId) -> common.PointId:
    """The point id of a caller's id.

    Raises:
        InvalidId: see `identify`.
    """
    return _message(identify(given).point_id)


def from_point_id(point_id: common.PointId) -> str:
    """The canonical text of a point id: what the caller gave unless the payload says otherwise."""
    return point_id.uuid or str(point_id.num)


def to_text(given: GivenId | None, position: int | None = None) -> str:
    """An id as text: an integer in decimal, a UUID in its canonical form, a string as it is.

    Args:
        given: the id.
        position: where it stands in its list, for the error message.

    Raises:
        InvalidId: see `identify`.
    """
    if type(given) is str and given:
        return _unicode(given, position)
    if isinstance(given, uuid.UUID):
        return str(given)
    if is_whole(given):
        return _decimal(int(given), position)
    if isinstance(given, str) and given:
        return _unicode(str.__str__(given), position)
    raise InvalidId(_refusal(given, position))


def to_texts(ids: Iterable[GivenId]) -> list[str]:
    """The ids to read or to delete, as text and in order.

    Raises:
        InvalidId: a single string instead of a list of ids, or an id that cannot be one; it says which.
    """
    return [to_text(given, position) for position, given in enumerate(_listed(ids))]


def ids_for(ids: Iterable[GivenId | None] | None, count: int) -> list[str]:
    """One id for each of `count` documents, in their order; where none is given, a new one is minted.

    An id may come twice: writing is an overwrite, so the last document that bears it stays (see `winners`), and the
    list keeps its length all the same. A generator is read once.

    Raises:
        InvalidId: there are fewer or more ids than documents, `ids` has no order, or an id cannot be one.
    """
    if ids is None:
        return [mint() for _ in range(count)]
    if isinstance(ids, (set, frozenset)):
        raise InvalidId("ids came as a set, which has no order: give a list, one id for each document")
    given = _listed(ids, at_most=count + 1)
    _check_count(ids, given, count)
    return [mint() if id_ is None else to_text(id_, position) for position, id_ in enumerate(given)]


def winners(identities: Sequence[Identity]) -> list[int]:
    """The positions that stay when several name one point: the last of each, in input order.

    Write only these. Batches that run at the same time could otherwise leave an earlier document in place.
    """
    last = {identity.point_id: position for position, identity in enumerate(identities)}
    return sorted(last.values())


def _message(point_id: str | int) -> common.PointId:
    if isinstance(point_id, str):
        return common.PointId(uuid=point_id)
    return common.PointId(num=point_id)


def _uuid_of(text: str) -> str:
    if _ANY_UUID.fullmatch(text):
        return str(uuid.UUID(text))
    return str(uuid.uuid5(NAMESPACE, text))


def _unicode(text: str, position: int | None) -> str:
    return text if text.isascii() else check_unicode(_name(position), text, InvalidId)


def _decimal(number: int, position: int | None) -> str:
    if not 0 <= number <= _U64_MAX:
        raise InvalidId(
            f"{_name(position)} is {number}: integer ids go from 0 to 2**64-1. Give str({number}) to use it as text"
        )
    return str(number)


def _listed(ids: Iterable[GivenId | None], at_most: int | None = None) -> list[GivenId | None]:
    if isinstance(ids, (str, bytes)) or not isinstance(ids, Iterable):
        raise InvalidId(f"ids must be a list of ids, not one {type(ids).__name__}: write [{ids!r}]")
    return list(itertools.islice(ids, at_most))


def _check_count(ids: Iterable[object], given: Sized, count: int) -> None:
    if len(given) != count:
        number = len(ids) if isinstance(ids, Sized) else len(given)
        more = " or more" if number > count and not isinstance(ids, Sized) else ""
        raise InvalidId(
            f"{number}{more} ids for {count} documents: give one id for each document, None where one should be made"
        )


def _refusal(given: object, position: int | None) -> str:
    if isinstance(given, str):
        return f"{_name(position)} is empty: give a string of at least one character, or None to have one made"
    return (
        f"{_name(position)} is {given!r} of type {type(given).__name__}: "
        "an id is a string, an integer from 0 to 2**64-1 or a uuid.UUID"
    )


def _name(position: int | None) -> str:
    return "the id" if position is None else f"ids[{position}]"
