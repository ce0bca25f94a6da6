"""Texts that the engine itself turns into vectors."""

from __future__ import annotations

from typing import Any

import pytest
import qdrant_edge as edge
from grpc import StatusCode

from langchain_qdrant_async.proto import collections, points
from tests.engine_messages import Refused, Stubs, payload, plain_id, point, point_id

pytest_plugins = ("tests.engine_fixtures",)


def document(text: str, model: str = "qdrant/bm25", **options: Any) -> points.Document:
    return points.Document(text=text, model=model, options=payload(options))


def struct(an_id: int, given: points.Document) -> points.PointStruct:
    named = points.NamedVectors(vectors={"words": points.Vector(document=given)})
    return points.PointStruct(id=point_id(an_id), vectors=points.Vectors(vectors=named))


@pytest.fixture
async def words(stubs: Stubs) -> Stubs:
    await stubs.create(
        sparse_vectors_config=collections.SparseVectorConfig(map={"words": collections.SparseVectorParams()})
    )
    return stubs


@pytest.mark.parametrize(
    ("options", "config"),
    [
        ({}, {}),
        ({"k": 2, "b": 0.5, "avg_len": 10}, {"k": 2.0, "b": 0.5, "avg_len": 10.0}),
        ({"language": "german"}, {"language": "german"}),
        ({"stopwords": {"custom": ["apples"]}}, {"stopwords": edge.StopwordsSet(custom={"apples"})}),
        ({"stopwords": "german"}, {"stopwords": edge.Language.German}),
        ({"stemmer": {"type": "disabled"}}, {"stemmer": edge.DisabledStemmer()}),
        ({"ascii_folding": True, "lowercase": False}, {"ascii_folding": True, "lowercase": False}),
        (
            {"min_token_len": 4, "tokenizer": "whitespace"},
            {"min_token_len": 4, "tokenizer": edge.TokenizerType.Whitespace},
        ),
    ],
    ids=str,
)
async def test_a_text_is_stored_as_the_encoder_has_it(
    words: Stubs, options: dict[str, Any], config: dict[str, Any]
) -> None:
    text = "The red Äpfel and apples of THE garden, and apples"
    await words.upsert(struct(1, document(text, **options)))
    expected = edge.Bm25(edge.Bm25Config(**config)).embed_document(text)
    (stored,) = await words.get(1, with_vectors=points.WithVectorsSelector(enable=True))
    sparse = stored.vectors.vectors.vectors["words"].sparse
    assert dict(zip(sparse.indices, sparse.values, strict=True)) == pytest.approx(
        dict(zip(expected.indices, expected.values, strict=True))
    )


async def test_a_text_finds_what_has_its_words(words: Stubs) -> None:
    await words.upsert(struct(1, document("red apples")), struct(2, document("yellow bananas")))
    query = points.Query(nearest=points.VectorInput(document=document("an apple")))
    assert [plain_id(each.id) for each in await words.query(query=query, using="words")] == [1]


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (document("a", "other/model"), StatusCode.UNIMPLEMENTED, "Inference model 'other/model' is not available"),
        (document("a", language="klingon"), StatusCode.INVALID_ARGUMENT, "Invalid BM25 config"),
        (document("a", unknown=1), StatusCode.INVALID_ARGUMENT, "Invalid BM25 config"),
        (document("a", b=7), StatusCode.INVALID_ARGUMENT, "Invalid BM25 config"),
    ],
)
async def test_what_cannot_be_made_is_refused(
    words: Stubs, given: points.Document, code: StatusCode, said: str
) -> None:
    with Refused(code, said):
        await words.upsert(point(9, {"words": {1: 1.0}}), struct(1, given))
    assert await words.count() == 0
