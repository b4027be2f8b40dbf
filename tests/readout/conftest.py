"""Runs of a quantum solver with known solutions, as a reading meets them."""

import math

import torch

from qurvature.encodings import DenseDilation, EncodedSystem
from qurvature.operators import Dense, LinearOperator, Structure
from qurvature.records import QuantumRun, Work
from qurvature.testing.matrices import indefinite, with_spectrum


class Identity(LinearOperator):
    """Large, without its entries."""

    product_work = Work()

    def __init__(self, n: int) -> None:
        super().__init__(n, torch.float64, torch.device("cpu"), frozenset({Structure.SYMMETRIC}))

    def _matvec(self, v: torch.Tensor) -> torch.Tensor:
        return v


def matrix(n: int, kappa: float) -> Dense:
    """Symmetric and indefinite, with this condition number."""
    values = indefinite(n, kappa, max(1, n // 3)) if n > 1 else torch.ones(1).double()
    return Dense(with_spectrum(values, seed=n), Structure.SYMMETRIC)


def solved(
    x: torch.Tensor,
    kappa: float = 2.0,
    success: float = 0.02,
    reference: float | None = None,
    heralded_norm: bool = True,
) -> tuple[QuantumRun, EncodedSystem]:
    """A system of condition number κ whose solution is x, and a run that solved it exactly.

    The state has the wrong global sign, which means nothing.
    """
    x = x.double()
    n = len(x)
    operator = Identity(n) if kappa == 1 else matrix(n, kappa)
    b = operator.matvec(x)
    system = EncodedSystem(DenseDilation(operator, 1.0, (n, n), True), b, kappa)
    norm = float(x.norm())
    ratio = success / (reference or 1.0)
    run = QuantumRun(
        state=-x / norm,
        success=success,
        queries=7,
        preparations=1,
        unit="calls",
        mode="emulate",
        epsilon=1e-3,
        residual_bound=1e-3,
        qubits=4,
        scale=norm / math.sqrt(ratio) if heralded_norm else None,
        reference=1.0 if reference is None else reference,
    )
    return run, system


def vector(n: int, seed: int = 0) -> torch.Tensor:
    return 3 * torch.randn(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
