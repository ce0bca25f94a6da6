"""What tells models apart, what is stored with a collection, and the reduction's one life."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_classic.embeddings.cache import CacheBackedEmbeddings
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings
from langchain_core.stores import InMemoryByteStore
from pydantic import SecretStr

from langchain_qdrant_async.embedding import ReducedEmbeddings, Reduction, SentenceTransformerEmbeddings, fingerprint_of
from langchain_qdrant_async.embedding.fingerprint import same_model
from langchain_qdrant_async.errors import InvalidInput

TEXTS = [f"text {n}" for n in range(60)]


class Hosted(Embeddings):
    """Embeddings like a hosted model's: with a name, and with a key that nobody may see."""

    def __init__(self, model: str, key: str) -> None:
        self.model = model
        self.api_key = SecretStr(key)
        self.key = key
        self.calls: list[str] = []
        self._inner = DeterministicFakeEmbedding(size=384)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.calls += texts
        return self._inner.embed_documents(texts)

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


def test_of_unknown_embeddings_class_and_model_tell_and_secrets_stay() -> None:
    fingerprint = fingerprint_of(Hosted("large-3", "sk-secret"))
    assert fingerprint == {"class": "Hosted", "model": "large-3"}
    assert "secret" not in json.dumps(fingerprint)


@pytest.mark.parametrize(
    "settings",
    [
        {"normalize": False},
        {"query_prompt": "q: "},
        {"document_prompt": "d: "},
        {"truncate_dim": 64},
        {"revision": "x"},
    ],
)
def test_every_setting_that_changes_the_numbers_changes_the_fingerprint(settings: dict[str, Any]) -> None:
    plain = SentenceTransformerEmbeddings("all-MiniLM-L6-v2").fingerprint
    assert SentenceTransformerEmbeddings("all-MiniLM-L6-v2", **settings).fingerprint != plain


def test_where_and_how_it_runs_does_not() -> None:
    plain = SentenceTransformerEmbeddings("all-MiniLM-L6-v2").fingerprint
    other = SentenceTransformerEmbeddings("sentence-transformers/all-MiniLM-L6-v2", device="cpu", batch_size=7)
    assert other.fingerprint == plain
    elsewhere = SentenceTransformerEmbeddings("/models/one/my-model").fingerprint
    assert SentenceTransformerEmbeddings("/other/my-model").fingerprint == elsewhere


def test_a_cache_is_the_model_that_it_caches() -> None:
    model = Hosted("large-3", "sk-secret")
    cache = CacheBackedEmbeddings.from_bytes_store(model, InMemoryByteStore(), namespace="x", key_encoder="sha256")
    assert fingerprint_of(cache) == fingerprint_of(model)


async def test_reduced_over_a_cache_embeds_each_text_once() -> None:
    model = Hosted("large-3", "sk-secret")
    cache = CacheBackedEmbeddings.from_bytes_store(model, InMemoryByteStore(), namespace="x", key_encoder="sha256")
    reduced = ReducedEmbeddings(cache)
    first = await reduced.aembed_documents(TEXTS)
    assert await reduced.aembed_documents(TEXTS) == first
    assert model.calls == TEXTS


async def test_a_cache_over_reduced_embeddings_keeps_the_reduced_vectors() -> None:
    reduced = ReducedEmbeddings(Hosted("large-3", "sk-secret"))
    store = InMemoryByteStore()
    namespace = json.dumps(reduced.fingerprint, sort_keys=True)
    cache = CacheBackedEmbeddings.from_bytes_store(reduced, store, namespace=namespace, key_encoder="sha256")
    vectors = await cache.aembed_documents(TEXTS[:3])
    assert [len(vector) for vector in vectors] == [100] * 3
    assert np.allclose(cache.embed_documents(TEXTS[:3]), vectors)


async def test_fitted_once_before_the_first_use() -> None:
    embeddings = ReducedEmbeddings(DeterministicFakeEmbedding(size=384))
    reduction = await embeddings.afit(iter(TEXTS))
    assert embeddings.reduction is reduction
    assert reduction.samples == len(TEXTS)
    assert reduction.kind == "principal-components"
    assert len(await embeddings.aembed_query("text")) == 100
    with pytest.raises(InvalidInput, match="already .*principal-components"):
        embeddings.fit(TEXTS)
    with pytest.raises(InvalidInput, match="already"):
        await embeddings.afit(TEXTS)


async def test_used_before_it_was_fitted_it_is_settled() -> None:
    embeddings = ReducedEmbeddings(DeterministicFakeEmbedding(size=384))
    await embeddings.aembed_query("text")
    with pytest.raises(InvalidInput, match="already .*random-projection:384-100.*fit before the first use"):
        await embeddings.afit(TEXTS)


def test_two_objects_that_settle_by_themselves_agree() -> None:
    one, other = (ReducedEmbeddings(DeterministicFakeEmbedding(size=384)) for _ in range(2))
    assert one.embed_query("text") == other.embed_query("text")
    assert one.fingerprint == other.fingerprint


def test_fitting_and_writing_embeds_once() -> None:
    model = Hosted("large-3", "sk-secret")
    embeddings = ReducedEmbeddings(model)
    full = embeddings.embed_full_array(TEXTS)
    embeddings.fit_vectors(full)
    assert embeddings.reduce(full).shape == (60, 100)
    assert model.calls == TEXTS


def test_a_stored_reduction_is_taken_up_by_another_object(tmp_path: Path) -> None:
    writer = ReducedEmbeddings(DeterministicFakeEmbedding(size=384))
    writer.fit(TEXTS).save(tmp_path / "reduction")
    reader = ReducedEmbeddings(DeterministicFakeEmbedding(size=384)).with_reduction(
        Reduction.load(tmp_path / "reduction")
    )
    assert reader.embed_query("text") == writer.embed_query("text")
    assert reader.fingerprint == writer.fingerprint
    assert json.loads(json.dumps(reader.fingerprint)) == reader.fingerprint


def test_fitting_a_model_of_the_right_size_leaves_it_as_it_is() -> None:
    embeddings = ReducedEmbeddings(DeterministicFakeEmbedding(size=100))
    assert embeddings.fit(TEXTS).kind == "identity"


def test_there_must_be_something_to_fit_on() -> None:
    with pytest.raises(InvalidInput, match="nothing to fit"):
        ReducedEmbeddings(DeterministicFakeEmbedding(size=384)).fit([])
    with pytest.raises(InvalidInput, match="list of texts"):
        ReducedEmbeddings(DeterministicFakeEmbedding(size=384)).fit("one text")


class Wrapper(Embeddings):
    def __init__(self, **parts: Any) -> None:
        self.__dict__.update(parts)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        raise NotImplementedError

    def embed_query(self, text: str) -> list[float]:
        raise NotImplementedError


@pytest.mark.parametrize("name", ["inner", "embeddings", "base_embeddings", "underlying_embeddings", "_inner"])
def test_wrappers_are_looked_through(name: str) -> None:
    model = Hosted("large-3", "sk")
    assert fingerprint_of(Wrapper(**{name: Wrapper(inner=model)})) == fingerprint_of(model)
    assert fingerprint_of(Wrapper(**{name: model}, model="other")) == {"class": "Wrapper", "model": "other"}


def test_a_wrapper_of_itself_ends() -> None:
    one, other = Wrapper(), Wrapper()
    one.__dict__["inner"], other.__dict__["inner"] = other, one
    assert fingerprint_of(one)["class"] == "Wrapper"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"class": "A", "model": "m"}, {"class": "B", "model_name": "m"}, True),
        ({"class": "A", "model": "org/M"}, {"class": "B", "model_name": "m"}, True),
        ({"class": "A", "model": "m", "size": 3}, {"class": "B", "model": "m"}, True),
        ({"class": "A", "model": "m", "size": 3}, {"class": "B", "model": "m", "dimensions": 4}, False),
        ({"class": "A", "model": "m", "normalize": True}, {"class": "A", "model": "m", "normalize": False}, False),
        ({"class": "A", "model": "m"}, {"class": "A", "model": "n"}, False),
        ({"class": "A"}, {"class": "B"}, False),
        ({"class": "A", "size": 3}, {"class": "A", "size": 3}, True),
    ],
)
def test_the_same_model_is_known_by_its_name_and_size(one: dict[str, Any], other: dict[str, Any], same: bool) -> None:
    assert same_model(one, other) is same
    assert same_model(other, one) is same
