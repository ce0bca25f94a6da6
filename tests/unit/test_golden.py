"""What was stored before the package was rebuilt is read, and written again byte for byte."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any, get_args, get_type_hints

import pytest

import langchain_qdrant_async
from langchain_qdrant_async.collection.origin import Origin
from langchain_qdrant_async.document.ids import identify, to_text
from langchain_qdrant_async.document.payload import from_payload, to_payload
from langchain_qdrant_async.embedding import Reduction
from langchain_qdrant_async.proto import collections, points
from tests.golden.scenes import (
    DIMENSION,
    FOLDER,
    GIVEN_IDS,
    LAYOUTS,
    METADATA,
    ORIGINS,
    SIZE,
    TEXTS,
    exact,
    golden,
    public_methods,
)

CASES = list(range(len(TEXTS)))
REDUCTIONS = golden("reductions.json")
NAMES = json.loads((FOLDER / "names.json").read_text())
TODAY = public_methods()

FINGERPRINTS = {
    "identity": "identity:4-4",
    "truncation": "truncation:12-4",
    "random-projection": "random-projection:12-4:7",
}
"""Of the reductions that are not fitted."""


def stored_point(layout: str, case: int) -> points.PointStruct:
    return points.UpsertPoints.FromString(golden("points.json")[layout]).points[case]


def plain(metadata: Any) -> str:
    """Metadata as text that tells `1` from `1.0` and from `True`; numpy's numbers and tuples are plain ones."""
    return json.dumps(metadata or {}, sort_keys=True, default=lambda number: number.item())


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_payload_is_read(layout: str, case: int) -> None:
    keys = {"content_key": LAYOUTS[layout].content_key, "metadata_key": LAYOUTS[layout].metadata_key}
    text, metadata, original_id = from_payload(stored_point(layout, case).payload, **keys)  # type: ignore[arg-type]
    assert (text, plain(metadata)) == (TEXTS[case], plain(METADATA[case]))
    assert original_id == identify(GIVEN_IDS[case]).original


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_payload_and_an_id_are_written_as_before(layout: str, case: int) -> None:
    identity = identify(GIVEN_IDS[case])
    payload = to_payload(
        TEXTS[case],
        METADATA[case],
        original_id=identity.original,
        content_key=LAYOUTS[layout].content_key,
        metadata_key=LAYOUTS[layout].metadata_key,
    )
    stored = stored_point(layout, case)
    assert exact(points.PointStruct(id=identity.message, payload=payload, vectors=stored.vectors)) == exact(stored)
    assert identity.text == to_text(GIVEN_IDS[case])


@pytest.mark.parametrize("origin", ORIGINS)
def test_an_origin_is_read_and_written_as_before(origin: str) -> None:
    stored = golden("origins.json")[origin]
    kind: Any = points.PointStruct if "point" in origin else collections.CreateCollection
    message = kind.FromString(stored)
    metadata = message.payload if "point" in origin else message.metadata
    read = Origin.from_metadata(metadata)
    assert read is not None
    assert read.model == {"class": "GoldenEmbeddings", "model": "golden", "size": SIZE}
    assert (read.reduction is None) == origin.startswith("model")
    if read.reduction is not None:
        assert read.reduction.to_bytes() == REDUCTIONS["principal-components"]
    written = read.to_metadata()
    metadata.clear()
    for key, value in written.items():
        metadata[key].CopyFrom(value)
    assert exact(message) == stored


@pytest.mark.parametrize("kind", REDUCTIONS)
def test_a_reduction_is_read_and_written_as_before(kind: str) -> None:
    reduction = Reduction.from_bytes(REDUCTIONS[kind])
    assert reduction.to_bytes() == REDUCTIONS[kind]
    assert reduction.kind == kind.partition(" of ")[0]
    assert (reduction.source_dimension, reduction.dimension) in {(SIZE, DIMENSION), (DIMENSION, DIMENSION), (SIZE, 2)}
    assert (reduction.matrix is None) == (kind in {"identity", "truncation"})
    assert (reduction.quality is None) == (kind != "principal-components")
    if kind in FINGERPRINTS:
        assert reduction.fingerprint == FINGERPRINTS[kind]


@pytest.mark.parametrize("module", NAMES["names"])
def test_what_users_import_is_where_it_was(module: str) -> None:
    home = import_module(module)
    assert [name for name in NAMES["names"][module].split() if not hasattr(home, name)] == []


@pytest.mark.parametrize("name", NAMES["methods"])
def test_a_public_method_takes_what_it_took(name: str) -> None:
    """Positions mean the same as far as they go, and every keyword is still one, be it a rare one of `**options`."""
    before, _, keywords = NAMES["methods"][name].partition("|")
    today, _, more = TODAY[name].partition("|")
    positions, positions_today = before.split(), today.split()
    both = min(len(positions), len(positions_today))
    assert positions_today[:both] == positions[:both]
    owner, _, method = name.partition(".")
    options = options_of(getattr(getattr(langchain_qdrant_async, owner), method))
    assert set(positions + keywords.split()) <= {*positions_today, *more.split(), *options}


def options_of(method: Callable[..., Any]) -> list[str]:
    """The keywords of `**options: Unpack[...]`."""
    if not str(method.__annotations__.get("options")).startswith("Unpack["):
        return []
    [options] = get_args(get_type_hints(method)["options"])
    return list(options.__annotations__)
