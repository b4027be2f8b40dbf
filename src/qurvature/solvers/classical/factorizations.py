"""LU and LDLᵀ: factorizations for matrices that are not positive definite."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from qurvature.operators import Structure
from qurvature.problems import LinearProblem
from qurvature.records import Inertia, MatrixProfile, Outcome, Solution, SolveStats
from qurvature.solvers.base import ClassicalSolver, ClassicalWork, failed, finish

from . import counts
from .refinement import refine


@dataclass(frozen=True)
class _Factorized:
    problem: LinearProblem
    apply: Callable[[Tensor], Tensor] | None
    outcome: Outcome | None = None
    notes: tuple[str, ...] = ()


def _solve(kind: str, state: _Factorized, b: Tensor, epsilon: float) -> Solution:
    began = time.perf_counter()
    if state.apply is None:
        assert state.outcome is not None
        return failed(b, state.outcome, kind)
    x, steps = refine(state.problem.operator, b, epsilon, state.apply)
    if x is None:
        x = state.apply(b)
    elapsed = time.perf_counter() - began
    stats = SolveStats(steps + 1, steps, measured_s=elapsed, notes=state.notes)
    return finish(state.problem, b, x, epsilon, solver=kind, stats=stats)


class LU(ClassicalSolver):
    """PA = LU for any square A: 2n³/3 flops. Q-Newton's classical baseline (arXiv 2405.00252)."""

    kind = "lu"
    accesses = ("dense",)
    source = "Golub and Van Loan, Matrix Computations, 4th ed., alg. 3.4.1"

    @classmethod
    def refuses(cls, problem: LinearProblem, profile: MatrixProfile, access: str) -> str | None:
        """It needs the entries."""
        del profile, access
        return (
            "the entries would not fit in memory" if problem.operator.dense_work is None else None
        )

    @classmethod
    def work(cls, access: str) -> ClassicalWork:
        """2n³/3 once; two triangular solves and a residual for every right-hand side."""
        del access
        solve = {"stream": counts.n**2 * counts.word_bytes, "launch": 20.0 + 0 * counts.n}
        return ClassicalWork(
            form=counts.operator_work("form"),
            setup={"lu": 2 * counts.n**3 / 3, "launch": 16.0 + 0 * counts.n},
            per_rhs=counts.plus(solve, counts.DENSE_PRODUCT),
        )

    @classmethod
    def init(cls, problem: LinearProblem, access: str) -> _Factorized:
        """Factor and pivots."""
        del access
        a = problem.operator.dense()
        factor, pivots, info = torch.linalg.lu_factor_ex(a)
        if int(info) != 0 or not bool(factor.diagonal().isfinite().all()):
            finite = bool(a.isfinite().all())
            return _Factorized(
                problem, None, Outcome.SINGULAR if finite else Outcome.NONFINITE_INPUT
            )
        return _Factorized(
            problem, lambda b: torch.linalg.lu_solve(factor, pivots, b[:, None])[:, 0]
        )

    @classmethod
    def solve(cls, state: _Factorized, b: Tensor, epsilon: float) -> Solution:
        """x with ‖b − A x‖ ≤ ε‖b‖."""
        return _solve(cls.kind, state, b, epsilon)


class LDL(ClassicalSolver):
    """PAPᵀ = LDLᵀ for symmetric indefinite A: n³/3 flops, and the inertia for free."""

    kind = "ldl"
    accesses = ("dense",)
    source = "Bunch and Kaufman, Math. Comp. 31 (1977); LAPACK sytrf"

    @classmethod
    def refuses(cls, problem: LinearProblem, profile: MatrixProfile, access: str) -> str | None:
        """It needs the entries of a symmetric matrix."""
        del profile, access
        if problem.operator.dense_work is None:
            return "the entries would not fit in memory"
        if Structure.SYMMETRIC not in problem.operator.structure:
            return "the matrix is not symmetric"
        return None

    @classmethod
    def work(cls, access: str) -> ClassicalWork:
        """n³/3 once; two triangular solves and a residual for every right-hand side."""
        del access
        solve = {"stream": 2 * counts.n**2 * counts.word_bytes, "launch": 20.0 + 0 * counts.n}
        return ClassicalWork(
            form=counts.operator_work("form"),
            setup={"ldl": counts.n**3 / 3, "launch": 45.0 + 0 * counts.n},
            per_rhs=counts.plus(solve, counts.DENSE_PRODUCT),
        )

    @classmethod
    def init(cls, problem: LinearProblem, access: str) -> _Factorized:
        """Factor, pivots and a note with the inertia."""
        del access
        a = problem.operator.dense()
        factor, pivots, info = torch.linalg.ldl_factor_ex(a)
        if int(info) != 0 or not bool(factor.isfinite().all()):
            finite = bool(a.isfinite().all())
            return _Factorized(
                problem, None, Outcome.SINGULAR if finite else Outcome.NONFINITE_INPUT
            )
        inertia = ldl_inertia(factor, pivots)
        if inertia.zero:
            return _Factorized(problem, None, Outcome.SINGULAR)
        note = f"inertia {inertia.positive} positive, {inertia.negative} negative"
        return _Factorized(
            problem,
            lambda b: torch.linalg.ldl_solve(factor, pivots, b[:, None])[:, 0],
            notes=(note,),
        )

    @classmethod
    def solve(cls, state: _Factorized, b: Tensor, epsilon: float) -> Solution:
        """x with ‖b − A x‖ ≤ ε‖b‖."""
        return _solve(cls.kind, state, b, epsilon)


def ldl_inertia(factor: Tensor, pivots: Tensor) -> Inertia:
    """Signs of the eigenvalues from the block diagonal D of an LDLᵀ factorization (Sylvester)."""
    d = factor.diagonal().double().cpu().numpy()
    off = np.append(factor.diagonal(-1).double().cpu().numpy(), 0.0)
    tiny = len(d) * float(torch.finfo(factor.dtype).eps) * float(np.abs(d).max(initial=0.0))
    # A pair of negative pivots marks a 2 × 2 block; pairs follow each other without overlap.
    two = np.flatnonzero(pivots.cpu().numpy() < 0)
    first = two[0::2]
    single = np.delete(d, two)
    half = (d[first] + d[first + 1]) / 2
    gap = np.hypot((d[first] - d[first + 1]) / 2, off[first])
    values = np.concatenate([single, half + gap, half - gap])
    positive, negative = int((values > tiny).sum()), int((values < -tiny).sum())
    return Inertia(positive, negative, len(d) - positive - negative)
