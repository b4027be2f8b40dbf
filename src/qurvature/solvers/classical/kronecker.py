"""The exact inverse of damped K-FAC curvature."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from qurvature.operators import KroneckerFactored, split_shift
from qurvature.problems import LinearProblem
from qurvature.records import MatrixProfile, Outcome, Solution, SolveStats
from qurvature.solvers.base import ClassicalSolver, ClassicalWork, failed, finish

from . import counts


@dataclass(frozen=True)
class _State:
    problem: LinearProblem
    inverse: Any


class Kronecker(ClassicalSolver):
    """(G ⊗ A + λI)⁻¹ through the eigendecompositions of G and A, for K-FAC curvature only."""

    kind = "kronecker"
    accesses = ("factor",)
    source = (
        "Martens and Grosse, arXiv 1503.05671, appendix B; eigenbasis as George et al., 1806.03884"
    )

    @classmethod
    def refuses(cls, problem: LinearProblem, profile: MatrixProfile, access: str) -> str | None:
        """It needs a damped K-FAC operator."""
        del profile, access
        base, shift = split_shift(problem.operator)
        if not isinstance(base, KroneckerFactored):
            return "the matrix is not a Kronecker product"
        return "without damping the inverse may not exist" if shift <= 0 else None

    @classmethod
    def work(cls, access: str) -> ClassicalWork:
        """Two small eigendecompositions a layer, and one application with its check."""
        del access
        return ClassicalWork(
            form={},
            setup=counts.operator_work("kfac"),
            per_rhs=counts.plus(
                counts.operator_work("kfac_apply"), counts.operator_work("product")
            ),
        )

    @classmethod
    def init(cls, problem: LinearProblem, access: str) -> _State:
        """The eigendecompositions."""
        del access
        base, shift = split_shift(problem.operator)
        if not isinstance(base, KroneckerFactored):
            raise ValueError("kronecker was started on an operator that it refuses")
        return _State(problem, base.inverse(shift) if base.finite else None)

    @classmethod
    def solve(cls, state: _State, b: Tensor, epsilon: float) -> Solution:
        """x, exact up to rounding."""
        began = time.perf_counter()
        if state.inverse is None:
            return failed(b, Outcome.NONFINITE_INPUT, cls.kind)
        x = state.inverse(b)
        stats = SolveStats(1, measured_s=time.perf_counter() - began)
        return finish(state.problem, b, x, epsilon, solver=cls.kind, stats=stats)
