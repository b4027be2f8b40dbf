"""MINRES: symmetric indefinite systems by products only."""

from __future__ import annotations

import math
import time

import numpy as np
import torch
from torch import Tensor

from qurvature.operators import Structure
from qurvature.problems import LinearProblem
from qurvature.records import MatrixProfile, Outcome, Solution, SolveStats
from qurvature.solvers.base import ClassicalSolver, ClassicalWork, finish
from qurvature.solvers.tridiagonal import tridiagonal

from .conjugate_gradients import (
    MOST_ITERATIONS_PER_UNKNOWN,
    _krylov_work,
    _State,
    _state,
    no_access,
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
        began = time.perf_counter()
        scale = float(b.norm())
        if not math.isfinite(scale) or scale == 0:
            outcome = None if scale == 0 else Outcome.NONFINITE_INPUT
            return finish(
                state.problem,
                b,
                torch.zeros_like(b),
                epsilon,
                solver=cls.kind,
                stats=SolveStats(),
                outcome=outcome,
            )
        x, alphas, betas, outcome = _minres(state, b, epsilon, scale)
        t = tridiagonal(np.array(alphas[:64]), np.array(betas[: len(alphas)][:64]))
        stats = SolveStats(
            matvecs=len(alphas) + 1,
            iterations=len(alphas),
            ritz=tuple(float(v) for v in t.ritz),
            measured_s=time.perf_counter() - began,
        )
        return finish(state.problem, b, x, epsilon, solver=cls.kind, stats=stats, outcome=outcome)


def _minres(
    state: _State, b: Tensor, epsilon: float, scale: float
) -> tuple[Tensor, list[float], list[float], Outcome | None]:
    """Lanczos three-term recursion with Givens rotations on the tridiagonal."""
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
            return x, alphas, betas, Outcome.NONFINITE_INPUT
        delta = c * alpha - c_old * s * beta
        rho2 = s * alpha + c_old * c * beta
        rho3 = s_old * beta
        rho1 = math.hypot(delta, beta_next)
        if rho1 <= torch.finfo(b.dtype).eps * max(map(abs, (*alphas[:64], *betas[:64]))):
            return x, alphas, betas, Outcome.SINGULAR
        c_old, s_old, c, s = c, s, delta / rho1, beta_next / rho1
        direction = (v - rho3 * w_old - rho2 * w) / rho1
        w_old, w = w, direction
        x.add_(w, alpha=c * eta)
        eta = -s * eta
        if abs(eta) <= epsilon * scale:
            return x, alphas, betas, None
        v_old, v, beta = v, q / beta_next, beta_next
    return x, alphas, betas, Outcome.MAX_STEPS
