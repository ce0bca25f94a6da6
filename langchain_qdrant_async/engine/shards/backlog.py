"""What there is to optimise in a shard, as far as that is known from outside the engine.

The engine does not say what it would do, so the figures here only decide when to ask it. They follow Qdrant: a segment
is indexed and quantised once its vectors exceed `indexing_threshold` kilobytes, and cleaned once `deleted_threshold`
of at least `vacuum_min_vector_number` points are gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from langchain_qdrant_async.engine.shards.defaults import Config
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
    """What was written to one shard since it was optimised, and how the last attempt ended.

    Attributes:
        changed: points written, and those found without an index when the shard was opened.
        deleted: points deleted.
        requested: whether the configuration changed.
        error: why the last attempt failed.
    """

    changed: int = 0
    deleted: int = 0
    requested: bool = False
    error: str = ""
    _failures: int = 0
    _not_before: float = 0.0
    _written_at: float = 0.0
    _due_since: float | None = None
    _vain: tuple[int, int] = field(default=(0, 0))

    def add(self, *, changed: int, deleted: int) -> None:
        """Count a write."""
        self.changed += changed
        self.deleted += deleted
        self._written_at = monotonic()

    def request(self) -> None:
        """Ask the engine in any case, and soon: its configuration changed."""
        self.requested, self._failures, self._not_before = True, 0, 0.0

    def is_due(self, config: Config, points: Callable[[], int]) -> bool:
        """Whether the engine would find something to do, as far as that can be told.

        Args:
            config: the collection's configuration.
            points: counts its points.
        """
        return self.requested or self._exceeds_indexing(config) or self._exceeds_vacuum(config, points)

    def is_ready(self, pause_s: float) -> bool:
        """Whether to begin, given that it is due: writes have paused for so long, or it has waited long enough."""
        now = monotonic()
        self._due_since = now if self._due_since is None else self._due_since
        waited = now - self._written_at >= pause_s or now - self._due_since >= _PATIENCE_S
        return waited and now >= self._not_before

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
        self.error, self.requested, self._failures, self._due_since = "", False, 0, None

    def fail(self, error: str) -> float:
        """Count an attempt that failed; how many seconds to wait before the next."""
        pause = min(_FIRST_PAUSE_S * 2.0**self._failures, _LONGEST_PAUSE_S)
        self.error = error
        self._failures += 1
        self._not_before = monotonic() + pause
        return pause

    def _exceeds_indexing(self, config: Config) -> bool:
        threshold = config.optimizer_config.indexing_threshold * 1024
        if threshold == 0:  # indexing is switched off
            return False
        each, vain = largest_vector_bytes(config), self._vain[0]
        return self.changed * each >= (vain * each + threshold * _MORE if vain else threshold)

    def _exceeds_vacuum(self, config: Config, points: Callable[[], int]) -> bool:
        optimizers, deleted = config.optimizer_config, self.deleted - self._vain[1]
        enough = deleted >= max(optimizers.vacuum_min_vector_number, 1)
        return enough and deleted >= optimizers.deleted_threshold * (points() + deleted)


def largest_vector_bytes(config: Config) -> int:
    """The size of a point's largest dense vector, which is what Qdrant holds against its threshold."""
    return max((_bytes(params) for params in dense_vectors(config)), default=0)


def dense_vectors(config: Config) -> list[collections.VectorParams]:
    """The dense vectors of a collection; the others need no optimiser."""
    vectors = config.params.vectors_config
    return [*vectors.params_map.map.values(), *([vectors.params] if vectors.HasField("params") else [])]


def _bytes(params: collections.VectorParams) -> int:
    return params.size * _COMPONENT_BYTES * (_ROWS if params.HasField("multivector_config") else 1)
