"""Collections with several vector fields: as they are said, made, described and compared."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from langchain_qdrant_async import CollectionMismatch, CollectionSpec, Distance, InvalidInput, Layout, VectorField
from langchain_qdrant_async.collection.comparison import compare, field_of
from langchain_qdrant_async.collection.info import made_info
from langchain_qdrant_async.collection.message import create_collection

FIELDS = (VectorField("words", "sparse", idf=True), VectorField("tokens", "multi", 8), VectorField("other", size=5))


def test_a_spec_with_one_dense_field() -> None:
    spec = CollectionSpec("docs", dimension=7, distance=Distance.DOT, layout=Layout(vector_name="own"))
    assert spec.fields == {"own": VectorField("own", size=7, distance=Distance.DOT)}
    assert spec.field == spec.fields["own"]


@pytest.mark.parametrize("name", ["", "own"])
def test_what_is_made_is_what_was_asked_for(name: str) -> None:
    spec = CollectionSpec("docs", dimension=7, layout=Layout(vector_name=name), vectors=FIELDS)
    info = made_info(create_collection(spec))
    assert set(info.fields) == {name, "words", "tokens", "other"}
    assert {each.name: (each.kind, each.size) for each in info.fields.values()} == {
        each.name: (each.kind, each.size) for each in spec.fields.values()
    }
    compare(spec, info)


def test_a_field_of_the_stores_own_name_stands_in_its_place() -> None:
    spec = CollectionSpec("docs", vectors=[FIELDS[0]], layout=Layout(vector_name="words"))
    assert spec.fields == {"words": FIELDS[0]}
    request = create_collection(spec)
    assert not request.HasField("vectors_config"), "no dense vector is needed"
    compare(spec, made_info(request))


@pytest.mark.parametrize(
    ("there", "message"),
    [
        ([FIELDS[0], FIELDS[1]], r"has the default \(unnamed\) vector, .* where the vector 'other' was asked for"),
        ([FIELDS[0], FIELDS[1], VectorField("other", size=6)], "dimension 6 of the vector 'other' where 5 was asked"),
        (
            [FIELDS[0], FIELDS[1], VectorField("other", size=5, distance=Distance.DOT)],
            "distance Dot of the vector 'other' where Cosine was asked for",
        ),
        ([FIELDS[0], VectorField("tokens", size=8), FIELDS[2]], "the vector 'tokens' of collection 'docs' is dense"),
        ([VectorField("words", size=4), FIELDS[1], FIELDS[2]], "the vector 'words' of collection 'docs' is dense"),
    ],
)
def test_differences_of_any_field_are_said(there: list[VectorField], message: str) -> None:
    wanted = CollectionSpec("docs", vectors=FIELDS)
    with pytest.raises(CollectionMismatch, match=message):
        compare(wanted, made_info(create_collection(replace(wanted, vectors=there))))


def test_a_multivector_is_no_dense_vector() -> None:
    info = made_info(create_collection(CollectionSpec("docs", vectors=FIELDS)))
    with pytest.raises(CollectionMismatch, match="is a multivector; one for each document is needed"):
        field_of(info, "tokens")


@pytest.mark.parametrize(
    "make",
    [
        lambda: VectorField(kind="thick"),  # type: ignore[arg-type]
        lambda: VectorField(size=0),
        lambda: VectorField(size=None),
        lambda: VectorField(distance="far"),  # type: ignore[arg-type]
        lambda: CollectionSpec("docs", vectors=[VectorField("a"), VectorField("a")]),
    ],
)
def test_fields_that_cannot_be(make: object) -> None:
    with pytest.raises(InvalidInput):
        make()  # type: ignore[operator]


def test_specs_can_be_pickled_and_changed() -> None:
    spec = CollectionSpec("docs", payload_indexes={"lang": "keyword"}, vectors=FIELDS)
    assert replace(spec, name="other").fields == spec.fields
    assert pickle.loads(pickle.dumps(spec)) == spec
