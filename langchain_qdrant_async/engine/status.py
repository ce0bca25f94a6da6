"""Failures, as the gRPC statuses and texts that a Qdrant server answers with."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from typing import Any

from grpc import StatusCode


class Refusal(Exception):
    """A request that is answered with a status other than OK."""

    def __init__(self, code: StatusCode, message: str) -> None:
        """Keep the status beside the text."""
        super().__init__(message)
        self.code = code
        self.message = message


class InvalidField(Refusal):
    """A field outside its allowed values. Where it stands in the request is only looked for when it is answered."""

    def __init__(self, field: str, problem: str, subject: Any) -> None:
        """Keep what is wrong.

        Args:
            field: the name of the field.
            problem: what is wrong with its value.
            subject: the part of the request that has the field; None: the request itself.
        """
        super().__init__(StatusCode.INVALID_ARGUMENT, f"Validation error in body: [{field}: {problem}]")
        self.field, self.problem, self.subject = field, problem, subject

    def of(self, subject: Any) -> InvalidField:
        """The same, of a field in that part of the request."""
        return InvalidField(self.field, self.problem, subject)

    def below(self, path: str) -> Refusal:
        """The same, of the field in the part of the request that a path leads to."""
        return InvalidField(f"{path}.{self.field}", self.problem, None)


def wrong_input(text: str) -> Refusal:
    """What the server calls bad input: the request is well-formed and cannot be right for this collection."""
    return Refusal(StatusCode.INVALID_ARGUMENT, f"Wrong input: {text}")


def bad_request(text: str) -> Refusal:
    """What the server calls a bad request: parts of the request exclude each other."""
    return Refusal(StatusCode.INVALID_ARGUMENT, f"Bad request: {text}")


_LONGEST_S = 5.0


def refuse_if_long(seconds: float, advice: str, longest_s: float = _LONGEST_S) -> None:
    """Raise for work that cannot be cut and would keep the engine busy for long, while nobody else is served.

    Args:
        seconds: what it would take, about.
        advice: what to ask instead.
        longest_s: what it may take.

    Raises:
        Refusal: it would take longer.
    """
    if seconds > longest_s:
        raise bad_request(f"this would keep the embedded engine busy for about {seconds:.0f} s: {advice}")


def malformed(text: str) -> Refusal:
    """A message that cannot be read at all; the server gives these no prefix."""
    return Refusal(StatusCode.INVALID_ARGUMENT, text)


def invalid_field(field: str, problem: str, subject: Any = None) -> Refusal:
    """A field outside its allowed values, in the request or in a part of it.

    Source: `label_errors` in Qdrant's `lib/collection/src/operations/validation.rs`.
    """
    return InvalidField(field, problem, subject)


def not_found(text: str) -> Refusal:
    """Something named in the request that does not exist."""
    return Refusal(StatusCode.NOT_FOUND, f"Not found: {text}")


def timed_out(operation: str, timeout_s: int) -> Refusal:
    """A read that took longer than its request allows."""
    text = f"Timeout: Timeout error: Operation '{operation}' timed out after {timeout_s}s"
    return Refusal(StatusCode.DEADLINE_EXCEEDED, text)


def absent_point(point_id: object) -> Refusal:
    """A point that a request names and that does not exist."""
    return not_found(f"No point with id {point_id} found")


def absent_collection(name: str) -> Refusal:
    """A collection that a request names and that does not exist."""
    return not_found(f"Collection `{name}` doesn't exist!")


def unimplemented(text: str) -> Refusal:
    """Something that Qdrant can do and the embedded engine cannot."""
    return Refusal(StatusCode.UNIMPLEMENTED, text)


def internal(text: str) -> Refusal:
    """A failure of the engine itself."""
    return Refusal(StatusCode.INTERNAL, f"Service internal error: {text}")


def data_loss(text: str) -> Refusal:
    """Files of the engine that are damaged or missing."""
    return Refusal(StatusCode.DATA_LOSS, text)


def disk_full(text: str) -> Refusal:
    """A write for which there is no room; reading goes on."""
    return Refusal(StatusCode.RESOURCE_EXHAUSTED, f"the disk is full: {text}")


def is_panic(error: BaseException) -> bool:
    """Whether the engine's Rust code panicked; such an error is no `Exception`."""
    return type(error).__name__ == "PanicException"


_FORMULA_FAILED = (
    "the formula could not be evaluated: a variable is missing or of another type, or the result is not a number"
)

_ENGINE_TEXTS: list[tuple[re.Pattern[str], Callable[[re.Match[str]], Refusal]]] = [
    (re.compile(r"No point with id (\S+)"), lambda m: absent_point(m[1])),
    (re.compile(r"Vector dimension error|Not existing vector name error"), lambda m: wrong_input(m.string)),
    (
        re.compile(r"Wrong usage of sparse vectors|Conversion between sparse"),
        lambda _: wrong_input("Conversion between sparse and regular vectors failed"),
    ),
    (re.compile(r"No range index for|No appropriate index for"), lambda m: wrong_input(m.string)),
    (re.compile(r"(?:failed to parse formula: )?(Validation failed: .*)", re.DOTALL), lambda m: wrong_input(m[1])),
    (re.compile(r"failed to parse date-time: (.*)"), lambda m: malformed(f"Malformed datetime: {m[1]}")),
    (re.compile(r"failed to parse (.*) as UUID"), lambda m: malformed(f"Unable to parse UUID: {m[1]}")),
    (re.compile(r"invalid JSON path (.*)"), lambda m: malformed(f"Invalid json path: '{m[1]}'")),
    (re.compile(r".*No space left on device", re.DOTALL), lambda m: disk_full(m.string)),
    (re.compile(r"Operation cancelled"), lambda _: wrong_input(_FORMULA_FAILED)),
]
"""The engine's errors carry no code, only a text: the text decides."""

_CONVERSION_ERRORS = (ValueError, OverflowError)
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def refusal_of(error: BaseException) -> Refusal:
    """The status for anything that a handler raised."""
    if isinstance(error, Refusal):
        return error
    text = str(error)
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return disk_full(text)
    for pattern, refuse in _ENGINE_TEXTS:
        if match := pattern.match(text):
            return refuse(match)
    return wrong_input(text) if isinstance(error, _CONVERSION_ERRORS) else internal(text or repr(error))
