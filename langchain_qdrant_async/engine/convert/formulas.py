"""Score formulas on the wire -> the engine's expressions. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import qdrant_edge as edge

from langchain_qdrant_async.engine.convert.filters import from_condition, geo_point
from langchain_qdrant_async.engine.convert.values import from_payload
from langchain_qdrant_async.engine.status import malformed
from langchain_qdrant_async.proto import points

Expression = edge.Expression


def from_formula(message: points.Formula) -> edge.Formula:
    """A formula with the values of its variables where a point has none."""
    return edge.Formula(_expression(message.expression), from_payload(message.defaults))


def _expression(message: points.Expression) -> Expression:
    kind = message.WhichOneof("variant")
    if kind is None:
        raise malformed("Expression variant is missing")
    return _EXPRESSIONS[kind](getattr(message, kind))


def _all(messages: Iterable[points.Expression]) -> list[Expression]:
    return [_expression(message) for message in messages]


def _of_one(build: Callable[[Expression], Expression]) -> Callable[[Any], Expression]:
    return lambda message: build(_expression(message))


def _quotient(message: points.DivExpression) -> Expression:
    default = message.by_zero_default if message.HasField("by_zero_default") else None
    return Expression.Div(_expression(message.left), _expression(message.right), default)


def _decay(kind: edge.DecayKind) -> Callable[[points.DecayParamsExpression], Expression]:
    def build(message: points.DecayParamsExpression) -> Expression:
        target = _expression(message.target) if message.HasField("target") else None
        midpoint = message.midpoint if message.HasField("midpoint") else None
        scale = message.scale if message.HasField("scale") else None
        return Expression.Decay(kind, _expression(message.x), target, midpoint, scale)

    return build


_EXPRESSIONS: dict[str, Callable[[Any], Expression]] = {
    "constant": Expression.Constant,
    "variable": Expression.Variable,
    "condition": lambda message: Expression.Condition(from_condition(message)),
    "geo_distance": lambda message: Expression.GeoDistance(geo_point(message.origin), message.to),
    "datetime": Expression.Datetime,
    "datetime_key": Expression.DatetimeKey,
    "mult": lambda message: Expression.Mult(_all(message.mult)),
    "sum": lambda message: Expression.Sum(_all(message.sum)),
    "max": lambda message: Expression.Max(_all(message.max)),
    "min": lambda message: Expression.Min(_all(message.min)),
    "div": _quotient,
    "pow": lambda message: Expression.Pow(_expression(message.base), _expression(message.exponent)),
    "neg": _of_one(Expression.Neg),
    "abs": _of_one(Expression.Abs),
    "sqrt": _of_one(Expression.Sqrt),
    "exp": _of_one(Expression.Exp),
    "log10": _of_one(Expression.Log10),
    "ln": _of_one(Expression.Ln),
    "acosh": _of_one(Expression.Acosh),
    "exp_decay": _decay(edge.DecayKind.Exp),
    "gauss_decay": _decay(edge.DecayKind.Gauss),
    "lin_decay": _decay(edge.DecayKind.Lin),
}
