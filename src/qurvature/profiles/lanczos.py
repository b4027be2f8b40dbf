"""Lanczos: extreme eigenvalues, and what conjugate gradients would do, from a few products."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from qurvature.operators import LinearOperator
from qurvature.records import Estimate, Standing
from qurvature.solvers.tridiagonal import Tridiagonal, tridiagonal

#: Beyond this many numbers (256 MB in float32) a Krylov basis is not kept.
MOST_BASIS_NUMBERS = 2**26


def lanczos(
    matvec: Callable[[Tensor], Tensor], start: Tensor, steps: int, *, enough: float = 0.0
) -> Tridiagonal:
    """At most ``steps`` Lanczos steps with full reorthogonalization (classical Gram-Schmidt, twice).

    Where the basis would hold more than `MOST_BASIS_NUMBERS`, three vectors are kept and the basis is
    not reorthogonalized: extremes stay right, copies of converged ones may appear.

    Args:
        matvec: a symmetric A, (n,) → (n,).
        start: nonzero, (n,); it need not be normalised.
        steps: at least 1.
        enough: half of the steps will do if β, the end's safe bound, is below this share of the norm.

    Source: Golub and Van Loan, Matrix Computations, 4th ed., algorithm 10.1.1.
    """
    n = start.shape[0]
    steps = min(steps, n)
    if steps * n > MOST_BASIS_NUMBERS:
        return _three_term(matvec, start, steps)
    basis = start.new_empty(steps, n)
    basis[0] = start / start.norm()
    alpha, beta = [], []
    for j in range(steps):
        w = matvec(basis[j])
        known = basis[: j + 1]
        coefficients = known @ w
        w = torch.addmv(w, known.T, coefficients, alpha=-1)
        correction = known @ w
        w = torch.addmv(w, known.T, correction, alpha=-1)
        alpha.append(float(coefficients[j] + correction[j]))
        beta.append(float(w.norm()))
        scale = max(map(abs, alpha)) + beta[0]
        if j + 1 == steps or not beta[-1] > 1e-7 * scale:
            break
        if enough and j + 1 == steps // 2:
            half = tridiagonal(np.array(alpha), np.array(beta))
            if beta[-1] <= enough * float(np.abs(half.ritz).max()):
                return half
        torch.div(w, beta[-1], out=basis[j + 1])
    return tridiagonal(np.array(alpha), np.array(beta))


def _three_term(matvec: Callable[[Tensor], Tensor], start: Tensor, steps: int) -> Tridiagonal:
    v, before = start / start.norm(), None
    alpha: list[float] = []
    beta: list[float] = []
    for _ in range(steps):
        w = matvec(v)
        if before is not None:
            w = w.sub_(before, alpha=beta[-1])
        alpha.append(float(torch.dot(v, w)))
        w.sub_(v, alpha=alpha[-1])
        beta.append(float(w.norm()))
        if not beta[-1] > 1e-7 * (max(map(abs, alpha)) + beta[0]):
            break
        before, v = v, w.div_(beta[-1])
    return tridiagonal(np.array(alpha), np.array(beta))


def start_vector(n: int, dtype: torch.dtype, device: torch.device, seed: int = 0) -> Tensor:
    """A reproducible Gaussian vector."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, generator=generator, dtype=dtype).to(device)


def largest_eigenvalue(operator: LinearOperator, steps: int = 8) -> Estimate:
    """max|λ| of a symmetric operator, by Lanczos from a random start.

    The interval is [|θ|, |θ| + residual]: an eigenvalue lies in it; that it is the extreme one is
    empirical.
    """
    start = start_vector(operator.n, operator.dtype, operator.device)
    t = lanczos(operator.matvec, start, steps)
    i = int(np.argmax(np.abs(t.ritz)))
    value = abs(float(t.ritz[i]))
    return Estimate(
        value,
        value,
        value + float(t.residuals[i]),
        f"lanczos-{t.steps}",
        t.steps,
        Standing.EMPIRICAL,
    )


def cg_iterations(t: Tridiagonal, epsilon: float, n: float = math.inf) -> float:
    """How many Krylov products reach ‖r‖ ≤ ε‖b‖ with n unknowns, from Lanczos started at b.

    Within the steps taken the residuals are exact, ‖r_k‖/‖b‖ = β_k |e_kᵀ T_k⁻¹ e_1|; beyond them the
    rate of the second half is extrapolated, but never above (√κ/2) ln(2/ε) of the Ritz values.
    """
    if not np.isfinite(t.ritz).all():
        return math.inf
    if t.ritz[0] <= 0:
        # MINRES on an indefinite spectrum squares the rate's κ; n products end it in exact arithmetic.
        size = np.abs(t.ritz)
        smallest = max(float(size.min()), 1e-16 * float(size.max()), 1e-300)
        worst = float(size.max()) / smallest * math.log(2 / epsilon)
        return float(min(t.steps + worst, max(n, t.steps)))
    residuals = _cg_residuals(t)
    met = np.flatnonzero(residuals <= epsilon)
    if len(met):
        return float(met[0] + 1)
    if t.exhausted:
        return float(t.steps)
    half = len(residuals) // 2
    span = len(residuals) - 1 - half
    rate = (residuals[-1] / residuals[half]) ** (1 / span) if span > 0 else 1.0
    bound = 0.5 * math.sqrt(t.ritz[-1] / t.ritz[0]) * math.log(2 / epsilon) + t.steps
    if not 0 < rate < 1:
        return bound
    return float(min(t.steps + math.log(epsilon / residuals[-1]) / math.log(rate), bound))


def _cg_residuals(t: Tridiagonal) -> np.ndarray:
    """‖r_k‖/‖b‖ for k = 1…m by the pivots of the LDLᵀ of T (the recursions of CG itself)."""
    residuals = np.empty(t.steps)
    pivot, numerator = t.alpha[0], 1.0
    for k in range(t.steps):
        if k > 0:
            numerator *= t.beta[k - 1] / pivot
            pivot = t.alpha[k] - t.beta[k - 1] ** 2 / pivot
        residuals[k] = abs(numerator * t.beta[k] / pivot) if pivot != 0 else math.inf
    return residuals
