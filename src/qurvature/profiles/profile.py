"""The profile of a linear problem: what a price needs, at a cost that a step can afford."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch

from qurvature.objectives import NonFiniteError
from qurvature.operators import LinearOperator, Structure, split_shift
from qurvature.problems import LinearProblem
from qurvature.records import (
    Estimate,
    Inertia,
    MatrixProfile,
    Standing,
)
from qurvature.solvers.tridiagonal import Tridiagonal

from . import condition_number as kappa
from .access import accesses, overlap
from .lanczos import cg_iterations, lanczos, largest_eigenvalue, start_vector

#: Up to this size all eigenvalues cost less than being clever.
EXACT_UP_TO = 96

#: A norm known this well after half of the steps is worth no more.
WIDTH = 0.05


def profile(
    problem: LinearProblem, epsilon: float = 1e-3, *, steps: int = 20, thorough: bool = False
) -> MatrixProfile:
    """Measure a problem's matrix.

    Small matrices get all eigenvalues. A damped positive semidefinite one gets ``steps`` Lanczos steps
    started at the right-hand side, which also predict the iterations of conjugate gradients. Any other
    symmetric one is measured through its LDLᵀ factor.

    Args:
        problem: the conditioned problem.
        epsilon: accuracy for which iterations are predicted.
        steps: most Lanczos steps; half of them where the norm is then known to 5 %.
        thorough: spend up to 48 products an end, and form the entries for exact sparsity and norms.

    Raises:
        NonFiniteError: if the matrix or the right-hand side holds NaN or Inf.
    """
    operator = problem.operator
    if not bool(problem.rhs.isfinite().all()):
        raise NonFiniteError(f"{problem.name}: the right-hand side holds NaN or Inf")
    t, from_rhs = _krylov(problem, 2 * steps if thorough else steps)
    if not np.isfinite(t.ritz).all():
        raise NonFiniteError(f"{problem.name}: the matrix holds NaN or Inf")
    symmetric = Structure.SYMMETRIC in operator.structure
    if not symmetric and not bool(operator.dense().isfinite().all()):
        raise NonFiniteError(f"{problem.name}: the matrix holds NaN or Inf")
    semidefinite = Structure.POSITIVE_SEMIDEFINITE in operator.structure
    definite = Structure.POSITIVE_DEFINITE in operator.structure
    inertia = (
        Inertia(operator.n, 0, 0) if Structure.POSITIVE_DEFINITE in operator.structure else None
    )
    trace, least = _diagonal_figures(operator) if semidefinite else (None, math.inf)
    if operator.n <= EXACT_UP_TO or not symmetric:
        norm, sigma, inertia = kappa.exact(operator)
    elif semidefinite and split_shift(operator)[1] > 0:
        norm, sigma = kappa.damped_semidefinite(operator, t, trace, least)
        norm = _second_look(operator, norm)
        if thorough and kappa.ratio(norm, sigma).relative_width > 0.1:
            norm, sigma, inertia = kappa.through_factor(operator)
    elif _affordable(operator) or thorough:
        norm, sigma, inertia = kappa.through_factor(operator)
    else:
        norm, sigma = _two_ends(t)
    iterations = cg_iterations(t, epsilon, problem.n) if symmetric else math.inf
    if definite and t.steps < iterations < math.inf:
        iterations = _tempered(iterations, kappa.ratio(norm, sigma).low, epsilon, problem.n)
    if thorough or operator.n <= EXACT_UP_TO:
        operator.dense()
    share = overlap(problem, from_rhs, norm, sigma)
    return _assemble(problem, norm, sigma, inertia, t, trace, iterations, share)


def harvested(
    previous: MatrixProfile,
    problem: LinearProblem,
    ritz: tuple[float, ...],
    iterations: float | None,
    trace: float | None = None,
) -> MatrixProfile:
    """The next step's profile from Ritz values that are at hand: no product is spent.

    λ is today's, Ritz values and trace are yesterday's; the interval is widened by the change of the
    norm since the last measured profile.
    """
    operator = problem.operator
    _, shift = split_shift(operator)
    top = max(ritz, default=previous.norm.value)
    drift = abs(top - previous.norm.value)
    norm = Estimate(
        top,
        max(top - drift, shift),
        top + drift,
        "harvested from the last solve",
        0,
        Standing.EMPIRICAL,
    )
    definite = Structure.POSITIVE_DEFINITE in operator.structure
    if definite:
        sigma = Estimate(
            shift,
            shift,
            max(min(ritz, default=shift), shift),
            "damping below, Ritz above",
            0,
            Standing.EMPIRICAL,
        )
    else:
        sigma = previous.sigma_min
    t = Tridiagonal(np.array([]), np.array([]), np.array(sorted(ritz)), np.array([]))
    share = overlap(problem, None, norm, sigma, previous)
    return _assemble(problem, norm, sigma, previous.inertia, t, trace, iterations, share)


def _tempered(extrapolated: float, condition: float, epsilon: float, n: int) -> float:
    """The geometric mean of an extrapolation and the bound (√κ/2) ln(2/ε).

    The first iterations resolve the largest eigenvalues and are the fastest; their rate alone misled
    by a factor of three on log-uniform spectra, the bound alone does on clustered ones.
    """
    bound = min(0.5 * math.sqrt(condition) * math.log(2 / epsilon), float(n))
    return math.sqrt(extrapolated * max(bound, extrapolated))


#: Products from a random start, in case the right-hand side is blind to the largest eigenvalue.
SECOND_LOOK = 3


def _second_look(operator: LinearOperator, norm: Estimate) -> Estimate:
    """The larger of two norms: the one seen from the right-hand side, and one from a random start."""
    other = largest_eigenvalue(operator, steps=SECOND_LOOK)
    if other.value <= norm.high:
        return replace(norm, matvecs=norm.matvecs + other.matvecs)
    more = largest_eigenvalue(operator, steps=12)
    return replace(more, matvecs=norm.matvecs + other.matvecs + more.matvecs)


def _krylov(problem: LinearProblem, steps: int) -> tuple[Tridiagonal, Tridiagonal | None]:
    """Lanczos from wherever it shows most, and from the right-hand side, if that is not zero."""
    b = problem.rhs
    definite = Structure.POSITIVE_DEFINITE in problem.operator.structure
    if Structure.SYMMETRIC not in problem.operator.structure:
        nothing = np.zeros(0)
        return Tridiagonal(nothing, nothing, nothing, nothing), None
    from_rhs = None
    if float(b.norm()) > 0:
        enough = WIDTH if definite and problem.n > EXACT_UP_TO else 0.0
        t = from_rhs = lanczos(problem.operator.matvec, b, steps, enough=enough)
        # A right-hand side in a small invariant subspace hides the rest of the spectrum.
        if not t.exhausted or t.steps >= min(steps, problem.n):
            return t, t
    start = start_vector(problem.n, b.dtype, b.device)
    return lanczos(problem.operator.matvec, start, steps), from_rhs


def _affordable(operator: LinearOperator) -> bool:
    """Whether the entries are at hand, or forming them is in the order of a factorization."""
    work = operator.dense_work
    return work is not None and work.gemm <= 2.0 * operator.n**3


def _diagonal_figures(operator: LinearOperator) -> tuple[float | None, float]:
    """Trace and least diagonal entry where the diagonal is cheap, else (None, inf)."""
    base, _ = split_shift(operator)
    if base.formation == "products" and not base.formed:
        return None, math.inf
    d = operator.diagonal()
    return float(d.sum(dtype=torch.float64)), float(d.min())


def _two_ends(t: Tridiagonal) -> tuple[Estimate, Estimate]:
    """Without entries and definiteness: the norm from Ritz values, σ_min unknown down to zero."""
    i = int(np.argmax(np.abs(t.ritz)))
    top, gap = abs(float(t.ritz[i])), float(t.residuals[i])
    method = f"lanczos-{t.steps}"
    norm = Estimate(top, top, top + gap, method, t.steps, Standing.EMPIRICAL)
    least = float(np.abs(t.ritz).min())
    return norm, Estimate(least, 0.0, least, method + ", above only", 0, Standing.EMPIRICAL)


def _assemble(
    problem: LinearProblem,
    norm: Estimate,
    sigma: Estimate,
    inertia: Inertia | None,
    t: Tridiagonal,
    trace: float | None,
    iterations: float | None,
    share: Estimate | None,
) -> MatrixProfile:
    operator = problem.operator
    rows = columns = None
    effective = None
    if operator.formed:
        nonzero = operator.dense() != 0
        rows, columns = nonzero.sum(1), nonzero.sum(0)
    if trace is not None:
        effective = _effective_dimension(operator, t, trace)
    return MatrixProfile(
        n=problem.n,
        dtype=str(problem.dtype).removeprefix("torch."),
        structure=tuple(sorted(operator.structure)),
        norm=norm,
        sigma_min=sigma,
        kappa=kappa.ratio(norm, sigma),
        inertia=inertia,
        effective_dimension=effective,
        row_sparsity_max=None if rows is None else int(rows.max()),
        row_sparsity_mean=None if rows is None else float(rows.double().mean()),
        column_sparsity_max=None if columns is None else int(columns.max()),
        column_sparsity_mean=None if columns is None else float(columns.double().mean()),
        trace=trace,
        access=accesses(
            operator,
            norm,
            sigma,
            trace,
            None if rows is None else int(rows.max()),
            share,
            measured=len(t.alpha) > 0,
        ),
        ritz=tuple(float(r) for r in t.ritz),
        cg_iterations=iterations,
        matvecs=t.steps + (SECOND_LOOK if norm.matvecs > t.steps else 0) if len(t.alpha) else 0,
    )


def _effective_dimension(operator: LinearOperator, t: Tridiagonal, trace: float) -> Estimate | None:
    """tr G(G + λI)⁻¹, between the share of the Ritz values and that plus the trace left over, by λ."""
    _, shift = split_shift(operator)
    if shift <= 0:
        return None
    ritz = np.clip(t.ritz - shift, 0, None)
    low = float((ritz / (ritz + shift)).sum())
    rest = max(trace - operator.n * shift - float(ritz.sum()), 0.0)
    high = min(low + rest / shift, float(operator.n))
    return Estimate(low, low, high, f"lanczos-{t.steps} and trace", 0)
