"""Kernel reflection with a promise of the solution's norm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qurvature.expressions import minimum
from qurvature.records import Standing
from qurvature.solvers.base import ATTEMPT, EPSILON

from .kernel_reflection import KernelReflecting, filter_degree, least_reflected
from .kernel_reflection_guesses import NORM_SHARE, Guesses

if TYPE_CHECKING:
    from qurvature.encodings import EncodedSystem
    from qurvature.problems import LinearProblem
    from qurvature.records import MatrixProfile

# Rounding that a promise at the end of [1, κ] may show.
_SLACK = 1e-9


class KernelReflectionKnownNorm(KernelReflecting):
    """Kernel reflection at t = ‖x‖, which the caller promises: one reflection, success near 1.

    `KernelReflection` derives the circuit. At t = r, θ = π/4, its error is tan δ ≤ η/(√(1-η²) cos θ),
    sin δ ≤ √2 η, so that η = ε/√2 would do: the published count, `KernelReflectionSearch.norm_known`.
    For a norm that is right to ε as well, see below, the circuit takes

        ℓ = ⌈(κ/2) ln(2/η)⌉, rounded up to odd,   2η/(1-η) = ε,

    and succeeds with probability (15/16) ((1-η)/(1+η))² at least. The promise is
    `EncodedSystem.solution_norm`, such as the norm of the solve before. One that is wrong by a factor
    of 2 costs a third of the success; the error is √((1 + (r/t)²)/2) times as large, so rather
    promise too much.

    A share s of the attempts measures the norm, exactly where the promise is not. A coin that starts
    in (√(1-s), √s) reflects only under its first value; under the second, t = ∞, e is in the kernel
    and stays. Without the solution (e again) the coin is measured along (1, √(1/s-1) (1-η)/(1+η)),
    normalised by N: there both parts interfere to

        N √(1-s) (K_ee + (1-η)/(1+η)) = N √(1-s) 2F_ee/(1+η),   F_ee ≈ cos² θ,

    while the solution's amplitude is √(1-s) 2F_xe/(1+η) with F_xe ≈ cos θ sin θ. So
    ‖x‖ = (‖b‖/α) t N √(success/reference), as if F had been applied, at the price of a factor 1 - s
    = 15/16 in success and not of the projection's 1/4. It errs by at most (1 + (r/t)²) η/(1-η), by ε
    at t = r, whatever κ is.

    Nobody knows ‖x‖ before the first solve: there is no price without a promise. See eq. (6.11) and
    (6.12) of docs/theory/kernel-reflection.md.

    Examples:
        >>> KernelReflectionKnownNorm.attempt(kappa_encoded=100, epsilon=1e-2)
        602.0
    """

    kind = "kernel_reflection_known_norm"
    standing = Standing.PROVEN

    runs_at = minimum(EPSILON, 0.1)
    degree = filter_degree(EPSILON / (2 + EPSILON))
    attempt = 2 * degree
    success = (1 - NORM_SHARE) * least_reflected(degree)
    preparations = ATTEMPT

    @classmethod
    def guesses(cls, system: EncodedSystem, epsilon: float) -> Guesses:
        """The promise."""
        eta = cls.kernel(system.kappa_encoded, epsilon).squared_ripple
        return Guesses.of_promise(max(_promised(system), 1.0), eta)

    @classmethod
    def takes(cls, system: EncodedSystem, epsilon: float) -> str | None:
        """Also: no promise, or one that contradicts that of κ_encoded."""
        reason = super().takes(system, epsilon)
        if reason is not None:
            return reason
        if system.solution_norm is None:
            return (
                f"{cls.kind} needs a promise of the solution's norm: give EncodedSystem a "
                "solution_norm (--norm on the command line), or use kernel_reflection"
            )
        t, kappa = _promised(system), system.kappa_encoded
        if not 1 - _SLACK <= t <= kappa * (1 + _SLACK):
            unit = float(system.rhs.norm()) / system.encoding.alpha
            return (
                f"{cls.kind}: solution_norm = {system.solution_norm:.6g} is impossible: ‖b‖/α to "
                f"kappa_encoded ‖b‖/α is {unit:.6g} to {kappa * unit:.6g}"
            )
        return None

    @classmethod
    def refuses(cls, problem: LinearProblem, profile: MatrixProfile, access: str) -> str | None:
        """Always: a price would take for granted what only a solve can tell."""
        return super().refuses(problem, profile, access) or (
            "the norm of the solution is not known before the first solve"
        )

    @classmethod
    def norm_scale(cls, system: EncodedSystem, epsilon: float) -> float | None:
        """t N ‖b‖/α."""
        guesses = cls.guesses(system, epsilon)
        assert guesses.reference is not None
        unit = float(system.rhs.norm()) / system.encoding.alpha
        return float(guesses.norms[0] * guesses.reference[0]) * unit

    @classmethod
    def residual_bound(cls, system: EncodedSystem, epsilon: float) -> float:
        """κ times the errors of direction and norm, if the promise is kept."""
        eta = cls.kernel(system.kappa_encoded, epsilon).squared_ripple
        direction = cls._point(system.kappa_encoded, epsilon)["epsilon"]
        error = direction + 2 * eta / (1 - eta) + system.encoding.epsilon / system.encoding.alpha
        return error * system.kappa_encoded


def _promised(system: EncodedSystem) -> float:
    """T in units of ‖b‖/α."""
    assert system.solution_norm is not None
    return system.encoding.alpha * system.solution_norm / float(system.rhs.norm())
