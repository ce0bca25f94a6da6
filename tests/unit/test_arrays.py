"""The type, the shape and the finiteness of arrays of floats."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from langchain_qdrant_async.arrays import is_matrix, is_numeric, is_vector, not_finite, to_floats


@pytest.mark.parametrize("numbers", [[[1, 2], [3, 4]], np.array([[1, 2], [3, 4]], ">f8"), np.array([[1, 3], [2, 4]]).T])
def test_numbers_become_little_endian_rows(numbers: Any) -> None:
    floats = to_floats(numbers)
    assert floats.dtype == np.dtype("<f4")
    assert floats.flags.c_contiguous
    assert floats.tolist() == [[1, 2], [3, 4]]


def test_a_copy_is_made_only_where_it_is_asked_for() -> None:
    given = np.ones(3, np.float32)
    assert to_floats(given) is given
    assert to_floats(given, own=True) is not given


@pytest.mark.parametrize("numbers", [[[1], [1, 2]], ["x"], [None, {}]])
def test_what_is_no_array_of_numbers_is_refused(numbers: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        to_floats(numbers)


def test_shapes() -> None:
    row, rows, empty = np.ones(3), np.ones((2, 3)), np.ones((2, 0))
    assert is_vector(row)
    assert is_vector(row, 3)
    assert is_matrix(rows)
    assert is_matrix(rows, 3)
    assert not any([is_vector(row, 2), is_vector(rows), is_vector(empty[0]), is_vector(np.array(1.0))])
    assert not any([is_matrix(rows, 2), is_matrix(row), is_matrix(empty)])


def test_numeric_is_neither_boolean_nor_text_nor_complex() -> None:
    assert all(is_numeric(np.array([1], kind)) for kind in ("f2", "f8", "i8", "u1"))
    assert not any(is_numeric(np.array(values)) for values in ([True], ["1"], [1j], [None]))


def test_the_first_component_that_is_not_finite_is_found() -> None:
    assert not_finite(to_floats([[1, 2], [3, 4]])) is None
    assert not_finite(to_floats([[1, 2], [1e39, float("nan")]])) == (1, 0)
    assert not_finite(to_floats([1, float("nan")])) == (1,)
