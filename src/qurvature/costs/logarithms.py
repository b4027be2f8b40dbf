"""Sums of magnitudes that no float can hold."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from qurvature.expressions import Expression


def log10_or_none(expression: Expression, values: Mapping[str, float]) -> float | None:
    """The decimal logarithm of a cost, or None if it costs nothing."""
    try:
        value = expression.number(values)
    except OverflowError:
        return expression.log10(values)
    return math.log10(value) if value > 0.0 else None


def log10_sum(logarithms: Collection[float]) -> float:
    """log10 Σ 10^x; -inf for nothing.

    Examples:
        >>> log10_sum([1000.0, 1000.0]) - 1000.0
        0.30102999566...
    """
    if not logarithms:
        return -math.inf
    top = max(logarithms)
    if top == -math.inf:
        return top
    return top + math.log10(sum(10.0 ** (x - top) for x in logarithms))


def log10_difference(x: float, y: float) -> float | None:
    """log10(10^x - 10^y), or None unless x > y."""
    if not x > y:
        return None
    return x + math.log10(-math.expm1((y - x) * math.log(10.0)))
