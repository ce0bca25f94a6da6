"""Numpy <-> Qdrant's vectors: dense, sparse and multivector.

Everything is checked here, before any I/O: a malformed vector costs a round trip on a server and damages an embedded
engine. A vector may be a list or tuple of numbers, a numpy array, or anything that numpy can read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from langchain_qdrant_async.arrays import (
    FLOAT32,
    is_matrix,
    is_numeric,
    is_vector,
    not_finite,
    to_floats,
)
from langchain_qdrant_async.errors import InvalidVector
from langchain_qdrant_async.proto import points

Floats: TypeAlias = NDArray[np.float32]
DenseInput: TypeAlias = Sequence[float] | NDArray[Any]
MatrixInput: TypeAlias = Iterable[DenseInput] | NDArray[Any]

_DATA_TAG = b"\x0a"
_U32_MAX = 2**32 - 1


class Sparse(NamedTuple):
    """A sparse vector: `values[i]` stands at `indices[i]`, every other place is zero."""

    indices: Sequence[int] | NDArray[Any]
    """Unsigned 32-bit numbers, each at most once, in any order."""
    values: DenseInput
    """The number at each of them."""


AnyVector: TypeAlias = DenseInput | Sequence[DenseInput] | Sparse
"""One vector as a caller may give it: dense (1-D), multivector (2-D) or `Sparse`."""


def to_array(vector: DenseInput, dimension: int | None = None, *, name: str = "the vector") -> Floats:
    """A vector as little-endian float32, shape (dimension,).

    Args:
        vector: the numbers.
        dimension: the size that the collection expects; None takes any.
        name: what to call it in error messages.

    Raises:
        InvalidVector: another size, none at all, not one row of numbers, or a component that is not a finite float32.
    """
    array = _numbers(vector, name)
    _check_shape(array, dimension, name)
    return _finite(array, lambda index: f"component {index[0]} of {name}")


def to_matrix(vectors: MatrixInput, dimension: int | None = None) -> Floats:
    """Vectors as one little-endian float32 matrix, shape (n, dimension).

    Args:
        vectors: the rows, which must all have one size; a generator is read once.
        dimension: the size that the collection expects; None takes the size of the first row.

    Raises:
        InvalidVector: as `to_array`, naming the row: `vectors[17]`.
    """
    vectors = vectors if isinstance(vectors, np.ndarray) and vectors.ndim else _listed(vectors)
    if len(vectors) == 0:
        return np.empty((0, dimension or 0), FLOAT32)
    try:
        array = np.asarray(vectors)
    except (ValueError, TypeError):  # rows of several sizes
        return _rows(vectors, dimension)
    if not is_numeric(array) or not is_matrix(array, dimension):
        return _rows(vectors, dimension)
    return _finite(array, lambda index: f"component {index[1]} of vectors[{index[0]}]")


def to_dense(vector: DenseInput, dimension: int | None = None, *, name: str = "the vector") -> points.DenseVector:
    """A vector as Qdrant's message.

    Raises:
        InvalidVector: see `to_array`.
    """
    return packed(to_array(vector, dimension, name=name))


def packed(row: Floats) -> points.DenseVector:
    """The message of a row that `to_array` or `to_matrix` has checked already.

    The bytes of the array are the bytes of the field, behind its tag and length: this takes 0.7 us for 100 numbers
    where `DenseVector(data=array)` takes 21.

    Source: `DenseVector.data` is field 1, a packed `repeated float`: https://protobuf.dev/programming-guides/encoding/#packed
    """
    data = row.tobytes()
    return points.DenseVector.FromString(_DATA_TAG + _varint(len(data)) + data)


def from_dense(vector: points.DenseVector) -> Floats:
    """The numbers of Qdrant's message, shape (dimension,); a copy of its own."""
    count = len(vector.data)
    header = _DATA_TAG + _varint(4 * count)
    wire = vector.SerializeToString()
    if not wire.startswith(header) or len(wire) != len(header) + 4 * count:
        return np.array(vector.data, FLOAT32)  # empty, or with fields that this version does not know
    return np.frombuffer(wire, FLOAT32, offset=len(header)).copy()


def to_multi(vectors: MatrixInput, dimension: int | None = None) -> points.MultiDenseVector:
    """A multivector, one row for each of its vectors.

    Raises:
        InvalidVector: see `to_matrix`; also no row at all.
    """
    matrix = to_matrix(vectors, dimension)
    if not len(matrix):
        raise InvalidVector("the multivector is empty: give at least one row")
    return points.MultiDenseVector(vectors=[packed(row) for row in matrix])


def from_multi(multi: points.MultiDenseVector) -> Floats:
    """The rows of a multivector, shape (n, dimension)."""
    if not multi.vectors:
        return np.empty((0, 0), FLOAT32)
    return np.stack([from_dense(vector) for vector in multi.vectors])


def to_sparse(indices: Sequence[int] | NDArray[Any], values: DenseInput) -> points.SparseVector:
    """A sparse vector as Qdrant's message. One without any number is allowed: nothing resembles it.

    Raises:
        InvalidVector: more indices than values or fewer, an index that comes twice or is no unsigned 32-bit number, a
            value that is not a finite float32.
    """
    numbers = _finite(_row(values, "the row of sparse values"), lambda index: f"the sparse value {index[0]}")
    places = _indices(indices)
    if len(places) != len(numbers):
        raise InvalidVector(
            f"the sparse vector has {len(places)} indices and {len(numbers)} values: give one value for each"
        )
    return points.SparseVector(indices=places.tolist(), values=numbers.tolist())


def from_sparse(sparse: points.SparseVector) -> Sparse:
    """The indices (uint32) and values (float32) of a sparse vector."""
    return Sparse(np.array(sparse.indices, np.uint32), np.array(sparse.values, FLOAT32))


def to_vector(vector: AnyVector, dimension: int | None = None) -> points.Vector:
    """A vector of any kind as points are written with: `Sparse`, two-dimensional for a multivector, else dense.

    Raises:
        InvalidVector: see `to_array`, `to_multi` and `to_sparse`.
    """
    return points.Vector(**_field(vector, dimension))


def to_vector_input(vector: AnyVector, dimension: int | None = None) -> points.VectorInput:
    """A vector of any kind as queries are asked with, as `to_vector`.

    Raises:
        InvalidVector: see `to_array`, `to_multi` and `to_sparse`.
    """
    return points.VectorInput(**_field(vector, dimension))


def from_vector_output(output: points.VectorOutput) -> Floats | Sparse:
    """A vector as Qdrant gives it back: dense (dimension,), multivector (n, dimension), or `Sparse`.

    Older servers fill only the flat fields, which are deprecated now; both are read.
    """
    kind = output.WhichOneof("vector")
    if kind == "dense":
        return from_dense(output.dense)
    if kind == "sparse":
        return from_sparse(output.sparse)
    if kind == "multi_dense":
        return from_multi(output.multi_dense)
    return _from_flat(output)


def from_vectors_output(output: points.VectorsOutput) -> dict[str, Floats | Sparse]:
    """All vectors of a point by their names; the unnamed one is named ""."""
    kind = output.WhichOneof("vectors_options")
    if kind == "vector":
        return {"": from_vector_output(output.vector)}
    return {name: from_vector_output(vector) for name, vector in output.vectors.vectors.items()}


def _field(vector: AnyVector, dimension: int | None) -> dict[str, Any]:
    """The vector's message, under the name that Qdrant's messages have for its kind."""
    if isinstance(vector, Sparse):
        return {"sparse": to_sparse(vector.indices, vector.values)}
    if isinstance(vector[0] if len(vector) else 0, (Sequence, np.ndarray)):
        return {"multi_dense": to_multi(cast("MatrixInput", vector), dimension)}
    return {"dense": to_dense(cast("DenseInput", vector), dimension)}


def _numbers(vector: object, name: str) -> NDArray[Any]:
    try:
        array = np.asarray(vector)
    except (ValueError, TypeError) as error:
        raise InvalidVector(f"{name} is not one row of numbers: its parts have several sizes") from error
    if array.size == 0:
        raise InvalidVector(f"{name} is empty: give at least one number")
    if not is_numeric(array):
        raise InvalidVector(
            f"{name} is not numeric: {_stranger(vector, array)}. Give a list of floats or a numpy array"
        )
    return array


def _stranger(vector: object, array: NDArray[Any]) -> str:
    """The first component that is not a number, and where it stands."""
    for index, component in enumerate(vector if isinstance(vector, (list, tuple)) else array.flat):
        if not isinstance(component, (int, float, np.number)) or isinstance(component, bool):
            return f"component {index} is {component!r} of type {type(component).__name__}"
    return f"its dtype is {array.dtype}"


def _row(values: DenseInput, name: str) -> NDArray[Any]:
    if len(values) == 0:
        return np.empty(0, FLOAT32)
    array = _numbers(values, name)
    _check_shape(array, None, name)
    return array


def _check_shape(array: NDArray[Any], dimension: int | None, name: str) -> None:
    if is_vector(array, dimension):
        return
    if array.ndim != 1:
        found = f"an array of shape {array.shape}" if array.ndim else "a single number"
        raise InvalidVector(f"{name} is {found}: give one row of numbers")
    raise InvalidVector(f"{name} has {len(array)} numbers, the collection expects {dimension}")


def _finite(array: NDArray[Any], place: Callable[[tuple[int, ...]], str]) -> Floats:
    """The array as float32, where every component is finite and was finite before."""
    floats = to_floats(array)
    index = not_finite(floats)
    if index is None:
        return floats
    value = array[index].item()
    reason = "that is too large for a 32-bit float" if np.isfinite(value) else "a vector holds finite numbers only"
    raise InvalidVector(f"{place(index)} is {value}: {reason}")


def _listed(vectors: MatrixInput) -> list[Any]:
    try:
        return list(vectors)
    except TypeError as error:
        raise InvalidVector(f"vectors is of type {type(vectors).__name__}: give a list of vectors") from error


def _rows(vectors: Sequence[Any] | NDArray[Any], dimension: int | None) -> Floats:
    """Row by row, to name the one that is wrong."""
    first = to_array(vectors[0], dimension, name="vectors[0]")
    rows = [first]
    for position, vector in enumerate(vectors[1:], start=1):
        row = to_array(vector, dimension, name=f"vectors[{position}]")
        if len(row) != len(first):
            raise InvalidVector(f"vectors[{position}] has {len(row)} numbers, vectors[0] has {len(first)}")
        rows.append(row)
    return np.stack(rows)


def _indices(indices: Sequence[int] | NDArray[Any]) -> NDArray[Any]:
    array = np.asarray(indices)
    if array.size == 0:
        return np.empty(0, np.uint32)
    if array.ndim != 1 or array.dtype.kind not in "iu" or array.min() < 0 or array.max() > _U32_MAX:
        raise InvalidVector("the sparse indices must be one row of integers from 0 to 2**32-1")
    places, counts = np.unique(array, return_counts=True)
    if len(places) != len(array):
        raise InvalidVector(f"the sparse index {places[counts > 1][0]} comes more than once: add its values up")
    return array


def _varint(number: int) -> bytes:
    """A length as protobuf writes it: seven bits a byte, the lowest first."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _from_flat(output: points.VectorOutput) -> Floats | Sparse:
    data = np.array(output.data, FLOAT32)
    if output.HasField("indices"):
        return Sparse(np.array(output.indices.data, np.uint32), data)
    if output.HasField("vectors_count"):
        return data.reshape(output.vectors_count, -1)
    return data
