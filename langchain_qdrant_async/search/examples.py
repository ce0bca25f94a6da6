"""Ways to search by examples instead of a query. Pure: no I/O, no clock."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from langchain_core.documents import Document

from langchain_qdrant_async.checks import is_number, is_whole, shortened
from langchain_qdrant_async.document.ids import Identity, from_point_id, identify
from langchain_qdrant_async.document.vectors import AnyVector
from langchain_qdrant_async.errors import InvalidInput, NotFound
from langchain_qdrant_async.proto import points
from langchain_qdrant_async.runtime.turns import together
from langchain_qdrant_async.search.ranking import checked_vector
from langchain_qdrant_async.search.search import Asked, Fields, Search


@dataclass(frozen=True, slots=True)
class Text:
    """A text as an example; a plain string among examples is an id."""

    text: str
    """What the field's encoder embeds."""

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise InvalidInput(f"Text takes a string, not {type(self.text).__name__}")


Example: TypeAlias = str | int | uuid.UUID | Document | Text | AnyVector
"""The id of a document; a document, by its id if it has one, else by its text; a `Text`; or a vector."""

Strategy: TypeAlias = Literal["average_vector", "best_score", "sum_scores"]

_STRATEGIES = {
    "average_vector": points.RecommendStrategy.AverageVector,
    "best_score": points.RecommendStrategy.BestScore,
    "sum_scores": points.RecommendStrategy.SumScores,
}


@dataclass(frozen=True, slots=True, eq=False)
class Recommended:
    """The points that are like some examples and unlike others. The examples that are named by id are not found.

    Source: https://qdrant.tech/documentation/concepts/explore/#recommendation-api

    Raises:
        InvalidInput: no example, something that is none, or another strategy.
        InvalidVector: a vector is not finite.
    """

    positive: Sequence[Example] = ()
    """What to be like."""
    negative: Sequence[Example] = ()
    """What to be unlike."""
    strategy: Strategy = "average_vector"
    """`average_vector`: near the average of the positive ones, away from that of the negative ones, as quick as a
    search for one vector; it needs a positive one. `best_score`: by the nearest example, which must be a positive one.
    `sum_scores`: by the sum over all."""
    using: str | None = None
    """The vector field; None is the store's own."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "positive", _checked("positive", self.positive))
        object.__setattr__(self, "negative", _checked("negative", self.negative))
        if not isinstance(self.strategy, str) or self.strategy not in _STRATEGIES:
            raise InvalidInput(f"strategy must be one of {', '.join(_STRATEGIES)}, not {shortened(self.strategy)}")
        if not self.positive and (self.strategy == "average_vector" or not self.negative):
            raise InvalidInput("recommending needs an example: positive=[...], or with another strategy negative=[...]")

    async def asked(self, fields: Fields, search: Search) -> Asked:  # noqa: ARG002  a ranking is asked so
        """The examples, and how to go by them."""
        found = await together(vector_of(each, fields, self.using) for each in (*self.positive, *self.negative))
        count, name = len(self.positive), fields.field_name(self.using)
        like = points.RecommendInput(
            positive=found[:count], negative=found[count:], strategy=_STRATEGIES[self.strategy]
        )
        return Asked(points.Query(recommend=like), name, params=fields.params(name))


@dataclass(frozen=True, slots=True, eq=False)
class Discovered:
    """The points near a target, within the part of the space that pairs of examples tell.

    Each pair says that points nearer to its first example than to its second are wanted. Points on the right side of
    more pairs come first, and of those on the right side of equally many the nearest to the target. Without a target
    all points on the right side of every pair are equally good.

    Source: https://qdrant.tech/documentation/concepts/explore/#discovery-api

    Raises:
        InvalidInput: neither a target nor a pair, or something that is no example.
        InvalidVector: a vector is not finite.
    """

    target: Example | None = None
    """What to be near; None: only the pairs tell."""
    context: Sequence[tuple[Example, Example]] = ()
    """Pairs of an example to be near and one to be away from."""
    using: str | None = None
    """The vector field; None is the store's own."""

    def __post_init__(self) -> None:
        if not isinstance(self.context, list | tuple):
            raise InvalidInput(f"context is a list of pairs of examples, not {type(self.context).__name__}")
        object.__setattr__(self, "context", tuple(_pair(at, each) for at, each in enumerate(self.context)))
        if self.target is not None:
            object.__setattr__(self, "target", checked_example("target", self.target))
        elif not self.context:
            raise InvalidInput("discovering needs a target, or context=[(like, unlike), ...]")

    async def asked(self, fields: Fields, search: Search) -> Asked:  # noqa: ARG002  a ranking is asked so
        """The target and the pairs."""
        targets = () if self.target is None else (self.target,)
        examples = (*targets, *(each for pair in self.context for each in pair))
        vectors = await together(vector_of(each, fields, self.using) for each in examples)
        rest, name = vectors[len(targets) :], fields.field_name(self.using)
        pairs = [points.ContextInputPair(positive=a, negative=b) for a, b in zip(rest[::2], rest[1::2], strict=True)]
        context = points.ContextInput(pairs=pairs)
        if not targets:
            return Asked(points.Query(context=context), name, params=fields.params(name))
        discover = points.DiscoverInput(target=vectors[0], context=context)
        return Asked(points.Query(discover=discover), name, params=fields.params(name))


@dataclass(frozen=True, slots=True, eq=False)
class Feedback:
    """The points near a query, with the vectors that lie in the direction which scores of some documents tell.

    A better judge than the vectors (a reranker, a model, a user) has scored a few documents of a first search; each
    pair of them in which one is better by much says where to look. The three weights must be learned for a collection,
    a model and a judge: Qdrant's package `qdrant-relevance-feedback` does that. A server needs to be 1.17 or newer.

    Source: https://qdrant.tech/documentation/tutorials-search-engineering/using-relevance-feedback

    Raises:
        InvalidInput: no scored document, something that is none, or a number that is no weight.
        InvalidVector: a vector is not finite.
    """

    query: str | AnyVector
    """The text that was searched for, or a vector."""
    feedback: Sequence[tuple[Example, float]]
    """Some documents, each with its score by the better judge."""
    a: float
    """How much the similarity to the query counts."""
    b: float
    """The power to which the differences between scores are raised; 0 or more."""
    c: float
    """How much the pairs count."""
    using: str | None = None
    """The vector field; None is the store's own."""

    def __post_init__(self) -> None:
        query = Text(self.query) if isinstance(self.query, str) else checked_example("query", self.query)
        object.__setattr__(self, "query", query)
        object.__setattr__(self, "feedback", _scored(self.feedback))
        for name in ("a", "b", "c"):
            value = getattr(self, name)
            if not is_number(value) or (name == "b" and value < 0):
                raise InvalidInput(f"Feedback.{name} must be a number{', 0 or more' if name == 'b' else ''}")

    async def asked(self, fields: Fields, search: Search) -> Asked:  # noqa: ARG002  a ranking is asked so
        """The query, the scored documents, and the weights."""
        examples = (self.query, *(each for each, _ in self.feedback))
        target, *vectors = await together(vector_of(each, fields, self.using) for each in examples)
        items = [
            points.FeedbackItem(example=vector, score=score)
            for vector, (_, score) in zip(vectors, self.feedback, strict=True)
        ]
        naive = points.NaiveFeedbackStrategy(a=self.a, b=self.b, c=self.c)
        told = points.RelevanceFeedbackInput(
            target=target, feedback=items, strategy=points.FeedbackStrategy(naive=naive)
        )
        name = fields.field_name(self.using)
        return Asked(points.Query(relevance_feedback=told), name, params=fields.params(name))


async def vector_of(example: Any, fields: Fields, using: str | None) -> points.VectorInput:
    """A checked example as requests have it."""
    if isinstance(example, Identity):
        return points.VectorInput(id=example.message)
    _, vector = await fields.vector(example.text if isinstance(example, Text) else example, using)
    return vector


def checked_example(where: str, given: Any) -> Identity | Text | Any:
    """What an example means: an id, a text, or a vector that can be sent.

    Raises:
        InvalidInput: it means nothing.
    """
    if isinstance(given, Document):
        given = Text(given.page_content) if given.id is None else given.id
    if isinstance(given, Text | Identity):
        return given
    if isinstance(given, str | uuid.UUID) or is_whole(given):
        return identify(cast("str", given))
    if given is None or isinstance(given, bool | float | dict):
        raise InvalidInput(f"{where} takes an id, a Document, a Text or a vector, not {shortened(given)}")
    return checked_vector(given)


def _named_in(ranking: object) -> Iterator[Identity]:
    """The documents that a ranking, and those inside it, name by their ids."""
    if isinstance(ranking, Identity):
        yield ranking
    elif dataclasses.is_dataclass(ranking):
        for field in dataclasses.fields(ranking):
            yield from _named_in(getattr(ranking, field.name))
    elif isinstance(ranking, list | tuple):
        for each in ranking:
            yield from _named_in(each)


@contextmanager
def naming_examples(ranking: object) -> Iterator[None]:
    """Let the error that an example is missing have its id as the caller wrote it."""
    try:
        yield
    except NotFound as error:
        raise _named(error, ranking) from error.__cause__


def _named(error: NotFound, ranking: object) -> NotFound:
    for each in _named_in(ranking):
        point_id = from_point_id(each.message)
        if each.text != point_id and point_id in str(error):
            text = str(error).replace(point_id, repr(each.text))
            return NotFound(text, code=error.code, details=error.details)
    return error


def _checked(where: str, given: Any) -> tuple[Any, ...]:
    if not isinstance(given, list | tuple):
        raise InvalidInput(f"{where} is a list of examples, not one {type(given).__name__}: write {where}=[...]")
    return tuple(checked_example(f"{where}[{at}]", each) for at, each in enumerate(given))


def _pair(at: int, given: Any) -> tuple[Any, Any]:
    if not isinstance(given, list | tuple) or len(given) != 2:
        raise InvalidInput(f"context[{at}] must be a pair of examples, one to be near and one to be away from")
    return checked_example(f"context[{at}][0]", given[0]), checked_example(f"context[{at}][1]", given[1])


def _scored(given: Any) -> tuple[tuple[Any, float], ...]:
    if not isinstance(given, list | tuple) or not given:
        raise InvalidInput("feedback is a list of at least one pair of an example and its score")
    return tuple(_judged(at, each) for at, each in enumerate(given))


def _judged(at: int, given: Any) -> tuple[Any, float]:
    if not isinstance(given, list | tuple) or len(given) != 2 or not is_number(given[1]):
        raise InvalidInput(f"feedback[{at}] must be a pair of an example and its score, a number")
    return checked_example(f"feedback[{at}]", given[0]), float(given[1])
