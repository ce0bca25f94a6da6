"""Where a collection's vectors come from: the model and the reduction, stored with the collection. Pure."""

from __future__ import annotations

import base64
import json as json_text
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.embeddings import Embeddings

from langchain_qdrant_async.document.values import from_value, to_value
from langchain_qdrant_async.embedding.fingerprint import Fingerprint, fingerprint_of
from langchain_qdrant_async.embedding.fingerprint import same_model as are_same
from langchain_qdrant_async.embedding.reduction.reduced import ReducedEmbeddings
from langchain_qdrant_async.embedding.reduction.reduction import Reduction
from langchain_qdrant_async.errors import CollectionMismatch, InvalidInput
from langchain_qdrant_async.proto import json

ORIGIN_KEY = "langchain_qdrant_async"
"""Key of the collection's metadata, and of the reserved point's payload."""

_FORMAT = 1

_ADVICE = (
    "use that model; if it is the same one behind another class, say so by validate_embeddings=False, or give the"
    " embeddings an attribute `fingerprint`, which holds what the collection's does"
)


@dataclass(frozen=True, slots=True)
class Origin:
    """What made a collection's vectors."""

    model: Fingerprint
    """Which model, how it is asked: JSON."""
    reduction: Reduction | None = None
    """How its vectors were brought to the collection's size; None where they are the model's own."""

    def to_metadata(self) -> dict[str, json.Value]:
        """As metadata of a collection; a reduction of 384 numbers to 100 takes 0.2 MB."""
        reduction = None if self.reduction is None else base64.b64encode(self.reduction.to_bytes()).decode()
        return {ORIGIN_KEY: to_value({"format": _FORMAT, "model": self.model, "reduction": reduction}, ORIGIN_KEY)}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, json.Value]) -> Origin | None:
        """What `to_metadata` gave; None where there is nothing of the kind.

        Raises:
            CollectionMismatch: a newer version of this package wrote it, or it is damaged.
        """
        stored = from_value(metadata[ORIGIN_KEY]) if ORIGIN_KEY in metadata else None
        if not isinstance(stored, dict) or not isinstance(stored.get("model"), dict):
            return None
        if stored.get("format") != _FORMAT:
            raise CollectionMismatch(
                f"the collection's origin has format {stored.get('format')!r}: update this package"
            )
        reduction = stored.get("reduction")
        return cls(stored["model"], None if reduction is None else _reduction_of(reduction))

    def same(self, other: Origin) -> bool:
        """Whether both make the same vectors."""
        mine, theirs = (each.reduction.fingerprint if each.reduction else None for each in (self, other))
        return are_same(self.model, other.model) and mine == theirs

    def settled(self, embedding: ReducedEmbeddings) -> ReducedEmbeddings:
        """A copy of embeddings without a reduction that has this one; what cannot take it, as it is."""
        if embedding.reduction is not None or self.reduction is None or self.reduction.dimension != embedding.dimension:
            return embedding
        return embedding.with_reduction(self.reduction)

    def accept(
        self,
        embedding: Embeddings,
        collection: str,
        dimension: int,
        *,
        same_model: bool = True,
    ) -> None:
        """Check that an embedding makes such vectors; one that has no reduction yet adopts the collection's.

        Args:
            embedding: what a store has.
            collection: its name, for the message.
            dimension: numbers in its vectors.
            same_model: whether the models must be one.

        Raises:
            CollectionMismatch: another model or another reduction. The message names both.
        """
        ours = model_of(embedding)
        if same_model and not are_same(self.model, ours):
            raise _mismatch(collection, _shown(self.model), _shown(ours), _ADVICE)
        reduced = reduced_of(embedding)
        if reduced is not None:
            self._reduce(reduced, collection, dimension)
        elif self.reduction is not None:
            advice = f"wrap it in ReducedEmbeddings(model, dimension={self.reduction.dimension})"
            raise _mismatch(collection, f"vectors reduced by {self.reduction.fingerprint}", "the model alone", advice)

    def _reduce(self, embedding: ReducedEmbeddings, collection: str, dimension: int) -> None:
        stored = self.reduction or Reduction.identity(dimension)
        try:
            embedding.adopt(stored)
        except InvalidInput as error:
            ours = f"{embedding.dimension} numbers" if embedding.reduction is None else embedding.reduction.fingerprint
            theirs = (
                f"vectors reduced by {stored.fingerprint}" if self.reduction else f"the model's own {dimension} numbers"
            )
            advice = (
                f"make a ReducedEmbeddings(model, {stored.dimension}) without a reduction: it takes the collection's"
            )
            raise _mismatch(collection, theirs, ours, advice) from error


def _reduction_of(text: Any) -> Reduction:
    try:
        return Reduction.from_bytes(base64.b64decode(text))
    except (TypeError, ValueError) as error:  # InvalidInput among them
        raise CollectionMismatch(f"the reduction that is stored with the collection cannot be read: {error}") from error


def reduced_of(embedding: Embeddings | None) -> ReducedEmbeddings | None:
    """The reducing embeddings among these: themselves, or what a cache caches; None if they do not reduce."""
    while embedding is not None and not isinstance(embedding, ReducedEmbeddings):
        embedding = getattr(embedding, "underlying_embeddings", None)
    return embedding


def model_of(embedding: Embeddings) -> Fingerprint:
    """Which model makes the vectors, whatever reduces or caches them."""
    reduced = reduced_of(embedding)
    return fingerprint_of(embedding if reduced is None else reduced.embeddings)


def origin_of(embedding: Embeddings) -> Origin:
    """What will make the vectors of a new collection."""
    reduced = reduced_of(embedding)
    reduction = None if reduced is None else reduced.reduction
    kept = None if reduction is None or reduction.kind == "identity" else reduction
    return Origin(model_of(embedding), kept)


def _mismatch(collection: str, theirs: str, ours: str, advice: str) -> CollectionMismatch:
    return CollectionMismatch(
        f"collection {collection!r} holds {theirs}, and this store has {ours}: vectors of the two cannot be compared. "
        f"To go on, {advice}; to change it, build a new collection"
    )


def _shown(model: Mapping[str, Any]) -> str:
    said = {name: value for name, value in model.items() if value is not None}
    return f"the model {json_text.dumps(said, sort_keys=True)}"
