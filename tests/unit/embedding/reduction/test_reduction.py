"""The map from many numbers to few: what it keeps, that it is the same everywhere, and that it is stored whole."""

from __future__ import annotations

import io
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from langchain_qdrant_async.embedding import Moments, Reduction
from langchain_qdrant_async.embedding.matrix import Matrix
from langchain_qdrant_async.embedding.reduction.components import shrinkage
from langchain_qdrant_async.embedding.reduction.moments import HELD_OUT_ROWS, Spread
from langchain_qdrant_async.errors import EmbeddingError, InvalidInput


def corpus(count: int, size: int = 64, seed: int = 0) -> Matrix:
    """Vectors like a model's: a mean of their own and a spread that falls from direction to direction."""
    random = np.random.RandomState(seed)
    strengths = np.arange(1, size + 1) ** -0.7
    vectors = (random.standard_normal((count, size)) * strengths + 0.3) @ np.linalg.qr(
        np.random.RandomState(99).standard_normal((size, size))
    )[0]
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def nearest(questions: Matrix, vectors: Matrix) -> list[int]:
    return [int(n) for n in (questions @ vectors.T).argmax(axis=1)]


def test_whatever_the_kind_the_result_has_the_size_and_length_one() -> None:
    vectors = corpus(300)
    for reduction in (Reduction.fit(vectors, 20), Reduction.truncation(64, 20), Reduction.random_projection(64, 20)):
        reduced = reduction.apply(vectors)
        assert reduced.shape == (300, 20)
        assert reduced.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(reduced, axis=1), 1, atol=1e-5)


def test_identity_gives_a_copy() -> None:
    vectors = corpus(3) * 5
    same = Reduction.identity(64).apply(vectors)
    assert np.array_equal(same, vectors)
    assert not np.shares_memory(same, vectors)


def test_what_is_given_is_not_changed() -> None:
    vectors = corpus(100)
    before = vectors.copy()
    Reduction.fit(vectors, 10).apply(vectors)
    assert np.array_equal(vectors, before)


def test_a_fit_keeps_more_than_chance_does() -> None:
    vectors, others = corpus(2000), corpus(500, seed=1)
    questions = np.asarray(others + np.random.RandomState(2).standard_normal(others.shape) * 0.08, np.float32)

    def found(reduction: Reduction) -> float:
        hits = nearest(reduction.apply(questions), reduction.apply(others))
        return sum(hit == place for place, hit in enumerate(hits)) / len(others)

    fitted, random = Reduction.fit(vectors, 16), Reduction.random_projection(64, 16)
    assert found(fitted) > found(random) + 0.1
    assert fitted.explained_variance(others) > random.explained_variance(others) + 0.3


def test_the_numbers_vary_alike_as_one_quantisation_scale_for_all_of_them_needs() -> None:
    deviations = Reduction.fit(corpus(2000), 20).apply(corpus(2000, seed=1)).std(axis=0)
    assert deviations.max() < 3 * deviations.min()


def test_batches_make_no_difference() -> None:
    vectors = corpus(1000)
    whole = Reduction.fit(vectors, 20)
    parts = Reduction.fit((vectors[start : start + 37] for start in range(0, 1000, 37)), 20)
    np.testing.assert_allclose(whole.apply(vectors), parts.apply(vectors), atol=1e-5)
    assert whole.quality is not None
    assert parts.quality is not None
    assert whole.quality.samples == parts.quality.samples
    assert whole.quality.overlap_at_10 == pytest.approx(parts.quality.overlap_at_10, abs=0.01)


def test_memory_stays_bounded_however_much_is_seen() -> None:
    moments = Moments()
    for seed in range(30):
        moments.add(corpus(1000, size=8, seed=seed))
    assert moments.count == 30_000
    assert HELD_OUT_ROWS / 2 <= len(moments.held_out()) <= HELD_OUT_ROWS


def test_quality_is_measured_on_held_out_vectors() -> None:
    quality = Reduction.fit(corpus(1000), 32).quality
    assert quality is not None
    assert quality.samples == 200
    assert 0.8 < quality.explained_variance < 1
    assert 0.5 < quality.overlap_at_10 < 1
    full = Reduction.fit(corpus(1000), 64, exponent=0).quality
    assert full is not None
    assert full.explained_variance == pytest.approx(1)
    assert full.overlap_at_10 > 0.99


def test_drift_shows_as_explained_variance_that_falls() -> None:
    reduction = Reduction.fit(corpus(1000), 16)
    foreign = np.asarray(np.random.RandomState(5).standard_normal((500, 64)), np.float32)
    assert reduction.explained_variance(foreign) < 0.6 * reduction.explained_variance(corpus(500, seed=3))


@pytest.mark.parametrize("count", [1, 2, 5, 19, 20, 50])
def test_a_small_sample_gives_a_usable_reduction(count: int) -> None:
    others = corpus(300, seed=1)
    reduced = Reduction.fit(corpus(count), 20).apply(others)
    assert np.isfinite(reduced).all()
    noise = np.random.RandomState(2).standard_normal(others.shape) * 0.01
    questions = Reduction.fit(corpus(count), 20).apply(np.asarray(others + noise, np.float32))
    assert sum(hit == place for place, hit in enumerate(nearest(questions, reduced))) > 0.8 * len(others)


def test_identical_vectors_can_be_fitted_on() -> None:
    assert np.isfinite(Reduction.fit(np.ones((50, 30), np.float32), 10).apply(corpus(5, size=30))).all()


def test_the_smaller_the_sample_the_more_it_is_shrunk() -> None:
    shrunk = [shrinkage(Spread.of(corpus(count))) for count in (1, 10, 100, 1000, 10_000)]
    assert shrunk == sorted(shrunk, reverse=True)
    assert shrunk[0] == 1
    assert shrunk[-1] < 0.05


def test_zeros_stay_zeros() -> None:
    assert not Reduction.fit(corpus(100), 10).apply(np.zeros((1, 64), np.float32)).any()


def test_the_same_vectors_give_the_same_reduction_in_another_process() -> None:
    program = (
        "import numpy as np\nfrom langchain_qdrant_async.embedding import Reduction\n"
        "vectors = np.random.RandomState(0).standard_normal((200, 40)).astype('f')\n"
        "print(Reduction.fit(vectors, 10).fingerprint, Reduction.random_projection(40, 10).fingerprint)"
    )
    runs = {subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout for _ in range(2)}
    assert len(runs) == 1


def test_fingerprints_tell_reductions_apart() -> None:
    vectors = corpus(200)
    reductions = [
        Reduction.fit(vectors, 10),
        Reduction.fit(vectors[:199], 10),
        Reduction.fit(vectors, 11),
        Reduction.fit(vectors, 10, exponent=0.5),
        Reduction.truncation(64, 10),
        Reduction.random_projection(64, 10),
        Reduction.random_projection(64, 10, seed=1),
        Reduction.identity(64),
    ]
    assert len({reduction.fingerprint for reduction in reductions}) == len(reductions)


def test_stored_and_restored_it_is_the_same(tmp_path: Path) -> None:
    vectors = corpus(200)
    for number, reduction in enumerate(
        (Reduction.fit(vectors, 10), Reduction.truncation(64, 10), Reduction.random_projection(64, 10, seed=3))
    ):
        path = tmp_path / f"reduction-{number}"
        reduction.save(path)
        restored = Reduction.load(path)
        assert np.array_equal(restored.apply(vectors), reduction.apply(vectors))
        assert (restored.fingerprint, restored.quality) == (reduction.fingerprint, reduction.quality)
        assert restored.to_bytes() == reduction.to_bytes() == path.read_bytes()


def test_damaged_bytes_are_refused() -> None:
    content = Reduction.fit(corpus(200), 10).to_bytes()
    for damaged in (b"", b"not a reduction", content[:-100], content[: len(content) // 2]):
        with pytest.raises(InvalidInput, match="not a stored reduction"):
            Reduction.from_bytes(damaged)
    middle = len(content) * 2 // 3
    with pytest.raises(InvalidInput, match="reduction"):
        Reduction.from_bytes(content[:middle] + bytes([content[middle] ^ 64]) + content[middle + 1 :])


def archive(members: dict[str, bytes], compression: int) -> bytes:
    """An .npz file of these members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as written:
        for name, content in members.items():
            written.writestr(f"{name}.npy", content)
    return file.getvalue()


def npy(shape: tuple[int, ...], content: bytes) -> bytes:
    """Numbers with a header that says they have this shape."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return file.getvalue() + content


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("inflated", ["facts", "matrix"])
def test_bytes_that_inflate_are_refused_before_they_do(compression: int, inflated: str) -> None:
    bomb = npy((10_000, 1_000), bytes(40_000_000))
    content = archive({"facts": npy((0,), b""), "matrix": npy((0,), b""), inflated: bomb}, compression)
    assert len(content) < 500_000
    with peak() as memory, pytest.raises(InvalidInput, match="is compressed, which it never is"):
        Reduction.from_bytes(content)
    assert memory[0] < 2_000_000


@pytest.mark.parametrize("shape", [(1 << 40,), (1 << 20, 1 << 20), (3, 3), (-1, 2)])
def test_a_header_that_says_more_than_there_is_makes_no_room_for_it(shape: tuple[int, ...]) -> None:
    content = archive({"facts": npy(shape, bytes(16)), "matrix": npy((0,), b"")}, zipfile.ZIP_STORED)
    with peak() as memory, pytest.raises(InvalidInput, match="not a stored reduction"):
        Reduction.from_bytes(content)
    assert memory[0] < 2_000_000


def test_what_is_not_asked_for_is_not_read() -> None:
    whole = Reduction.fit(corpus(200), 10).to_bytes()
    file = io.BytesIO(whole)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as more:
        more.writestr("more.npy", bytes(40_000_000))
    with peak() as memory:
        assert Reduction.from_bytes(file.getvalue()).to_bytes() == whole
    assert memory[0] < 2_000_000


@contextmanager
def peak() -> Iterator[list[int]]:
    """Fills in the most bytes that Python had at once."""
    most = [0]
    tracemalloc.start()
    try:
        yield most
    finally:
        most[0] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()


def test_what_cannot_be_is_refused_with_both_numbers() -> None:
    with pytest.raises(InvalidInput, match="64 numbers cannot be reduced to 65"):
        Reduction.fit(corpus(10), 65)
    with pytest.raises(InvalidInput, match="10 numbers cannot be reduced to 0"):
        Reduction.truncation(10, 0)
    with pytest.raises(InvalidInput, match="nothing to fit"):
        Reduction.fit([], 10)
    with pytest.raises(InvalidInput, match="63 numbers came after batches of 64"):
        Reduction.fit([corpus(10), corpus(10, size=63)], 10)
    with pytest.raises(InvalidInput, match="not a finite number"):
        Reduction.fit(np.full((5, 20), np.nan, np.float32), 10)
    with pytest.raises(EmbeddingError, match="30 numbers .* made for 64"):
        Reduction.truncation(64, 10).apply(corpus(1, size=30))
