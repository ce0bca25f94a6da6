"""Principal components with partial whitening: few directions that keep most, with the loud ones turned down.

A model's vectors have a few directions that vary a lot and say little of what a text is about (the commonest one is the
mean itself), and many quiet ones that tell neighbours apart. Dividing each direction's score by a power of its own
strength balances them; the power 1 would be whitening, which makes noise as loud as sense.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from langchain_qdrant_async.embedding.matrix import Matrix
from langchain_qdrant_async.embedding.reduction.moments import Spread, Square

EXPONENT = 0.35
"""How far to whiten: 0 not at all, 1 fully. See docs/decisions/0201."""


def partial_whitening(spread: Spread, dimension: int, exponent: float = EXPONENT) -> Matrix:
    """The map onto the strongest `dimension` directions, (size, dimension).

    The moments are not centred: subtracting the mean would need it again at every query, and measures worse.
    The result is turned so that all its numbers vary alike: Qdrant's Int8 quantisation has one scale for all of them.
    """
    moment = spread.moment()
    strengths, directions = _strongest(moment, dimension, complete=spread.count >= len(moment))
    steadied = _steadied(strengths, moment, shrinkage(spread))
    scaled = directions * (steadied / steadied[0]) ** (-exponent / 2)
    turned: Matrix = (scaled @ rotation(dimension)).astype(np.float32)
    return turned


def _strongest(moment: Square, dimension: int, *, complete: bool) -> tuple[NDArray[np.float64], Square]:
    """Eigenvalues in falling order and their eigenvectors, the same on every machine.

    Each direction's largest component is made positive. Where the sample is not complete, having fewer texts than
    dimensions, a trace of fixed random directions decides between those that it says nothing about.
    """
    values, vectors = np.linalg.eigh(moment if complete else moment + _undecided(moment))
    values, vectors = values[::-1][:dimension], vectors[:, ::-1][:, :dimension]
    largest = np.abs(vectors).argmax(axis=0)
    signs: NDArray[np.float64] = np.sign(vectors[largest, np.arange(dimension)])
    return values, vectors * signs


def _undecided(moment: Square) -> Square:
    """Random directions in a fixed order, too weak to change any that the sample has seen."""
    size = len(moment)
    directions = rotation(size, seed=1)
    weak: Square = 1e-9 * np.trace(moment) / size * (directions * np.linspace(1, 0, size)) @ directions.T
    return weak


def _steadied(strengths: NDArray[np.float64], moment: Square, shrunk: float) -> NDArray[np.float64]:
    """Eigenvalues of a small sample are too far apart: draw them towards their mean."""
    mean = np.trace(moment) / len(moment)
    steadied: NDArray[np.float64] = np.maximum((1 - shrunk) * np.maximum(strengths, 0) + shrunk * mean, 1e-12)
    return steadied


def shrinkage(spread: Spread) -> float:
    """How much of the sample's shape to give up, from 0 (a large sample) to 1 (a tiny one).

    Source: Chen, Wiesel, Eldar, Hero, Shrinkage Algorithms for MMSE Covariance Estimation, 2010, eq. 23 (OAS).
    """
    covariance = spread.covariance()
    size, count = len(covariance), spread.count
    squares, trace = float((covariance**2).sum()), float(np.trace(covariance)) ** 2
    uneven = (count + 1 - 2 / size) * (squares - trace / size)
    if uneven <= 1e-12 * trace:
        return 1.0
    return float(min(1.0, ((1 - 2 / size) * squares + trace) / uneven))


def rotation(size: int, seed: int = 0) -> Square:
    """A random orthogonal matrix, always the same one for a size and seed."""
    return random_directions(size, size, seed)


def random_directions(size: int, dimension: int, seed: int) -> Square:
    """Orthonormal columns, (size, dimension), uniform among all such.

    Source: Mezzadri, How to Generate Random Matrices from the Classical Compact Groups, 2007 (the signs).
    """
    gauss = np.random.RandomState(seed).standard_normal((size, dimension))  # its stream is frozen; Generator's is not
    directions, upper = np.linalg.qr(gauss)
    return directions * np.sign(np.diag(upper))
