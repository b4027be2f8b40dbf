"""Cholesky in float32 with iterative refinement."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import Tensor

from qurvature.operators import Structure
from qurvature.problems import LinearProblem
from qurvature.records import MatrixProfile, Outcome, Solution, SolveStats
from qurvature.solvers.base import ClassicalSolver, ClassicalWork, failed, finish

from . import counts
from .refinement import refine


@dataclass
class _Factored:
    problem: LinearProblem
    factor: Tensor | None
    outcome: Outcome | None
    notes: tuple[str, ...] = ()


class Cholesky(ClassicalSolver):
    """A = LLᵀ for positive definite A: n³/3 flops, factored once in float32, refined to the target.

    A float64 system is factored in float32 and refined with float64 residuals (mixed precision); if
    that does not converge, which it cannot beyond κ ≈ 1e7, it is factored again in float64, by name.
    """

    kind = "cholesky"
    accesses = ("dense",)
    source = (
        "Golub and Van Loan, Matrix Computations, 4th ed., alg. 4.2.1; refinement: Higham, ch. 12"
    )

    @classmethod
    def refuses(cls, problem: LinearProblem, profile: MatrixProfile, access: str) -> str | None:
        """It needs a positive definite matrix whose entries can be formed."""
        del access
        if problem.operator.dense_work is None:
            return "the entries would not fit in memory"
        if Structure.SYMMETRIC not in problem.operator.structure:
            return "the matrix is not symmetric"
        if profile.inertia is not None and (profile.inertia.negative or profile.inertia.zero):
            return "the matrix is not positive definite"
        return None

    @classmethod
    def work(cls, access: str) -> ClassicalWork:
        """n³/3 once; two triangular solves and a residual for every right-hand side."""
        del access
        solve = {"stream": 2 * counts.n**2 * counts.word_bytes, "launch": 20.0 + 0 * counts.n}
        return ClassicalWork(
            form=counts.operator_work("form"),
            setup={"cholesky_float32": counts.n**3 / 3, "launch": 16.0 + 0 * counts.n},
            per_rhs=counts.plus(solve, counts.DENSE_PRODUCT),
        )

    @classmethod
    def init(cls, problem: LinearProblem, access: str) -> _Factored:
        """The lower factor, or the outcome that says why there is none."""
        del access
        a = problem.operator.dense()
        return _factor(problem, a.float() if a.dtype == torch.float64 else a)

    @classmethod
    def solve(cls, state: _Factored, b: Tensor, epsilon: float) -> Solution:
        """x with ‖b − A x‖ ≤ ε‖b‖."""
        began = time.perf_counter()
        if state.factor is None:
            assert state.outcome is not None
            return failed(b, state.outcome, cls.kind)
        x, steps = refine(state.problem.operator, b, epsilon, _apply(state.factor))
        notes = state.notes
        double = state.problem.dtype == torch.float64 and state.factor.dtype == torch.float32
        if double and (x is None):
            again = _factor(state.problem, state.problem.operator.dense())
            notes = (*notes, "float32 refinement did not converge: factored again in float64")
            if again.factor is None:
                assert again.outcome is not None
                return failed(b, again.outcome, cls.kind)
            state.factor, state.notes = again.factor, notes
            x, steps = refine(state.problem.operator, b, epsilon, _apply(again.factor))
        if x is None:
            x = _apply(state.factor)(b)
        stats = SolveStats(
            matvecs=steps + 1,
            iterations=steps,
            measured_s=time.perf_counter() - began,
            notes=notes,
        )
        return finish(state.problem, b, x, epsilon, solver=cls.kind, stats=stats)


def _factor(problem: LinearProblem, a: Tensor) -> _Factored:
    factor, info = torch.linalg.cholesky_ex(a)
    if int(info) == 0 and bool(factor.diagonal().isfinite().all()):
        return _Factored(problem, factor, None)
    if a.dtype == torch.float32 and problem.dtype == torch.float64:
        double = _factor(problem, problem.operator.dense())
        note = "not positive definite in float32: factored in float64"
        return _Factored(problem, double.factor, double.outcome, (note,))
    if not bool(a.isfinite().all()):
        return _Factored(problem, None, Outcome.NONFINITE_INPUT)
    # A failed pivot far below the diagonal's scale is rounding; otherwise the matrix is indefinite.
    least = float(torch.linalg.eigvalsh(a.double()).min()) if len(a) <= 512 else None
    tiny = len(a) * torch.finfo(a.dtype).eps * float(a.diagonal().abs().max())
    singular = least is not None and abs(least) <= tiny
    return _Factored(problem, None, Outcome.SINGULAR if singular else Outcome.INDEFINITE)


def _apply(factor: Tensor):
    def solve(b: Tensor) -> Tensor:
        return torch.cholesky_solve(b.to(factor.dtype)[:, None], factor)[:, 0].to(b.dtype)

    return solve
