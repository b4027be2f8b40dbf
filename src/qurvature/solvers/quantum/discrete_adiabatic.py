"""The discrete adiabatic solver: a walk that follows the solution, and a filter."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch

from qurvature.encodings.base import entries_of
from qurvature.expressions import Expression, ceil, constant, log, maximum, minimum
from qurvature.records import QuantumRun, Standing
from qurvature.solvers.base import ATTEMPT, EPSILON, KAPPA_ENCODED, QuantumSolver

from .discrete_adiabatic_walk import angles, walk
from .kernel_filter import KernelFilter, direction_residual, too_fine

if TYPE_CHECKING:
    from qurvature.circuits import Program
    from qurvature.encodings import EncodedSystem

#: Unknowns up to which the walk is emulated: it takes a singular value decomposition.
MOST_ROWS = 2048

#: Longest circuit that is built, and longest walk that is emulated, in queries.
MOST_QUERIES, MOST_EMULATED = 100_000, 5_000_000

# At κ = 1 the schedule divides 0 by 0; that of a slightly larger κ serves.
_kappa = maximum(KAPPA_ENCODED, 1.001)
_UNIT = float(np.finfo(np.float64).eps)


class DiscreteAdiabatic(QuantumSolver):
    """A walk of 5κ steps from b to near the solution, then a projection on it.

    Of any square A, with σ the singular values of A/α and f(s) rising from 0 to 1,

        H(s) = [[(1-f) I, f Aᵀ/α], [f A/α, -(1-f) I]]/√((1-f)² + f²),   b' = |1⟩|b̂⟩,          (1)
        G(s) = (1 - |b'⟩⟨b'|) H(s).

    The kernel of G(s) is one vector: b' at s = 0, |0⟩|x⟩ at s = 1, since H(1)|0⟩|x⟩ ∝ b'. Its other
    singular values are at least √((1-f)² + (f/κ)²)/√((1-f)² + f²). Where U encodes A/α, C applies it if
    the first qubit is 1, and q = [[cos γ, sin γ], [sin γ, -cos γ]] turns that qubit, tan γ = f/(1-f),

        C q C† = [[cos γ, sin γ U†], [sin γ U, -cos γ]]                                      (2)

    encodes H(s) *without* subnormalisation; the rotations of the paper lose up to √2. A step is C q C†
    and the reflection 2Π - 1 about the ancillas' zeros or, every second time, about Π̃ = Π(1 - |b'⟩⟨b'|).
    So at constant s two steps turn the kernel by -1, and the discrete adiabatic theorem applies. (The
    qubit that the paper adds to make G Hermitian would only alternate: it is left out.) A step makes
    two calls of U and, on average, one of the preparation.

    The schedule's exponent is p = 2, tan γ = κs/(1-s). The published walks take p = 1.4 to 1.5 and
    need more steps. Proven is T = 2305 κ/Δ (1 < p < 2) for a state that errs by Δ. *Measured*
    here, over random and adversarial systems with κ from 1 to 5000 (tests/solvers repeats a part):
    with T = 5κ the part of the state that is not the solution has probability at most 0.148,
    independently of κ. The published measurements, RMS errors of 0.188, 0.204 and 0.199 for κ = 10,
    30, 50 and T = 64, 220, 392, are met by (1) with the paper's normalisation at 2T of
    the steps counted here.

    The filter is `KernelFilter` of odd degree d ≥ κ ln(2/η), applied to Π̃UΠ: the solution is what is
    outside of Π̃ after d queries and in Π after one more. The rest is suppressed to η. As it was
    √(0.148/0.852) < ½ of the solution, η = 2ε makes the state right to ε in the 2-norm.
    One attempt makes 2T + d + 1 queries and T + d + 2 preparations, and succeeds with probability at
    least 0.852. The herald says nothing of ‖x‖.

    In context: eq. (7.1) to (7.8) of docs/theory/adiabatic.md.

    Examples:
        >>> DiscreteAdiabatic.attempt(kappa_encoded=10, epsilon=1e-3)
        172.0
    """

    kind = "discrete_adiabatic"
    source = "arXiv 2111.08152 and 2312.07690 (Costa et al.); filter as in kernel_filter"
    unit = "calls to U_A or its inverse"
    error_norm = "2-norm of the normalised state"
    standing = Standing.EMPIRICAL
    needs_consistent = True

    runs_at = minimum(EPSILON, 0.25)
    #: p of the schedule.
    exponent: ClassVar[float] = 2.0
    #: T, even.
    steps: ClassVar[Expression] = 2 * ceil(2.5 * _kappa)
    #: d, odd.
    degree: ClassVar[Expression] = 2 * maximum(ceil((_kappa * log(1 / EPSILON) - 1) / 2), 0) + 1
    attempt = 2 * steps + degree + 1
    success = constant(0.85)
    preparations = ATTEMPT - steps + 1

    @classmethod
    def takes(cls, system: EncodedSystem, epsilon: float) -> str | None:
        """Also: too many unknowns or steps, or an ε that doubles cannot give."""
        reason = super().takes(system, epsilon)
        if reason is not None:
            return reason
        n, kappa = system.encoding.shape[0], system.kappa_encoded
        if n > MOST_ROWS:
            return (
                f"discrete_adiabatic: {n} unknowns are more than the {MOST_ROWS} whose singular values "
                "its walk takes: use kernel_reflection"
            )
        reason = too_fine(cls.kind, kappa, epsilon)
        if reason is not None:
            return reason
        queries = cls.attempt.number(cls._point(kappa, epsilon))
        if queries > MOST_EMULATED:
            return f"discrete_adiabatic: {queries:.3g} queries are more than {MOST_EMULATED:.0e}"
        return None

    @classmethod
    def kernel(cls, kappa_encoded: float, epsilon: float) -> KernelFilter:
        """The filter for the ``epsilon`` asked for."""
        point = cls._point(kappa_encoded, epsilon)
        return KernelFilter(int(cls.degree.number(point)), 1 / _kappa.number(point))

    @classmethod
    def gammas(cls, kappa_encoded: float) -> np.ndarray:
        """γ of every step of the walk."""
        point = {"kappa_encoded": kappa_encoded}
        return angles(int(cls.steps.number(point)), _kappa.number(point), cls.exponent)

    @classmethod
    def emulate(cls, system: EncodedSystem, epsilon: float) -> QuantumRun:
        """The state, success probability and counts of one attempt: the product of all steps.

        Raises:
            ZeroDivisionError: if the attempt never succeeds.
        """
        started = time.perf_counter()
        point = cls._point(system.kappa_encoded, epsilon)
        a = entries_of(system.encoding).numpy() / system.encoding.alpha
        b = (system.rhs / system.rhs.norm()).numpy()
        w, sigma, vt = np.linalg.svd(a)
        sigma = np.clip(sigma, 0.0, 1.0)  # above 1 by rounding only: α ≥ ‖A‖
        walked = vt.T @ walk(sigma, w.T @ b, cls.gammas(system.kappa_encoded))
        _, sigma, vt = np.linalg.svd(a - np.outer(b, b @ a))
        sigma = np.clip(sigma, 0.0, 1.0)
        kept = cls.kernel(system.kappa_encoded, epsilon)(sigma) * np.sqrt(1 - sigma**2)
        vector = vt.T @ (kept * (vt @ walked))
        length = float(np.linalg.norm(vector))
        if length <= 1e-15:
            raise ZeroDivisionError("the herald has probability zero")
        queries = cls.attempt.number(point)
        return QuantumRun(
            torch.from_numpy(vector / length),
            length**2,
            int(queries),
            int(cls.preparations.number(point | {"attempt": queries})),
            cls.unit,
            "emulate",
            epsilon,
            cls.residual_bound(system, epsilon),
            cls.program_qubits(system, epsilon),
            scale=cls.norm_scale(system, epsilon),
            state_error=_UNIT * queries / length,
            matvecs=len(b),
            measured_s=time.perf_counter() - started,
        )

    @classmethod
    def program(cls, system: EncodedSystem, epsilon: float) -> Program:
        """The circuit of one attempt.

        Raises:
            MissingExtraError: without the extra ``quantum``.
            TooLargeError: for more than `MOST_QUERIES` queries.
        """
        from qurvature.circuits import TooLargeError

        from .discrete_adiabatic_circuit import build

        queries = cls.attempt.number(cls._point(system.kappa_encoded, epsilon))
        if queries > MOST_QUERIES:
            raise TooLargeError(
                f"the circuit has {queries:,.0f} queries, more than {MOST_QUERIES:,}: use mode emulate"
            )
        kernel = cls.kernel(system.kappa_encoded, epsilon)
        return build(system, cls.gammas(system.kappa_encoded), kernel, cls.kind)

    @classmethod
    def program_qubits(cls, system: EncodedSystem, epsilon: float) -> int:
        """Those of the encoding, and two."""
        del epsilon
        return system.encoding.qubits + system.encoding.ancillas + 2

    @classmethod
    def residual_bound(cls, system: EncodedSystem, epsilon: float) -> float:
        """As the norm comes from the direction: `direction_residual`."""
        return direction_residual(system, cls._point(system.kappa_encoded, epsilon)["epsilon"])

    @classmethod
    def _point(cls, kappa_encoded: float, epsilon: float) -> dict[str, float]:
        """Where the formulas are evaluated for the ``epsilon`` asked for."""
        point = {"kappa_encoded": kappa_encoded, "epsilon": epsilon}
        return point | {"epsilon": cls.runs_at.number(point)}
