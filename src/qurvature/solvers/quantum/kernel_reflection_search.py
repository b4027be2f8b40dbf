"""The published expected counts of kernel reflection for an unknown norm."""

from __future__ import annotations

import math

from qurvature.expressions import ceil, constant, log, maximum, minimum, sqrt
from qurvature.records import Standing
from qurvature.solvers.base import ATTEMPT, EPSILON, KAPPA_ENCODED, QuantumSolver

_kappa = maximum(KAPPA_ENCODED, 1)
_MU = 0.25

_search = (
    56.0 * _kappa
    + 1.05 * _kappa * log(sqrt(1 - EPSILON**2) / EPSILON)
    + 2.78 * log(_kappa) ** 3
    + 3.17
)

_span = 3 + 2 * log((_kappa**2 + 1) / 2)
_eta = _MU / (sqrt(_span) + _MU)
_eta_projection = EPSILON * math.sqrt(1 - _MU**2) / (_MU * sqrt(1 - EPSILON**2))
_guessed = ((1 - _eta) / (1 + _eta)) ** 2 / (log(_kappa) + 1)
_guess = 2 * ceil(_kappa / 2 * log(2 / _eta)) / _guessed + 2 * ceil(
    _kappa / 2 * log(2 / _eta_projection)
) / (1 - _MU**2)

_eta_known = EPSILON / math.sqrt(2)


class KernelReflectionSearch(QuantumSolver):
    """Kernel reflection by adaptive protocols that first learn the norm: the published counts.

    The cheaper of the two expected counts for an unknown ‖x‖: a search for the norm,

        56.0 κ + 1.05 κ ln(√(1-ε²)/ε) + 2.78 ln³κ + 3.17,

    and a random guess of it, refined by a projection (cheaper below κ ≈ 5e4),

        2⌈(κ/2) ln(2/η)⌉/q₀ + 2⌈(κ/2) ln(2/η')⌉/(1-μ²),   μ = ¼,   η = μ/(√S+μ),
        S = 3 + 2 ln((κ²+1)/2),   q₀ = ((1-η)/(1+η))²/(ln κ + 1),   η' = ε√(1-μ²)/(μ√(1-ε²)).

    Both are expectations over many circuits until success, hence ``success`` is 1 and there is no one
    circuit of an attempt: `kernel_reflection` is what runs. κ is ``kappa_encoded``; ε is a trace
    distance. See eq. (6.13) and (6.14) of docs/theory/kernel-reflection.md.

    Examples:
        >>> round(KernelReflectionSearch.count(100, 1e-2).queries, 2)
        2943.97
    """

    kind = "kernel_reflection_search"
    source = "arXiv 2406.12086 v2 (Dalzell)"
    unit = "calls to U_A or its inverse"
    error_norm = "trace distance of the normalised state"
    standing = Standing.ASSUMED
    modes = ("count",)
    needs_consistent = True

    norm_search = _search
    norm_guess = _guess
    #: With ‖x‖ known, 2⌈(κ/2) ln(2/η)⌉ ((1+η)/(1-η))² with η = ε/√2: a lower bound, not the price.
    norm_known = (
        2 * ceil(_kappa / 2 * log(2 / _eta_known)) * ((1 + _eta_known) / (1 - _eta_known)) ** 2
    )

    # The projection of the second form has accuracy η' ≤ 1 only for ε ≤ μ.
    runs_at = minimum(EPSILON, _MU)
    attempt = minimum(_search, _guess)
    success = constant(1)
    preparations = 2 * ATTEMPT
