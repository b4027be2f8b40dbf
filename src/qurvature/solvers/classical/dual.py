"""Woodbury: QᵀQ + λI through the dual matrix QQᵀ + λI when Q has fewer rows than columns."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import Tensor

from qurvature.operators import LinearOperator, split_shift
from qurvature.problems import LinearProblem
from qurvature.records import MatrixProfile, Outcome, Solution, SolveStats
from qurvature.solvers.base import ClassicalSolver, ClassicalWork, failed, finish

from . import counts
from .refinement import refine


@dataclass(frozen=True)
class _Dual:
    problem: LinearProblem
    base: LinearOperator
    shift: float
    factor: Tensor | None
    outcome: Outcome | None = None


class Dual(ClassicalSolver):
    """Cholesky of the r × r dual: r³/3 flops in the number r of rows of the factor.

    For b = Qᵀu the push-through identity (QᵀQ + λI)⁻¹Qᵀu = Qᵀ(QQᵀ + λI)⁻¹u is used, which loses no
    digits; for other b, (b − Qᵀ(QQᵀ + λI)⁻¹Qb)/λ, which does and is refined. No n × n matrix is formed.
    """

    kind = "dual"
    accesses = ("factor",)
    source = "Woodbury identity; Higham, Accuracy and Stability, ch. 12, for the refinement"

    @classmethod
    def refuses(cls, problem: LinearProblem, profile: MatrixProfile, access: str) -> str | None:
        """It needs a factor and damping."""
        del profile, access
        if problem.operator.factor_rows is None:
            return "the operator has no factor"
        if problem.operator.gram_work is None:
            return "the dual matrix would not fit in memory"
        if split_shift(problem.operator)[1] <= 0:
            return "without damping the dual identity does not hold"
        return None

    @classmethod
    def work(cls, access: str) -> ClassicalWork:
        """The dual matrix and its factorization once; two products with Q a right-hand side."""
        del access
        dual_solve = {
            "stream": 2 * counts.rank**2 * counts.word_bytes,
            "launch": 20.0 + 0 * counts.n,
        }
        return ClassicalWork(
            form=counts.operator_work("gram"),
            setup={"cholesky": counts.rank**3 / 3, "launch": 16.0 + 0 * counts.n},
            per_rhs=counts.plus(dual_solve, counts.operator_work("product", 3.0)),
        )

    @classmethod
    def init(cls, problem: LinearProblem, access: str) -> _Dual:
        """The Cholesky factor of QQᵀ + λI."""
        del access
        base, shift = split_shift(problem.operator)
        gram = base.gram()
        gram.diagonal().add_(shift)
        factor, info = torch.linalg.cholesky_ex(gram)
        if int(info) == 0 and bool(factor.diagonal().isfinite().all()):
            return _Dual(problem, base, shift, factor)
        finite = bool(gram.isfinite().all())
        outcome = Outcome.SINGULAR if finite else Outcome.NONFINITE_INPUT
        return _Dual(problem, base, shift, None, outcome)

    @classmethod
    def solve(cls, state: _Dual, b: Tensor, epsilon: float) -> Solution:
        """x with ‖b − A x‖ ≤ ε‖b‖."""
        began = time.perf_counter()
        factor = state.factor
        if factor is None:
            assert state.outcome is not None
            return failed(b, state.outcome, cls.kind)

        def dual(u: Tensor) -> Tensor:
            return torch.cholesky_solve(u[:, None], factor)[:, 0]

        def general(c: Tensor) -> Tensor:
            inner = state.base.factor_adjoint(dual(state.base.factor_product(c)))
            return (c - inner) / state.shift

        u = state.problem.dual_rhs
        pushed = u is not None and b is state.problem.rhs
        steps = 0
        if pushed:
            x: Tensor | None = state.base.factor_adjoint(dual(u))
        else:
            x, steps = refine(state.problem.operator, b, epsilon, general)
            if x is None:
                x = general(b)
        assert x is not None
        elapsed = time.perf_counter() - began
        stats = SolveStats(
            steps + 1, steps, measured_s=elapsed, notes=("push-through",) if pushed else ()
        )
        return finish(state.problem, b, x, epsilon, solver=cls.kind, stats=stats)
