"""Factor access: a damped QᵀQ + λI through its square root, as a least-squares system."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

import torch
from torch import Tensor

from qurvature.operators import LinearOperator, split_shift
from qurvature.operators.base import MOST_BYTES
from qurvature.problems import LinearProblem

from .base import BlockEncoding, float64
from .stored import rows_circuit

if TYPE_CHECKING:
    from qiskit import QuantumCircuit


@dataclass(frozen=True, eq=False)
class Lifted:
    """A right-hand side y of the least-squares system, with Bᵀy = b.

    Attributes:
        vector: y, shape (r + n,).
        route: ``dual``, (u; 0) with b = Qᵀu, or ``primal``, (0; b/√λ).
    """

    vector: Tensor
    route: Literal["dual", "primal"]


@dataclass(frozen=True, eq=False)
class FactorAccess(BlockEncoding):
    """The least-squares system of [Q; √λ I] for A = QᵀQ + λI: α = √(tr A), κ the square root.

    B = [Q; √λ I] has BᵀB = A; its rows are stored: α = ‖B‖_F, κ(B) = √κ(A). Solved in the least-squares
    sense, B⁺y = (BᵀB)⁻¹Bᵀy = A⁻¹(Bᵀy), so every y with

        Bᵀy = b                                                              (1)

    gives x = A⁻¹b. Two such y are known without solving: (0; b/√λ), and (u; 0) where b = Qᵀu (a gradient
    always is: u holds the loss's slopes in the outputs). Neither lies in the range of B, and a quantum
    solver keeps of the state y only the share γ inside. With P = B(BᵀB)⁻¹Bᵀ the projector there,

        γ² = ‖Py‖²/‖y‖² = yᵀB A⁻¹ Bᵀy/‖y‖² = bᵀA⁻¹b/‖y‖²,                     (2)

    whose numerator is the same for every y that satisfies (1): the shorter y has the larger overlap, and
    is taken; `lifted` says which it was. α² = ‖Q‖_F² + nλ = tr A. Solvers that need a consistent system
    refuse this access.

    The circuit is that of stored rows, on ⌈log2(r + n)⌉ system qubits and as many ancillas.

    In context: eq. (2.12) to (2.17) of docs/theory/encodings.md.
    """

    operator: LinearOperator
    damping: float
    shape: tuple[int, int]
    rhs: Tensor
    dual_rhs: Tensor | None

    kind = "factor"
    epsilon = 0.0
    hermitian = False
    padding = 0.0
    source = (
        "stored rows: arXiv 2206.03505; the least-squares system and its overlap are derived here"
    )

    @classmethod
    def refuses(cls, problem: LinearProblem) -> str | None:
        """No factor, no damping, a factor too large to form, or NaN."""
        base, damping = split_shift(problem.operator)
        rows = base.factor_rows
        if rows is None:
            return "the matrix offers no factor Q with A = QᵀQ + λI"
        if not damping > 0:
            return f"the damping is {damping:g}: [Q; √λ I] needs λ > 0 to have full column rank"
        if (rows + base.n) * base.n * 8 > MOST_BYTES:
            return f"a factor of {rows} rows and {base.n} columns does not fit in memory"
        if not bool(base.diagonal().isfinite().all()) or not math.isfinite(damping):
            return "the matrix holds NaN or Inf"
        return None

    @classmethod
    def of(cls, problem: LinearProblem) -> Self:
        """Q is formed when it is needed."""
        reason = cls.refuses(problem)
        if reason is not None:
            raise ValueError(reason)
        base, damping = split_shift(problem.operator)
        assert base.factor_rows is not None  # or it had been refused
        dual = problem.dual_rhs
        return cls(
            base,
            damping,
            (base.factor_rows + base.n, base.n),
            float64(problem.rhs),
            None if dual is None else float64(dual),
        )

    @property
    def ancillas(self) -> int:
        """As many as system qubits."""
        return self.qubits

    @functools.cached_property
    def alpha(self) -> float:
        """‖B‖_F, from Q as it is encoded."""
        return float(self.encoded.norm())

    @functools.cached_property
    def encoded(self) -> Tensor:
        """B, shape (r + n, n)."""
        q = float64(self.operator.factor())
        return torch.cat([q, math.sqrt(self.damping) * torch.eye(self.operator.n, dtype=q.dtype)])

    def lifted(self, b: Tensor) -> Lifted:
        """The shorter y with Bᵀy = b. The dual one is known for multiples of the problem's own b.

        Args:
            b: shape (n,).
        """
        b = float64(b)
        rows, n = self.shape
        y = torch.zeros(rows, dtype=b.dtype)
        if self.dual_rhs is not None:
            size = float(self.rhs.square().sum())
            share = float(self.rhs @ b) / size if size else 0.0
            shorter = abs(share) * float(self.dual_rhs.norm()) < float(b.norm()) / math.sqrt(
                self.damping
            )
            if shorter and float((b - share * self.rhs).norm()) <= 1e-12 * float(b.norm()):
                y[: rows - n] = share * self.dual_rhs
                return Lifted(y, "dual")
        y[rows - n :] = b / math.sqrt(self.damping)
        return Lifted(y, "primal")

    def system_rhs(self, b: Tensor) -> Tensor:
        """The vector of `lifted`, shape (r + n,)."""
        return self.lifted(b).vector

    def circuit(self) -> QuantumCircuit:
        """That of `StoredRows`."""
        return rows_circuit(self.encoded.numpy())


def overlap(problem: LinearProblem, x: Tensor | None = None) -> float:
    """γ² = bᵀA⁻¹b/‖y‖², the squared overlap of the right-hand side that factor access prepares.

    This is eq. (2.16) of docs/theory/encodings.md. (The ``overlap`` of an access in a profile is γ,
    bracketed without solving.)

    Args:
        problem: with a matrix that `FactorAccess` takes.
        x: the solution A⁻¹b; solved for here by Cholesky if None.

    Raises:
        ValueError: if the access refuses the problem, or b is zero.

    Examples:
        >>> from qurvature.testing import matrix_case
        >>> 0 < overlap(matrix_case("factor_damped").problem()) <= 1
        True
    """
    encoding = FactorAccess.of(problem)
    b = encoding.rhs
    if not bool(b.any()):
        raise ValueError("expected a nonzero right-hand side: a zero state has no overlap")
    if x is None:
        lower = torch.linalg.cholesky(encoding.encoded.T @ encoding.encoded)
        x = torch.cholesky_solve(b[:, None], lower)[:, 0]
    return float(b @ float64(x)) / float(encoding.system_rhs(b).square().sum())
