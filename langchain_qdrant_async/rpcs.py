"""What each RPC of Qdrant does: read by the funnel, which repeats by it, and by the engine, whose keys allow by it.

Every RPC of the four services stands in exactly one of `READS`, `ONCE` and `REPEATABLE`.
"""

from __future__ import annotations


def _methods(service: str, names: str) -> frozenset[str]:
    return frozenset(f"/qdrant.{service}/{name}" for name in names.split())


_SNAPSHOT_READS = _methods("Snapshots", "List ListFull")

READS = (
    _methods(
        "Points",
        "Get Scroll Count Facet Query QueryBatch QueryGroups Search SearchBatch SearchGroups Recommend RecommendBatch"
        " RecommendGroups Discover DiscoverBatch SearchMatrixPairs SearchMatrixOffsets",
    )
    | _methods(
        "Collections",
        "Get List CollectionExists ListAliases ListCollectionAliases CollectionClusterInfo ListShardKeys",
    )
    | _SNAPSHOT_READS
    | _methods("Qdrant", "HealthCheck")
)
"""RPCs that change nothing: a shorter deadline, and safe to repeat whatever went wrong."""

ONCE = _methods("Collections", "Create UpdateAliases UpdateCollectionClusterSetup CreateShardKey") | _methods(
    "Snapshots", "Create CreateFull"
)
"""Writes that answer differently the second time: repeated only when the first attempt cannot have been sent."""

LOOKED_AT = _methods("Collections", "Create UpdateAliases")
"""Those of `ONCE` of which can be seen whether they were carried out: looked at before they are sent again."""

REPEATABLE = (
    _methods(
        "Points",
        "Upsert Delete UpdateVectors DeleteVectors SetPayload OverwritePayload DeletePayload ClearPayload UpdateBatch"
        " CreateFieldIndex DeleteFieldIndex CreateVectorName DeleteVectorName",
    )
    | _methods("Collections", "Update Delete DeleteShardKey")
    | _methods("Snapshots", "Delete DeleteFull")
)
"""Writes that leave the same behind when they are sent again."""

OPEN_TO_READ_ONLY_KEYS = READS - _SNAPSHOT_READS
"""What a key that only reads may call: snapshots hold everything, so even their names need one that manages.

Source: `lib/storage/src/rbac/mod.rs` of Qdrant v1.19, "Global manage access is required".
"""
