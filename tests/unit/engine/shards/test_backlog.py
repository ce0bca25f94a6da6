"""When a shard is worth an optimisation."""

from __future__ import annotations

import pytest

from langchain_qdrant_async.engine.operations.configuration import new_configuration
from langchain_qdrant_async.engine.shards.backlog import Backlog
from langchain_qdrant_async.proto import collections


def config(threshold: int = 1, size: int = 64, **fields: object) -> collections.CollectionConfig:
    """256 bytes per point: four of them are a kilobyte."""
    params = collections.VectorParams(size=size, distance=collections.Dot, **fields)  # type: ignore[arg-type]
    optimizers = collections.OptimizersConfigDiff(indexing_threshold=threshold, vacuum_min_vector_number=100)
    vectors = collections.VectorsConfig(params=params)
    return new_configuration(collections.CreateCollection(vectors_config=vectors, optimizers_config=optimizers))


def is_due(backlog: Backlog, given: collections.CollectionConfig | None = None, points: int = 1000) -> bool:
    return backlog.is_due(config() if given is None else given, lambda: points)


@pytest.mark.parametrize(("changed", "due"), [(0, False), (3, False), (4, True)])
def test_the_threshold_is_in_kilobytes_of_the_largest_vector(changed: int, due: bool) -> None:
    assert is_due(Backlog(changed=changed)) is due


def test_a_threshold_of_zero_switches_indexing_off() -> None:
    assert not is_due(Backlog(changed=10**6), config(0))


def test_a_multivector_counts_as_many() -> None:
    multi = collections.MultiVectorConfig(comparator=collections.MaxSim)
    assert is_due(Backlog(changed=1), config(multivector_config=multi))


def test_sparse_vectors_need_no_optimiser() -> None:
    sparse = collections.SparseVectorConfig(map={"s": collections.SparseVectorParams()})
    assert not is_due(
        Backlog(changed=10**6), new_configuration(collections.CreateCollection(sparse_vectors_config=sparse))
    )


@pytest.mark.parametrize(
    ("deleted", "points", "due"), [(99, 100, False), (100, 400, True), (100, 401, False), (1000, 1000, True)]
)
def test_deleted_points_count_by_number_and_by_share(deleted: int, points: int, due: bool) -> None:
    assert is_due(Backlog(deleted=deleted), points=points) is due


def test_a_request_is_due_until_an_attempt_went_well() -> None:
    backlog = Backlog()
    backlog.request()
    backlog.fail("no room")
    assert is_due(backlog)
    backlog.finish(backlog.covered, optimised=False)
    assert not is_due(backlog)


def test_what_was_written_during_an_attempt_counts_for_the_next() -> None:
    backlog = Backlog(changed=10)
    covered = backlog.covered
    backlog.add(changed=4, deleted=0)
    backlog.finish(covered, optimised=True)
    assert backlog.changed == 4
    assert is_due(backlog)


def test_an_attempt_in_vain_is_not_repeated_for_a_trifle() -> None:
    backlog = Backlog(changed=10)
    backlog.finish(backlog.covered, optimised=False)
    assert not is_due(backlog)
    backlog.add(changed=1, deleted=0)
    assert is_due(backlog)


def test_it_waits_for_writes_to_pause() -> None:
    backlog = Backlog()
    backlog.add(changed=1, deleted=0)
    assert not backlog.is_ready(pause_s=1000)
    assert backlog.is_ready(pause_s=0)


def test_failures_are_followed_by_growing_pauses() -> None:
    backlog = Backlog()
    assert [backlog.fail("no room") for _ in range(3)] == [1, 2, 4]
    assert not backlog.is_ready(pause_s=0)
    assert max(backlog.fail("no room") for _ in range(10)) == 600
    backlog.request()
    assert backlog.is_ready(pause_s=0)
