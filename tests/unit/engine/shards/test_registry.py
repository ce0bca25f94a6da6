"""The registry is written a collection at a time, and reads as if it were written at once."""

from __future__ import annotations

import json as json_text
from typing import Any

import pytest

pytest.importorskip("qdrant_edge")

from langchain_qdrant_async.engine.shards.registry import Closing, Registered, StoredCollection, text_of
from langchain_qdrant_async.proto import collections, json

STORED = StoredCollection(
    "folder",
    collections.CollectionConfig(
        params=collections.CollectionParams(shard_number=1),
        metadata={'a "quoted"\nkey': json.Value(string_value="two\nlines, é\u2028 and \\n")},
    ),
    {'metadata."x\ny"': collections.PayloadIndexParams(keyword_index_params=collections.KeywordIndexParams())},
    Closing(1, 2, 3),
)


@pytest.mark.parametrize("aliases", [{}, {"alias": "docs", 'x"\n': "é"}])
@pytest.mark.parametrize("names", [[], ["docs"], ["docs", 'a "name"\\ é', "c"]])
def test_it_is_what_json_makes_of_it(names: list[str], aliases: dict[str, str]) -> None:
    state = Registered(dict.fromkeys(names, STORED), aliases)
    content: dict[str, Any] = {
        "version": 1,
        "collections": {name: each.as_json for name, each in state.collections.items()},
        "aliases": aliases,
    }
    assert text_of(state) == json_text.dumps(content, ensure_ascii=False, indent=1)
