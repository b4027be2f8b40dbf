"""The price of a classical solver: counts over rates, and a fixed overhead per library call."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from qurvature.expressions import Expression, constant, quantity
from qurvature.hardware import DTYPES, HardwareProfile, rate_key
from qurvature.records import KERNELS, Assumption, CostEstimate
from qurvature.solvers.base import ClassicalSolver

from .logarithms import log10_or_none, log10_sum
from .quantities import QUANTITIES

_RATE_KERNELS = tuple(kernel for kernel in KERNELS if kernel != "launch")
_UNITS = dict.fromkeys(_RATE_KERNELS, "flop/s") | {"stream": "byte/s"}

# A count may name a precision of its own, as "cholesky_float32" does for mixed precision; else it
# is in that of the system.
_RATES = {
    name: quantity(f"rate_{name}", _UNITS[kernel], f"rate of {kernel} at the size of the matrix")
    for kernel in _RATE_KERNELS
    for name in (kernel, *(f"{kernel}_{dtype}" for dtype in DTYPES))
}
_LAUNCH_S = quantity("launch_s", "s", "fixed overhead of one library call")


def seconds(counts: Mapping[str, Expression]) -> Expression:
    """Σ count_k / rate_k over the kernels, plus launch · launch_s, in seconds.

    A kernel is one of `qurvature.records.KERNELS`, or one with a precision of its own, such as
    ``cholesky_float32``.

    Examples:
        >>> from qurvature.expressions import quantity
        >>> n = quantity("n")
        >>> print(seconds({"cholesky": n**3 / 3, "launch": n**0}))
        n**3 / 3 / rate_cholesky + n**0 * launch_s
    """
    total = constant(0)
    for kernel, count in counts.items():
        total = total + (count * _LAUNCH_S if kernel == "launch" else count / _RATES[kernel])
    return total


#: Seconds of forming all entries of the matrix, as the operator declares it.
FORM_SECONDS = seconds({kernel: QUANTITIES[f"form_{kernel}"] for kernel in KERNELS})


@functools.lru_cache(maxsize=256)
def rates(machine: HardwareProfile, dtype: str, size: float) -> Mapping[str, float]:
    """``rate_<kernel>``, ``rate_<kernel>_<dtype>`` and ``launch_s`` at one matrix size."""
    values = {"launch_s": machine["launch_s"].value}
    for kernel in _RATE_KERNELS:
        for precision in DTYPES:
            rate = machine[rate_key(precision, kernel)].at(size)
            values[f"rate_{kernel}_{precision}"] = rate
            if precision == dtype:
                values[f"rate_{kernel}"] = rate
    return values


def dtype_name(word_bytes: float) -> str:
    """The precision whose rates hold for words of this many bytes."""
    return DTYPES[1] if word_bytes > 4 else DTYPES[0]


@functools.cache
def lines(solver: type[ClassicalSolver], access: str) -> Mapping[str, Expression]:
    """The lines of the price: ``form``, and ``invert`` for one right-hand side."""
    work = solver.work(access)
    return {"form": seconds(work.form), "invert": seconds(work.setup) + seconds(work.per_rhs)}


def matrix_size(access: str, values: Mapping[str, float]) -> float:
    """The size at which rates are read: the dual's for factor access, else n."""
    return values.get("rank", values["n"]) if access == "factor" else values["n"]


def price(
    solver: type[ClassicalSolver],
    access: str,
    machine: HardwareProfile,
    values: Mapping[str, float],
) -> CostEstimate:
    """The modelled seconds of one solve.

    ``values`` are those of `~qurvature.costs.quantities` and of `rates`.

    Raises:
        MissingQuantityError: if the solver counts with a quantity that the system does not have.
    """
    parts: dict[str, float] = {}
    for line, expression in lines(solver, access).items():
        logarithm = log10_or_none(expression, values)
        if logarithm is not None:
            parts[line] = logarithm
    size, dtype = matrix_size(access, values), dtype_name(values["word_bytes"])
    return CostEstimate(
        solver.kind,
        access,
        machine.kind,
        machine.realism,
        log10_sum(parts.values()),
        parts,
        None,
        None,
        _assumptions(solver, access, machine, dtype, size),
    )


@functools.lru_cache(maxsize=1024)
def _assumptions(
    solver: type[ClassicalSolver], access: str, machine: HardwareProfile, dtype: str, size: float
) -> tuple[Assumption, ...]:
    used = frozenset().union(*(line.names for line in lines(solver, access).values()))
    listed = []
    for name, rate in _RATES.items():
        if rate.name in used:
            kernel, _, precision = name.partition("_")
            figure = machine[rate_key(precision or dtype, kernel)]
            listed.append(
                Assumption(rate.name, figure.at(size), rate.unit, figure.standing, figure.source)
            )
    launch = machine["launch_s"]
    listed.append(Assumption("launch_s", launch.value, "s", launch.standing, launch.source))
    return tuple(listed)
