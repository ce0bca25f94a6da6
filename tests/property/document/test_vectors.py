"""The bytes that are put on the wire are the numbers that were given."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from langchain_qdrant_async.document.vectors import from_dense, from_sparse, to_dense, to_matrix, to_sparse
from langchain_qdrant_async.proto import points

floats = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.lists(floats, min_size=1, max_size=200))
def test_a_dense_vector_is_the_constructors_message(numbers: list[float]) -> None:
    message = to_dense(numbers)
    assert message == points.DenseVector(data=numbers)
    assert message.SerializeToString() == points.DenseVector(data=numbers).SerializeToString()
    assert from_dense(message).tolist() == numbers


@given(st.integers(1, 20).flatmap(lambda size: st.lists(st.lists(floats, min_size=size, max_size=size), min_size=1)))
def test_a_matrix_holds_its_rows(rows: list[list[float]]) -> None:
    assert to_matrix(rows, len(rows[0])).tolist() == rows
    assert to_matrix(np.array(rows), len(rows[0])).tolist() == rows


@given(st.dictionaries(st.integers(0, 2**32 - 1), floats))
def test_a_sparse_vector_keeps_its_pairs(pairs: dict[int, float]) -> None:
    indices, values = from_sparse(to_sparse([*pairs], [*pairs.values()]))
    assert dict(zip(indices, values.tolist(), strict=True)) == pairs  # type: ignore[union-attr]
