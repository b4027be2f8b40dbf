"""Quantities and recurring terms of the classical solvers' counts."""

from __future__ import annotations

from qurvature.expressions import Expression, quantity
from qurvature.records import KERNELS

n = quantity("n", meaning="number of unknowns")
rank = quantity("rank", meaning="rows of the factor Q in A = QᵀQ + λI")
iterations = quantity("iterations", meaning="predicted iterations")
kappa_frobenius = quantity("kappa_frobenius", meaning="Frobenius norm over σ_min")
word_bytes = quantity("word_bytes", unit="B", meaning="bytes of one number")


def operator_work(prefix: str, times: Expression | float = 1.0) -> dict[str, Expression]:
    """``times`` the operator's own work: ``form``, ``gram``, ``product``, ``kfac`` or ``kfac_apply``.

    Its matrix products are priced at the size of its own calls, not at that of the matrix.
    """
    return {
        f"{kernel}_{prefix}" if kernel in ("gemm", "stream", "eigh") else kernel: times
        * quantity(f"{prefix}_{kernel}", meaning=f"{kernel} work to {prefix}")
        for kernel in KERNELS
    }


def plus(*works: dict[str, Expression]) -> dict[str, Expression]:
    """Kernel by kernel."""
    total: dict[str, Expression] = {}
    for work in works:
        for kernel, count in work.items():
            total[kernel] = total[kernel] + count if kernel in total else count
    return total


#: One product with the dense matrix, as for a recomputed residual.
DENSE_PRODUCT = {"stream": n**2 * word_bytes}
