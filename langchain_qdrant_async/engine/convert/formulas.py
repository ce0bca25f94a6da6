"""Score formulas on the wire -> the engine's expressions. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import qdrant_edge as edge

from langchain_qdrant_async.engine.convert.fields import optional
from langchain_qdrant_async.engine.convert.filters import from_condition, geo_point
from langchain_qdrant_async.engine.convert.values import from_payload
from langchain_qdrant_async.engine.status import malformed
from langchain_qdrant_async.proto import points


def from_formula(message: points.Formula) -> edge.Formula:
    """A formula with the values of its variables where a point has none."""
    return edge.Formula(_expression(message.expression), from_payload(message.defaults))


def _expression(message: points.Expression) -> edge.Expression:
    kind = message.WhichOneof("variant")
    if kind is None:
        raise malformed("Expression variant is missing")
    return _EXPRESSIONS[kind](getattr(message, kind))


def _all(messages: Iterable[points.Expression]) -> list[edge.Expression]:
    return [_expression(message) for message in messages]


def _of_one(build: Callable[[edge.Expression], edge.Expression]) -> Callable[[Any], edge.Expression]:
    return lambda message: build(_expression(message))


def _quotient(message: points.DivExpression) -> edge.Expression:
    default = optional(message, "by_zero_default")
    return edge.Expression.Div(_expression(message.left), _expression(message.right), default)


def _decay(kind: edge.DecayKind) -> Callable[[points.DecayParamsExpression], edge.Expression]:
    def build(message: points.DecayParamsExpression) -> edge.Expression:
        target = _expression(message.target) if message.HasField("target") else None
        scale, midpoint = optional(message, "scale"), optional(message, "midpoint")
        return edge.Expression.Decay(kind, _expression(message.x), target, midpoint, scale)

    return build


_EXPRESSIONS: dict[str, Callable[[Any], edge.Expression]] = {
    "constant": edge.Expression.Constant,
    "variable": edge.Expression.Variable,
    "condition": lambda message: edge.Expression.Condition(from_condition(message)),
    "geo_distance": lambda message: edge.Expression.GeoDistance(geo_point(message.origin), message.to),
    "datetime": edge.Expression.Datetime,
    "datetime_key": edge.Expression.DatetimeKey,
    "mult": lambda message: edge.Expression.Mult(_all(message.mult)),
    "sum": lambda message: edge.Expression.Sum(_all(message.sum)),
    "max": lambda message: edge.Expression.Max(_all(message.max)),
    "min": lambda message: edge.Expression.Min(_all(message.min)),
    "div": _quotient,
    "pow": lambda message: edge.Expression.Pow(_expression(message.base), _expression(message.exponent)),
    "neg": _of_one(edge.Expression.Neg),
    "abs": _of_one(edge.Expression.Abs),
    "sqrt": _of_one(edge.Expression.Sqrt),
    "exp": _of_one(edge.Expression.Exp),
    "log10": _of_one(edge.Expression.Log10),
    "ln": _of_one(edge.Expression.Ln),
    "acosh": _of_one(edge.Expression.Acosh),
    "exp_decay": _decay(edge.DecayKind.Exp),
    "gauss_decay": _decay(edge.DecayKind.Gauss),
    "lin_decay": _decay(edge.DecayKind.Lin),
}
