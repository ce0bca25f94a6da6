"""Derived methods: their names, their signatures, and the errors of calls that they do not take. No I/O at all."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any, TypedDict, Unpack, get_type_hints

import pytest
from langchain_core.documents import Document

from langchain_qdrant_async.store.variants import blocking, check_call, documents_only, strict


class Rare(TypedDict, total=False):
    """Keywords of the class below."""

    offset: int
    timeout: float


class Shop:
    """A class with one method and what is derived from it."""

    @strict
    async def asell_with_score(self, what: str, k: int = 4, **options: Unpack[Rare]) -> list[tuple[Document, float]]:
        """Sells."""
        if what == "broken":
            raise TypeError("of its own")
        if not options.keys() <= {"offset", "timeout"}:
            raise TypeError("as `Search.of` says it")
        return [(Document(f"{what} {n}"), float(options.get("offset", 0))) for n in range(k)]

    @documents_only(asell_with_score)
    async def asell(self) -> Any:
        """As `asell_with_score`, without the scores."""

    @blocking(asell)
    def sell(self) -> Any:
        """Blocking twin of `asell`."""

    @blocking(asell_with_score)
    def sell_with_score(self) -> Any:
        """Blocking twin of `asell_with_score`."""


def _typed(shop: Shop) -> list[Document]:
    """Never called: mypy reads it, and a keyword of another type would be an error."""
    shop.sell("x", offset="1")  # type: ignore[arg-type]
    shop.sell("x", ofset=1)  # type: ignore[call-arg]
    return shop.sell("x", 2, offset=1)


async def test_documents_only() -> None:
    assert await Shop().asell("tea", 2) == [Document("tea 0"), Document("tea 1")]
    assert await Shop().asell_with_score("tea", k=1, offset=3) == [(Document("tea 0"), 3.0)]


def test_twins() -> None:
    assert Shop().sell("tea", 2) == [Document("tea 0"), Document("tea 1")]
    assert Shop().sell_with_score("tea", k=1, offset=3) == [(Document("tea 0"), 3.0)]


async def test_a_subclass_is_followed() -> None:
    class Other(Shop):
        async def asell_with_score(self, *args: Any, **kwargs: Any) -> list[tuple[Document, float]]:
            return [(Document("other"), 1.0)]

    assert await Other().asell("tea") == [Document("other")]


def test_names_signatures_and_docs() -> None:
    for name, gives in (("asell", list[Document]), ("sell", list[Document])):
        method = getattr(Shop, name)
        assert (method.__name__, method.__qualname__) == (name, f"Shop.{name}")
        assert inspect.signature(method).return_annotation == gives
        assert list(inspect.signature(method).parameters) == ["self", "what", "k", "options"]
        assert get_type_hints(method)["return"] == gives
        assert "As `asell_with_score`, without the scores." in method.__doc__
    assert inspect.iscoroutinefunction(Shop.asell)
    assert inspect.iscoroutinefunction(Shop.asell_with_score)
    assert not inspect.iscoroutinefunction(Shop.sell)


CALLS: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
    (("x",), {"ofset": 1}, "got an unexpected keyword argument 'ofset': did you mean offset?"),
    (("x",), {"colour": 1}, "got an unexpected keyword argument 'colour': it takes what, k, offset, timeout"),
    ((), {}, "missing a required argument: 'what'"),
    (("x", 4, 5), {}, "too many positional arguments"),
    (("x",), {"what": "y"}, "multiple values for argument 'what'"),
]


@pytest.mark.parametrize(("args", "kwargs", "said"), CALLS, ids=[each[2] for each in CALLS])
@pytest.mark.parametrize("name", ["asell", "asell_with_score", "sell", "sell_with_score"])
async def test_a_call_that_is_not_taken_names_what_was_called(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any], said: str
) -> None:
    with pytest.raises(TypeError) as raised:
        await _called(getattr(Shop(), name), args, kwargs)
    assert str(raised.value) == f"{name}() {said}"


@pytest.mark.parametrize("name", ["asell", "asell_with_score", "sell", "sell_with_score"])
async def test_another_type_error_stays_as_it_is(name: str) -> None:
    with pytest.raises(TypeError, match="^of its own$"):
        await _called(getattr(Shop(), name), ("broken",), {})


def test_a_method_without_options() -> None:
    def plain(one: int) -> None: ...

    check_call(plain, (1,), {})
    with pytest.raises(TypeError, match=r"plain\(\) got an unexpected keyword argument 'two'"):
        check_call(plain, (1,), {"two": 2})


async def _called(method: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The result of either half, without a blocking call on this loop."""
    if inspect.iscoroutinefunction(method):
        return await method(*args, **kwargs)
    return await asyncio.to_thread(method, *args, **kwargs)
