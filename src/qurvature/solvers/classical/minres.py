"""MINRES: symmetric indefinite systems by products only."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from qurvature.operators import Structure
from qurvature.problems import LinearProblem
from qurvature.records import MatrixProfile, Outcome, Solution
from qurvature.solvers.base import ClassicalSolver, ClassicalWork
from qurvature.solvers.tridiagonal import tridiagonal

from .conjugate_gradients import (
    MOST_ITERATIONS_PER_UNKNOWN,
    Run,
    _krylov_work,
    _State,
    _state,
    no_access,
    restarted,
)


class MINRES(ClassicalSolver):
    """The residual-minimising iterate of each Krylov space, for symmetric A of any inertia."""

    kind = "minres"
    accesses = ("products", "dense")
    iteration_share = 1.0
    source = "Paige and Saunders, SIAM J. Numer. Anal. 12 (1975)"

    @classmethod
    def refuses(cls, problem: LinearProblem, profile: MatrixProfile, access: str) -> str | None:
        """It needs a symmetric matrix."""
        del profile
        if Structure.SYMMETRIC not in problem.operator.structure:
            return "the matrix is not symmetric"
        return no_access(problem, access)

    @classmethod
    def work(cls, access: str) -> ClassicalWork:
        """One product and ten passes over vectors an iteration."""
        return _krylov_work(access, 18.0)

    @classmethod
    def init(cls, problem: LinearProblem, access: str) -> _State:
        """The operator to multiply with."""
        return _state(problem, access)

    @classmethod
    def solve(cls, state: _State, b: Tensor, epsilon: float) -> Solution:
        """x with ‖b − A x‖ ≤ ε‖b‖."""
        return restarted(cls.kind, state, b, epsilon, _minres, _ritz)


def _ritz(run: Run) -> tuple[float, ...]:
    alphas, betas = run.alphas[:64], run.betas[:64]
    if not alphas:
        return ()
    return tuple(float(v) for v in tridiagonal(np.array(alphas), np.array(betas)).ritz)


def _minres(state: _State, b: Tensor, target: float) -> Run:
    """Lanczos three-term recursion with Givens rotations on the tridiagonal."""
    scale = float(b.norm())
    x = torch.zeros_like(b)
    v_old, v = torch.zeros_like(b), b / scale
    w_old, w = torch.zeros_like(b), torch.zeros_like(b)
    beta, eta = 0.0, scale
    c_old, c, s_old, s = 1.0, 1.0, 0.0, 0.0
    alphas: list[float] = []
    betas: list[float] = []
    for _ in range(MOST_ITERATIONS_PER_UNKNOWN * len(b) + 10):
        q = state.operator.matvec(v)
        alpha = float(torch.dot(v, q))
        q.sub_(v, alpha=alpha).sub_(v_old, alpha=beta)
        beta_next = float(q.norm())
        alphas.append(alpha)
        betas.append(beta_next)
        if not math.isfinite(alpha + beta_next):
            return Run(x, Outcome.NONFINITE_INPUT, alphas, betas)
        delta = c * alpha - c_old * s * beta
        rho2 = s * alpha + c_old * c * beta
        rho3 = s_old * beta
        rho1 = math.hypot(delta, beta_next)
        if rho1 <= torch.finfo(b.dtype).eps * max(map(abs, (*alphas[:64], *betas[:64]))):
            return Run(x, Outcome.SINGULAR, alphas, betas)
        c_old, s_old, c, s = c, s, delta / rho1, beta_next / rho1
        direction = (v - rho3 * w_old - rho2 * w) / rho1
        w_old, w = w, direction
        x.add_(w, alpha=c * eta)
        eta = -s * eta
        if abs(eta) <= target:
            return Run(x, None, alphas, betas)
        v_old, v, beta = v, q / beta_next, beta_next
    return Run(x, Outcome.MAX_STEPS, alphas, betas)
