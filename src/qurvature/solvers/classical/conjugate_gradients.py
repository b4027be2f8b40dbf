"""Conjugate gradients, plain and preconditioned by K-FAC, with an exit at negative curvature."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from qurvature.operators import Dense, LinearOperator, Structure, kronecker_factored, split_shift
from qurvature.problems import LinearProblem
from qurvature.records import MatrixProfile, Outcome, Solution, SolveStats
from qurvature.solvers.base import ClassicalSolver, ClassicalWork, failed, finish, norm
from qurvature.solvers.tridiagonal import tridiagonal

from . import counts

#: Iterations beyond which a run is ended, in units of the size.
MOST_ITERATIONS_PER_UNKNOWN = 2


#: Iterations that the K-FAC preconditioner leaves, as a share; measured on GGN systems of networks.
SHARE = 0.3


@dataclass(frozen=True)
class _State:
    problem: LinearProblem
    operator: LinearOperator
    precondition: Callable[[Tensor], Tensor] | None = None
    outcome: Outcome | None = None


def _state(problem: LinearProblem, access: str) -> _State:
    """Products with the entries for ``dense`` access, with the operator's own for ``products``."""
    if access == "dense" and not isinstance(problem.operator, Dense):
        return _State(problem, Dense(problem.operator.dense()))
    return _State(problem, problem.operator)


def _krylov_work(access: str, extra_launches: float) -> ClassicalWork:
    vectors = {
        "stream": 10 * counts.iterations * counts.n * counts.word_bytes,
        "launch": extra_launches * counts.iterations + 30.0,
    }
    if access == "dense":
        products = {
            "stream": counts.iterations * counts.n**2 * counts.word_bytes,
            "launch": 1.0 * counts.iterations,
        }
        form = counts.operator_work("form")
    else:
        products, form = counts.operator_work("product", counts.iterations + 1), {}
    return ClassicalWork(form=form, setup={}, per_rhs=counts.plus(products, vectors))


def _refuses(problem: LinearProblem, profile: MatrixProfile, access: str) -> str | None:
    if Structure.SYMMETRIC not in problem.operator.structure:
        return "the matrix is not symmetric"
    if profile.inertia is not None and (profile.inertia.negative or profile.inertia.zero):
        return "the matrix is not positive definite"
    return no_access(problem, access)


def no_access(problem: LinearProblem, access: str) -> str | None:
    """Why an iterative method cannot take the matrix in this way, or None."""
    if access == "dense" and problem.operator.dense_work is None:
        return "the entries would not fit in memory"
    if access == "products" and problem.operator.formation == "given":
        return "the entries are given, and dense access multiplies with them"
    return None


class CG(ClassicalSolver):
    """Conjugate gradients for positive definite A: products only, no storage.

    It ends with INDEFINITE at a direction of negative curvature; the x it then returns is the last
    iterate before it, which is a descent direction for b = −g (Nocedal and Wright, alg. 7.1). The Lanczos
    coefficients that the run contains are harvested as Ritz values.
    """

    kind = "cg"
    accesses = ("products", "dense")
    iteration_share = 1.0
    source = "Hestenes and Stiefel, J. Res. NBS 49 (1952); Nocedal and Wright, alg. 7.1"

    @classmethod
    def refuses(cls, problem: LinearProblem, profile: MatrixProfile, access: str) -> str | None:
        """It needs a symmetric matrix that is not known to be indefinite."""
        return _refuses(problem, profile, access)

    @classmethod
    def work(cls, access: str) -> ClassicalWork:
        """One product and ten passes over vectors an iteration."""
        return _krylov_work(access, 9.0)

    @classmethod
    def init(cls, problem: LinearProblem, access: str) -> _State:
        """The operator to multiply with."""
        return _state(problem, access)

    @classmethod
    def solve(cls, state: _State, b: Tensor, epsilon: float) -> Solution:
        """x with ‖b − A x‖ ≤ ε‖b‖."""
        return restarted(cls.kind, state, b, epsilon, _conjugate_gradients, _ritz)


class KFACPreconditionedCG(ClassicalSolver):
    """Conjugate gradients with the damped K-FAC inverse as preconditioner, where there is one."""

    kind = "cg_kfac"
    accesses = ("products",)
    source = "Martens and Grosse, arXiv 1503.05671, sec. 6"
    iteration_share = SHARE

    @classmethod
    def refuses(cls, problem: LinearProblem, profile: MatrixProfile, access: str) -> str | None:
        """It needs a damped closed-form operator."""
        _, shift = split_shift(problem.operator)
        if problem.operator.kfac_work is None:
            return "no K-FAC approximation that was measured to pay"
        if shift <= 0:
            return "without damping the K-FAC inverse does not exist"
        return _refuses(problem, profile, access)

    @classmethod
    def work(cls, access: str) -> ClassicalWork:
        """As CG with fewer iterations, each with one application of the inverse."""
        plain = _krylov_work(access, 12.0).per_rhs
        applied = counts.operator_work("kfac_apply", counts.iterations)
        each = counts.plus(plain, applied)
        share = {kernel: SHARE * count for kernel, count in each.items()}
        return ClassicalWork(form={}, setup=counts.operator_work("kfac"), per_rhs=share)

    @classmethod
    def init(cls, problem: LinearProblem, access: str) -> _State:
        """The operator and the K-FAC inverse at its damping."""
        del access
        base, shift = split_shift(problem.operator)
        approximation = kronecker_factored(base)
        if approximation is None:
            raise ValueError("cg_kfac was started on an operator that it refuses")
        if not approximation.finite:
            return _State(problem, problem.operator, None, Outcome.NONFINITE_INPUT)
        return _State(problem, problem.operator, approximation.inverse(shift))

    @classmethod
    def solve(cls, state: _State, b: Tensor, epsilon: float) -> Solution:
        """x with ‖b − A x‖ ≤ ε‖b‖."""
        return restarted(cls.kind, state, b, epsilon, _conjugate_gradients, lambda _: ())


#: Runs after the first, each on the residual that rounding left.
RESTARTS = 2


@dataclass
class Run:
    """One Krylov run: its iterate, how it ended (None: by its own residual), and its coefficients."""

    x: Tensor
    outcome: Outcome | None
    alphas: list[float]
    betas: list[float]


def restarted(
    kind: str,
    state: _State,
    b: Tensor,
    epsilon: float,
    run: Callable[[_State, Tensor, float], Run],
    ritz: Callable[[Run], tuple[float, ...]],
) -> Solution:
    """Solve for b/‖b‖, and once more for the residual if rounding left it above the target.

    ``run(state, b, target)`` starts from zero and ends at an absolute residual, by its own recursion.
    """
    began = time.perf_counter()
    scale = norm(b)
    if state.outcome is not None or not math.isfinite(scale):
        return failed(b, state.outcome or Outcome.NONFINITE_INPUT, kind)
    if scale == 0:
        return finish(
            state.problem, b, torch.zeros_like(b), epsilon, solver=kind, stats=SolveStats()
        )
    unit = b / scale
    first = run(state, unit, epsilon)
    x, outcome, iterations = first.x, first.outcome, len(first.alphas)
    for _ in range(RESTARTS):
        gap = unit - state.problem.operator.matvec(x)
        size = float(gap.norm())
        if outcome is not None or not epsilon < size < 0.5:
            break
        again = run(state, gap, 0.5 * epsilon)
        x, outcome = x + again.x, again.outcome
        iterations += len(again.alphas)
    stats = SolveStats(
        matvecs=iterations + 1 + (outcome is Outcome.INDEFINITE),
        iterations=iterations,
        ritz=ritz(first),
        measured_s=time.perf_counter() - began,
    )
    return finish(state.problem, b, scale * x, epsilon, solver=kind, stats=stats, outcome=outcome)


def _conjugate_gradients(state: _State, b: Tensor, target: float) -> Run:
    matvec, precondition = state.operator.matvec, state.precondition
    x = torch.zeros_like(b)
    r = b.clone()
    z = r if precondition is None else precondition(r)
    p = z.clone()
    rz = float(torch.dot(r, z))
    run = Run(x, None, [], [])
    most = MOST_ITERATIONS_PER_UNKNOWN * len(b) + 10
    best = size = float(b.norm())
    largest = 0.0  # Rayleigh quotient seen, the scale of what counts as zero
    while size > target:
        if len(run.alphas) >= most:
            run.outcome = Outcome.MAX_STEPS
            break
        q = matvec(p)
        curvature = float(torch.dot(p, q))
        if not curvature > 0:
            run.outcome = _ended(curvature, float(torch.dot(p, p)), largest, b.dtype)
            break
        alpha = rz / curvature
        largest = max(largest, curvature / float(torch.dot(p, p)))
        x.add_(p, alpha=alpha)
        r.sub_(q, alpha=alpha)
        z = r if precondition is None else precondition(r)
        rz_next = float(torch.dot(r, z))
        run.alphas.append(alpha)
        run.betas.append(rz_next / rz if rz > 0 else 0.0)
        rz = rz_next
        # Without a preconditioner z is r, and its norm comes for free.
        size = math.sqrt(max(rz, 0.0)) if precondition is None else float(r.norm())
        p.mul_(run.betas[-1]).add_(z)
        best = min(best, size)
        # A residual far above the best one says that the recursion has lost all accuracy.
        if not size <= 1e4 * best:
            run.outcome = Outcome.STAGNATED if math.isfinite(size) else Outcome.NONFINITE_INPUT
            break
    if run.outcome is Outcome.INDEFINITE and not run.alphas:
        run.x = b.clone()  # the gradient direction: the first one tried has negative curvature
    return run


def _ended(curvature: float, pp: float, largest: float, dtype: torch.dtype) -> Outcome:
    """What a curvature pᵀAp that is not positive says of A."""
    if math.isnan(curvature):
        return Outcome.NONFINITE_INPUT
    tiny = 64 * torch.finfo(dtype).eps * largest * pp
    return Outcome.SINGULAR if abs(curvature) <= tiny else Outcome.INDEFINITE


def _ritz(run: Run, most: int = 64) -> tuple[float, ...]:
    """Ritz values from the coefficients of the first iterations (Golub and Van Loan, sec. 11.3.4)."""
    a, b = np.array(run.alphas[:most]), np.array(run.betas[:most])
    if not len(a):
        return ()
    diagonal = 1 / a
    diagonal[1:] += b[:-1] / a[:-1]
    return tuple(float(v) for v in tridiagonal(diagonal, np.sqrt(b) / a).ritz)
