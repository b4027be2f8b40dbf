"""Matrix inversion by quantum singular value transformation."""

from __future__ import annotations

from qurvature.expressions import Expression, ceil, constant, log, log1p, maximum, minimum, sqrt
from qurvature.records import Standing
from qurvature.solvers.base import EPSILON, KAPPA_ENCODED, QuantumSolver

# At κ = 1 the degree's formula divides by ln 0; the polynomial of a slightly larger κ serves.
_kappa = maximum(KAPPA_ENCODED, 1.001)


def largest_value(kappa: Expression, epsilon: Expression) -> Expression:
    """An upper bound on max|P| over [-1, 1].

    Below 1/κ the polynomial is (1 - e^{-t x²κ²/2})/x to leading order, t = ln((κ+1)/ε), whose
    maximum is 0.4514 κ√t; the constant 0.55 covers the rest wherever we evaluated P (κ from 1.01 to
    1e5 and ε from 1e-12 to 0.08, tests/solvers).
    """
    return kappa * sqrt(0.2037 * log((kappa + 1) / epsilon) + 0.55)


class QSVT(QuantumSolver):
    """The best uniform odd polynomial for 1/x, applied to the singular values, then post-selected.

    With a = 1/κ the polynomial P has degree

        2n - 1,   n = ⌈ln(εa/(1+a)) / ln((1-a)/(1+a))⌉,

    and errs by at most ε on [a, 1]; the degree is the number of queries of one attempt. Success has
    probability ‖P(A/α) b‖²/M² with M ≥ max|P| and a normalised b. Of ‖A⁻¹b‖ nothing is known beyond
    α‖A⁻¹b‖ ≥ 1, so the price takes ((1-ε)/M)²: the worst case, which amplitude amplification would
    improve quadratically (not counted here). ε is in the operator norm; the normalised solution
    errs by at most 2ε.

    Examples:
        >>> QSVT.attempt(kappa_encoded=100, epsilon=1e-2)
        921.0
    """

    kind = "qsvt"
    source = "arXiv 2507.15537 (Sünderhauf et al.) for the polynomial; arXiv 1806.01838"
    unit = "calls to U_A or its inverse"
    error_norm = "operator norm of P(A) - 1/A"
    standing = Standing.EMPIRICAL

    # Above this ε the success (1-ε)² falls faster than the polynomial shrinks: smaller is cheaper.
    runs_at = minimum(EPSILON, 1 / (12 + 4 * log(_kappa + 1)))
    # εa/(1+a) = ε/(κ+1); (1+a)/(1-a) = 1 + 2/(κ-1), whose logarithm must survive a large κ.
    attempt = 2 * maximum(ceil(log((_kappa + 1) / EPSILON) / log1p(2 / (_kappa - 1))), 1) - 1
    success = ((1 - EPSILON) / largest_value(_kappa, EPSILON)) ** 2
    preparations = constant(1)
