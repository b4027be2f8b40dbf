"""The rates of a classical machine as formulas of the size at which they are read."""

from __future__ import annotations

import functools
import itertools

from qurvature.expressions import (
    Expression,
    Formulas,
    constant,
    exp,
    log,
    maximum,
    minimum,
    quantity,
    sqrt,
)
from qurvature.hardware import DTYPES, Figure, HardwareProfile, rate_key

from .classical import CALL_KERNELS, dtype_name
from .quantities import QUANTITIES, WORKS

_WORD_BYTES = QUANTITIES["word_bytes"]


def table(figure: Figure, size: Expression) -> Expression:
    """The same as `Figure.at`, as a formula: log-log linear between entries, clamped at the ends.

    Examples:
        >>> from qurvature.records import Standing
        >>> rate = Figure((1e9, 1e10), "a benchmark", Standing.EMPIRICAL, (100.0, 10000.0))
        >>> round(table(rate, quantity("n"))(n=1000) / rate.at(1000), 12)
        1.0
    """
    if not figure.sizes:
        return constant(figure.value)
    place = log(size)
    total = log(figure.values[0])
    ends = [(log(x), log(y)) for x, y in zip(figure.sizes, figure.values, strict=True)]
    for (x0, y0), (x1, y1) in itertools.pairwise(ends):
        inside = minimum(maximum(place, x0), x1) - x0
        total = total + (y1 - y0) / (x1 - x0) * inside
    return exp(total)


def call_size(kernel: str, prefix: str) -> Expression:
    """The typical size of one library call, as `qurvature.costs.classical.call_sizes`."""
    count = quantity(f"{prefix}_{kernel}")
    calls = maximum(quantity(f"{prefix}_launch"), 1)
    if kernel == "stream":
        return sqrt(maximum(count / (2 * _WORD_BYTES), 1))
    per_call = count / (2 * calls) if kernel == "gemm" else count / (9 * calls)
    return maximum(per_call, 1) ** (1 / 3)


@functools.lru_cache(maxsize=512)
def rate_formulas(
    machine: HardwareProfile, names: frozenset[str], word_bytes: float, size: str
) -> tuple[Formulas, dict[str, float]]:
    """The rates among ``names``: as formulas where they follow from a size, else as numbers.

    Args:
        machine: a classical one.
        names: of quantities, such as those of a price.
        word_bytes: of one number; it decides the precision.
        size: the quantity at which the rates of whole matrices are read, ``n`` or ``rank``.
    """
    formulas: dict[str, Expression] = {}
    numbers: dict[str, float] = {}
    dtype = dtype_name(word_bytes)
    for name in sorted(names):
        if name == "launch_s":
            numbers[name] = machine["launch_s"].value
        if not name.startswith("rate_"):
            continue
        kernel, _, suffix = name.removeprefix("rate_").partition("_")
        precision = suffix if suffix in DTYPES else dtype
        figure = machine[rate_key(precision, kernel)]
        if not figure.sizes:
            numbers[name] = figure.value
        elif suffix in WORKS and kernel in CALL_KERNELS:
            formulas[name] = table(figure, call_size(kernel, suffix))
        else:
            formulas[name] = table(figure, maximum(quantity(size), 1))
    return Formulas(formulas), numbers
