"""Which RPC only reads, and which is sent once: read by the funnel and by the engine."""

from __future__ import annotations

READS = frozenset(
    f"/qdrant.{service}/{method}"
    for service, methods in {
        "Points": (
            "Get Scroll Count Facet Query QueryBatch QueryGroups Search SearchBatch SearchGroups Recommend "
            "RecommendBatch RecommendGroups Discover DiscoverBatch SearchMatrixPairs SearchMatrixOffsets"
        ),
        "Collections": (
            "Get List CollectionExists ListAliases ListCollectionAliases CollectionClusterInfo ListShardKeys"
        ),
        "Snapshots": "List ListFull",
        "Qdrant": "HealthCheck",
    }.items()
    for method in methods.split()
)
"""RPCs that change nothing: a shorter deadline, and safe to repeat whatever went wrong."""


ONCE = frozenset(
    {
        "/qdrant.Collections/Create",
        "/qdrant.Collections/UpdateAliases",
        "/qdrant.Collections/UpdateCollectionClusterSetup",
        "/qdrant.Collections/CreateShardKey",
        "/qdrant.Snapshots/Create",
        "/qdrant.Snapshots/CreateFull",
    }
)
"""Writes that answer differently the second time: repeated only when the first attempt cannot have been sent."""
