"""Every exception of the package, as one tree.

    QdrantStoreError
    ├── InvalidInput (also ValueError)    what the caller gave cannot be right; found before any I/O
    │   ├── InvalidId
    │   ├── InvalidVector
    │   ├── InvalidPayload
    │   └── InvalidFilter
    ├── CollectionMismatch                the collection exists, and differs from what was asked for
    ├── PartialWrite                      some documents were written and some were not; it names both
    ├── ConnectionClosed                  used after `aclose()` or `close()`
    ├── EmbeddingError                    the model failed, or gave something that is not a vector
    ├── EngineError                       the embedded engine could not be started or joined
    └── RpcError                          Qdrant answered with a gRPC status, or did not answer at all
        ├── Unavailable                   retryable
        ├── RateLimited                   retryable
        ├── DeadlineExceeded              retryable for reads
        ├── NotFound
        ├── AlreadyExists
        ├── InvalidRequest
        ├── Unauthenticated
        ├── PermissionDenied
        └── Unimplemented

Whether a call may be repeated is said by `retryable` and, for reads only, `retryable_read`: facts of the class, unless
the server's text says otherwise. A write that failed has the ids that were `written`, and those that were not.
A gRPC exception never leaves the package; it is kept as `__cause__`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import grpc

_LONGEST = 4_000
"""Characters of a message; what is in the middle of a longer one is left out."""


def abridged(text: str, longest: int = _LONGEST) -> str:
    """A text that may repeat what somebody gave, in a length that a log, a person and gRPC's metadata can take."""
    if len(text) <= longest:
        return text
    half = longest // 2 - 30  # so that what comes out is not abridged again
    return f"{text[:half]} … ({len(text) - 2 * half:,} characters are left out) … {text[-half:]}"


class QdrantStoreError(Exception):
    """Everything that this package raises on purpose."""

    def __init__(self, message: str = "", *more: object) -> None:
        """Keep the message, abridged if it is very long."""
        super().__init__(abridged(message) if isinstance(message, str) else message, *more)

    retryable: bool = False
    """Whether the same call may be repeated, whatever it was."""
    retryable_read: ClassVar[bool] = False
    """Whether the same call may be repeated if it only reads."""
    written: Sequence[str] = ()
    """When documents were to be written: the ids that Qdrant confirmed, in input order."""
    unwritten: Sequence[str] = ()
    """When documents were to be written: the ids that it did not, in input order, those made here among them."""


class InvalidInput(QdrantStoreError, ValueError):
    """What the caller gave cannot be right. Raised before any I/O."""


class InvalidId(InvalidInput):
    """A document id that cannot be used, or ids that do not fit the documents."""


class InvalidVector(InvalidInput):
    """A vector of the wrong size, or with a component that is not a finite number."""


class InvalidPayload(InvalidInput):
    """Metadata that Qdrant cannot hold. The message names the path to it."""


class InvalidFilter(InvalidInput):
    """A filter that cannot be understood."""


class CollectionMismatch(QdrantStoreError):
    """The collection exists and differs from what was asked for. The message says both sides."""


class PartialWrite(QdrantStoreError):
    """Some documents were written and some were not.

    Attributes:
        written: ids that Qdrant confirmed, in input order.
        unwritten: ids that it did not, in input order. The batch that failed is among them; writing them again is
            safe, since the ids stay the same.
    """

    def __init__(self, message: str, *, written: Sequence[str], unwritten: Sequence[str]) -> None:
        """Keep both halves."""
        super().__init__(message)
        self.written: list[str] = list(written)
        self.unwritten: list[str] = list(unwritten)

    def __reduce__(self) -> tuple[object, ...]:
        return _partial_write, (str(self), self.written, self.unwritten)


def _partial_write(message: str, written: list[str], unwritten: list[str]) -> PartialWrite:
    return PartialWrite(message, written=written, unwritten=unwritten)


class ConnectionClosed(QdrantStoreError):
    """The connection was used after it had been closed."""


class EmbeddingError(QdrantStoreError):
    """The model failed, or gave something that is not a vector of the expected size."""


class EngineError(QdrantStoreError):
    """The embedded engine could not be started or joined."""


class RpcError(QdrantStoreError):
    """Qdrant answered with a gRPC status, or did not answer at all.

    Attributes:
        code: the gRPC status.
        details: the server's own text.
        retry_after_s: how long the server asked to wait, in seconds, or None.
    """

    def __init__(
        self, message: str, *, code: grpc.StatusCode, details: str = "", retry_after_s: float | None = None
    ) -> None:
        """Keep the status beside the message."""
        super().__init__(message)
        self.code = code
        self.details = details
        self.retry_after_s = retry_after_s

    def __reduce__(self) -> tuple[object, ...]:
        return _rpc_error, (type(self), str(self), self.code, self.details, self.retry_after_s), self.__dict__


def _rpc_error(
    cls: type[RpcError], message: str, code: grpc.StatusCode, details: str, retry_after_s: float | None
) -> RpcError:
    return cls(message, code=code, details=details, retry_after_s=retry_after_s)


class Unavailable(RpcError):
    """Nobody answers at the address, the server cannot serve now, or its answer was lost on the way."""

    retryable = True


class RateLimited(RpcError):
    """The server asks to slow down (RESOURCE_EXHAUSTED)."""

    retryable = True


class DeadlineExceeded(RpcError):
    """No answer in the time allowed. A write may have happened all the same."""

    retryable_read = True


class NotFound(RpcError):
    """The collection, alias or point does not exist."""


class AlreadyExists(RpcError):
    """The collection exists already."""


class InvalidRequest(RpcError):
    """The server refused the request as malformed (INVALID_ARGUMENT, OUT_OF_RANGE, FAILED_PRECONDITION)."""


class Unauthenticated(RpcError):
    """The API key is missing or wrong."""


class PermissionDenied(RpcError):
    """The API key does not allow this operation."""


class Unimplemented(RpcError):
    """This server, or the embedded engine, cannot do this."""


_BY_STATUS: dict[grpc.StatusCode, type[RpcError]] = {
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.CANCELLED: Unavailable,
    grpc.StatusCode.ABORTED: Unavailable,
    grpc.StatusCode.RESOURCE_EXHAUSTED: RateLimited,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExists,
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequest,
    grpc.StatusCode.OUT_OF_RANGE: InvalidRequest,
    grpc.StatusCode.FAILED_PRECONDITION: InvalidRequest,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.UNIMPLEMENTED: Unimplemented,
}


def class_of(code: grpc.StatusCode) -> type[RpcError]:
    """The error class of a gRPC status; `RpcError` itself for those without one."""
    return _BY_STATUS.get(code, RpcError)
