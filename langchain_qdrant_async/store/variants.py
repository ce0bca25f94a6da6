"""What is derived from a method: one without scores, its blocking twin, and errors that name what was called."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar, get_args, get_type_hints

from langchain_core.documents import Document

from langchain_qdrant_async.checks import shortened
from langchain_qdrant_async.runtime import blocking as runtime

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")

Async: TypeAlias = Callable[Concatenate[S, P], Coroutine[Any, Any, T]]


def strict(method: Async[S, P, T]) -> Async[S, P, T]:
    """The method itself; a call that it does not take is a TypeError by its name.

    What is wrong is found out when a TypeError comes, so a call that is right costs nothing. The method itself raises
    one for an option that it does not know, as `Search.of` does.
    """

    @functools.wraps(method)
    async def named(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(self, *args, **kwargs)
        except TypeError:
            check_call(named, (self, *args), kwargs)
            raise

    return named


def documents_only(
    scored: Async[S, P, list[tuple[Document, float]]],
) -> Callable[[Callable[[Any], Any]], Async[S, P, list[Document]]]:
    """`asimilarity_search` of `asimilarity_search_with_score`: the same parameters, documents without their scores.

    The method of that name is called, so that a subclass which overrides it is followed.
    """
    name = scored.__name__

    def named(stub: Callable[[Any], Any]) -> Async[S, P, list[Document]]:
        @functools.wraps(scored)
        async def documents(self: S, /, *args: P.args, **kwargs: P.kwargs) -> list[Document]:
            try:
                found = await getattr(self, name)(*args, **kwargs)
            except TypeError:
                check_call(documents, (self, *args), kwargs)
                raise
            return [each for each, _ in found]

        runtime.rename(documents, stub, scored)
        documents.__annotations__["return"] = list[Document]
        documents.__signature__ = inspect.signature(scored).replace(return_annotation=list[Document])  # type: ignore[attr-defined]
        return documents

    return named


def blocking(method: Async[S, P, T]) -> runtime.Twin[S, P, T]:
    """The blocking twin; a call that it does not take is a TypeError by the twin's own name."""

    def named(stub: Callable[[Any], Any]) -> Callable[Concatenate[S, P], T]:
        twin = runtime.blocking(method)(stub)

        @functools.wraps(twin)
        def strict(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return twin(self, *args, **kwargs)
            except TypeError:
                check_call(strict, (self, *args), kwargs)
                raise

        return strict

    return named


def check_call(method: Callable[..., object], args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
    """Nothing, when a method takes these arguments, the keywords of `**options: Unpack[...]` included.

    Raises:
        TypeError: it does not; the message begins with the method's name.
    """
    name = method.__name__.removeprefix("_")  # LangChain's public methods pass all that they are given to private ones
    signature = inspect.signature(method)
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{name}() {error}") from None
    options = options_of(method)
    for unknown in bound.arguments.get("options", {}).keys() - options:
        raise TypeError(
            f"{name}() got an unexpected keyword argument {shortened(unknown)}: "
            f"{meant(unknown, [*list(signature.parameters)[1:-1], *options])}"
        )


def options_of(method: Callable[..., object]) -> list[str]:
    """The keywords that `**options` of a method may hold."""
    hint = get_type_hints(method).get("options")
    return [] if hint is None else list(get_args(hint)[0].__annotations__)


def meant(unknown: str, known: Iterable[str]) -> str:
    """What somebody may have meant by a name that is not known."""
    near = difflib.get_close_matches(unknown[:100], known)
    return f"did you mean {' or '.join(near)}?" if near else f"it takes {', '.join(known)}"
