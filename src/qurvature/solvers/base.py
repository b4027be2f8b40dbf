"""What every solver is: a declaration of what it needs and counts, and a way to solve.

A classical solver factors once and solves many times (``init`` → state, ``solve(state, b)``). A
quantum solver declares its query count, applies its circuit's exact action by linear algebra
(``emulate``) and builds the circuit itself (``simulate``). Neither knows any machine: ``costs``
turns the declared counts into seconds.
"""

from __future__ import annotations

import abc
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from qurvature.expressions import Expression, quantity
from qurvature.records import (
    MatrixProfile,
    Outcome,
    QuantumRun,
    QueryCount,
    Solution,
    SolveStats,
    Standing,
)
from qurvature.registry import Extension

if TYPE_CHECKING:
    from torch import Tensor

    from qurvature.circuits import Program, Simulator
    from qurvature.encodings import EncodedSystem
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
OVERLAP = quantity(
    "overlap", meaning="share of the right-hand side in the range of what is encoded"
)
#: Queries of one attempt, for what is counted per query.
ATTEMPT = quantity("attempt", meaning="queries of one attempt")


class QuantumSolver(Solver):
    """A quantum linear solver: counted at any size, emulated by linear algebra, simulated as a circuit.

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
    #: ``count`` alone, or with ``emulate`` and ``simulate``.
    modes: ClassVar[tuple[str, ...]] = ("count", "emulate", "simulate")
    #: Whether the right-hand side must lie in the range of what is encoded.
    needs_consistent: ClassVar[bool] = False

    @classmethod
    def takes(cls, system: EncodedSystem, epsilon: float) -> str | None:
        """Why this solver will not run this system in any mode, or None; before any work is done."""
        del epsilon
        if len(cls.modes) == 1:
            return f"{cls.kind} is known by its counts only: there is no circuit of it here"
        if cls.needs_consistent and not system.square:
            return (
                f"{cls.kind} needs a right-hand side in the range of the matrix; that of the factor "
                "access is not: use qsvt or lcu, or another access"
            )
        return None

    @classmethod
    def emulate(cls, system: EncodedSystem, epsilon: float) -> QuantumRun:
        """The state, success probability and counts of one attempt, by linear algebra.

        Raises:
            NotImplementedError: for a solver that only counts.
        """
        raise NotImplementedError(f"{cls.kind} only counts")

    @classmethod
    def program(cls, system: EncodedSystem, epsilon: float) -> Program:
        """The circuit of one attempt.

        Raises:
            NotImplementedError: for a solver that only counts.
            MissingExtraError: without the extra ``quantum``.
        """
        raise NotImplementedError(f"{cls.kind} only counts")

    @classmethod
    def program_qubits(cls, system: EncodedSystem, epsilon: float) -> int:
        """Qubits of `program`, known before it is built."""
        raise NotImplementedError(f"{cls.kind} only counts")

    @classmethod
    def norm_scale(cls, system: EncodedSystem, epsilon: float) -> float | None:
        """s with ‖x‖ = s √(success/reference); None if the state says nothing of ‖x‖."""
        del system, epsilon
        return None

    @classmethod
    def residual_bound(cls, system: EncodedSystem, epsilon: float) -> float:
        """The largest relative residual of an exact reading if kappa_encoded is no underestimate."""
        raise NotImplementedError(f"{cls.kind} only counts")

    @classmethod
    def simulate(
        cls, system: EncodedSystem, epsilon: float, simulator: Simulator | None = None
    ) -> QuantumRun:
        """The same as `emulate`, from the circuit itself, gate by gate.

        Raises:
            MissingExtraError: without the extra ``quantum``.
            TooLargeError: if the circuit's state does not fit in memory.
            ZeroDivisionError: if the herald has probability zero.
        """
        from qurvature.circuits import Simulator, TooLargeError

        started = time.perf_counter()
        simulator = simulator or Simulator()
        reason = simulator.refuses(cls.program_qubits(system, epsilon))
        if reason is not None:
            raise TooLargeError(reason)
        program = cls.program(system, epsilon)
        heralded = simulator.run(program)
        amplitudes = heralded.state[: system.encoding.shape[1]]
        phase = amplitudes[abs(amplitudes).argmax()]
        turned = torch.from_numpy(amplitudes * (phase.conjugate() / abs(phase)))
        state = turned.real.clone()
        return QuantumRun(
            state / state.norm(),
            heralded.success,
            program.queries,
            program.preparations,
            cls.unit,
            "simulate",
            epsilon,
            cls.residual_bound(system, epsilon),
            program.circuit.num_qubits,
            scale=cls.norm_scale(system, epsilon),
            reference=heralded.reference,
            state_error=float(turned.imag.norm()),
            purity=heralded.purity,
            measured_s=time.perf_counter() - started,
        )

    @classmethod
    def refuses(cls, problem: LinearProblem, profile: MatrixProfile, access: str) -> str | None:
        """Why the system has no price here: no such encoding, no finite κ, or a foreign factor."""
        kappa = None
        for encoding in profile.access:
            if encoding.kind == access:
                kappa = encoding.kappa_encoded.value
        if kappa is None:
            return f"the profile states no {access} access"
        if access == "factor" and cls.needs_consistent:
            return "the right-hand side is not in the range of the factor"
        if not math.isfinite(kappa):
            return f"kappa_encoded is {kappa}: the matrix is singular to working precision; damp it"
        return None

    @classmethod
    def counts(cls) -> dict[str, Expression]:
        """``attempt``, ``success`` and ``preparations`` for the ``epsilon`` asked for.

        Where only a share γ of the right-hand side lies in the range of what is encoded, success
        falls by γ²: the rest of it is post-selected away.

        Examples:
            >>> from qurvature.solvers.quantum.qsvt import QSVT
            >>> sorted(QSVT.counts()["success"].names)
            ['epsilon', 'kappa_encoded', 'overlap']
        """
        attempt = cls.attempt.bind(epsilon=cls.runs_at)
        return {
            "attempt": attempt,
            "success": cls.success.bind(epsilon=cls.runs_at) * OVERLAP**2,
            "preparations": cls.preparations.bind(attempt=attempt, epsilon=cls.runs_at),
        }

    @classmethod
    def queries(cls) -> Expression:
        """Expected queries for one solution state: those of an attempt over its success."""
        counts = cls.counts()
        return counts["attempt"] / counts["success"]

    @classmethod
    def count(cls, kappa_encoded: float, epsilon: float, overlap: float = 1.0) -> QueryCount:
        """Expected queries and state preparations for one solution state.

        Args:
            kappa_encoded: α/σ_min.
            epsilon: in the solver's own norm.
            overlap: γ, the share of the right-hand side in the range of what is encoded.

        Raises:
            ValueError: unless kappa_encoded ≥ 1 is finite, 0 < epsilon < 1 and 0 < overlap ≤ 1.
            OverflowError: if a count is beyond 1.8e308.
        """
        if not 1.0 <= kappa_encoded < math.inf:
            raise ValueError(
                f"expected a finite kappa_encoded of at least 1, given {kappa_encoded}"
            )
        if not 0.0 < epsilon < 1.0:
            raise ValueError(f"expected epsilon between 0 and 1, given {epsilon}")
        if not 0.0 < overlap <= 1.0:
            raise ValueError(f"expected an overlap in (0, 1], given {overlap}")
        point = {"kappa_encoded": kappa_encoded, "epsilon": epsilon}
        point["epsilon"] = cls.runs_at.number(point)
        point["attempt"] = attempt = cls.attempt.number(point)
        success = cls.success.number(point) * overlap**2
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
