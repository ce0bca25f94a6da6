"""What holds of a reduction whatever it was fitted on."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from langchain_qdrant_async.embedding import Reduction
from langchain_qdrant_async.embedding.matrix import Matrix

numbers = st.floats(-1e3, 1e3, width=32, allow_nan=False)
corpora = st.tuples(st.integers(1, 40), st.integers(1, 12)).flatmap(
    lambda shape: arrays(np.float32, shape, elements=numbers)
)


@settings(deadline=None)
@given(corpora, st.data())
def test_any_finite_vectors_give_finite_vectors_of_length_one_or_zero(vectors: Matrix, data: st.DataObject) -> None:
    dimension = data.draw(st.integers(1, vectors.shape[1]))
    lengths = np.linalg.norm(Reduction.fit(vectors, dimension).apply(vectors), axis=1)
    assert np.all((np.abs(lengths - 1) < 1e-4) | (lengths == 0))


@settings(deadline=None)
@given(corpora, st.data())
def test_cuts_make_no_difference(vectors: Matrix, data: st.DataObject) -> None:
    dimension = data.draw(st.integers(1, vectors.shape[1]))
    cut = data.draw(st.integers(0, len(vectors)))
    whole, parts = Reduction.fit(vectors, dimension), Reduction.fit([vectors[:cut], vectors[cut:]], dimension)
    assert whole.quality == parts.quality or whole.quality is not None
    assert whole.samples == parts.samples == len(vectors)


@given(corpora, st.data())
@settings(deadline=None)
def test_each_vector_is_reduced_by_itself(vectors: Matrix, data: st.DataObject) -> None:
    reduction = Reduction.random_projection(vectors.shape[1], data.draw(st.integers(1, vectors.shape[1])))
    together = reduction.apply(vectors)
    alone = np.concatenate([reduction.apply(vectors[row : row + 1]) for row in range(len(vectors))])
    np.testing.assert_allclose(together, alone, atol=1e-4)


@given(corpora, st.data())
@settings(deadline=None)
def test_stored_and_restored_it_is_the_same(vectors: Matrix, data: st.DataObject) -> None:
    reduction = Reduction.fit(vectors, data.draw(st.integers(1, vectors.shape[1])))
    restored = Reduction.from_bytes(reduction.to_bytes())
    assert restored.fingerprint == reduction.fingerprint
    assert np.array_equal(restored.apply(vectors), reduction.apply(vectors))
