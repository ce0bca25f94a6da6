"""What a model that pads its batches wastes on them, and how to cut them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_PADDING_CHARACTERS = 500
"""What another call of the model costs, in characters: on a CPU some 5 ms of Python, and small products are slower."""


def evenly_long(texts: Sequence[str]) -> Iterator[list[str]]:
    """Texts in falling order of length, cut where padding them to the longest would cost more than another call."""
    group: list[str] = []
    padding = 0
    for text in texts:
        padding += len(group[0]) - len(text) if group else 0
        if group and padding > max(_PADDING_CHARACTERS, sum(map(len, group)) // 8):
            yield group
            group, padding = [], 0
        group.append(text)
    if group:
        yield group
