"""Randomized Kaczmarz: one row of the matrix at a time, drawn with probability ∝ its squared norm."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from qurvature.expressions import log
from qurvature.problems import LinearProblem
from qurvature.records import MatrixProfile, Outcome, Solution, SolveStats
from qurvature.solvers.base import EPSILON, ClassicalSolver, ClassicalWork, failed, finish, norm

from . import counts

#: Rows beyond which a system is refused; a row takes some microseconds.
MOST_ROWS = 200_000
#: Rows between two looks at the residual, in units of the size.
_SWEEP = 2
#: A run may take this many times the rows that are expected.
_PATIENCE = 4.0
#: The accuracy for which `MOST_ROWS` is checked before it is known.
_TYPICAL = 1e-6


@dataclass(frozen=True)
class _State:
    problem: LinearProblem
    rows: np.ndarray
    weights: np.ndarray
    outcome: Outcome | None = None


class Kaczmarz(ClassicalSolver):
    """Randomized Kaczmarz: O(n) a row, and as few rows as a dequantized solver can hope for.

    x ← x + (b_i - ⟨a_i, x⟩) a_i/‖a_i‖² for a row i drawn with probability ‖a_i‖²/‖A‖_F². Then

        E‖x_k - x‖² ≤ (1 - 1/κ_F²)^k ‖x‖²,    κ_F = ‖A‖_F ‖A⁻¹‖,

    (Strohmer and Vershynin, theorem 2). With ‖b - A x_k‖ ≤ ‖A‖ ‖x_k - x‖ and ‖x‖ ≤ ‖A⁻¹‖ ‖b‖ the expected
    relative residual is ε after 2 κ_F² ln(κ_F/ε) rows.

    This is the classical rival that has what a QRAM gives a quantum computer: samples of rows by their
    norms. The dequantized solvers (arXiv 1910.06151 and its successors) have the same access and bounds
    that are free of n but of a higher degree in κ_F; they are not run here.
    """

    kind = "kaczmarz"
    accesses = ("dense",)
    source = "Strohmer and Vershynin, arXiv math/0702226, theorem 2"

    @classmethod
    def refuses(cls, problem: LinearProblem, profile: MatrixProfile, access: str) -> str | None:
        """It needs the entries, and a κ_F for which its bound can be run."""
        del access
        if problem.operator.dense_work is None:
            return "the entries would not fit in memory"
        kappa = profile.kappa_frobenius
        if kappa is None:
            return "‖A‖_F is not known, so neither is a bound"
        rows = expected_rows(kappa, _TYPICAL)
        if not rows <= MOST_ROWS:
            return (
                f"its bound asks for {rows:.2g} rows, 2 κ_F² ln(κ_F/ε) with κ_F = {kappa:.3g} and "
                f"ε = {_TYPICAL:g}: more than {MOST_ROWS:,} are not run"
            )
        return None

    @classmethod
    def work(cls, access: str) -> ClassicalWork:
        """For each row two passes over it and two over x, and two library calls."""
        del access
        kappa = counts.kappa_frobenius
        rows = 2 * kappa**2 * log(kappa / EPSILON)
        return ClassicalWork(
            form=counts.operator_work("form"),
            setup=counts.DENSE_PRODUCT,
            per_rhs={"stream": 4 * counts.n * counts.word_bytes * rows, "launch": 2 * rows},
        )

    @classmethod
    def init(cls, problem: LinearProblem, access: str) -> _State:
        """The rows and their squared norms, in double precision."""
        del access
        rows = problem.operator.dense().double().cpu().numpy()
        scale = float(np.abs(rows).max(initial=0.0))
        if not math.isfinite(scale):
            return _State(problem, rows, rows[0], Outcome.NONFINITE_INPUT)
        scaled = rows / scale if scale > 0 else rows
        weights = np.einsum("ij,ij->i", scaled, scaled)
        if not weights.all():  # a row of zeros
            return _State(problem, rows, weights, Outcome.SINGULAR)
        return _State(problem, scaled, weights)

    @classmethod
    def solve(cls, state: _State, b: Tensor, epsilon: float) -> Solution:
        """x with ‖b − A x‖ ≤ ε‖b‖; rows are drawn from a generator of its own, so that runs repeat."""
        began = time.perf_counter()
        size = norm(b)
        if state.outcome is not None or not math.isfinite(size):
            return failed(b, state.outcome or Outcome.NONFINITE_INPUT, cls.kind)
        if size == 0:
            return finish(
                state.problem, b, torch.zeros_like(b), epsilon, solver=cls.kind, stats=SolveStats()
            )
        scale = float(state.problem.operator.dense().abs().max())
        unit = b.double().cpu().numpy() / size
        y, rows, ended = _run(state, unit, epsilon)
        x = torch.from_numpy(y * (size / scale)).to(b)
        stats = SolveStats(
            matvecs=math.ceil(rows / len(unit)) + 1,
            iterations=rows,
            measured_s=time.perf_counter() - began,
        )
        solution = finish(state.problem, b, x, epsilon, solver=cls.kind, stats=stats)
        if solution.outcome is Outcome.STAGNATED and ended is not None:
            return finish(state.problem, b, x, epsilon, solver=cls.kind, stats=stats, outcome=ended)
        return solution


def _run(state: _State, b: np.ndarray, epsilon: float) -> tuple[np.ndarray, int, Outcome | None]:
    """x for a unit right-hand side, how many rows it took, and how it ended, if not at the target."""
    a, weights = state.rows, state.weights
    chance = weights / weights.sum()
    generator = np.random.default_rng(0)
    x = np.zeros_like(b)
    most = _PATIENCE * MOST_ROWS
    rows, best, idle = 0, 1.0, 0
    while True:
        for i in generator.choice(len(b), _SWEEP * len(b), p=chance):
            x += ((b[i] - a[i] @ x) / weights[i]) * a[i]
        rows += _SWEEP * len(b)
        gap = float(np.linalg.norm(b - a @ x))
        if gap <= epsilon:
            return x, rows, None
        # Rounding leaves some n·1e-16: what no longer halves in so many rows is there.
        idle = idle + 1 if gap > 0.5 * best else 0
        best = min(best, gap)
        if gap < 1e-12 and idle > 50:
            return x, rows, Outcome.STAGNATED
        if rows >= most:
            return x, rows, Outcome.MAX_STEPS


def expected_rows(kappa: float, epsilon: float) -> float:
    """2 κ_F² ln(κ_F/ε).

    Examples:
        >>> round(expected_rows(10.0, 1e-3))
        1842
    """
    return 2 * kappa * kappa * math.log(kappa / epsilon)
