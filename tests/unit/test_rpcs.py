"""Every RPC of Qdrant's stubs stands in exactly one list, and a key that only reads may call the reading ones."""

from __future__ import annotations

from qdrant_client.grpc import collections_service_pb2, points_service_pb2

from langchain_qdrant_async.proto import service, snapshots
from langchain_qdrant_async.rpcs import ONCE, OPEN_TO_READ_ONLY_KEYS, READS, REPEATABLE

MODULES = (points_service_pb2, collections_service_pb2, snapshots, service)


def _generated() -> set[str]:
    services = [each for module in MODULES for each in module.DESCRIPTOR.services_by_name.values()]
    assert len(services) == 4
    return {f"/{each.full_name}/{method.name}" for each in services for method in each.methods}


def test_every_rpc_is_classified_once() -> None:
    assert sorted([*READS, *ONCE, *REPEATABLE]) == sorted(_generated())


def test_a_key_that_only_reads_may_read_anything_but_snapshots() -> None:
    of_snapshots = {"/qdrant.Snapshots/List", "/qdrant.Snapshots/ListFull"}
    assert of_snapshots == READS - OPEN_TO_READ_ONLY_KEYS
    assert OPEN_TO_READ_ONLY_KEYS <= READS
