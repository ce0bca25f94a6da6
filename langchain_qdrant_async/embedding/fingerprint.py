"""Which model made a vector: enough to tell two apart, and never a secret."""

from __future__ import annotations

from typing import Any, TypeAlias

from langchain_core.embeddings import Embeddings

Fingerprint: TypeAlias = dict[str, Any]
"""JSON: strings, numbers, booleans, None and dictionaries of them."""

_TELLING = (
    "model",
    "model_name",
    "model_id",
    "deployment",
    "dimensions",
    "dimension",
    "output_dimensionality",
    "size",
    "truncate_dim",
    "normalize",
    "query_instruction",
    "embed_instruction",
    "task_type",
)
"""Attributes by which LangChain's integrations say which model they are. A list of what may be read: an unknown
attribute could hold a key."""


_INNER = (
    "underlying_embeddings",
    "inner",
    "embeddings",
    "embedding",
    "base_embeddings",
    "wrapped",
    "_inner",
    "_embeddings",
)
"""Attributes under which wrappers (caches, retries, logging, HyDE) keep the embeddings that they call."""

_NAMES = ("model", "model_name", "model_id", "deployment")
"""Those by which a model is known whichever class asks for it."""

_SIZES = ("dimensions", "dimension", "output_dimensionality", "size", "truncate_dim")
"""Those that say how many numbers a vector has."""

_DEEPEST = 8
"""Wrappers inside each other."""


def fingerprint_of(embeddings: Embeddings) -> Fingerprint:
    """By the embeddings' own `fingerprint` if they have one, else by their class and the attributes that tell models.

    A wrapper that says nothing of a model itself has the fingerprint of what it wraps.
    """
    for _ in range(_DEEPEST):
        own = getattr(embeddings, "fingerprint", None)
        if isinstance(own, dict):
            return own
        inner = _inner(embeddings)
        if inner is None:
            break
        embeddings = inner
    return {"class": type(embeddings).__qualname__, **_telling(embeddings)}


def same_model(one: Fingerprint, other: Fingerprint) -> bool:
    """Whether two fingerprints may be of one model.

    They are when they are equal; also when both name a model, the names are equal but for the folder or organisation
    before them, and nothing that both say differs: the class that asks for a model does not matter.
    """
    if one == other:
        return True
    names = [_name(each) for each in (one, other)]
    if None in names or names[0] != names[1]:
        return False
    sizes = [{each[key] for key in _SIZES if each.get(key) is not None} for each in (one, other)]
    told = (one.keys() & other.keys()) - {"class", *_NAMES, *_SIZES}
    return not (all(sizes) and sizes[0] != sizes[1]) and all(one[key] == other[key] for key in told)


def _name(fingerprint: Fingerprint) -> str | None:
    names = [fingerprint[key] for key in _NAMES if isinstance(fingerprint.get(key), str)]
    return names[0].rstrip("/").rsplit("/", 1)[-1].lower() if names else None


def _inner(embeddings: Embeddings) -> Embeddings | None:
    """What these embeddings wrap, when they say nothing of a model themselves."""
    if not _telling(embeddings).keys().isdisjoint(_NAMES):
        return None
    parts = (getattr(embeddings, name, None) for name in _INNER)
    return next((each for each in parts if isinstance(each, Embeddings) and each is not embeddings), None)


def _telling(embeddings: Embeddings) -> Fingerprint:
    values = {name: getattr(embeddings, name, None) for name in _TELLING}
    return {name: value for name, value in values.items() if isinstance(value, str | int | float)}
