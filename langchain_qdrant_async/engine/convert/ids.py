"""Point ids on the wire <-> in the engine, where they are integers and UUIDs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from langchain_qdrant_async.engine.status import malformed
from langchain_qdrant_async.proto import common

PointId = int | UUID

_HYPHENATED = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_UUID = re.compile(rf"[0-9a-fA-F]{{32}}|{_HYPHENATED}|\{{{_HYPHENATED}\}}|urn:uuid:{_HYPHENATED}")
"""The spellings that Rust's `Uuid::parse_str` takes; Python's `UUID` takes many more."""


def from_point_id(message: common.PointId) -> PointId:
    """The id of a message that is known to be there."""
    uuid = message.uuid
    if uuid:
        return _parse(uuid)
    if message.WhichOneof("point_id_options") == "num":
        return message.num
    raise malformed("No ID options provided" if not message.HasField("uuid") else "Unable to parse UUID: ")


def to_point_id(point_id: PointId) -> common.PointId:
    """The inverse of `from_point_id`; a UUID is spelled canonically."""
    if isinstance(point_id, int):
        return common.PointId(num=point_id)
    return common.PointId(uuid=str(point_id))


def ordered(point_id: Any) -> tuple[bool, Any]:
    """What to sort ids by: integers come before UUIDs."""
    return not isinstance(point_id, int), point_id


def distinct(messages: Iterable[common.PointId]) -> list[PointId]:
    """The ids in order, each once.

    A repeated id makes payload operations of the engine fail with a false `No point with id`.
    """
    return list(dict.fromkeys(map(from_point_id, messages)))


def _parse(text: str) -> UUID:
    if not _UUID.fullmatch(text):
        raise malformed(f"Unable to parse UUID: {text}")
    return UUID(text)
