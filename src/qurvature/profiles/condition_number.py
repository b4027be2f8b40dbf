"""κ as an interval: which ends are proven, which are read off Ritz values, and what it cost.

κ(A) = ‖A‖/σ_min(A). It is not κ_encoded = α/σ_min, which a quantum solver pays for.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import scipy.linalg
import torch
from torch import Tensor

from qurvature.operators import LinearOperator, Structure, split_shift
from qurvature.records import Estimate, Inertia, Standing
from qurvature.solvers.classical.factorizations import ldl_inertia
from qurvature.solvers.tridiagonal import Tridiagonal

from .lanczos import lanczos, start_vector


def damped_semidefinite(
    operator: LinearOperator, t: Tridiagonal, trace: float | None, smallest_entry: float
) -> tuple[Estimate, Estimate]:
    """‖A‖ and σ_min(A) of A = G + λI, G ⪰ 0, from a Lanczos run on A; nothing is factored.

    σ_min ≥ λ is proven. Above, σ_min is at most every Rayleigh quotient: the least Ritz value, the
    least diagonal entry, and the mean of the eigenvalues that the Ritz values leave over (Ky Fan),

        σ_min ≤ (tr A − Σ_{i≤m} θ_i)/(n − m),                                           (3)

    which is within a percent of λ when few eigenvalues carry the trace, as in networks.
    """
    _, shift = split_shift(operator)
    n, m = operator.n, t.steps
    # β bounds the end of the spectrum where a residual may speak of another eigenvalue
    # (Zhou and Li, Comput. Phys. Commun. 182, 2011).
    top, gap = float(t.ritz[-1]), float(t.beta[-1])
    ceiling = [float(t.ritz[0]), smallest_entry]
    if m < n and trace is not None:
        ceiling.append((trace - float(t.ritz.sum())) / (n - m))
    # Rounding may push a mean of eigenvalues below λ.
    low = max(shift, 0.0)
    high = max(min(ceiling), low)
    norm = Estimate(top, top, top + gap, f"lanczos-{m}", m, Standing.EMPIRICAL)
    method = "damping below, Rayleigh and trace above"
    return norm, Estimate(low if low > 0 else high, low, high, method, 0)


def through_factor(
    operator: LinearOperator, width: float = 0.1
) -> tuple[Estimate, Estimate, Inertia]:
    """‖A‖ and σ_min(A) of any symmetric A: Lanczos on A and, through a factor, on A⁻¹.

    Each end takes the products that its probabilistic bound needs for an interval of relative
    ``width``, whatever the spectrum.
    """
    a = operator.dense()
    inverse, inertia = _inverse(a, Structure.POSITIVE_DEFINITE in operator.structure)
    start = start_vector(operator.n, a.dtype, a.device, seed=1)
    norm = _end(operator.matvec, start, width, "lanczos")
    if inverse is None:
        return norm, Estimate.exact(0.0, "singular pivot"), inertia
    largest = _end(inverse, start, width, "inverse lanczos")
    sigma = Estimate(
        1 / largest.value,
        1 / largest.high,
        1 / largest.low,
        largest.method,
        largest.matvecs,
        Standing.EMPIRICAL,
    )
    return norm, sigma, inertia


#: Probability that an interval through the factor misses, over its random starts.
MISS = 1e-4


def _end(matvec: Callable[[Tensor], Tensor], start: Tensor, width: float, method: str) -> Estimate:
    """max|λ| with a random start, by as many Lanczos steps as its bound needs.

    Kuczyński and Woźniakowski, SIAM J. Matrix Anal. Appl. 13 (1992): after k steps the largest Ritz
    value misses λ_max by more than ε (λ_max − λ_min) with a probability below 1.648 √n e^{−√ε(2k−1)},
    whatever the spectrum. A residual bound alone may speak of another eigenvalue.
    """
    n = len(start)
    exponent = math.log(1.648 * math.sqrt(n) / MISS)
    # Half of the width for either end, and the spread of an indefinite spectrum is up to 2 max|λ|.
    steps = math.ceil((exponent / math.sqrt(width / 8) + 1) / 2)
    t = lanczos(matvec, start, steps)
    i = int(np.argmax(np.abs(t.ritz)))
    value = abs(float(t.ritz[i]))
    spread = float(t.ritz[-1] - t.ritz[0]) + 2 * float(t.beta[-1])
    share = (exponent / (2 * t.steps - 1)) ** 2
    gap = float(t.residuals[i]) if t.exhausted or t.steps == n else share * spread
    slack = n * float(torch.finfo(start.dtype).eps) * value
    return Estimate(
        value,
        value - slack,
        value + max(gap, slack),
        f"{method}-{t.steps}",
        t.steps,
        Standing.EMPIRICAL,
    )


def _inverse(a: Tensor, definite: bool) -> tuple[Callable[[Tensor], Tensor] | None, Inertia]:
    """A⁻¹ as a function and the inertia of A; (None, inertia) if a pivot vanishes.

    The pivots are scaled to the matrix: below ε‖A‖ they count as zero.
    """
    if definite:
        lower, info = torch.linalg.cholesky_ex(a)
        if int(info) == 0:
            whole = Inertia(len(a), 0, 0)
            return (lambda v: torch.cholesky_solve(v[:, None], lower)[:, 0]), whole
    factor, pivots, info = torch.linalg.ldl_factor_ex(a)
    inertia = ldl_inertia(factor, pivots)
    if int(info) != 0 or inertia.zero > 0:
        return None, inertia
    return (lambda v: torch.linalg.ldl_solve(factor, pivots, v[:, None])[:, 0]), inertia


def exact(operator: LinearOperator) -> tuple[Estimate, Estimate, Inertia | None]:
    """‖A‖, σ_min and inertia from all eigenvalues; singular values alone if A is not symmetric."""
    a = operator.dense().double()
    inertia: Inertia | None
    if Structure.SYMMETRIC in operator.structure:
        values = torch.linalg.eigvalsh(a)
        magnitude, inertia, method = values.abs(), _signs(values), "eigvalsh"
    else:
        magnitude, inertia, method = torch.linalg.svdvals(a), None, "svdvals"
    norm, sigma = float(magnitude.max()), float(magnitude.min())
    # Backward stability: each value is known to n ε ‖A‖ in the precision of the entries.
    slack = operator.n * float(torch.finfo(a.dtype).eps) * norm
    low = max(sigma - slack, 0.0)
    return (
        Estimate(norm, norm - slack, norm + slack, method),
        Estimate(sigma, low, sigma + slack, method),
        inertia,
    )


def exact_inertia(a: Tensor) -> Inertia:
    """Inertia from the eigenvalues of a symmetric matrix."""
    return _signs(torch.linalg.eigvalsh(a.double()))


def _signs(values: Tensor) -> Inertia:
    tiny = len(values) * float(torch.finfo(values.dtype).eps) * float(values.abs().max())
    positive, negative = int((values > tiny).sum()), int((values < -tiny).sum())
    return Inertia(positive, negative, len(values) - positive - negative)


def ratio(norm: Estimate, sigma_min: Estimate) -> Estimate:
    """κ = ‖A‖/σ_min with the interval that the two ends leave."""
    standing = (
        Standing.PROVEN
        if norm.standing == sigma_min.standing == Standing.PROVEN
        else Standing.EMPIRICAL
    )

    def over(a: float, b: float) -> float:
        return a / b if b > 0 else math.inf

    return Estimate(
        over(norm.value, sigma_min.value),
        over(norm.low, sigma_min.high),
        over(norm.high, sigma_min.low),
        f"{norm.method} / {sigma_min.method}",
        norm.matvecs + sigma_min.matvecs,
        standing,
    )


def one_norm_guard(operator: LinearOperator) -> Estimate:
    """κ_1 by LAPACK's POCON (definite) or GECON: an order-of-magnitude guard at an eighth of the cost.

    For symmetric A, κ_2 ≤ κ_1 ≤ n κ_2; the estimate itself is a lower bound of κ_1, usually within 3.
    """
    a = operator.dense().double().cpu().numpy()
    norm = float(np.abs(a).sum(0).max())
    definite = Structure.POSITIVE_DEFINITE in operator.structure
    method = "pocon" if definite else "gecon"
    factor_of, estimate = scipy.linalg.get_lapack_funcs(
        ("potrf", "pocon") if definite else ("getrf", "gecon"), (a,)
    )
    factor, *_, info = factor_of(a)
    reciprocal = float(estimate(factor, norm)[0]) if info == 0 else 0.0
    if not reciprocal > 0:
        return Estimate(math.inf, 0.0, math.inf, method, 0, Standing.EMPIRICAL)
    value = 1 / reciprocal
    return Estimate(value, value / operator.n, 3 * value, method, 0, Standing.EMPIRICAL)


def norm_determinant_log10(operator: LinearOperator) -> tuple[float, bool]:
    """log10 of the bound that Q-Newton (arXiv 2405.00252) estimates κ by, and whether it says nothing.

        κ ≤ √((1 + x)/(1 − x)),   x² = 1 − (n/‖A‖_F²)ⁿ det(A)²

    (Piazza and Politi, J. Comput. Appl. Math. 143, 2002, eq. 2.5). With y = 1 − x² the bound is
    (1 + x)/√y, and log10 y = n log10(n/‖A‖_F²) + 2 log10|det A| never overflows. It is called vacuous
    when it exceeds 1/ε of float64: any matrix that can be solved at all has a smaller κ.
    """
    a = operator.dense().double()
    n = operator.n
    # The bound does not depend on the scale, the range of a float does.
    largest = float(a.abs().max())
    a = a / largest if largest > 0 and math.isfinite(largest) else a
    _, logdet = torch.linalg.slogdet(a)
    frobenius = float(a.norm())
    if not math.isfinite(float(logdet)) or frobenius == 0:
        return math.inf, True
    log10_y = n * math.log10(n / frobenius**2) + 2 * float(logdet) / math.log(10)
    log10_y = min(log10_y, 0.0)
    x = math.sqrt(max(0.0, 1 - 10.0 ** max(log10_y, -300)))
    bound = math.log10(1 + x) - log10_y / 2
    return bound, bound > -math.log10(float(torch.finfo(torch.float64).eps))
