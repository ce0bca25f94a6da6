"""What a store expects of its collection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_qdrant_async.collection.comparison import compare, field_of
from langchain_qdrant_async.collection.field import Distance, VectorField
from langchain_qdrant_async.collection.info import CollectionInfo
from langchain_qdrant_async.collection.learned import with_learned
from langchain_qdrant_async.collection.options import collection_options, vector_options
from langchain_qdrant_async.collection.spec import CollectionSpec
from langchain_qdrant_async.document.layout import Layout
from langchain_qdrant_async.embedding.encoder import Encoder


@dataclass(frozen=True, slots=True)
class Making:
    """What else a collection is made with that no spec describes.

    Raises:
        InvalidInput: Qdrant has no such parameter, or a value cannot be meant.
    """

    collection: Mapping[str, Any] = field(default_factory=dict)
    """As `CollectionSpec.options`."""
    vector: Mapping[str, Any] = field(default_factory=dict)
    """As `VectorField.options` of the store's own field."""
    sparse: Mapping[str, Any] = field(default_factory=dict)
    """The same of the sparse one."""

    def __post_init__(self) -> None:
        collection_options(self.collection)
        vector_options("dense", self.vector)
        vector_options("sparse", self.sparse)


@dataclass(frozen=True, slots=True)
class CollectionPlan:
    """What a store expects of its collection."""

    name: str
    """The collection, or an alias of it."""
    layout: Layout = field(default_factory=Layout)
    """Where a document stands in a point."""
    spec: CollectionSpec | None = None
    """What it is to be; None: as it is found, and made to fit the first vectors."""
    distance: Distance | None = None
    """How its vectors must be compared; None: as it is found, cosine for a new one."""
    create: bool = True
    """Whether the first write makes it when there is none."""
    validate: bool = True
    """Whether one that exists is compared with this plan."""
    same_model: bool = True
    """Whether its model must be the store's."""
    extra: tuple[VectorField, ...] = ()
    """Fields that the store fills beside those of the spec, or of the spec with what fills them."""
    needed: frozenset[str] = frozenset()
    """Those of them without which the store cannot do what it is for."""

    making: Making = field(default_factory=Making)
    """What else it is made with, where there is no spec."""

    def spec_for(self, dimension: int | None) -> CollectionSpec:
        """The collection to make for vectors of that many numbers."""
        distance = self.distance or Distance.COSINE
        spec = self.spec or self._plain(dimension or 0, distance)
        missing = [each for each in self.extra if each.name not in spec.fields]
        return replace(spec, vectors=[*spec.vectors, *missing]) if missing else spec

    def _plain(self, dimension: int, distance: Distance) -> CollectionSpec:
        """A collection with one vector, with what else was said of making it."""
        options = dict(self.making.collection)
        spec = CollectionSpec(self.name, dimension, distance, layout=self.layout, options=options)
        if not self.making.vector:
            return spec
        return replace(spec, vectors=[replace(spec.field, options=dict(self.making.vector))])

    def accept(self, info: CollectionInfo) -> VectorField:
        """The store's own field of the collection as found.

        Raises:
            CollectionMismatch: it is not as planned.
        """
        kind = "dense" if self.spec is None else self.spec.field.kind
        found = field_of(info, self.layout.vector_name, kind)
        if self.validate and self.spec is not None:
            compare(self.spec, info)
        elif self.validate and self.distance not in {None, found.distance}:
            compare(replace(self.spec_for(found.size), distance=self.distance), info)
        for each in self.extra if self.validate else ():
            if each.name in self.needed:
                field_of(info, each.name, each.kind)
        return found

    def fields(self, info: CollectionInfo, own: VectorField) -> dict[str, VectorField]:
        """All vector fields of the collection as found, each with the encoder that the spec has for it."""
        planned = ({} if self.spec is None else dict(self.spec.fields)) | {each.name: each for each in self.extra}
        found = {name: _filled(each, planned.get(name)) for name, each in info.fields.items()}
        return {name: with_learned(each, info.metadata) for name, each in found.items()} | {own.name: own}

    @property
    def encoder(self) -> Encoder | None:
        """What the spec says to make the store's own vectors with; None: the store's embedding."""
        return None if self.spec is None else self.spec.field.encoder


def _filled(found: VectorField, planned: VectorField | None) -> VectorField:
    return found if planned is None or planned.encoder is None else replace(found, encoder=planned.encoder)
