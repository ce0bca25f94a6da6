"""What a store is told of its ways to retrieve, and the ranking that a text is searched with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from langchain_qdrant_async.collection.field import VectorField
from langchain_qdrant_async.collection.plan import CollectionPlan
from langchain_qdrant_async.collection.spec import CollectionSpec
from langchain_qdrant_async.embedding.encoder import Encoder, SparseEncoder
from langchain_qdrant_async.embedding.sparse.fastembed import FastEmbedSparseEmbeddings
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.runtime.threads import Threads
from langchain_qdrant_async.search.boosting import Boosted
from langchain_qdrant_async.search.mode import RetrievalMode, mode_of
from langchain_qdrant_async.search.ranking import Diverse, Fused, Nearest
from langchain_qdrant_async.search.search import Ranking, TextSearchOptions

SPARSE_VECTOR_NAME = "langchain-sparse"
"""As in langchain-qdrant."""


class Told(NamedTuple):
    """What a search by text was told of its ranking."""

    mode: object = None
    """By which vectors; None: as the store does."""
    fusion: object = None
    """How hybrid retrieval merges; None: as it does by default."""
    boost: Any = None
    """What metadata adds to the score; None: nothing."""

    @classmethod
    def of(cls, options: TextSearchOptions) -> Told:
        """What the options of a call say, which is taken out of them."""
        return cls(options.pop("retrieval_mode", None), options.pop("hybrid_fusion", None), options.pop("boost", None))


@dataclass(frozen=True, slots=True)
class Retrieval:
    """By which vectors a store searches for a text."""

    mode: RetrievalMode = RetrievalMode.DENSE
    """Unless a call says otherwise."""
    own: str = ""
    """The store's own vector."""
    sparse: str = SPARSE_VECTOR_NAME
    """The sparse one."""
    multi: str | None = None
    """The multivector, if the spec has one."""

    def ranking(self, query: str, told: Told = Told()) -> Ranking:  # noqa: B008  a frozen value
        """The ranking that a text is searched with.

        Raises:
            InvalidInput: there is no such mode, or no vector for it, or something that is no boost.
        """
        ranking = self._merged(query, self._mode(told), told.fusion)
        return ranking if told.boost is None else Boosted(ranking, told.boost)

    def check(self) -> None:
        """Nothing, when texts can be searched for by the store's own mode.

        Raises:
            InvalidInput: there is no vector for it.
        """
        self.ranking("")

    def diverse(self, query: str, fetch_k: int, lambda_mult: float, told: Told) -> Ranking:
        """Maximal marginal relevance: by the vectors of the mode, or of what hybrid retrieval or boosts find."""
        mode = self._mode(told)
        hybrid = mode is RetrievalMode.HYBRID
        found = self.ranking(query, told) if hybrid or told.boost is not None else None
        return Diverse(query, fetch_k, lambda_mult, self._using(RetrievalMode.DENSE if hybrid else mode), found)

    def uses_own(self, told: Told) -> bool:
        """Whether a text is searched by the store's own vector."""
        return self._mode(told) in {RetrievalMode.DENSE, RetrievalMode.HYBRID} or self.own == self.sparse

    def _merged(self, query: str, mode: RetrievalMode, fusion: object) -> Ranking:
        if fusion is not None and mode is not RetrievalMode.HYBRID:
            raise InvalidInput(f"hybrid_fusion is for retrieval_mode 'hybrid'; this search is {mode.value}")
        if mode is not RetrievalMode.HYBRID:
            return Nearest(query, self._using(mode))
        return Fused([Nearest(query, self._using(RetrievalMode.DENSE)), Nearest(query, self.sparse)], fusion=fusion)

    def _mode(self, told: Told) -> RetrievalMode:
        return self.mode if told.mode is None else mode_of(told.mode)

    def check_scored(self, told: Told) -> None:
        """Nothing, when scores of the mode can be read as relevances.

        Raises:
            InvalidInput: they have no bounds, or do not say how near a document is.
        """
        mode = self._mode(told)
        if told.boost is not None or mode is not RetrievalMode.DENSE or self.own == self.sparse:
            kind = mode.value if told.boost is None else "boosted"
            raise InvalidInput(
                f"scores of {kind} retrieval have no bounds that say how near a document is, so they have no "
                "relevance: pass relevance_score_fn, search with scores, or with retrieval_mode='dense'"
            )

    def _using(self, mode: RetrievalMode) -> str | None:
        if mode is RetrievalMode.SPARSE:
            return None if self.own == self.sparse else self.sparse
        if mode is RetrievalMode.DENSE and self.own == self.sparse:
            raise InvalidInput("this store has a sparse vector alone; it searches with retrieval_mode='sparse'")
        if mode is RetrievalMode.MULTIVECTOR and self.multi is None:
            raise InvalidInput(
                "retrieval_mode 'multivector' needs one: CollectionSpec(vectors=[VectorField('tokens', 'multi', size, "
                "encoder=MultiEncoder(model))])"
            )
        return self.multi if mode is RetrievalMode.MULTIVECTOR else None


def sparse_encoder(given: Any, threads: Threads) -> Encoder:
    """What makes sparse vectors of texts: any sparse embeddings, or an encoder as it is."""
    if hasattr(given, "documents") and hasattr(given, "query"):
        return given  # type: ignore[no-any-return]
    if hasattr(given, "embed_documents") and hasattr(given, "embed_query"):
        return SparseEncoder(given, threads)
    if hasattr(given, "embed") and hasattr(given, "query_embed"):
        return SparseEncoder(FastEmbedSparseEmbeddings.of(given), threads)
    raise InvalidInput(
        f"sparse_embedding must make sparse vectors, as Bm25Embeddings() does, not {type(given).__name__}"
    )


def needs_idf(given: Any) -> bool:
    """Whether Qdrant is to weigh the words of this model by how rare they are.

    Source: `requires_idf` of fastembed's models, which are BM25 and BM42.
    """
    said = getattr(given, "idf", None)
    if isinstance(said, bool):
        return said
    inner = getattr(given, "_model", None)
    name = str(getattr(given, "model_name", None) or getattr(inner, "model_name", None) or type(given).__name__)
    return any(kind in name.lower() for kind in ("bm25", "bm42"))


def retrieving(
    plan: CollectionPlan, mode: object, sparse_embedding: Any, sparse_name: str, threads: Threads
) -> tuple[CollectionPlan, Retrieval]:
    """What a store expects of its collection and how it searches it, from its keywords.

    Raises:
        InvalidInput: there is no such mode, or nothing for it.
    """
    asked = mode_of(mode)
    if not isinstance(sparse_name, str):
        raise InvalidInput(f"sparse_vector_name must be a string, not {type(sparse_name).__name__}")
    if plan.spec is None and asked is RetrievalMode.SPARSE:  # as in langchain-qdrant, there is no other vector then
        plan = replace(plan, layout=replace(plan.layout, vector_name=sparse_name), distance=None)
    if sparse_embedding is not None:
        plan = _with_sparse(plan, asked, sparse_name, sparse_embedding, threads)
    retrieval = Retrieval(asked, plan.layout.vector_name, sparse_name, _multivector(plan))
    _check(retrieval, plan)
    return plan, retrieval


def _with_sparse(
    plan: CollectionPlan, mode: RetrievalMode, name: str, sparse_embedding: Any, threads: Threads
) -> CollectionPlan:
    """The plan of a store that makes sparse vectors as well, or alone."""
    encoder = sparse_encoder(sparse_embedding, threads)
    options = dict(plan.making.sparse)
    field = VectorField(name, "sparse", idf=needs_idf(sparse_embedding), options=options, encoder=encoder)
    if plan.layout.vector_name == name:
        made = dict(plan.making.collection)
        spec = CollectionSpec(plan.name, quantization=None, layout=plan.layout, vectors=[field], options=made)
        return replace(plan, spec=spec)
    needed = frozenset([name]) if mode in {RetrievalMode.SPARSE, RetrievalMode.HYBRID} else frozenset[str]()
    return replace(plan, extra=(field,), needed=needed)


def _multivector(plan: CollectionPlan) -> str | None:
    fields = {} if plan.spec is None else dict(plan.spec.fields)
    return next((name for name, each in fields.items() if each.kind == "multi"), None)


def _check(retrieval: Retrieval, plan: CollectionPlan) -> None:
    """Nothing, when what the mode needs is there."""
    fields = {each.name: each for each in ([] if plan.spec is None else plan.spec.fields.values())}
    fields |= {each.name: each for each in plan.extra}
    sparse = fields.get(retrieval.sparse)
    by_words = retrieval.mode in {RetrievalMode.SPARSE, RetrievalMode.HYBRID}
    if by_words and (sparse is None or sparse.encoder is None):
        raise InvalidInput(
            f"retrieval_mode {retrieval.mode.value!r} needs a sparse_embedding, such as Bm25Embeddings()"
        )
    retrieval.check()
