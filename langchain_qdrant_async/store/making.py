"""From the keywords of a store to its parts: they may say a thing once, in the spec or beside it."""

from __future__ import annotations

from langchain_core.embeddings import Embeddings

from langchain_qdrant_async.checks import check_unicode
from langchain_qdrant_async.collection.field import Distance, distance_of
from langchain_qdrant_async.collection.plan import CollectionPlan
from langchain_qdrant_async.collection.spec import CollectionSpec
from langchain_qdrant_async.document.layout import Layout
from langchain_qdrant_async.errors import InvalidInput


def plan_of(
    collection_name: str | None,
    spec: CollectionSpec | None,
    vector_name: str | None,
    content_key: str | None,
    metadata_key: str | None,
    distance: Distance | str | None,
) -> CollectionPlan:
    """What a store expects of its collection; the keywords are those of the store.

    Raises:
        InvalidInput: they contradict each other.
    """
    name = _name(collection_name, spec)
    layout = _layout(spec, vector_name, content_key, metadata_key)
    return CollectionPlan(name, layout, spec, _distance(spec, distance))


def checked_embedding(embedding: Embeddings | None) -> Embeddings | None:
    """The embedding, when it is one.

    Raises:
        InvalidInput: it is none.
    """
    if embedding is None or (hasattr(embedding, "aembed_documents") and hasattr(embedding, "aembed_query")):
        return embedding
    raise InvalidInput(
        f"embedding must be a LangChain Embeddings, not {type(embedding).__name__}; "
        "SentenceTransformerEmbeddings wraps a sentence-transformers model"
    )


def _name(collection_name: str | None, spec: CollectionSpec | None) -> str:
    name = collection_name or (spec.name if spec else None)
    if not isinstance(name, str):
        raise InvalidInput("a store needs a collection_name or a spec")
    check_unicode("collection_name", name, InvalidInput)
    if spec is not None and spec.name != name:
        raise InvalidInput(f"collection_name is {name!r} and the spec is for {spec.name!r}: give one of them")
    return name


def _layout(
    spec: CollectionSpec | None, vector_name: str | None, content_key: str | None, metadata_key: str | None
) -> Layout:
    base = spec.layout if spec else Layout()
    layout = Layout(
        content_key=base.content_key if content_key is None else content_key,
        metadata_key=base.metadata_key if metadata_key == "" else metadata_key,
        vector_name=base.vector_name if vector_name is None else vector_name,
    )
    if spec is not None and layout != spec.layout:
        raise InvalidInput(
            f"the keywords ask for {layout} and the spec for {spec.layout}: give the layout in the spec alone"
        )
    return layout


def _distance(spec: CollectionSpec | None, distance: Distance | str | None) -> Distance | None:
    given = None if distance is None else distance_of(distance)
    if spec is not None and given not in {None, spec.distance}:
        raise InvalidInput(f"distance is {given!r} and the spec's is {spec.distance!r}: give it in the spec alone")
    return spec.distance if spec else given
