"""What follows when one quantity of a system moves and nothing else is said.

n: the norm, its α and κ stay, a stable rank that does not grow, which favours the quantum computer.
Rows keep their entries, unless the fullest one is full: then it stays full. All entries that were read
still are (``reads`` ∝ n). A matrix that was given is multiplied in n² operations and a curvature by
products in n, forming takes d of them; what K-FAC takes grows as n^1.5, the rows of a factor stay.
Rates are read at the new size, and no memory is too small.

kappa: ‖A‖ stays and σ_min moves: κ_encoded ∝ κ, or ∝ √κ for ``factor`` access. The predicted iterations
move as their bound does, ∝ √κ, and are never more than n where they were not.

epsilon: the counts are in ε; the predicted iterations are ∝ ln(2/ε).

sparsity: ``sparse`` access holds n·d numbers and α = d·max|a| ∝ d; the others do not change. Forming the
entries takes d products, and a classical rival multiplies with d entries a row, too.

reads: the readout's copies are in it; a classical answer is whole. overlap: success is ∝ γ². gate_s: the
logical step takes so long, whatever the code, its distance or the reaction.
"""

from __future__ import annotations

import functools
import math
from types import MappingProxyType

from qurvature.expressions import (
    Expression,
    Formulas,
    constant,
    log,
    maximum,
    minimum,
    quantity,
    sqrt,
)

from . import quantum
from .quantities import QUANTITIES, WORKS

#: What may vary, with its unit and meaning.
VARIABLES: MappingProxyType[str, tuple[str, str]] = MappingProxyType(
    {
        "gate_s": ("s", "one logical step of the quantum computer"),
        "n": ("1", "unknowns"),
        "kappa": ("1", "condition number"),
        "epsilon": ("1", "accuracy asked for"),
        "sparsity": ("1", "entries of the fullest row"),
        "reads": ("1", "entries of the solution that leave the machine"),
        "overlap": ("1", "share of the right-hand side in the range of what is encoded"),
        "io_bits_per_s": ("bit/s", "classical data into the quantum machine"),
        "physical_error": ("1", "error of a physical gate"),
    }
)

_N, _EPSILON, _READS = QUANTITIES["n"], QUANTITIES["epsilon"], QUANTITIES["reads"]
_KAPPA = quantity("kappa", meaning="condition number")
_SPARSITY = quantity("sparsity", meaning="entries of the fullest row")


def _start(name: str) -> Expression:
    """The value of a quantity at the point where the system was priced."""
    return quantity(f"{name}_0", meaning=f"{name} of the system as it is")


_GROWTH = _N / _start("n")
_HARDER = _KAPPA / _start("kappa")
_FINER = log(2 / _EPSILON) / log(2 / _start("epsilon"))

#: What follows from n alone, and can be said otherwise.
SHAPE = Formulas(
    {
        "sparsity": minimum(
            _N, _start("sparsity") * _GROWTH ** quantity("rows_full", meaning="1 if a row is full")
        ),
        "reads": _start("reads") * _GROWTH,
    }
)
_ENTRIES = {
    "sparse": _start("entries") * _GROWTH * _SPARSITY / _start("sparsity"),
    "factor": _start("entries") * _GROWTH,
}
_KAPPA_ENCODED = {
    "sparse": _start("kappa_encoded") * _HARDER * _SPARSITY / _start("sparsity"),
    "factor": _start("kappa_encoded") * sqrt(_HARDER),
}
_ITERATIONS = minimum(
    _N * maximum(1, _start("iterations") / _start("n")),
    _start("iterations") * sqrt(_HARDER) * _FINER,
)
_PRODUCT_GROWS = quantity("product_grows", meaning="power of n that a product takes")
_GROWS: dict[str, Expression] = {
    "product": _PRODUCT_GROWS,
    "form": _PRODUCT_GROWS,
    "gram": constant(1),
    "kfac": constant(1.5),
    "kfac_apply": constant(1.5),
}
#: Bytes of a product with the entries of a sparse matrix: values, and their columns in four bytes.
_SPARSE_STREAM = _N * _SPARSITY * (QUANTITIES["word_bytes"] + 4)


def check_value(name: str, value: float) -> None:
    """Refuse what a variable cannot be.

    Raises:
        ValueError: naming the variable, its range and the value.
    """
    if name not in VARIABLES:
        raise ValueError(f"expected one of {', '.join(VARIABLES)}, given {name!r}")
    below = {"epsilon": 1.0, "physical_error": 1.0}.get(name, math.inf)
    least = {"kappa": 1.0, "n": 1.0, "sparsity": 1.0, "reads": 1.0}.get(name, 0.0)
    most = 1.0 if name == "overlap" else math.inf
    fits = value >= least if least else value > 0.0
    if not (fits and value <= most and value < below):
        kind = f"at least {least:g}" if least else "above 0"
        limit = f" and below {below:g}" if below < math.inf else ", finite"
        raise ValueError(f"{name}: expected a number {kind}{limit}, given {value:g}")


@functools.cache
def following(names: frozenset[str], sparse: bool) -> Formulas:
    """What lines with these ``names`` need of the system, as it follows from n, κ, ε and d."""
    found: dict[str, Expression] = {}
    if "iterations" in names:
        found["iterations"] = _ITERATIONS
    if "kappa_frobenius" in names:
        found["kappa_frobenius"] = _start("kappa_frobenius") * _HARDER
    needed = set(names)
    for name in names:  # rates are read at the size of a call, which follows from the work in it
        kernel, _, prefix = name.removeprefix("rate_").partition("_")
        if name.startswith("rate_") and prefix in WORKS:
            needed.add(f"{prefix}_{kernel}")
    for name in sorted(needed):
        prefix, _, kernel = name.rpartition("_")
        if prefix in WORKS and kernel != "launch":
            found[name] = _start(name) * _GROWTH ** _GROWS[prefix]
            if prefix == "form":
                found[name] = found[name] * _SPARSITY / _start("sparsity")
    if sparse:
        found["product_stream"] = _SPARSE_STREAM
        for name in (
            "product_gemm",
            "product_cholesky",
            "product_lu",
            "product_ldl",
            "product_eigh",
        ):
            if name in found:
                found[name] = constant(0)
    return Formulas(found)


@functools.cache
def encoding(access: str, readout: str) -> Formulas:
    """What the encoding holds, and the copies that a readout takes."""
    return Formulas(
        {
            "entries": _ENTRIES.get(access, _start("entries") * _GROWTH**2),
            "kappa_encoded": maximum(
                1, _KAPPA_ENCODED.get(access, _start("kappa_encoded") * _HARDER)
            ),
            "copies": quantum.COPIES_READ[readout],
        }
    )
