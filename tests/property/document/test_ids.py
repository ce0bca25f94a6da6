"""Whatever string a caller gives as an id, it gets that very string back."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from langchain_qdrant_async.document.ids import Identity, from_point_id, identify, ids_for, winners
from langchain_qdrant_async.document.payload import from_payload, to_payload
from langchain_qdrant_async.proto import points

texts = (
    st.text(min_size=1)
    | st.uuids().flatmap(lambda id_: st.sampled_from([str(id_), id_.hex, str(id_).upper(), id_.urn]))
    | st.integers(-(2**65), 2**65).map(str)
    | st.integers(0, 2**64 - 1).map(lambda number: f"0{number}")
)


@given(texts)
def test_the_id_read_back_is_the_id_given(text: str) -> None:
    identity = identify(text)
    point = points.ScoredPoint(id=identity.message, payload=to_payload("", original_id=identity.original))
    read = points.ScoredPoint.FromString(point.SerializeToString())
    assert (from_payload(read.payload).original_id or from_point_id(read.id)) == text


@given(st.uuids() | st.integers(0, 2**64 - 1))
def test_the_text_of_a_point_id_names_that_point(point_id: uuid.UUID | int) -> None:
    identity = identify(point_id)
    assert identify(identity.text) == identity
    assert from_point_id(identity.message) == str(point_id)


@given(st.sets(texts, max_size=30))
def test_two_ids_share_a_point_only_as_spellings_of_one_uuid(given_: set[str]) -> None:
    by_point: dict[str | int, list[Identity]] = {}
    for text in given_:
        by_point.setdefault(identify(text).point_id, []).append(identify(text))
    for shared in by_point.values():
        assert len({identity.text.lower().replace("-", "") for identity in shared}) == 1


@given(st.lists(texts | st.none(), max_size=20))
def test_every_document_has_an_id_and_the_last_of_each_point_stays(given_: list[str | None]) -> None:
    ids = ids_for(given_, len(given_))
    assert [text for text, asked in zip(ids, given_, strict=True) if asked is not None] == [*filter(None, given_)]
    identities = [identify(text) for text in ids]
    kept = winners(identities)
    assert kept == sorted(kept)
    assert {identities[position].point_id for position in kept} == {identity.point_id for identity in identities}
    assert all(identities[position] not in identities[position + 1 :] for position in kept)
