"""The store's embedding as a collection needs it: with its reduction, and refused where it makes other vectors.

Nothing is asked here; embeddings that are fitted are copies, unless a cache holds them.
"""

from __future__ import annotations

from langchain_core.embeddings import Embeddings

from langchain_qdrant_async.collection.collections import StoredOrigin
from langchain_qdrant_async.collection.field import VectorField
from langchain_qdrant_async.collection.info import CollectionInfo
from langchain_qdrant_async.collection.origin import Origin, reduced_of
from langchain_qdrant_async.collection.plan import CollectionPlan
from langchain_qdrant_async.embedding.reduction.reduced import ReducedEmbeddings
from langchain_qdrant_async.errors import CollectionMismatch


def fitting(
    plan: CollectionPlan,
    embedding: Embeddings | None,
    stored: StoredOrigin | None,
    info: CollectionInfo,
    own: VectorField,
) -> Embeddings | None:
    """What makes a collection's vectors, of what a store has.

    Args:
        plan: what the store expects of the collection.
        embedding: the store's.
        stored: what the collection says of the origin of its vectors.
        info: the collection.
        own: its field that the store uses.

    Raises:
        CollectionMismatch: another model or reduction made its vectors, or one that nothing says.
    """
    if embedding is None:
        return None
    if stored is None:
        return _unsettled(plan, embedding, info)
    embedding = _reduced(embedding, stored.origin)
    if plan.validate:
        stored.origin.accept(embedding, plan.name, own.size or 0, same_model=plan.same_model)
    return embedding


def _unsettled(plan: CollectionPlan, embedding: Embeddings, info: CollectionInfo) -> Embeddings:
    """The embedding for a collection that says nothing: one without a reduction only while it is empty."""
    reduced = reduced_of(embedding)
    if info.points_count and reduced is not None and reduced.reduction is None:
        raise CollectionMismatch(
            f"collection {plan.name!r} holds {info.points_count} points and says nothing of the reduction "
            "that made their vectors: pass ReducedEmbeddings(model, dimension, reduction=...) with that one"
        )
    return embedding


def _reduced(embedding: Embeddings, origin: Origin) -> Embeddings:
    """The embedding with the collection's reduction, if it lacks one."""
    if isinstance(embedding, ReducedEmbeddings):
        return origin.settled(embedding)  # a copy: the same model may serve other collections
    reduced = reduced_of(embedding)
    if reduced is not None and origin.reduction is not None and origin.settled(reduced) is not reduced:
        reduced.adopt(origin.reduction)  # in a cache, which keeps its own
    return embedding
