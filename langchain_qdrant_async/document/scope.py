"""A tenant's part of a collection: which points are in it, and by which ids they go. Pure: no I/O, no clock.

A point of a tenant bears the tenant in its payload, or lies in the tenant's shards, or both. Its id is made of the
tenant and the id that the caller gave, so that nobody can name, and so overwrite, what is another's.
"""

from __future__ import annotations

import json as json_text
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_qdrant_async.checks import check_unicode, is_whole
from langchain_qdrant_async.document.ids import from_point_id
from langchain_qdrant_async.document.layout import TENANT_KEY
from langchain_qdrant_async.document.walk import walk
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.proto import collections, common, json, points

NAMESPACE = uuid.UUID("0c4a6f4e-53c1-5f5b-8d0e-4b8a5f6a9b7d")
"""The namespace of the ids of tenants' points. It is part of the stored data: it can never change."""

_FIELD = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_I64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class Scope:
    """A part of a collection, as `AsyncQdrantVectorStore.scoped` is told it."""

    tenant: str | int | None
    """The value that each of its points has; None: its shards alone tell it apart."""
    keys: tuple[str, ...] = (TENANT_KEY,)
    """Where in the payload they have it: keys inside each other."""
    shard_key: str | int | None = None
    """The key of its shards; None: there are no shards of its own."""
    outer: Scope | None = None
    """The part that it is a part of; None: it is a part of the whole collection."""

    @property
    def path(self) -> str:
        """The payload key, as filters and indexes name it."""
        return ".".join(self.keys)

    @property
    def value(self) -> json.Value:
        """The tenant as payloads hold it."""
        return json.Value(string_value=self.tenant) if isinstance(self.tenant, str) else _integer(self.tenant)

    @property
    def levels(self) -> tuple[Scope, ...]:
        """This scope and those around it that a payload key tells apart, the outermost first."""
        around = () if self.outer is None else self.outer.levels
        return around if self.tenant is None else (*around, self)

    @property
    def selector(self) -> points.ShardKeySelector | None:
        """The tenant's shards."""
        key = self.shard_key
        if key is None:
            return None if self.outer is None else self.outer.selector
        named = collections.ShardKey(keyword=key) if isinstance(key, str) else collections.ShardKey(number=key)
        return points.ShardKeySelector(shard_keys=[named])

    def id_of(self, given: common.PointId) -> common.PointId:
        """The id that stands for the caller's in this part of the collection."""
        return next(self._ids_of(given))

    def ids_of(self, given: Iterable[common.PointId]) -> list[common.PointId]:
        """Every id that may be meant, of each first the tenant's own.

        Others may have written points with the tenant in them, whose ids are what they are.
        """
        return [each for point_id in given for each in self._ids_of(point_id)]

    def narrowed(self, chosen: common.Filter | None) -> common.Filter:
        """A filter that selects what the given one does, of this part."""
        narrowed = common.Filter(must=[_condition(level) for level in self.levels])
        if chosen is not None and chosen.ByteSize():
            inner = common.Filter()
            inner.CopyFrom(chosen)
            self.translate(inner)
            narrowed.must.append(common.Condition(filter=inner))
        return narrowed

    def translate(self, message: Any) -> None:
        """Let the conditions on ids inside a message mean the tenant's, in place."""
        for condition in walk(message, common.HasIdCondition):
            ids = self.ids_of(condition.has_id)
            del condition.has_id[:]
            condition.has_id.extend(ids)

    def _ids_of(self, given: common.PointId) -> Iterator[common.PointId]:
        if self.tenant is None and self.outer is None:
            yield given
            return
        for each in (given,) if self.tenant is None else (self._own_id(given), given):
            yield from (each,) if self.outer is None else self.outer.ids_of([each])

    def _own_id(self, given: common.PointId) -> common.PointId:
        name = json_text.dumps([self.path, self.tenant, from_point_id(given)])
        return common.PointId(uuid=str(uuid.uuid5(NAMESPACE, name)))


def _condition(scope: Scope) -> common.Condition:
    """That a point is the tenant's."""
    tenant = scope.tenant
    match = common.Match(keyword=tenant) if isinstance(tenant, str) else common.Match(integer=tenant or 0)
    return common.Condition(field=common.FieldCondition(key=scope.path, match=match))


def scope_of(
    tenant: object, field: str | None, shard_key: object, metadata_key: str | None, outer: Scope | None = None
) -> Scope:
    """What a caller says of a tenant, checked.

    Args:
        tenant: the value, or None.
        field: the metadata field that holds it; None: a payload key of its own, which is no metadata.
        shard_key: the key of its shards, or None.
        metadata_key: payload key of the metadata.

        outer: the scope of the store that it is made of, or None.

    Raises:
        InvalidInput: nothing tells the tenant apart, or what does is neither text nor a whole number.
    """
    if tenant is None and field is not None:
        raise InvalidInput(
            f"scoped(field={field!r}) needs the value that the field has: scoped(value, field={field!r})"
        )
    if tenant is None and shard_key is None:
        raise InvalidInput('scoped() needs what tells the tenant apart: scoped("acme"), or scoped(shard_key="acme")')
    keys = (TENANT_KEY,) if field is None else (*_under(metadata_key), *_steps(field))
    scope = Scope(_plain("tenant", tenant), keys, _plain("shard_key", shard_key), outer)
    _check_outer(scope)
    return scope


def _check_outer(scope: Scope) -> None:
    """Nothing, when a scope is a part of the one around it."""
    outer = scope.outer
    if outer is not None and scope.tenant is not None and scope.keys in {level.keys for level in outer.levels}:
        raise InvalidInput(f"this store is scoped by {scope.path!r} already: scope the store that it was made of")
    if outer is not None and scope.shard_key is not None and outer.selector is not None:
        raise InvalidInput("this store is scoped to a shard key already: scope the store that it was made of")


def _plain(name: str, given: Any) -> Any:
    if isinstance(given, str) and given:
        return check_unicode(name, given, InvalidInput)
    if given is None or (is_whole(given) and int(given) in _I64):
        return None if given is None else int(given)
    raise InvalidInput(f"{name} must be a string of at least one character or an integer of 64 bits, not {given!r}")


def _steps(field: str) -> Sequence[str]:
    if not isinstance(field, str) or not _FIELD.fullmatch(field):
        raise InvalidInput(f"a tenant's field is named by letters, digits, _ and -, and dots between, not {field!r}")
    return field.split(".")


def _under(metadata_key: str | None) -> Iterator[str]:
    if metadata_key is not None:
        yield metadata_key


def _integer(tenant: int | None) -> json.Value:
    return json.Value(integer_value=tenant or 0)
