"""Metadata comes back exactly as given, to the type of each number."""

import copy
import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from langchain_qdrant_async.document.layout import PRIVATE_KEYS
from langchain_qdrant_async.document.payload import from_payload, to_payload
from langchain_qdrant_async.proto import points

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=20
)
metadatas = st.dictionaries(st.text(), values, max_size=5)


def signature(value: Any) -> Any:
    """The value with the type, and the sign of a zero, that `==` does not look at."""
    if isinstance(value, dict):
        return {key: signature(item) for key, item in value.items()}
    if isinstance(value, list):
        return [signature(item) for item in value]
    return type(value), value, math.copysign(1, value) if isinstance(value, float) else None


@given(st.text(), metadatas, st.none() | st.text(min_size=1), st.sampled_from(["metadata", "m.d", None]))
def test_a_document_survives_the_wire(
    text: str, metadata: dict[str, Any], original_id: str | None, metadata_key: str | None
) -> None:
    if metadata_key is None:
        for key in ("page_content", *PRIVATE_KEYS):
            metadata.pop(key, None)
    given_ = copy.deepcopy(metadata)
    payload = to_payload(text, metadata, original_id=original_id, metadata_key=metadata_key)
    assert signature(metadata) == signature(given_)
    point = points.ScoredPoint.FromString(points.ScoredPoint(payload=payload).SerializeToString())
    content = from_payload(point.payload, metadata_key=metadata_key)
    assert (content.text, content.original_id) == (text, original_id)
    assert signature(content.metadata) == signature(metadata)
