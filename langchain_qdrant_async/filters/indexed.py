"""Conditions as the payload indexes of a collection answer them. Pure: no I/O, no clock.

An equality with a number is a range of one point, which finds 1 and 1.0 alike. An index of integers takes 1.0 for 1, so
there a match finds the same (measured), by a lookup instead of a search, and also where the index is for lookups alone.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

from google.protobuf.message import Message

from langchain_qdrant_async.document.walk import walk
from langchain_qdrant_async.proto import common

M = TypeVar("M", bound=Message)


def match_indexed(message: M, integers: Collection[str]) -> M:
    """The message with its equalities on integers that are indexed as matches, in place.

    Args:
        message: a filter, or a request with filters in it.
        integers: payload keys with an index of integers.
    """
    if integers:
        for field in walk(message, common.FieldCondition):
            value = field.range.gte
            if field.key in integers and _is_point(field) and value.is_integer():
                field.ClearField("range")
                field.match.integer = int(value)
    return message


def _is_point(field: common.FieldCondition) -> bool:
    """Whether the condition is a range of one point and nothing else."""
    bounds = field.range
    only = len(field.ListFields()) == 2 and field.HasField("range") and len(bounds.ListFields()) == 2
    return only and bounds.HasField("gte") and bounds.HasField("lte") and bounds.gte == bounds.lte
