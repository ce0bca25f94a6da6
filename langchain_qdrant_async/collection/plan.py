"""What a store expects of its collection."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from langchain_qdrant_async.collection.comparison import compare, vector_of
from langchain_qdrant_async.collection.info import CollectionInfo
from langchain_qdrant_async.collection.spec import CollectionSpec, Distance
from langchain_qdrant_async.document.layout import Layout


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

    def spec_for(self, dimension: int) -> CollectionSpec:
        """The collection to make for vectors of that many numbers."""
        distance = self.distance or Distance.COSINE
        return self.spec or CollectionSpec(self.name, dimension=dimension, distance=distance, layout=self.layout)

    def accept(self, info: CollectionInfo) -> CollectionInfo:
        """The collection as found.

        Raises:
            CollectionMismatch: it is not as planned.
        """
        vector = vector_of(info, self.layout.vector_name)
        if self.validate and self.spec is not None:
            compare(self.spec, info)
        elif self.validate and self.distance not in {None, vector.distance}:
            compare(replace(self.spec_for(vector.dimension), dimension=vector.dimension), info)
        return info
