"""LangChain's retriever over a store, with the ways to search that a vector store of Qdrant has beyond LangChain's."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, ClassVar

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.vectorstores import VectorStoreRetriever

from langchain_qdrant_async.checks import is_number, shortened
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.runtime.blocking import run
from langchain_qdrant_async.search.boosting import Boost, FieldValue, Recency, boosts_of
from langchain_qdrant_async.search.ranking import Fused
from langchain_qdrant_async.store.wordings import wordings_of

_HOUR_S = 3_600


class Retriever(VectorStoreRetriever):
    """LangChain's retriever, awaiting the store all the way down, with four more kinds of search.

    Attributes:
        search_type: `similarity`, `similarity_score_threshold` and `mmr` as LangChain's; `grouped`, `parents`,
            `time_weighted` and `multi_query` as `_KINDS` says.
        search_kwargs: what a search of that kind takes.
    """

    allowed_search_types: ClassVar[tuple[str, ...]] = (
        "similarity",
        "similarity_score_threshold",
        "mmr",
        "grouped",
        "parents",
        "time_weighted",
        "multi_query",
    )

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **kwargs: Any
    ) -> list[Document]:
        if self.search_type not in _KINDS:
            return await super()._aget_relevant_documents(query, run_manager=run_manager, **kwargs)
        given = self.search_kwargs | kwargs
        return await _KINDS[self.search_type](self.vectorstore, query, run_manager.get_child(), given)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **kwargs: Any
    ) -> list[Document]:
        if self.search_type not in _KINDS:
            return super()._get_relevant_documents(query, run_manager=run_manager, **kwargs)
        given = self.search_kwargs | kwargs
        return run(_KINDS[self.search_type](self.vectorstore, query, run_manager.get_child(), given))


def check_retriever(keywords: Mapping[str, Any]) -> None:
    """Nothing, when LangChain's retriever has a field for each keyword of `as_retriever`; it would drop others.

    Raises:
        InvalidInput: it has none, or a kind of search lacks what it cannot do without.
    """
    unknown = sorted(keywords.keys() - Retriever.model_fields.keys())
    if unknown:
        inside = ", ".join(f"{name!r}: ..." for name in unknown)
        raise InvalidInput(
            f"as_retriever has no field for {', '.join(unknown)}: what a search takes goes into search_kwargs, as in"
            f" as_retriever(search_kwargs={{{inside}}})"
        )
    kind, given = keywords.get("search_type", "similarity"), keywords.get("search_kwargs") or {}
    needed = _NEEDED.get(kind, ())
    if needed and not any(name in given for name in needed):
        raise InvalidInput(f"search_type {kind!r} needs {' or '.join(needed)} in search_kwargs")


async def _grouped(store: Any, query: str, _callbacks: Any, given: dict[str, Any]) -> list[Document]:
    """The best documents of the best groups, one group after the other.

    Takes what `asimilarity_search_grouped` does: `group_by`, `k` (groups), `group_size`.
    """
    found = await store.asimilarity_search_grouped(query, **given)
    return [each for group in found for each in group.documents]


async def _parents(store: Any, query: str, _callbacks: Any, given: dict[str, Any]) -> list[Document]:
    """The documents whose chunks are the best, the one with the best chunk first.

    Takes what `asimilarity_search_grouped` does, with `k` for how many documents, and
    `group_by`: the metadata field of a chunk that holds its document's id, `parent_id` by default, see `chunks_of`;
    `parents`: where the documents are: a store, or LangChain's `BaseStore`; None: beside the chunks.
    """
    parents = given.pop("parents", None)
    found = await store.asimilarity_search_grouped(query, **{"group_by": "parent_id", "group_size": 1, **given})
    keys = [str(each.key) for each in found]
    if hasattr(parents, "amget"):
        return [each for each in await parents.amget(keys) if each is not None]
    there: list[Document] = await (store if parents is None else parents).aget_by_ids(keys) if keys else []
    return there


async def _time_weighted(store: Any, query: str, _callbacks: Any, given: dict[str, Any]) -> list[Document]:
    """As LangChain's `TimeWeightedVectorStoreRetriever`, by Qdrant: `score + (1 - decay_rate) ^ hours`, plus fields.

    Takes what `asimilarity_search` does, and
    `field`: the metadata field with the date from which hours are counted, `last_accessed_at` by default;
    `decay_rate`: the share that is lost in an hour, 0.01 by default;
    `other_score_keys`: metadata fields whose numbers are added;
    `touch`: whether the documents that are found get the date of now, as with LangChain's.
    """
    field, touch = given.pop("field", "last_accessed_at"), given.pop("touch", False)
    boosts = [time_weight(field, given.pop("decay_rate", 0.01))]
    boosts += [FieldValue(each) for each in given.pop("other_score_keys", ())]
    boosts += boosts_of(given.pop("boost")) if given.get("boost") is not None else []
    found: list[Document] = await store.asimilarity_search(query, boost=boosts, **given)
    if touch and found:
        await store.aset_metadata({field: dt.datetime.now(dt.UTC)}, [each.id for each in found])
    return found


def time_weight(field: str, decay_rate: float) -> Boost:
    """`(1 - decay_rate) ^ hours` since the date in a field.

    Raises:
        InvalidInput: the rate is not between 0 and 1.
    """
    if not is_number(decay_rate) or not 0 < decay_rate < 1:
        raise InvalidInput(f"decay_rate must be between 0 and 1, not {shortened(decay_rate)}")
    return Recency(field, half_life=_HOUR_S * math.log(0.5) / math.log1p(-decay_rate))


async def _multi_query(store: Any, query: str, callbacks: Any, given: dict[str, Any]) -> list[Document]:
    """What a question and other wordings of it find, merged by rank, in one call to Qdrant.

    Takes what `asimilarity_search` does, and
    `llm`: a model that is asked for three other wordings;
    `wordings`: what gives them instead: a runnable or a function from a text to a list of texts.
    """
    others = await wordings_of(query, given.pop("llm", None), given.pop("wordings", None), callbacks)
    told = {name: given.pop(name, None) for name in ("retrieval_mode", "hybrid_fusion", "boost")}
    rankings = [store.ranking(each, **told) for each in (query, *others)]
    found = await store.asearch_by(Fused(rankings, fusion="rrf"), **given)
    return [each for each, _ in found]


_KINDS: dict[str, Callable[..., Coroutine[Any, Any, list[Document]]]] = {
    "grouped": _grouped,
    "parents": _parents,
    "time_weighted": _time_weighted,
    "multi_query": _multi_query,
}
"""The kinds of search that LangChain's retriever has not."""

_NEEDED: dict[str, tuple[str, ...]] = {"grouped": ("group_by",), "multi_query": ("llm", "wordings")}
"""What a kind of search cannot do without; one of several."""
