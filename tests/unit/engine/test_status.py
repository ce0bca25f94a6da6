"""How failures are answered."""

from __future__ import annotations

import pytest

from langchain_qdrant_async.engine.status import refusal_of


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (Exception("No point with id 7"), "NOT_FOUND", "Not found: No point with id 7 found"),
        (Exception("Wrong usage of sparse vectors"), "INVALID_ARGUMENT", "Wrong input: Conversion between sparse"),
        (ValueError("bad latitude"), "INVALID_ARGUMENT", "Wrong input: bad latitude"),
        (RuntimeError("boom"), "INTERNAL", "Service internal error: boom"),
        (TypeError(""), "INTERNAL", "Service internal error: TypeError"),
    ],
)
def test_failures_become_statuses(error: Exception, code: str, text: str) -> None:
    refusal = refusal_of(error)
    assert refusal.code.name == code
    assert refusal.message.startswith(text)
