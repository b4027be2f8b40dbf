"""The solver by tunable variable-time amplitude amplification: counted only."""

from __future__ import annotations

from typing import ClassVar, Self, cast

from qurvature.expressions import Expression, constant, log, maximum
from qurvature.problems import LinearProblem
from qurvature.records import MatrixProfile, Standing
from qurvature.solvers.base import EPSILON, KAPPA_ENCODED, QuantumSolver

# ln ln(1/p) of the theorem needs 1/p = κ² above e; a smaller κ_encoded only says that σ_min/α is
# larger than it need be.
_kappa = maximum(KAPPA_ENCODED, 2)
_inverse_p = _kappa**2


class VariableTime(QuantumSolver):
    """Variable-time amplitude amplification with tunable thresholds. Count only, up to a constant.

    The theorem says O(κ ln(1/p) (ln ln(1/p) + ln(1/ε))) calls to U_A and Θ(1/√p) to U_b, where √p is
    ‖A⁻¹b̂‖/‖A⁻¹‖; its constants are not stated. Of p nothing is known here but p ≥ 1/κ², so the
    curve takes

        c κ ln(κ²) (ln ln(κ²) + ln(1/ε))   and   c κ,

    with `assumed_constant` c = 1: an *assumption*, not a result, and the reader's to change
    (`with_constant`). κ is ``kappa_encoded``, taken as 2 where it is smaller. Amplification ends in a
    state with certainty, up to ε. See eq. (7.11) of docs/theory/adiabatic.md.

    Nothing here decides a comparison: c is unknown, and a lower bound for every solver is
    Ω(κ ln(1/ε)).

    Examples:
        >>> round(VariableTime.count(100, 1e-2).queries, 1)
        6286.5
        >>> round(VariableTime.with_constant(3.0).count(100, 1e-2).queries, 1)
        18859.5
    """

    kind = "variable_time"
    source = "arXiv 2410.18178 (Low, Su), abstract; constant assumed"
    unit = "calls to U_A or its inverse, times an unknown constant"
    error_norm = "2-norm of the normalised state"
    standing = Standing.ASSUMED
    modes = ("count",)

    #: c: assumed, the same for both oracles.
    assumed_constant: ClassVar[float] = 1.0

    attempt: ClassVar[Expression] = (
        _kappa * log(_inverse_p) * (log(log(_inverse_p)) + log(1 / EPSILON))
    )
    success = constant(1)
    preparations: ClassVar[Expression] = _kappa

    @classmethod
    def refuses(cls, problem: LinearProblem, profile: MatrixProfile, access: str) -> str | None:
        """A price, always: a curve without its constant is none."""
        del problem, profile, access
        return "its constant is unknown: a curve, not a price"

    @classmethod
    def with_constant(cls, value: float) -> type[Self]:
        """The same curve with another constant c.

        Raises:
            ValueError: unless c is positive and finite.
        """
        if not 0.0 < value < float("inf"):
            raise ValueError(f"expected a positive, finite constant, given {value}")
        factor = value / cls.assumed_constant
        changed = {
            "assumed_constant": value,
            "attempt": factor * cls.attempt,
            "preparations": factor * cls.preparations,
            "__doc__": cls.__doc__,
            "__module__": cls.__module__,
        }
        return cast("type[Self]", type(cls)(cls.__name__, (cls,), changed))
