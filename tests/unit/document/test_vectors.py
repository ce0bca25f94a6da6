"""Vectors on their way to the wire and back."""

from typing import Any

import numpy as np
import pytest

from langchain_qdrant_async.document.vectors import (
    Sparse,
    from_dense,
    from_multi,
    from_sparse,
    from_vector_output,
    from_vectors_output,
    packed,
    to_array,
    to_dense,
    to_matrix,
    to_multi,
    to_sparse,
    to_vector,
    to_vector_input,
)
from langchain_qdrant_async.errors import InvalidVector
from langchain_qdrant_async.proto import points

NAN = float("nan")


@pytest.mark.parametrize("size", [1, 31, 32, 100, 1536, 4096, 70000])
def test_packed_bytes_are_the_message_that_the_constructor_makes(size: int) -> None:
    row = np.random.default_rng(size).standard_normal(size).astype("<f4")
    assert packed(row) == points.DenseVector(data=row.tolist())
    assert packed(row).SerializeToString() == points.DenseVector(data=row.tolist()).SerializeToString()
    assert from_dense(packed(row)).tolist() == row.tolist()


@pytest.mark.parametrize(
    "vector",
    [
        [1, 2.5, -3],
        (1, 2.5, -3),
        np.array([1, 2.5, -3]),
        np.array([1, 2.5, -3], ">f8"),
        np.array([1, 2.5, -3], "f2"),
        np.array([1, 0, 2.5, 0, -3, 0], "f4")[::2],
        [np.float32(1), np.float64(2.5), np.int8(-3)],
    ],
)
def test_any_row_of_numbers_is_a_vector(vector: Any) -> None:
    array = to_array(vector, 3)
    assert array.dtype == np.dtype("<f4")
    assert array.flags.c_contiguous
    assert from_dense(to_dense(vector, 3)).tolist() == [1.0, 2.5, -3.0]


def test_a_vector_read_back_is_the_callers_own() -> None:
    array = from_dense(to_dense([1.0]))
    array[0] = 2
    assert array.tolist() == [2.0]


def test_unknown_fields_of_a_later_server_do_not_disturb() -> None:
    wire = to_dense([1.0, 2.0]).SerializeToString() + b"\x10\x07"
    assert from_dense(points.DenseVector.FromString(wire)).tolist() == [1.0, 2.0]
    assert from_dense(points.DenseVector()).shape == (0,)


BAD = [
    ([1, 2], "has 2 numbers, the collection expects 3"),
    ([], "is empty"),
    (7, "is a single number"),
    ([[1, 2, 3]], r"is an array of shape \(1, 3\)"),
    ([[1], [1, 2]], "its parts have several sizes"),
    (["1", "2", "3"], "component 0 is '1' of type str"),
    ("abc", "is not numeric"),
    ([1.0, "a", 2.0], "component 1 is 'a' of type str"),
    ([1, 2, None], "component 2 is None of type NoneType"),
    (np.array([1, 2, 3j]), "its dtype is complex128"),
    (np.array(["2020", "2021", "2022"], "M8[Y]"), "is not numeric"),
]
NOT_FINITE = [
    ([1, NAN, 2], "component 1 of {} is nan: a vector holds finite numbers only"),
    ([1, 2, float("inf")], "component 2 of {} is inf"),
    ([1e300, 0, 0], "component 0 of {} is 1e\\+300: that is too large for a 32-bit float"),
]


BOOLEANS = ([True, False, True], "component 0 is True of type bool")  # among floats numpy takes them for numbers


@pytest.mark.parametrize(("vector", "said"), [*BAD, BOOLEANS, *NOT_FINITE])
def test_what_is_no_vector_is_refused(vector: Any, said: str) -> None:
    with pytest.raises(InvalidVector, match=said.format("the vector")):
        to_array(vector, 3)


@pytest.mark.parametrize(("vector", "said"), [*((row, r"vectors\[1\] .*" + said) for row, said in BAD), *NOT_FINITE])
@pytest.mark.parametrize("dimension", [3, None])
def test_a_matrix_names_the_row(vector: Any, said: str, dimension: int | None) -> None:
    if dimension is None:
        said = said.replace("the collection expects 3", r"vectors\[0\] has 3")
    with pytest.raises(InvalidVector, match=said.format(r"vectors\[1\]")):
        to_matrix([[1.5, 2.5, 3.5], vector], dimension)


@pytest.mark.parametrize(
    "vectors", [[[1, 2], [3, 4]], np.array([[1, 2], [3, 4]]), [np.array([1, 2]), (3, 4)], ((1, 2), (3, 4))]
)
def test_a_matrix_comes_from_any_rows(vectors: Any) -> None:
    for given in (vectors, (row for row in vectors)):
        matrix = to_matrix(given, 2)
        assert matrix.dtype == np.dtype("<f4")
        assert matrix.tolist() == [[1, 2], [3, 4]]


def test_no_rows_are_an_empty_matrix() -> None:
    assert to_matrix([], 100).shape == (0, 100)
    assert to_matrix(np.empty((0, 3))).shape == (0, 0)


@pytest.mark.parametrize("vectors", [7, None, [1.0, 2.0], np.array([1.0, 2.0]), np.array(3.0), np.zeros((2, 2, 2))])
def test_what_has_no_rows_is_refused(vectors: Any) -> None:
    with pytest.raises(InvalidVector, match="vectors"):
        to_matrix(vectors, 2)


def test_rows_of_other_sizes_are_named_without_a_dimension_too() -> None:
    with pytest.raises(InvalidVector, match=r"vectors\[1\] has 1 numbers, vectors\[0\] has 2"):
        to_matrix([[1, 2], [3]])
    with pytest.raises(InvalidVector, match=r"vectors\[0\] has 2 numbers, the collection expects 3"):
        to_matrix(np.ones((4, 2)), 3)
    with pytest.raises(InvalidVector, match=r"vectors\[0\] is empty"):
        to_matrix(np.ones((4, 0)))


def test_sparse_vectors_keep_their_order() -> None:
    sparse = to_sparse([7, 2**32 - 1, 0], [1.5, -2, 3])
    assert sparse == points.SparseVector(indices=[7, 2**32 - 1, 0], values=[1.5, -2, 3])
    indices, values = from_sparse(sparse)
    assert (list(indices), list(values)) == ([7, 2**32 - 1, 0], [1.5, -2.0, 3.0])
    assert to_sparse([], []) == points.SparseVector()


@pytest.mark.parametrize(
    ("indices", "values", "said"),
    [
        ([1, 2], [1.0], "has 2 indices and 1 values"),
        ([1, 1], [1.0, 2.0], "index 1 comes more than once"),
        ([-1], [1.0], "from 0 to"),
        ([2**32], [1.0], "from 0 to"),
        ([2**70], [1.0], "from 0 to"),
        ([1.5], [1.0], "row of integers"),
        ([[1]], [1.0], "row of integers"),
        ([True], [1.0], "row of integers"),
        ([1], [NAN], "the sparse value 0 is nan"),
        ([1], ["x"], "sparse values is not numeric"),
    ],
)
def test_what_is_no_sparse_vector_is_refused(indices: Any, values: Any, said: str) -> None:
    with pytest.raises(InvalidVector, match=said):
        to_sparse(indices, values)


def test_a_multivector_is_its_rows() -> None:
    multi = to_multi([[1, 2], [3, 4]], 2)
    assert from_multi(multi).tolist() == [[1, 2], [3, 4]]
    assert from_multi(points.MultiDenseVector()).shape == (0, 0)
    with pytest.raises(InvalidVector, match="multivector is empty"):
        to_multi([], 2)


@pytest.mark.parametrize(
    ("vector", "kind"),
    [
        ([1.0, 2.0], "dense"),
        (np.ones(2), "dense"),
        ([[1.0, 2.0]], "multi_dense"),
        (np.ones((3, 2)), "multi_dense"),
        (Sparse([1], [2.0]), "sparse"),
    ],
)
def test_the_kind_of_a_vector_is_seen_from_its_shape(vector: Any, kind: str) -> None:
    assert to_vector(vector, 2).WhichOneof("vector") == kind
    assert to_vector_input(vector, 2).WhichOneof("variant") == kind


def test_outputs_are_read_in_todays_form() -> None:
    assert from_vector_output(points.VectorOutput(dense=to_dense([1, 2]))).tolist() == [1, 2]  # type: ignore[union-attr]
    multi = from_vector_output(points.VectorOutput(multi_dense=to_multi([[1], [2]])))
    assert multi.tolist() == [[1], [2]]  # type: ignore[union-attr]
    sparse = from_vector_output(points.VectorOutput(sparse=to_sparse([3], [1.5])))
    assert isinstance(sparse, Sparse)


def test_outputs_are_read_in_the_flat_form_of_older_servers() -> None:
    assert from_vector_output(points.VectorOutput(data=[1, 2])).tolist() == [1, 2]  # type: ignore[union-attr]
    multi = from_vector_output(points.VectorOutput(data=[1, 2, 3, 4], vectors_count=2))
    assert multi.tolist() == [[1, 2], [3, 4]]  # type: ignore[union-attr]
    sparse = from_vector_output(points.VectorOutput(data=[1.5], indices=points.SparseIndices(data=[3])))
    assert isinstance(sparse, Sparse)
    assert list(sparse.indices) == [3]


def test_all_vectors_of_a_point_are_named() -> None:
    one = points.VectorOutput(dense=to_dense([1.0]))
    assert list(from_vectors_output(points.VectorsOutput(vector=one))) == [""]
    named = points.NamedVectorsOutput(vectors={"a": one, "b": one})
    assert sorted(from_vectors_output(points.VectorsOutput(vectors=named))) == ["a", "b"]
    assert from_vectors_output(points.VectorsOutput()) == {}
