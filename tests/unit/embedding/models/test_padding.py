"""Batches of models that pad: texts of like length together."""

from langchain_qdrant_async.embedding.models.padding import evenly_long


def test_texts_are_grouped_by_length() -> None:
    texts = sorted(["x" * 1000] * 3 + ["x" * 20] * 200 + ["x" * 400] * 5, key=len, reverse=True)
    groups = list(evenly_long(texts))
    assert [text for group in groups for text in group] == texts
    padded = sum(len(group) * len(group[0]) for group in groups)
    assert padded < 1.5 * sum(map(len, texts))
    assert len(groups) <= 6
