"""Real numbers with a float's precision and an almost unlimited exponent, vectorised.

A `Wide` is m·2^e with |m| in [½, 1) or m = 0, and an integer e held in a float64: products,
quotients and sums round once, as floats do, and reach 10^(±10^14). Unlike pure logarithms this
keeps signs, zeros and differences.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_LN2_HIGH = 0.693147180369123816490  # ln 2 in two parts: k * _LN2_HIGH is exact for |k| < 2^20
_LN2_LOW = 1.90821492927058770002e-10
_LARGEST_EXPONENT = 2.0**49
_FLOAT_EXPONENT = 1000.0  # with |e| up to here, m * 2^e is a normal float


class UndefinedError(ArithmeticError):
    """An operation has no finite real value; the text says which and why."""


class Wide:
    """The array of numbers ``mantissa * 2**exponent``."""

    __slots__ = ("exponent", "mantissa")

    def __init__(self, mantissa: Any, exponent: Any = 0.0) -> None:
        fraction, shift = np.frexp(np.asarray(mantissa, dtype=np.float64))
        total = np.asarray(exponent, dtype=np.float64) + shift
        if np.any(np.abs(total) > _LARGEST_EXPONENT):
            raise UndefinedError("the exponent is out of every range")
        self.mantissa = fraction
        self.exponent = np.where(fraction == 0.0, 0.0, total)

    @classmethod
    def of(cls, value: Any) -> Wide:
        """A float, an integer of any size, or an array of floats."""
        if isinstance(value, int) and abs(value) >= 1 << 1000:
            shift = value.bit_length() - 64
            return cls(float(value >> shift), float(shift))
        return cls(value)

    def float(self) -> np.ndarray:
        """The nearest floats; infinite or zero where a float cannot hold the number."""
        with np.errstate(over="ignore", under="ignore"):
            return np.ldexp(self.mantissa, np.clip(self.exponent, -2000, 2000).astype(np.int64))

    def log10(self) -> np.ndarray:
        """The decimal logarithm; raises `UndefinedError` for zero and below."""
        if np.any(self.mantissa <= 0.0):
            raise UndefinedError("the logarithm of a number that is not positive")
        return np.where(
            np.abs(self.exponent) <= _FLOAT_EXPONENT,
            np.log10(self._near_one()),
            np.log10(self.mantissa) + self.exponent * math.log10(2.0),
        )

    def log10_or(self, nothing: Any) -> np.ndarray:
        """The decimal logarithm, or ``nothing`` where the number is zero; raises if negative."""
        zero = self.mantissa == 0.0
        positive = Wide(np.where(zero, 0.5, self.mantissa), self.exponent)
        return np.where(zero, nothing, positive.log10())

    def _near_one(self) -> np.ndarray:
        """As floats, with exponents clipped to where a float is normal (sign is kept)."""
        clipped = np.clip(self.exponent, -_FLOAT_EXPONENT, _FLOAT_EXPONENT)
        return np.ldexp(self.mantissa, clipped.astype(np.int64))


def add(a: Wide, b: Wide) -> Wide:
    """a + b, rounded once."""
    low = -_LARGEST_EXPONENT  # a zero never decides the common exponent
    ea = np.where(a.mantissa == 0.0, low, a.exponent)
    eb = np.where(b.mantissa == 0.0, low, b.exponent)
    top = np.maximum(ea, eb)

    def aligned(mantissa: np.ndarray, exponent: np.ndarray) -> np.ndarray:
        return np.ldexp(mantissa, np.maximum(exponent - top, -1070.0).astype(np.int64))

    with np.errstate(under="ignore"):
        total = aligned(a.mantissa, ea) + aligned(b.mantissa, eb)
    return Wide(total, np.where(top == low, 0.0, top))


def negative(a: Wide) -> Wide:
    """The negative of a."""
    return Wide(-a.mantissa, a.exponent)


def subtract(a: Wide, b: Wide) -> Wide:
    """a - b, rounded once."""
    return add(a, negative(b))


def multiply(a: Wide, b: Wide) -> Wide:
    """a * b."""
    return Wide(a.mantissa * b.mantissa, a.exponent + b.exponent)


def divide(a: Wide, b: Wide) -> Wide:
    """a / b."""
    if np.any(b.mantissa == 0.0):
        raise UndefinedError("division by zero")
    return Wide(a.mantissa / b.mantissa, a.exponent - b.exponent)


def sqrt(a: Wide) -> Wide:
    """The square root of a ≥ 0."""
    if np.any(a.mantissa < 0.0):
        raise UndefinedError("the square root of a negative number")
    odd = np.mod(a.exponent, 2.0)
    return Wide(np.sqrt(a.mantissa * (1.0 + odd)), (a.exponent - odd) / 2.0)


def _power_of_two(power: np.ndarray) -> Wide:
    whole = np.rint(power)
    return Wide(np.exp2(power - whole), whole)


def power(a: Wide, b: Wide) -> Wide:
    """a ** b; a negative base needs an integer exponent."""
    p = _finite(b, "the exponent of a power")
    whole = p == np.rint(p)
    if np.any((a.mantissa < 0.0) & ~whole):
        raise UndefinedError("a fractional power of a negative number")
    if np.any((a.mantissa == 0.0) & (p < 0.0)):
        raise UndefinedError("a negative power of zero")
    base = np.where(a.mantissa == 0.0, 0.5, np.abs(a.mantissa))
    small = np.abs(p) <= 500.0  # then base ** p is a normal float, exact to its last digit
    head = Wide(np.where(small, base ** np.where(small, p, 1.0), 1.0))
    tail = _power_of_two(np.where(small, a.exponent * p, (np.log2(base) + a.exponent) * p))
    result = multiply(head, tail)
    sign = np.where((a.mantissa < 0.0) & (np.mod(p, 2.0) == 1.0), -1.0, 1.0)
    zero = (a.mantissa == 0.0) & (p > 0.0)
    return Wide(np.where(zero, 0.0, sign * result.mantissa), result.exponent)


def log(a: Wide) -> Wide:
    """The natural logarithm of a > 0."""
    if np.any(a.mantissa <= 0.0):
        raise UndefinedError("the logarithm of a number that is not positive")
    far = np.log(a.mantissa) + a.exponent * math.log(2.0)
    return Wide(np.where(np.abs(a.exponent) <= _FLOAT_EXPONENT, np.log(a._near_one()), far))


def log1p(a: Wide) -> Wide:
    """ln(1 + a) for a > -1, to full precision however small a is."""
    if np.any(add(a, Wide(1.0)).mantissa <= 0.0):
        raise UndefinedError("the logarithm of a number that is not positive")
    small = np.abs(a.float()) < 1.0
    near = np.log1p(np.where(small, a._near_one(), 0.0))
    far = log(add(a, Wide(1.0)))
    # Below the smallest float ln(1 + a) = a.
    return _where(a.exponent < -_FLOAT_EXPONENT, a, _where(small, Wide(near), far))


def log2(a: Wide) -> Wide:
    """The binary logarithm of a > 0."""
    if np.any(a.mantissa <= 0.0):
        raise UndefinedError("the logarithm of a number that is not positive")
    far = np.log2(a.mantissa) + a.exponent
    return Wide(np.where(np.abs(a.exponent) <= _FLOAT_EXPONENT, np.log2(a._near_one()), far))


def exp(a: Wide) -> Wide:
    """e ** a."""
    x = _finite(a, "the argument of exp")
    whole = np.rint(x / math.log(2.0))
    if np.any(np.abs(whole) > _LARGEST_EXPONENT):
        raise UndefinedError("the exponent is out of every range")
    rest = (x - whole * _LN2_HIGH) - whole * _LN2_LOW
    return Wide(np.exp(rest), whole)


def ceil(a: Wide) -> Wide:
    """The smallest integer not below a."""
    return _round(a, np.ceil)


def floor(a: Wide) -> Wide:
    """The largest integer not above a."""
    return _round(a, np.floor)


def maximum(a: Wide, b: Wide) -> Wide:
    """The larger of a and b."""
    first = subtract(a, b).mantissa >= 0.0
    return _where(first, a, b)


def minimum(a: Wide, b: Wide) -> Wide:
    """The smaller of a and b."""
    first = subtract(a, b).mantissa <= 0.0
    return _where(first, a, b)


def _where(first: np.ndarray, a: Wide, b: Wide) -> Wide:
    return Wide(np.where(first, a.mantissa, b.mantissa), np.where(first, a.exponent, b.exponent))


def _round(a: Wide, rounding: Any) -> Wide:
    integral = a.exponent > 53.0
    rounded = rounding(a._near_one())
    return Wide(np.where(integral, a.mantissa, rounded), np.where(integral, a.exponent, 0.0))


def _finite(a: Wide, what: str) -> np.ndarray:
    value = a.float()
    if not np.all(np.isfinite(value)):
        raise UndefinedError(f"{what} is beyond the range of a float")
    return value
