"""What there is to optimise in a shard, as far as that is known from outside the engine.

The engine does not say what it would do, so the figures here only decide when to ask it. They follow Qdrant: a segment
is indexed and quantised once its vectors exceed `indexing_threshold` kilobytes, and cleaned once `deleted_threshold`
of at least `vacuum_min_vector_number` points are gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from langchain_qdrant_async.engine.convert.schema import dense_params
from langchain_qdrant_async.proto import collections

_PATIENCE_S = 30.0
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 600.0
_MORE = 0.25
"""After an attempt in vain, wait for this much of the threshold."""
_COMPONENT_BYTES = 4
_ROWS = 16
"""How many vectors a multivector is taken to have."""


@dataclass
class Backlog:
    """What was written to one shard since it was optimised, and how the last attempt ended."""

    changed: int = 0
    """Points written, and those found without an index when the shard was opened."""
    deleted: int = 0
    """Points deleted."""
    requested: bool = False
    """Whether the configuration changed."""
    error: str = ""
    """Why the last attempt failed."""
    _failures: int = 0
    """How many attempts have failed in a row."""
    _not_before_s: float = 0.0
    """When the next attempt may begin, on the monotonic clock, as are the two below."""
    _written_at_s: float = 0.0
    """When the last write was."""
    _due_since_s: float | None = None
    """Since when there has been something to do."""
    _vain: tuple[int, int] = (0, 0)
    """What an attempt in vain covered."""

    def add(self, *, changed: int, deleted: int) -> None:
        """Count a write."""
        self.changed += changed
        self.deleted += deleted
        self._written_at_s = monotonic()

    def request(self) -> None:
        """Ask the engine in any case, and soon: its configuration changed."""
        self.requested, self._failures, self._not_before_s = True, 0, 0.0

    def is_due(self, config: collections.CollectionConfig, points: Callable[[], int]) -> bool:
        """Whether the engine would find something to do, as far as that can be told.

        Args:
            config: the collection's configuration.
            points: counts its points.
        """
        return self.requested or self._exceeds_indexing(config) or self._exceeds_vacuum(config, points)

    def is_ready(self, pause_s: float) -> bool:
        """Whether to begin, given that it is due: writes have paused for so long, or it has waited long enough."""
        now = monotonic()
        self._due_since_s = now if self._due_since_s is None else self._due_since_s
        waited = now - self._written_at_s >= pause_s or now - self._due_since_s >= _PATIENCE_S
        return waited and now >= self._not_before_s

    @property
    def covered(self) -> tuple[int, int]:
        """What an attempt that begins now covers."""
        return self.changed, self.deleted

    def finish(self, covered: tuple[int, int], *, optimised: bool) -> None:
        """Count an attempt that went well. One in vain is repeated only when there is a good deal more to do."""
        if optimised:
            self.changed, self.deleted = self.changed - covered[0], self.deleted - covered[1]
            covered = (0, 0)
        self._vain = covered
        self.error, self.requested, self._failures, self._due_since_s = "", False, 0, None

    def fail(self, error: str) -> float:
        """Count an attempt that failed; how many seconds to wait before the next."""
        pause_s = min(_FIRST_PAUSE_S * 2.0**self._failures, _LONGEST_PAUSE_S)
        self.error = error
        self._failures += 1
        self._not_before_s = monotonic() + pause_s
        return pause_s

    def _exceeds_indexing(self, config: collections.CollectionConfig) -> bool:
        threshold = config.optimizer_config.indexing_threshold * 1024
        if threshold == 0:  # indexing is switched off
            return False
        each, vain = _largest_vector_bytes(config), self._vain[0]
        return self.changed * each >= (vain * each + threshold * _MORE if vain else threshold)

    def _exceeds_vacuum(self, config: collections.CollectionConfig, points: Callable[[], int]) -> bool:
        optimizers, deleted = config.optimizer_config, self.deleted - self._vain[1]
        enough = deleted >= max(optimizers.vacuum_min_vector_number, 1)
        return enough and deleted >= optimizers.deleted_threshold * (points() + deleted)


def _largest_vector_bytes(config: collections.CollectionConfig) -> int:
    """The size of a point's largest dense vector, which is what Qdrant holds against its threshold."""
    return max(map(_bytes, dense_params(config.params.vectors_config).values()), default=0)


def _bytes(params: collections.VectorParams) -> int:
    return params.size * _COMPONENT_BYTES * (_ROWS if params.HasField("multivector_config") else 1)
