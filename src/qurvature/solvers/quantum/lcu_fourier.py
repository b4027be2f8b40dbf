"""Matrix inversion by a linear combination of evolutions: counted only."""

from __future__ import annotations

import math

from qurvature.expressions import constant, floor, log, maximum, minimum, sqrt
from qurvature.records import Standing
from qurvature.solvers.base import EPSILON, KAPPA_ENCODED, QuantumSolver

_kappa = maximum(KAPPA_ENCODED, 1)
_length = log(1 + 8 * _kappa / EPSILON)


class LCUFourier(QuantumSolver):
    """A Fourier approximation of 1/x: evolutions under A/α, combined and post-selected. Count only.

    With L = ln(1 + 8κ/ε), 1/x is approximated on [1/κ, 1] by

        (i/√2π) ∫_0^Y dy Σ_{|k|≤K} Δz z_k e^{-z_k²/2} e^{-i x y z_k},   z_k = k Δz,
        Y = κ √(2L),   Δz = √2 π/((κ+1) √L),   K = ⌊(κ+1) L/π⌋,

    so the longest evolution takes the time Y z_K ≤ 2κL. The error was evaluated for κ from 1 to 1000
    and ε from 1e-8 to 0.1: at most 0.36 ε (tests/solvers). The constants are also quoted as a step of
    2π/((κ+1) √L) and a time of 2√2 κL; that sum aliases within [1/κ, 1] and errs by more than 1 at
    x ≈ 1/√2 (κ ≥ 10). The coefficients add up to at most 2κ √(L/π), hence the success.
    Discretising the integral costs index qubits but no time. See eq. (4.10) and (4.11) of
    docs/theory/lcu.md.

    A query is a unit of evolution time, *not* a call to U_A; simulating it takes at least one
    call or so, hence a price per query is a lower bound.

    Examples:
        >>> round(LCUFourier.attempt(kappa_encoded=100, epsilon=1e-2))
        2258
    """

    kind = "lcu_fourier"
    source = "arXiv 1511.02306 (Childs, Kothari, Somma), Fourier approach; constants as tested"
    unit = "units of time of a controlled evolution under A/alpha"
    error_norm = "operator norm of h(A) - 1/A"
    standing = Standing.EMPIRICAL
    modes = ("count",)

    #: K and Δz above: what the index register holds.
    frequencies = floor((_kappa + 1) * _length / math.pi)
    frequency_step = math.sqrt(2) * math.pi / ((_kappa + 1) * sqrt(_length))

    # As for the Chebyshev combination, a smaller ε is cheaper than one above the second term.
    runs_at = minimum(EPSILON, 1 / (12 + 4 * log(_kappa + 1)))
    attempt = 2 * _kappa * _length
    success = math.pi * (1 - EPSILON) ** 2 / (4 * _kappa**2 * _length)
    preparations = constant(1)
