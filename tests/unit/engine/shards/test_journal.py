"""What a copy still lacks."""

from __future__ import annotations

import pytest
import qdrant_edge as edge

from langchain_qdrant_async.engine.shards.journal import GivenUp, Journal


def operation(number: int) -> edge.UpdateOperation:
    return edge.UpdateOperation.delete_points([number])


def test_operations_come_back_in_order() -> None:
    journal, operations = Journal(), [operation(number) for number in range(3)]
    for each in operations:
        journal.record(each, 1)
    assert [journal.first() for _ in range(len(journal))] == operations
    journal.check()


def test_one_that_is_given_up_forgets_everything_but_the_first_reason() -> None:
    journal = Journal()
    journal.record(operation(1), 1)
    journal.give_up("the shard was closed")
    journal.give_up("something else")
    journal.record(operation(2), 1)
    assert len(journal) == 0
    with pytest.raises(GivenUp, match="the shard was closed"):
        journal.check()


def test_too_much_is_given_up() -> None:
    journal = Journal()
    journal.record(operation(1), 100 * 2**20)
    journal.record(operation(2), 100 * 2**20)
    with pytest.raises(GivenUp, match="128 MB were written"):
        journal.check()
