"""Searches -> request messages, each builder named for the message it builds. Pure: no I/O, no clock."""

from __future__ import annotations

from typing import Any

from langchain_qdrant_async.document.layout import Layout
from langchain_qdrant_async.errors import InvalidInput
from langchain_qdrant_async.proto import points
from langchain_qdrant_async.search.search import Diversity, Search


def query_points(collection: str, vector: points.DenseVector, search: Search, layout: Layout) -> points.QueryPoints:
    """The nearest points of a vector, with payload and without vectors."""
    return _query_points(collection, points.Query(nearest=points.VectorInput(dense=vector)), search, layout)


def mmr_query_points(
    collection: str, vector: points.DenseVector, search: Search, layout: Layout, diversity: Diversity
) -> points.QueryPoints:
    """Points near a vector and unlike each other, chosen by the server."""
    mmr = points.Mmr(diversity=1 - diversity.lambda_mult, candidates_limit=max(diversity.fetch_k, search.k))
    nearest = points.NearestInputWithMmr(nearest=points.VectorInput(dense=vector), mmr=mmr)
    return _query_points(collection, points.Query(nearest_with_mmr=nearest), search, layout)


def _query_points(collection: str, query: points.Query, search: Search, layout: Layout) -> points.QueryPoints:
    return points.QueryPoints(
        collection_name=collection,
        query=query,
        using=layout.vector_name or None,
        filter=search.filter,
        params=search.params,
        score_threshold=search.score_threshold,
        limit=search.k,
        offset=search.offset or None,
        with_payload=points.WithPayloadSelector(enable=True),
        read_consistency=search.consistency,
    )


def search_params(given: Any) -> points.SearchParams | None:
    """Search parameters: Qdrant's message, or the model of the same name of qdrant-client's REST half.

    Raises:
        InvalidInput: it is neither.
    """
    if given is None or isinstance(given, points.SearchParams):
        return given
    if type(given).__name__ == "SearchParams":
        from qdrant_client.conversions.conversion import RestToGrpc

        return RestToGrpc.convert_search_params(given)
    raise InvalidInput(f"search_params must be a SearchParams, not {type(given).__name__}")
