"""The validity suite of solvers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from qurvature.costs.classical import seconds
from qurvature.costs.quantities import QUANTITIES, quantities
from qurvature.operators import Dense, LinearOperator
from qurvature.problems import LinearProblem
from qurvature.profiles import profile
from qurvature.records import Outcome, Solution
from qurvature.solvers import ClassicalSolver, QuantumSolver, Solver

from .matrices import MATRICES, MatrixCase
from .violation import Violation, require

#: Accuracies asked for: one that float32 reaches at every case's condition number.
EPSILONS = {torch.float32: 1e-3, torch.float64: 1e-9}

#: Outcomes that say the run ended early, which is no fact about the matrix.
_EARLY = (
    Outcome.MAX_STEPS,
    Outcome.STAGNATED,
    Outcome.BREAKDOWN,
    Outcome.BUDGET_EXCEEDED,
    Outcome.INFEASIBLE_PRECISION,
)


@dataclass(frozen=True)
class Report:
    """How every case ended: an outcome's label, a formation, or ``refused: …``."""

    solved: dict[str, str]


def check_solver(solver: str | type[Solver], cases: Iterable[MatrixCase] | None = None) -> Report:
    """The laws of a registered solver over matrices of every character, float32 and float64.

    A classical solver either refuses a system with a reason, or after one ``init`` solves for
    several right-hand sides. The residual is recomputed here from the entries. CONVERGED means that
    it meets ε; any other outcome must be true of the matrix. NaN in the matrix or the right-hand
    side ends in NONFINITE_INPUT, and a zero right-hand side in zero. On well-posed systems that it
    takes it must converge, and it must take one. Declared work is finite and not negative. A
    quantum solver's counts are finite and never fall as κ or 1/ε grows.

    Args:
        solver: its kind or its class.
        cases: systems to use; all of `qurvature.testing.MATRICES` by default.

    Returns:
        How every case, access and precision ended.

    Raises:
        Violation: at the first law broken.
    """
    cls = Solver.named(solver) if isinstance(solver, str) else solver
    require(bool(cls.summary()), "the docstring says in one line what the solver is")
    require(bool(cls.source), "a solver names its source")
    require(len(cls.accesses) > 0, "a solver names the access models it takes")
    if issubclass(cls, QuantumSolver):
        return _check_counts(cls)
    if not issubclass(cls, ClassicalSolver):
        raise Violation("a solver is classical or quantum")
    outcomes: dict[str, str] = {}
    for case in MATRICES if cases is None else cases:
        for access in cls.accesses:
            for dtype in EPSILONS:
                key = f"{case.name}/{access}/{str(dtype).removeprefix('torch.')}"
                outcomes[key] = _check_case(cls, case, access, dtype, key)
    require("converged" in outcomes.values(), f"{cls.kind} solves a system: {outcomes}")
    return Report(outcomes)


def _check_case(
    cls: type[ClassicalSolver], case: MatrixCase, access: str, dtype: torch.dtype, key: str
) -> str:
    epsilon = EPSILONS[dtype]
    problem = case.problem(dtype)
    # Without the inertia, so that a solver has to find out by itself.
    measured = replace(profile(problem, epsilon), inertia=None)
    refusal = cls.refuses(problem, measured, access)
    require(refusal is None or bool(refusal.strip()), f"{key}: a refusal gives its reason")
    if refusal is not None:
        return f"refused: {refusal}"
    _check_work(cls, problem, access, key)
    entries = case.entries(dtype)
    state = cls.init(problem, access)
    outcomes = []
    for b in _right_hand_sides(problem):
        kept = b.clone()
        solution = cls.solve(state, b, epsilon)
        require(torch.equal(b, kept), f"{key}: the right-hand side is left as it was")
        _check_solution(solution, cls, entries, b, epsilon, key)
        outcomes.append(solution.outcome)
    # Nothing reaches this: whoever says so is not measuring.
    beyond = cls.solve(state, problem.rhs, 1e-30)
    require(
        not beyond.outcome.success or beyond.residual <= 1e-30,
        f"{key}: converged to 1e-30 with the residual {beyond.residual:.3g}",
    )
    zero = cls.solve(state, torch.zeros_like(problem.rhs), epsilon)
    require(not bool(zero.x.any()), f"{key}: A x = 0 has the solution 0")
    if not case.singular:
        good = all(o.success for o in outcomes) or (not case.definite and case.symmetric)
        require(good, f"{key}: a well-posed system that is taken is solved, given {outcomes}")
    if all(o.success for o in outcomes):
        _check_nonfinite(cls, problem, state, access, epsilon, key)
    return outcomes[0].label


def _right_hand_sides(problem: LinearProblem) -> list[Tensor]:
    """The problem's own, another, a tiny, a huge one, and one that A maps something to."""
    b = problem.rhs
    generator = torch.Generator().manual_seed(7)
    other = torch.randn(problem.n, generator=generator, dtype=torch.float64).to(b)
    reached = problem.operator.matvec(other)
    return [b, other, 1e-8 * b, 1e8 * other, *([reached] if bool(reached.any()) else [])]


def _check_solution(
    solution: Solution,
    cls: type[ClassicalSolver],
    entries: Tensor,
    b: Tensor,
    epsilon: float,
    key: str,
) -> None:
    require(solution.solver == cls.kind, f"{key}: the solution names its solver")
    require(solution.x.shape == b.shape and solution.x.dtype == b.dtype, f"{key}: x is as b")
    require(solution.stats.matvecs >= 0 <= solution.stats.measured_s, f"{key}: counts")
    gap = b.double() - entries @ solution.x.double()
    residual = float(gap.norm() / b.double().norm())
    # What the products themselves round away, relative to b.
    slack = float(entries.abs().max()) * float(solution.x.double().norm() / b.double().norm())
    slack *= 8 * len(b) * torch.finfo(b.dtype).eps
    outcome = solution.outcome
    if bool(solution.x.isfinite().all()):
        require(
            abs(residual - solution.residual) <= slack + 1e-6 * residual,
            f"{key}: residual {solution.residual:.3g} reported, {residual:.3g} recomputed",
        )
    require(outcome is not Outcome.NONFINITE_INPUT, f"{key}: NONFINITE_INPUT, all input is finite")
    if outcome.success:
        require(solution.residual <= epsilon, f"{key}: converged by its own account only")
        require(
            residual <= epsilon + slack, f"{key}: converged, but the residual is {residual:.3g}"
        )
        return
    require(solution.residual > epsilon, f"{key}: {outcome.label}, but the residual meets ε")
    if outcome in _EARLY:
        return
    symmetric = float((entries - entries.T).abs().max()) <= 1e-6 * float(entries.abs().max())
    tiny = 1e2 * len(b) * torch.finfo(b.dtype).eps * float(entries.abs().max())
    if outcome is Outcome.SINGULAR:
        least = float(torch.linalg.svdvals(entries).min())
        require(least <= tiny, f"{key}: said to be singular, σ_min = {least:.3g}")
    if outcome is Outcome.INDEFINITE:
        require(symmetric, f"{key}: said to be indefinite, is not symmetric")
        least = float(torch.linalg.eigvalsh(entries).min())
        require(least < 0, f"{key}: said to be indefinite, λ_min = {least:.3g}")
        slope = float(b.double() @ solution.x.double())
        require(slope >= 0, f"{key}: x at negative curvature is a descent direction, b·x = {slope}")


def _check_nonfinite(
    cls: type[ClassicalSolver],
    problem: LinearProblem,
    state: object,
    access: str,
    epsilon: float,
    key: str,
) -> None:
    for bad in (math.nan, math.inf):
        b = problem.rhs.clone()
        b[-1] = bad
        outcome = cls.solve(state, b, epsilon).outcome
        require(outcome is Outcome.NONFINITE_INPUT, f"{key}: {bad} in b ends in {outcome.label}")
    if isinstance(problem.operator, Dense):
        entries = problem.operator.dense().clone()
        entries[0, 0] = math.nan
        operator: LinearOperator = Dense(entries, *problem.operator.structure)
        poisoned = replace(problem, operator=operator)
        outcome = cls.solve(cls.init(poisoned, access), poisoned.rhs, epsilon).outcome
        require(outcome is Outcome.NONFINITE_INPUT, f"{key}: NaN in A ends in {outcome.label}")


def _check_work(cls: type[ClassicalSolver], problem: LinearProblem, access: str, key: str) -> None:
    work = cls.work(access)
    values = quantities(problem, profile(problem, 1e-3), 1e-3)
    for part in (work.form, work.setup, work.per_rhs):
        for kernel, count in part.items():
            try:
                seconds({kernel: count})
            except KeyError:
                raise Violation(f"{key}: there is no kernel {kernel!r} to count by") from None
            unknown = count.names - QUANTITIES.keys()
            require(not unknown, f"{key}: {kernel} asks for {sorted(unknown)}, which nobody gives")
            if not count.names <= values.keys():
                continue  # a system without this quantity gets no price, hence no offer
            number = count.evaluate(values)
            require(math.isfinite(number) and number >= 0, f"{key}: {kernel} is counted {number}")


def _check_counts(cls: type[QuantumSolver]) -> Report:
    outcomes = {}
    for kappa, harder in ((1.0, 10.0), (10.0, 1e3), (1e3, 1e9)):
        for epsilon, finer in ((0.5, 1e-2), (1e-2, 1e-8)):
            count = cls.count(kappa, epsilon)
            require(count.queries >= 1, f"{cls.kind} asks at least once, given {count.queries}")
            require(0 < count.success_probability <= 1, "success is a probability")
            require(count.state_preparations >= 1, "the right-hand side is prepared")
            require(bool(count.unit and count.error_norm and count.source), "units and source")
            for more in (cls.count(harder, epsilon), cls.count(kappa, finer)):
                require(
                    more.queries >= count.queries * (1 - 1e-12),
                    f"{cls.kind}: a larger κ or a finer ε is never cheaper",
                )
            outcomes[f"kappa={kappa:g}/epsilon={epsilon:g}"] = f"{count.queries:.4g} queries"
    return Report(outcomes)
