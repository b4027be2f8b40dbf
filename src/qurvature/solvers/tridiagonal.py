"""The small tridiagonal matrix that every Krylov method builds, and its Ritz values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg


@dataclass(frozen=True, slots=True)
class Tridiagonal:
    """T = QᵀAQ of a Krylov space: ``alpha`` (m,), ``beta`` (m,), the last β being the residual's.

    ``ritz`` are the eigenvalues of T, ascending; ``residuals`` bound, for each, the distance to some
    eigenvalue of A: |β_m s_mi|.
    """

    alpha: np.ndarray
    beta: np.ndarray
    ritz: np.ndarray
    residuals: np.ndarray

    @property
    def steps(self) -> int:
        """Products spent."""
        return len(self.alpha)

    @property
    def exhausted(self) -> bool:
        """Whether the Krylov space is invariant, so that no further step can add to it."""
        scale = float(np.abs(self.ritz).max()) if len(self.ritz) else 0.0
        return bool(self.beta[-1] <= 1e-6 * scale)


def tridiagonal(alpha: np.ndarray, beta: np.ndarray) -> Tridiagonal:
    """Ritz values and residual bounds of given Lanczos coefficients."""
    if not (np.isfinite(alpha).all() and np.isfinite(beta).all()):
        nothing = np.full(len(alpha), np.nan)
        return Tridiagonal(alpha, beta, nothing, nothing)
    if len(alpha) == 1:
        values, last = alpha.copy(), np.ones(1)
    else:
        values, vectors = scipy.linalg.eigh_tridiagonal(alpha, beta[:-1], check_finite=False)
        last = np.abs(vectors[-1])
    return Tridiagonal(alpha, beta, values, beta[-1] * last)
