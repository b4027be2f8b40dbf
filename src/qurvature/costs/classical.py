"""The price of a classical solver: counts over rates, and a fixed overhead per library call."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from qurvature.expressions import Expression, constant, quantity
from qurvature.hardware import DTYPES, HardwareProfile, rate_key
from qurvature.records import KERNELS, Assumption, CostEstimate
from qurvature.solvers.base import ClassicalSolver

from .logarithms import log10_or_none, log10_sum
from .quantities import QUANTITIES, WORKS

_RATE_KERNELS = tuple(kernel for kernel in KERNELS if kernel != "launch")
#: Kernels whose rate depends on the size of a call, not on the size of the matrix.
CALL_KERNELS = ("gemm", "stream", "eigh")
_UNITS = dict.fromkeys(_RATE_KERNELS, "flop/s") | {"stream": "byte/s"}

# A count may name a precision of its own, as "cholesky_float32" does for mixed precision; else it
# is in that of the system.
_RATES = {
    name: quantity(f"rate_{name}", _UNITS[kernel], f"rate of {kernel} at the size of the matrix")
    for kernel in _RATE_KERNELS
    for name in (kernel, *(f"{kernel}_{dtype}" for dtype in DTYPES))
} | {
    f"{kernel}_{prefix}": quantity(
        f"rate_{kernel}_{prefix}",
        _UNITS[kernel],
        f"rate of {kernel} at the size of a {prefix} call",
    )
    for kernel in CALL_KERNELS
    for prefix in WORKS
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
FORM_SECONDS = seconds(
    {
        f"{kernel}_form" if kernel in CALL_KERNELS else kernel: QUANTITIES[f"form_{kernel}"]
        for kernel in KERNELS
    }
)


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


def call_sizes(values: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """The typical size of one library call, for each kind of the operator's own work.

    f flops in c calls are matrix products of size (f/2c)^⅓; b bytes of w-byte words in two passes are a
    matrix of size √(b/2w). A product with a tall, thin matrix is slow however large n is.
    """
    sizes = []
    for prefix in WORKS:
        if f"{prefix}_gemm" not in values:
            continue
        calls = max(values[f"{prefix}_launch"], 1.0)
        cube = values[f"{prefix}_gemm"] / (2 * calls)
        square = values[f"{prefix}_stream"] / (2 * values["word_bytes"])
        side = values[f"{prefix}_eigh"] / (9 * calls)
        sizes += [
            (f"gemm_{prefix}", max(cube, 1.0) ** (1 / 3)),
            (f"stream_{prefix}", max(square, 1.0) ** 0.5),
            (f"eigh_{prefix}", max(side, 1.0) ** (1 / 3)),
        ]
    return tuple(sizes)


@functools.lru_cache(maxsize=256)
def call_rates(
    machine: HardwareProfile, dtype: str, sizes: tuple[tuple[str, float], ...]
) -> Mapping[str, float]:
    """``rate_<kernel>_<kind of work>`` at the sizes of `call_sizes`."""
    return {
        f"rate_{name}": machine[rate_key(dtype, name.partition("_")[0])].at(size)
        for name, size in sizes
    }


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
        _assumptions(solver, access, machine, dtype, size, call_sizes(values)),
    )


@functools.lru_cache(maxsize=1024)
def _assumptions(
    solver: type[ClassicalSolver],
    access: str,
    machine: HardwareProfile,
    dtype: str,
    size: float,
    calls: tuple[tuple[str, float], ...],
) -> tuple[Assumption, ...]:
    sizes = dict(calls)
    used = frozenset().union(*(line.names for line in lines(solver, access).values()))
    listed = []
    for name, rate in _RATES.items():
        if rate.name in used:
            kernel, _, suffix = name.partition("_")
            figure = machine[rate_key(suffix if suffix in DTYPES else dtype, kernel)]
            at = figure.at(sizes.get(name, size))
            listed.append(Assumption(rate.name, at, rate.unit, figure.standing, figure.source))
    launch = machine["launch_s"]
    listed.append(Assumption("launch_s", launch.value, "s", launch.standing, launch.source))
    return tuple(listed)
