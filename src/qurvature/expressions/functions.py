"""The functions that expressions may hold."""

from __future__ import annotations

from .expression import Expression, Number
from .tree import operation


def sqrt(x: Number | Expression) -> Expression:
    """The square root."""
    return operation("sqrt", x)


def log(x: Number | Expression) -> Expression:
    """The natural logarithm."""
    return operation("log", x)


def log1p(x: Number | Expression) -> Expression:
    """ln(1 + x), to full precision however small x is."""
    return operation("log1p", x)


def log2(x: Number | Expression) -> Expression:
    """The binary logarithm."""
    return operation("log2", x)


def exp(x: Number | Expression) -> Expression:
    """The exponential."""
    return operation("exp", x)


def ceil(x: Number | Expression) -> Expression:
    """The smallest integer not below x."""
    return operation("ceil", x)


def floor(x: Number | Expression) -> Expression:
    """The largest integer not above x."""
    return operation("floor", x)


def maximum(
    x: Number | Expression, y: Number | Expression, *more: Number | Expression
) -> Expression:
    """The largest argument."""
    result = operation("maximum", x, y)
    return maximum(result, *more) if more else result


def minimum(
    x: Number | Expression, y: Number | Expression, *more: Number | Expression
) -> Expression:
    """The smallest argument."""
    result = operation("minimum", x, y)
    return minimum(result, *more) if more else result
