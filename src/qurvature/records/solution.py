"""The answer to a linear system, and how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from .quantum import QuantumStats

if TYPE_CHECKING:
    from torch import Tensor


class Outcome(Enum):
    """How a solve ended; each member carries advice for the user."""

    CONVERGED = ("converged", "The residual met the target.")
    MAX_STEPS = (
        "max_steps",
        "The iteration limit was reached first: raise it, raise the damping, or use a factorization.",
    )
    BREAKDOWN = (
        "breakdown",
        "A pivot or an inner product vanished: raise the damping or use another solver.",
    )
    STAGNATED = (
        "stagnated",
        "The residual stopped falling above the target: the precision is exhausted. "
        "Use float64, raise the damping, or loosen the target.",
    )
    SINGULAR = (
        "singular",
        "The matrix is singular to working precision: add damping.",
    )
    INDEFINITE = (
        "indefinite",
        "Negative curvature was met: raise the damping above the most negative eigenvalue, "
        "use the generalized Gauss-Newton matrix, or use minres or ldl.",
    )
    NONFINITE_INPUT = (
        "nonfinite_input",
        "The matrix or the right-hand side holds NaN or Inf: look at the data and the loss first.",
    )
    INFEASIBLE_PRECISION = (
        "infeasible_precision",
        "The accuracy asked for is below what this precision can give: loosen it or use float64.",
    )
    KAPPA_UNDERESTIMATED = (
        "kappa_underestimated",
        "The residual is larger than the solver's accuracy allows: a singular value lies below "
        "alpha/kappa_encoded. Raise kappa_encoded, or raise the damping.",
    )
    COARSE = (
        "coarse",
        "The state is as accurate as was asked for, but at this kappa_encoded that is no better than "
        "x = 0: lower epsilon, or raise the damping.",
    )
    NOISY = (
        "noisy",
        "The residual is larger than the solver's accuracy allows, and the gates are noisy: lower "
        "their noise, or take a shorter circuit by more damping or a larger epsilon.",
    )
    BUDGET_EXCEEDED = (
        "budget_exceeded",
        "The agreed budget was spent before the target was met: raise it or loosen the target.",
    )

    def __init__(self, label: str, advice: str) -> None:
        self.label = label
        self.advice = advice

    @property
    def success(self) -> bool:
        """Whether the solution met the agreed accuracy."""
        return self is Outcome.CONVERGED


@dataclass(frozen=True, slots=True)
class SolveStats:
    """What a solve did: matrix products, refinement or iteration steps, and harvested Ritz values.

    ``measured_s`` comes from the clock of this machine. ``quantum`` says how a quantum solve was
    carried out.
    """

    matvecs: int = 0
    iterations: int = 0
    ritz: tuple[float, ...] = ()
    measured_s: float = 0.0
    notes: tuple[str, ...] = ()
    quantum: QuantumStats | None = None


@dataclass(frozen=True, slots=True)
class Solution:
    """x with A x ≈ b.

    Both residuals are ‖b − A x‖/‖b‖, recomputed after the solve: ``residual`` with the conditioned
    matrix that was solved, ``residual_original`` with the matrix before damping and pruning
    (``None`` until a pipeline that knows it has filled it in). ``residual_vector`` is b − A x itself.
    """

    x: Tensor
    outcome: Outcome
    residual: float
    residual_original: float | None = None
    stats: SolveStats = field(default_factory=SolveStats)
    solver: str = ""
    carried_out_by: str = ""
    residual_vector: Tensor | None = None
