"""Reflection about the kernel of an augmented matrix."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from qurvature.expressions import Expression, ceil, exp, log, log1p, maximum, minimum
from qurvature.records import QuantumRun, Standing
from qurvature.solvers.base import ATTEMPT, EPSILON, KAPPA_ENCODED, QuantumSolver

from .kernel_filter import KernelFilter, direction_residual, too_fine
from .kernel_reflection_guesses import Guesses

if TYPE_CHECKING:
    from qurvature.circuits import Program
    from qurvature.encodings import EncodedSystem

# At κ = 1 the filter's width would be 1; that of a slightly larger κ serves.
KAPPA = maximum(KAPPA_ENCODED, 1.001)

#: Longest circuit that is built, and longest filter that is emulated, in queries.
MOST_QUERIES, MOST_PRODUCTS = 100_000, 20_000_000


def filter_degree(eta: Expression) -> Expression:
    """The smallest odd ℓ ≥ (κ/2) ln(2/η), at which 1/T_2ℓ(β) ≤ η."""
    return 2 * maximum(ceil((KAPPA / 2 * log(2 / eta) - 1) / 2), 0) + 1


def least_reflected(degree: Expression) -> Expression:
    """((1-η)/(1+η))² at this degree; η = 1/cosh(2ℓ atanh(1/κ)) ≤ 2 exp(-ℓ ln(1 + 2/(κ-1)))."""
    eta = 2 * exp(-degree * log1p(2 / (KAPPA - 1)))
    return ((1 - eta) / (1 + eta)) ** 2


class KernelReflecting(QuantumSolver):
    """What every kernel reflection shares: the filter, the emulation and the circuit.

    A solver states its ``degree``, and the `Guesses` that it makes of the solution's norm.
    """

    source = "arXiv 2406.12086 (Dalzell)"
    unit = "calls to U_A or its inverse"
    error_norm = "trace distance of the normalised state"
    needs_consistent = True
    #: ℓ: an attempt makes 2ℓ queries.
    degree: ClassVar[Expression]

    @classmethod
    def guesses(cls, system: EncodedSystem, epsilon: float) -> Guesses:
        """What the circuit takes for the norm."""
        raise NotImplementedError

    @classmethod
    def kernel(cls, kappa_encoded: float, epsilon: float) -> KernelFilter:
        """The filter for the ``epsilon`` asked for."""
        point = cls._point(kappa_encoded, epsilon)
        return KernelFilter(int(cls.degree.number(point)), 1 / KAPPA.number(point))

    @classmethod
    def takes(cls, system: EncodedSystem, epsilon: float) -> str | None:
        """Also: an ε that doubles cannot give, or a filter that nobody could wait for."""
        reason = super().takes(system, epsilon)
        if reason is not None:
            return reason
        reason = too_fine(cls.kind, system.kappa_encoded, epsilon)
        if reason is not None:
            return reason
        queries = cls.attempt.number(cls._point(system.kappa_encoded, epsilon))
        if queries > MOST_PRODUCTS:
            return f"{cls.kind}: {queries:.3g} queries are more than {MOST_PRODUCTS:.0e}"
        return None

    @classmethod
    def emulate(cls, system: EncodedSystem, epsilon: float) -> QuantumRun:
        """The state, success probability and counts of one attempt, by the circuit's own polynomial.

        Matrix-free: as many products as the circuit makes queries, for every guess.

        Raises:
            ZeroDivisionError: if the attempt never succeeds.
        """
        from .kernel_reflection_emulation import reflect

        started = time.perf_counter()
        point = cls._point(system.kappa_encoded, epsilon)
        kernel = cls.kernel(system.kappa_encoded, epsilon)
        reflected = reflect(system, kernel, cls.guesses(system, epsilon))
        length = float(reflected.vector.norm())
        if length <= 1e-15:
            raise ZeroDivisionError("the herald has probability zero")
        return QuantumRun(
            reflected.vector / length,
            length**2,
            int(cls.attempt.number(point)),
            int(cls.preparations.number(point | {"attempt": cls.attempt.number(point)})),
            cls.unit,
            "emulate",
            epsilon,
            cls.residual_bound(system, epsilon),
            cls.program_qubits(system, epsilon),
            scale=cls.norm_scale(system, epsilon),
            reference=reflected.reference**2,
            state_error=reflected.error / length,
            matvecs=reflected.matvecs,
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

        from .kernel_reflection_circuit import build

        kernel = cls.kernel(system.kappa_encoded, epsilon)
        if 2 * kernel.degree > MOST_QUERIES:
            raise TooLargeError(
                f"the circuit has {2 * kernel.degree:,} queries, more than {MOST_QUERIES:,}: "
                "use mode emulate"
            )
        return build(system, kernel, cls.guesses(system, epsilon), cls.kind)

    @classmethod
    def program_qubits(cls, system: EncodedSystem, epsilon: float) -> int:
        """Those of the encoding, with an ancilla at least; one; and the coin's."""
        encoding = system.encoding
        coin = cls.guesses(system, epsilon).qubits
        return encoding.qubits + max(encoding.ancillas, 1) + 1 + coin

    @classmethod
    def _point(cls, kappa_encoded: float, epsilon: float) -> dict[str, float]:
        """Where the formulas are evaluated for the ``epsilon`` asked for."""
        point = {"kappa_encoded": kappa_encoded, "epsilon": epsilon}
        return point | {"epsilon": cls.runs_at.number(point)}


# 1/Σ_j w_j/cosh(ln(t/t_j)), at most; e with η/(1-η) = e.
_spread = 1 + log(KAPPA) / 3
_e = EPSILON / (2 * _spread)


class KernelReflection(KernelReflecting):
    """Reflection about the kernel of an augmented matrix, with a superposition of guesses of ‖x‖.

    In units of ‖b‖/α let x = (A/α)⁻¹b̂ with norm r in [1, κ], and for a guess t ≥ 1

        A_t = A/α ⊕ 1/t,   b' = (b̂, 1)/√2,   G = (1 - |b'⟩⟨b'|) A_t.                      (1)

    The kernel of G is spanned by k ∝ (x, t), as A_t k ∝ b'. Its other singular values are at least
    1/κ: they are those of A_t† on the complement of b', and ‖A_t†u‖ ≥ ‖u‖/κ for t ≤ κ.

    With θ = atan(r/t) the state e = (0, 1) is cos θ k + sin θ k⊥, k⊥ = (-cos θ x̂, sin θ). The exact
    reflection 2|k⟩⟨k| - 1 makes (sin 2θ x̂, cos 2θ) of it: the solution with probability sin² 2θ, all
    of it for t = r. The circuit has, with F = η T_2ℓ(β√(1-σ²)), β = 1/√(1-1/κ²), 1/η = T_2ℓ(β),

        K = (2F - 1 + η)/(1 + η) = 2f² - 1,   f the `KernelFilter` of degree ℓ,            (2)

    as T_2ℓ = 2T_ℓ² - 1. So K = V†(1 - 2Π̃)V with the filter's circuit V, whose phases are in closed form:
    2ℓ queries, no phase finding, no further qubit. F k⊥ = f∥ k⊥ + f⊥ with f⊥ ⊥ x̂ and norm at most η.
    Hence the heralded block is (2/(1+η)) (cos θ sin θ (1 - f∥) x̂ + sin θ f⊥).

    ‖x‖ is unknown. The random guess of the paper is made by a coin in superposition here, so that
    every attempt is the same circuit and leaves a pure state: t_j evenly spaced in ln t with weights
    w_j (`Guesses.of_range`), and the coin must return to its start. The amplitude is then

        Σ_j w_j sin 2θ_j = Σ_j w_j / cosh(ln(r/t_j)) ≥ c = 1/(1 + ln(κ)/3),                 (3)

    so success is at least (c (1-η)/(1+η))², against 1/(ln κ + 1) of the random guess: more up to
    κ ≈ 20. From ‖Σ_j w_j sin θ_j f⊥_j‖ ≤ η the error is at most 2η/(c(1-η)) = ε for

        ℓ = ⌈(κ/2) ln(2/η)⌉, rounded up to odd,   η = e/(1+e),   e = cε/2.                    (4)

    The phases of Π̃ take two preparations for every second query, 2ℓ in all (the paper counts two for
    every query). The herald says nothing of ‖x‖: the amplitude (3) is flat in it by design, and that of
    the other outcome, cos 2θ, does not tell t < r from t > r.

    (1), (2) and the bounds are derived here, and (3) is evaluated up to κ = 1e26; tests/solvers
    verifies them. ε is a trace distance. In context: eq. (6.1) to (6.10) of
    docs/theory/kernel-reflection.md. The price of the published protocols for an unknown norm is
    that of `kernel_reflection_search`.

    Examples:
        >>> KernelReflection.attempt(kappa_encoded=10, epsilon=1e-2)
        66.0
        >>> round(KernelReflection.count(100, 1e-2).success_probability, 4)
        0.1544
    """

    kind = "kernel_reflection"
    standing = Standing.EMPIRICAL

    # Above it the success ((1-η)/(1+η))² falls faster than the filter shrinks: smaller is cheaper.
    runs_at = minimum(EPSILON, 0.15)
    degree = filter_degree(_e / (1 + _e))
    attempt = 2 * degree
    success = least_reflected(degree) / _spread**2
    preparations = ATTEMPT

    @classmethod
    def guesses(cls, system: EncodedSystem, epsilon: float) -> Guesses:
        """A superposition over [1, κ]."""
        return Guesses.of_range(KAPPA.number(cls._point(system.kappa_encoded, epsilon)))

    @classmethod
    def residual_bound(cls, system: EncodedSystem, epsilon: float) -> float:
        """As the norm comes from the direction: `direction_residual`."""
        return direction_residual(system, cls._point(system.kappa_encoded, epsilon)["epsilon"])
