"""Numbers in words: short, unambiguous, and safe beyond the range of a float."""

from __future__ import annotations

import math

YEAR_S = 365.25 * 86400.0

_UNITS = (
    (1e-6, 1e-9, "ns"),
    (1e-3, 1e-6, "µs"),
    (1.0, 1e-3, "ms"),
    (120.0, 1.0, "s"),
    (7200.0, 60.0, "min"),
    (2 * 86400.0, 3600.0, "h"),
    (2 * YEAR_S, 86400.0, "days"),
)


def number(value: float | None, digits: int = 3) -> str:
    """A number with so many digits; an en dash for what is not there.

    Example:
        >>> number(3.0e9), number(0.12345), number(None), number(float("nan")), number(3578)
        ('3e9', '0.123', '–', 'NaN', '3,578')
        >>> number(631.4, digits=2)
        '630'
    """
    if value is None:
        return "–"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}"
    if 10**digits <= abs(value) < 1e5:
        return f"{float(f'{value:.{digits}g}'):,.0f}"
    mantissa, e, exponent = f"{value:.{digits}g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if e else mantissa


def power(log10: float, digits: int = 2) -> str:
    """10 to the power ``log10``, whatever its size.

    Example:
        >>> power(2.0), power(301.5), power(-0.3)
        ('100', '3.2e301', '0.5')
    """
    if not math.isfinite(log10):
        return number(log10 if log10 > 0 else 0.0 if log10 < 0 else math.nan)
    if abs(log10) < 300:
        return number(10.0**log10, digits)
    whole = math.floor(log10)
    mantissa = f"{10.0 ** (log10 - whole):.{digits}g}"
    if mantissa == "10":
        mantissa, whole = "1", whole + 1
    return f"{mantissa}e{whole}"


def duration(log10_s: float | None, digits: int = 2) -> str:
    """Seconds, given by their logarithm, in the unit a person would use.

    Example:
        >>> duration(-8.0), duration(0.5), duration(5.0), duration(302.0), duration(None)
        ('10 ns', '3.2 s', '28 h', '3.2e294 years', '–')
    """
    if log10_s is None or math.isnan(log10_s):
        return "–"
    if log10_s == -math.inf:
        return "0 s"
    if log10_s < -9:
        return f"{power(log10_s, digits)} s"
    for below, unit, name in _UNITS:
        if log10_s < math.log10(below):
            return f"{number(10.0**log10_s / unit, digits)} {name}"
    return f"{power(log10_s - math.log10(YEAR_S), digits)} years"


def seconds(value: float | None, digits: int = 3) -> str:
    """Measured seconds, in the unit a person would use.

    Example:
        >>> seconds(0.0), seconds(1.25), seconds(None)
        ('0 s', '1.25 s', '–')
    """
    if value is None or not math.isfinite(value) or value < 0:
        return "–"
    return duration(math.log10(value) if value else -math.inf, digits)


def plural(count: int, noun: str, many: str = "") -> str:
    """A count with its noun.

    Example:
        >>> plural(1, "step"), plural(1200, "step")
        ('1 step', '1,200 steps')
    """
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def listing(names: list[str]) -> str:
    """Names in a sentence.

    Example:
        >>> listing(["a", "b", "c"])
        'a, b and c'
    """
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
