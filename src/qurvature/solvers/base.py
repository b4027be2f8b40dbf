"""What every solver is: a declaration of what it needs and counts, and a way to solve.

A classical solver factors once and solves many times (``init`` → state, ``solve(state, b)``). A
quantum solver declares its query count. Neither knows any machine: ``costs`` turns the declared
counts into seconds.
"""

from __future__ import annotations

import abc
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from qurvature.expressions import Expression, quantity
from qurvature.records import MatrixProfile, Outcome, QueryCount, Solution, SolveStats, Standing
from qurvature.registry import Extension

if TYPE_CHECKING:
    from torch import Tensor

    from qurvature.problems import LinearProblem


@dataclass(frozen=True, slots=True)
class ClassicalWork:
    """Counts of a classical solver for one access model, each an expression by kernel.

    The expressions may use the quantities that `qurvature.costs.quantities` provides: ``n``,
    ``rank`` (rows of the factor), ``iterations``, ``word_bytes``, and, prefixed by ``form_`` (dense
    matrix), ``gram_`` (dual matrix) or ``product_`` (one product), the kernels of the operator's
    own work. ``setup`` is paid once per matrix, ``per_rhs`` once per right-hand side.
    """

    form: dict[str, Expression]
    setup: dict[str, Expression]
    per_rhs: dict[str, Expression]


class Solver(Extension):
    """A way to solve A x = b."""

    family = "solver"
    technology: ClassVar[str]
    #: Access models through which the solver can take the matrix.
    accesses: ClassVar[tuple[str, ...]]
    #: Where the formulas come from.
    source: ClassVar[str]

    @classmethod
    @abc.abstractmethod
    def refuses(cls, problem: LinearProblem, profile: MatrixProfile, access: str) -> str | None:
        """Why this solver will not take this system, or None if it will."""


class ClassicalSolver(Solver):
    """A solver that runs here: ``init`` once per matrix, ``solve`` once per right-hand side."""

    technology = "classical"
    #: Iterations over those of plain conjugate gradients, as measured; None without iterations.
    iteration_share: ClassVar[float | None] = None

    @classmethod
    @abc.abstractmethod
    def work(cls, access: str) -> ClassicalWork:
        """The declared counts for one access model."""

    @classmethod
    @abc.abstractmethod
    def init(cls, problem: LinearProblem, access: str) -> Any:
        """Whatever can be prepared without a right-hand side, such as a factorization."""

    @classmethod
    @abc.abstractmethod
    def solve(cls, state: Any, b: Tensor, epsilon: float) -> Solution:
        """x with ‖b − A x‖ ≤ ``epsilon`` ‖b‖, or an outcome that says why not."""


#: The two quantities that every query count depends on.
KAPPA_ENCODED = quantity("kappa_encoded", meaning="subnormalisation over σ_min, α‖A⁻¹‖ of A")
EPSILON = quantity("epsilon", meaning="accuracy asked for, in the solver's own error norm")
#: Queries of one attempt, for what is counted per query.
ATTEMPT = quantity("attempt", meaning="queries of one attempt")


class QuantumSolver(Solver):
    """A quantum linear solver, known here by its counts.

    One *attempt* runs the circuit once and ends in a measurement that heralds success. Its counts
    are expressions in ``kappa_encoded`` and ``epsilon``. A solver may run at a smaller ε than it is
    asked for (``runs_at``): outside a formula's proven range, or where that is cheaper. So the
    counts for the ε asked for never fall as κ or 1/ε grows.

    A matrix that is not symmetric is solved through its dilation [[0, A], [Aᵀ, 0]], whose singular
    values are those of A: the counts stay.
    """

    technology = "quantum"
    accesses = ("stored", "sparse", "factor")
    #: The ε at which the circuit is run for the ``epsilon`` asked for; never larger.
    runs_at: ClassVar[Expression] = EPSILON
    #: Queries of one attempt.
    attempt: ClassVar[Expression]
    #: A lower bound on the probability that one attempt succeeds.
    success: ClassVar[Expression]
    #: Preparations of the right-hand side's state in one attempt; may use the quantity ``attempt``.
    preparations: ClassVar[Expression]
    #: What one query is; counts in different units are never added.
    unit: ClassVar[str]
    error_norm: ClassVar[str]
    standing: ClassVar[Standing]

    @classmethod
    def refuses(cls, problem: LinearProblem, profile: MatrixProfile, access: str) -> str | None:
        """Why the system has no price here: no such encoding, no finite κ, or a foreign factor."""
        kappa = None
        for encoding in profile.access:
            if encoding.kind == access:
                kappa = encoding.kappa_encoded.value
        if kappa is None:
            return f"the profile states no {access} access"
        if access == "factor":
            return (
                "the right-hand side is not in the range of the factor, and the share that is, γ, "
                "is not measured: the price of post-selecting it is unknown"
            )
        if not math.isfinite(kappa):
            return f"kappa_encoded is {kappa}: the matrix is singular to working precision; damp it"
        return None

    @classmethod
    def counts(cls) -> dict[str, Expression]:
        """``attempt``, ``success`` and ``preparations`` for the ``epsilon`` asked for.

        Examples:
            >>> from qurvature.solvers.quantum.qsvt import QSVT
            >>> sorted(QSVT.counts()["success"].names)
            ['epsilon', 'kappa_encoded']
        """
        attempt = cls.attempt.bind(epsilon=cls.runs_at)
        return {
            "attempt": attempt,
            "success": cls.success.bind(epsilon=cls.runs_at),
            "preparations": cls.preparations.bind(attempt=attempt),
        }

    @classmethod
    def queries(cls) -> Expression:
        """Expected queries for one solution state: those of an attempt over its success."""
        counts = cls.counts()
        return counts["attempt"] / counts["success"]

    @classmethod
    def count(cls, kappa_encoded: float, epsilon: float) -> QueryCount:
        """Expected queries and state preparations for one solution state.

        Raises:
            ValueError: unless kappa_encoded ≥ 1 is finite and 0 < epsilon < 1.
            OverflowError: if a count is beyond 1.8e308.
        """
        if not 1.0 <= kappa_encoded < math.inf:
            raise ValueError(
                f"expected a finite kappa_encoded of at least 1, given {kappa_encoded}"
            )
        if not 0.0 < epsilon < 1.0:
            raise ValueError(f"expected epsilon between 0 and 1, given {epsilon}")
        point = {"kappa_encoded": kappa_encoded, "epsilon": epsilon}
        point["epsilon"] = cls.runs_at.number(point)
        point["attempt"] = attempt = cls.attempt.number(point)
        success = cls.success.number(point)
        if attempt > 1e300 * success:
            raise OverflowError(
                f"{cls.kind}: more queries than a float holds at kappa_encoded = {kappa_encoded:g}"
            )
        return QueryCount(
            queries=attempt / success,
            unit=cls.unit,
            kappa_encoded=kappa_encoded,
            epsilon=epsilon,
            error_norm=cls.error_norm,
            state_preparations=cls.preparations.number(point) / success,
            success_probability=success,
            standing=cls.standing,
            source=cls.source,
        )


def norm(v: Tensor) -> float:
    """‖v‖ that neither overflows nor underflows in the precision of v."""
    largest = float(v.abs().max())
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * float((v / largest).norm())


def finish(
    problem: LinearProblem,
    b: Tensor,
    x: Tensor,
    epsilon: float,
    *,
    solver: str,
    stats: SolveStats,
    outcome: Outcome | None = None,
) -> Solution:
    """A `Solution` with its residual recomputed from the operator.

    Unless ``outcome`` already says how the solve failed, the residual decides: CONVERGED if it
    meets ``epsilon``, STAGNATED if it does not, NONFINITE_INPUT or SINGULAR if it is not a number.
    """
    scale = b.norm()
    gap = b - problem.operator.matvec(x)
    residual = float(gap.norm() / scale) if scale != 0 else 0.0
    if outcome is None:
        if residual != residual or residual == float("inf"):
            outcome = Outcome.SINGULAR if bool(b.isfinite().all()) else Outcome.NONFINITE_INPUT
        else:
            outcome = Outcome.CONVERGED if residual <= epsilon else Outcome.STAGNATED
    return Solution(
        x,
        outcome,
        residual,
        stats=stats,
        solver=solver,
        carried_out_by=solver,
        residual_vector=gap,
    )


def failed(b: Tensor, outcome: Outcome, solver: str) -> Solution:
    """A solution that is none: x = 0, residual 1, and the outcome that says why."""
    return Solution(
        b.new_zeros(b.shape),
        outcome,
        1.0,
        solver=solver,
        carried_out_by=solver,
        residual_vector=b.clone(),
    )
