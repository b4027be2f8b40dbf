"""What each access model makes of a matrix: α, κ_encoded, and how much of b a factor can reach."""

from __future__ import annotations

import math

import numpy as np

from qurvature.operators import LinearOperator, Structure, split_shift
from qurvature.problems import LinearProblem
from qurvature.records import AccessProfile, Estimate, MatrixProfile, Standing
from qurvature.solvers.tridiagonal import Tridiagonal

from . import condition_number as kappa


def accesses(
    operator: LinearOperator,
    norm: Estimate,
    sigma: Estimate,
    trace: float | None,
    row_sparsity: int | None,
    share: Estimate | None,
    *,
    measured: bool,
) -> tuple[AccessProfile, ...]:
    """α, κ_encoded = α/σ_min and the numbers to load for every access model the operator offers.

    Args:
        operator: A.
        norm: ‖A‖.
        sigma: σ_min(A).
        trace: tr A, if known.
        row_sparsity: entries in the fullest row, if the entries are at hand.
        share: what `overlap` gives.
        measured: whether the profile may spend work; a harvested one spends none.
    """
    n = operator.n
    d = n if row_sparsity is None else row_sparsity
    semidefinite = Structure.POSITIVE_SEMIDEFINITE in operator.structure
    offers: list[tuple[str, float, int, int]] = [("dense", norm.high, n * n, n)]
    if operator.formed:
        a = operator.dense()
        offers.append(("stored", float(a.norm()), n * n, n))
        offers.append(("sparse", d * float(a.abs().max()), n * d, d))
    elif semidefinite and trace is not None:
        # ‖A‖_F² = Σλ² ≤ ‖A‖ tr A, and the largest entry of a semidefinite matrix is diagonal.
        offers.append(("stored", math.sqrt(norm.high * trace), n * n, n))
        # (harvested profiles spend nothing: the norm bounds that entry.)
        largest = float(operator.diagonal().max()) if measured else norm.high
        offers.append(("sparse", d * largest, n * d, d))
    profiles = [
        AccessProfile(kind, alpha, _encoded(alpha, sigma), entries, sparsity)
        for kind, alpha, entries, sparsity in offers
    ]
    rows = operator.factor_rows
    if rows is not None and trace is not None and sigma.low > 0:
        # A_factor = [Q; √λ I]: α² = ‖Q‖_F² + nλ = tr(G + λI), σ_min(A_factor) = √σ_min.
        root = Estimate(
            math.sqrt(sigma.value), math.sqrt(sigma.low), math.sqrt(sigma.high), sigma.method
        )
        alpha = math.sqrt(trace)
        profiles.append(
            AccessProfile("factor", alpha, _encoded(alpha, root), rows * n + n, n, share)
        )
    return tuple(profiles)


def overlap(
    problem: LinearProblem,
    t: Tridiagonal | None,
    norm: Estimate,
    sigma: Estimate,
    previous: MatrixProfile | None = None,
) -> Estimate | None:
    """γ, the share of the factor system's right-hand side y that lies in the range of the factor.

    With A = QᵀQ + λI = BᵀB, B = [Q; √λ I], any y with Bᵀy = b has B⁺y = A⁻¹b, and

        γ² = ‖B B⁺ y‖²/‖y‖² = bᵀA⁻¹b/‖y‖².

    y is (0; b/√λ), or (u; 0) where b = Qᵀu is known, whichever is shorter. Lanczos from b brackets
    bᵀA⁻¹b by Gauss and Gauss-Radau quadrature (Golub and Meurant, 1994, chapter 6); without it,
    ‖b‖²/‖A‖ ≤ bᵀA⁻¹b ≤ ‖b‖²/σ_min.

    Args:
        problem: A x = b.
        t: Lanczos started at b, if it was.
        norm: ‖A‖.
        sigma: σ_min(A).
        previous: a profile whose γ, clipped to the bounds, is the best guess without Lanczos.

    Returns:
        None where A is no such factor system.
    """
    _, shift = split_shift(problem.operator)
    size = float(problem.rhs.norm()) ** 2
    if problem.operator.factor_rows is None or shift <= 0 or not size > 0:
        return None
    length = size / shift
    if problem.dual_rhs is not None:
        length = min(length, float(problem.dual_rhs.norm()) ** 2)
    low, high = 1 / norm.high, 1 / sigma.low if sigma.low > 0 else 1 / shift
    method = "norms"
    if t is not None and len(t.alpha):
        low = max(low, _quadrature(t.alpha, t.beta))
        above = low if t.exhausted else _quadrature(*_radau(t, shift))
        if low <= above < high:  # rounding may leave the bordered matrix indefinite: no bound then
            high = above
        method = f"gauss-radau-{t.steps}"
    squares = [min(value * size / length, 1.0) for value in (low, max(low, high))]
    ends = [math.sqrt(square) for square in squares]
    guess = math.sqrt(ends[0] * ends[1])
    before = _known(previous)
    if method == "norms" and before is not None:
        guess, method = min(max(before, ends[0]), ends[1]), "norms, and the last profile's"
    return Estimate(guess, ends[0], ends[1], method, 0, Standing.EMPIRICAL)


def _known(previous: MatrixProfile | None) -> float | None:
    for access in previous.access if previous is not None else ():
        if access.overlap is not None:
            return access.overlap.value
    return None


def _quadrature(alpha: np.ndarray, beta: np.ndarray) -> float:
    """e₁ᵀT⁻¹e₁ by the continued fraction, from the last row up."""
    below = 0.0
    for k in range(len(alpha) - 1, -1, -1):
        below = 1 / (alpha[k] - (beta[k] ** 2 * below if k < len(alpha) - 1 else 0.0))
    return float(below)


def _radau(t: Tridiagonal, least: float) -> tuple[np.ndarray, np.ndarray]:
    """T bordered so that ``least`` ≤ λ_min is an eigenvalue: its quadrature is an upper bound."""
    below = t.alpha[0] - least
    for k in range(1, len(t.alpha)):
        below = t.alpha[k] - least - t.beta[k - 1] ** 2 / below
    return np.append(t.alpha, least + t.beta[-1] ** 2 / below), t.beta


def _encoded(alpha: float, sigma: Estimate) -> Estimate:
    return kappa.ratio(Estimate.exact(alpha, "alpha"), sigma)
