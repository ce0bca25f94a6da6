"""The embedding cache: what was computed once is read, by the same model only, and never on the loop."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from langchain_classic.embeddings import CacheBackedEmbeddings

from langchain_qdrant_async.embedding import EmbeddingCache, ReducedEmbeddings
from langchain_qdrant_async.errors import EmbeddingError, InvalidInput
from tests.embeddings import WordEmbeddings


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vectors.db"


@pytest.fixture
def cache(path: Path) -> Iterator[EmbeddingCache]:
    with EmbeddingCache(path, WordEmbeddings()) as cache:
        yield cache


async def test_a_text_is_embedded_once(path: Path) -> None:
    for run in range(2):
        model = WordEmbeddings(60)
        async with (
            EmbeddingCache(path, model) as documents,
            EmbeddingCache(path, model, purpose="query") as queries,
        ):
            cached = CacheBackedEmbeddings(model, documents, query_embedding_store=queries)
            vectors = await cached.aembed_documents(["red", "green", "red"])
            np.testing.assert_allclose(vectors[1], model.embed_documents(["green"])[0], atol=1e-7)
            assert vectors[0] == vectors[2]
            await cached.aembed_query("red")
            assert (model.calls["aembed_documents"], model.calls["aembed_query"]) == ((1, 1) if run == 0 else (0, 0))


async def test_another_reduction_needs_no_call_of_the_model(path: Path) -> None:
    texts = [f"{word} {number}" for word in ("red", "green", "blue") for number in range(30)]
    async with EmbeddingCache(path, WordEmbeddings(60)) as kept:
        await ReducedEmbeddings(CacheBackedEmbeddings(WordEmbeddings(60), kept), 20).aembed_documents(texts)
        model = WordEmbeddings(60)
        reduced = ReducedEmbeddings(CacheBackedEmbeddings(model, kept), 10)
        await reduced.afit(texts)
        assert len((await reduced.aembed_documents(texts))[0]) == 10
        assert not model.calls


def test_models_and_purposes_do_not_see_each_others_vectors(path: Path) -> None:
    owner = EmbeddingCache(path, WordEmbeddings(2))
    owner.mset([("text", [1.0, 2.0])])
    for other in (
        EmbeddingCache(path, WordEmbeddings(3)),
        EmbeddingCache(path, WordEmbeddings(2), purpose="query"),
    ):
        assert other.mget(["text"]) == [None]
        other.mdelete(["text"])
        assert list(other.yield_keys()) == []
        other.close()
    assert owner.mget(["text"]) == [[1.0, 2.0]]
    owner.close()


def test_other_processes_share_it(path: Path, cache: EmbeddingCache) -> None:
    program = (
        "from langchain_qdrant_async.embedding import EmbeddingCache\n"
        "from tests.embeddings import WordEmbeddings\n"
        f"with EmbeddingCache({str(path)!r}, WordEmbeddings()) as cache:\n"
        "    assert cache.mget(['theirs']) == [[1.0]]\n"
        "    cache.mset([('ours', [2.0])])\n"
    )
    cache.mset([("theirs", [1.0])])
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    assert cache.mget(["ours"]) == [[2.0]]


async def test_many_loops_tasks_and_texts(cache: EmbeddingCache) -> None:
    texts = [f"text {n}" for n in range(2_000)]
    await asyncio.gather(*(cache.amset([(text, [float(n)])]) for n, text in enumerate(texts)))
    assert await cache.amget([*reversed(texts), "absent"]) == [*([float(n)] for n in reversed(range(2_000))), None]
    assert await asyncio.to_thread(asyncio.run, cache.amget(["text 7"])) == [[7.0]]


def test_the_oldest_go_first(path: Path) -> None:
    with EmbeddingCache(path, WordEmbeddings(), most=3) as cache:
        for text in "abcda":
            cache.mset([(text, [1.0])])
        assert list(cache.yield_keys()) == ["c", "d", "a"]


@pytest.mark.parametrize("text", ["", "it's; DROP TABLE", "\ud800", "ünï\0code", "100%"])
def test_any_text(cache: EmbeddingCache, text: str) -> None:
    cache.mset([(text, [1.0]), ("other", [2.0])])
    assert cache.mget([text]) == [[1.0]]
    assert text in cache.yield_keys(prefix=text[:2])


def test_a_file_that_is_none_says_what_to_do(path: Path) -> None:
    path.write_text("something else, and long enough to be looked at" * 50)
    with (
        EmbeddingCache(path, WordEmbeddings()) as cache,
        pytest.raises(EmbeddingError, match=r"vectors.db cannot be used \(file is not a database\).*delete the file"),
    ):
        cache.mget(["text"])


def test_the_constructor_makes_nothing(path: Path) -> None:
    EmbeddingCache(path, WordEmbeddings()).close()
    assert not path.exists()
    with pytest.raises(InvalidInput, match="most must be a whole number, 1 or more"):
        EmbeddingCache(path, WordEmbeddings(), most=0)


async def test_closing_while_it_is_in_use(cache: EmbeddingCache) -> None:
    async def use(name: str) -> None:
        for _ in range(50):
            await cache.amset([(name, [1.0])])

    users = [asyncio.create_task(use(str(n))) for n in range(3)]
    while not all(user.done() for user in users):
        await cache.aclose()
    await asyncio.gather(*users)
    assert await cache.amget(["0", "1", "2"]) == [[1.0]] * 3


def test_a_damaged_file_may_be_deleted(path: Path, cache: EmbeddingCache) -> None:
    path.write_bytes(b"no database" * 500)
    with pytest.raises(EmbeddingError, match="delete the file"):
        cache.mget(["text"])
    path.unlink()
    cache.mset([("text", [1.0])])
    assert cache.mget(["text"]) == [[1.0]]


def test_closing_is_not_the_end(cache: EmbeddingCache) -> None:
    cache.mset([("text", [1.0])])
    cache.close()
    assert cache.mget(["text"]) == [[1.0]]
