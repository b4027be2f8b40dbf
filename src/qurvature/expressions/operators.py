"""The operators an expression may hold: one row each, with every way to use it.

``scalar`` compiles the closure for Python floats. It is strict: a product, quotient, power or
exponential outside the safe range of a float raises `OutOfRangeError` rather than rounding
to zero or infinity, and the careful path in `.wide` takes over.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import wide

Compiled = Callable[[Mapping[str, Any]], Any]

_TINY, _HUGE = 1e-290, 1e290


class OutOfRangeError(ArithmeticError):
    """A float cannot hold an intermediate result safely."""


@dataclass(frozen=True)
class Operator:
    """A row of the table; ``needs`` is the least precedence of each operand without parentheses."""

    name: str
    precedence: int
    needs: tuple[int, ...]
    text: str
    javascript: str
    scalar: Callable[..., Compiled]
    array: Callable[..., Any]
    wide: Callable[..., wide.Wide]


def _add(a: Compiled, b: Compiled) -> Compiled:
    return lambda v: a(v) + b(v)


def _subtract(a: Compiled, b: Compiled) -> Compiled:
    return lambda v: a(v) - b(v)


def _negative(a: Compiled) -> Compiled:
    return lambda v: -a(v)


def _multiply(a: Compiled, b: Compiled) -> Compiled:
    def times(v: Mapping[str, Any]) -> Any:
        x, y = a(v), b(v)
        product = x * y
        if _TINY < product < _HUGE or x == 0 or y == 0 or _TINY < -product < _HUGE:
            return product
        raise OutOfRangeError

    return times


def _divide(a: Compiled, b: Compiled) -> Compiled:
    def over(v: Mapping[str, Any]) -> Any:
        x = a(v)
        quotient = x / b(v)
        if _TINY < quotient < _HUGE or x == 0 or _TINY < -quotient < _HUGE:
            return quotient
        raise OutOfRangeError

    return over


def _power(a: Compiled, b: Compiled) -> Compiled:
    def raised(v: Mapping[str, Any]) -> Any:
        x = float(a(v))
        result = math.pow(x, b(v))
        if _TINY < result < _HUGE or x == 0 or _TINY < -result < _HUGE:
            return result
        raise OutOfRangeError

    return raised


def _exp(a: Compiled) -> Compiled:
    def exponential(v: Mapping[str, Any]) -> Any:
        result = math.exp(a(v))
        if _TINY < result < _HUGE:
            return result
        raise OutOfRangeError

    return exponential


def _maximum(a: Compiled, b: Compiled) -> Compiled:
    def larger(v: Mapping[str, Any]) -> Any:
        x, y = a(v), b(v)
        if -_HUGE < x < _HUGE and -_HUGE < y < _HUGE:
            return x if x >= y else y
        raise OutOfRangeError

    return larger


def _minimum(a: Compiled, b: Compiled) -> Compiled:
    def smaller(v: Mapping[str, Any]) -> Any:
        x, y = a(v), b(v)
        if -_HUGE < x < _HUGE and -_HUGE < y < _HUGE:
            return x if x <= y else y
        raise OutOfRangeError

    return smaller


def _powers(base: Any, exponent: Any) -> Any:
    """Powers of arrays; squares, by far the most frequent, without a call of ``pow``."""
    return (
        base * base
        if np.ndim(exponent) == 0 and exponent == 2.0
        else np.float_power(base, exponent)
    )


def _function(f: Callable[[float], float]) -> Callable[[Compiled], Compiled]:
    def compiled(a: Compiled) -> Compiled:
        return lambda v: f(a(v))

    return compiled


def _call(name: str, scalar: Any, array: Any, careful: Any, arguments: int = 1) -> Operator:
    slots = ", ".join(["{}"] * arguments)
    script = {"maximum": "max", "minimum": "min"}.get(name, name)
    return Operator(
        name, 5, (0,) * arguments, f"{name}({slots})", f"Math.{script}({slots})",
        scalar, array, careful,
    )  # fmt: skip


# Precedences: 1 sums, 2 products, 3 sign, 4 powers, 5 atoms and calls.
_ROWS = (
    Operator("add", 1, (1, 1), "{} + {}", "{} + {}", _add, np.add, wide.add),
    Operator("subtract", 1, (1, 2), "{} - {}", "{} - {}", _subtract, np.subtract, wide.subtract),
    Operator("multiply", 2, (2, 2), "{} * {}", "{} * {}", _multiply, np.multiply, wide.multiply),
    Operator("divide", 2, (2, 3), "{} / {}", "{} / {}", _divide, np.true_divide, wide.divide),
    Operator("negative", 3, (4,), "-{}", "-{}", _negative, np.negative, wide.negative),
    Operator(
        "power", 4, (5, 4), "{}**{}", "Math.pow({}, {})", _power, _powers, wide.power
    ),
    _call("sqrt", _function(math.sqrt), np.sqrt, wide.sqrt),
    _call("log", _function(math.log), np.log, wide.log),
    _call("log1p", _function(math.log1p), np.log1p, wide.log1p),
    _call("log2", _function(math.log2), np.log2, wide.log2),
    _call("exp", _exp, np.exp, wide.exp),
    _call("ceil", _function(math.ceil), np.ceil, wide.ceil),
    _call("floor", _function(math.floor), np.floor, wide.floor),
    _call("maximum", _maximum, np.maximum, wide.maximum, 2),
    _call("minimum", _minimum, np.minimum, wide.minimum, 2),
)  # fmt: skip

OPERATORS = {row.name: row for row in _ROWS}
