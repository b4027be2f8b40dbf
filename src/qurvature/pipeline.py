"""The order of the stages, and nothing else.

    formulate → condition → profile → price → decide → solve → read out → apply → record

`Pipeline.solve` runs the middle of it, from a damped problem to a solution and its record; the
optimizer formulates before and applies after.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from qurvature.costs import offers
from qurvature.hardware import HardwareProfile
from qurvature.operators import split_shift
from qurvature.problems import LinearProblem
from qurvature.profiles import harvested, profile
from qurvature.readout import with_readout_error
from qurvature.records import (
    CostEstimate,
    Decision,
    MatrixProfile,
    Outcome,
    Rejection,
    Solution,
    SystemRecord,
)
from qurvature.schedule import NoOfferError, Policy
from qurvature.solvers import ClassicalSolver, Solver

_STAND_IN = (
    "the outcome is the stand-in's; the residual holds the readout error, amplified by up to κ"
)

#: A decision is made anew when κ is this many times larger or smaller than when it was made.
DRIFT = 10.0

#: A solution this far from the target is still a useful direction; farther, the next solver is asked.
USEFUL_RESIDUAL = 0.5


@dataclass(frozen=True)
class Memory:
    """What one block carries from step to step.

    Attributes:
        profile: the last profile.
        decision: the last decision.
        age: steps since both were made afresh.
        ritz: harvested from the last solve or profile, of the matrix without its damping.
        trace: of the matrix without its damping.
        iterations: what plain conjugate gradients would have taken in the last solve, for the next
            price; 0 if the solver had none.
        kappa: that the decision was made on.
        state: solver, access and what its ``init`` gave, where curvature is reused.
    """

    profile: MatrixProfile | None = None
    decision: Decision | None = None
    age: int = 0
    ritz: tuple[float, ...] = ()
    trace: float | None = None
    iterations: int = 0
    kappa: float = math.nan
    state: tuple[str, str, Any] | None = None


@dataclass(frozen=True)
class Solved:
    """A solution, the block's memory for the next step, and the record of this one.

    The solution's residual vector is that of the system before conditioning.
    """

    solution: Solution
    memory: Memory
    record: SystemRecord
    fallbacks: tuple[str, ...] = ()
    measured_s: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Pipeline:
    """From a damped problem to a solution: profile, price, decide, solve, read out.

    Args:
        policy: which offer to take.
        machines: what offers are made on, by name.
        refresh: measure the profile and decide anew every so many steps of a block; in between the
            decision stands and Ritz values harvested from the solves keep the profile current.
        generator: of the readout noise.
    """

    policy: Policy
    machines: Mapping[str, HardwareProfile]
    refresh: int = 20
    generator: torch.Generator = field(default_factory=lambda: torch.Generator().manual_seed(0))

    def solve(
        self, problem: LinearProblem, epsilon: float, memory: Memory, *, keep_state: bool = False
    ) -> Solved:
        """Solve ``problem`` to the relative residual ``epsilon``.

        ``keep_state`` returns the solver's state in the memory, and uses one that is there.

        Raises:
            NonFiniteError: if the matrix or right-hand side holds NaN or Inf.
            NoOfferError: if no offer is eligible.
        """
        clock = [time.perf_counter()]
        measured, due = self._profile(problem, epsilon, memory)
        clock.append(time.perf_counter())
        if due or memory.decision is None or _drifted(measured, memory):
            offered = offers(problem, measured, epsilon, self.machines)
            decision = self.policy.decide(offered, memory.decision)
        else:
            decision = memory.decision
        clock.append(time.perf_counter())
        state = memory.state if keep_state and not due else None
        solution, rung, state, fallbacks = self._carry_out(problem, epsilon, decision, state)
        original = original_residual(problem, solution)
        scale = float(problem.rhs.norm())
        share = float(original.norm()) / scale if scale > 0 else 0.0
        solution = replace(solution, residual_original=share, residual_vector=original)
        clock.append(time.perf_counter())
        failed = not solution.outcome.success
        _, shift = split_shift(problem.operator)
        later = Memory(
            measured,
            decision,
            # A failed solve makes the next step measure and decide afresh.
            self.refresh if failed else (1 if due else memory.age + 1),
            tuple(r - shift for r in solution.stats.ritz or measured.ritz),
            None if measured.trace is None else measured.trace - problem.n * shift,
            _plain_iterations(solution),
            measured.kappa.value if decision is not memory.decision else memory.kappa,
            (*rung, state) if keep_state else None,
        )
        return Solved(
            solution,
            later,
            record(problem, epsilon, measured, decision, solution),
            fallbacks,
            dict(zip(("profile", "decide", "solve"), _differences(clock), strict=True)),
        )

    def _profile(
        self, problem: LinearProblem, epsilon: float, memory: Memory
    ) -> tuple[MatrixProfile, bool]:
        if memory.profile is None or memory.age >= self.refresh:
            fresh = profile(problem, epsilon)
            if memory.iterations:
                # The last run at hand predicts the next better than an extrapolation does.
                fresh = replace(fresh, cg_iterations=float(memory.iterations))
            return fresh, True
        _, shift = split_shift(problem.operator)
        ritz = tuple(r + shift for r in memory.ritz)
        iterations = memory.iterations or memory.profile.cg_iterations
        trace = None if memory.trace is None else memory.trace + problem.n * shift
        return harvested(memory.profile, problem, ritz, iterations, trace), False

    def _carry_out(
        self,
        problem: LinearProblem,
        epsilon: float,
        decision: Decision,
        kept: tuple[str, str, Any] | None,
    ) -> tuple[Solution, tuple[str, str], Any, tuple[str, ...]]:
        """The chosen solver, then the others by price, until one gives a useful direction."""
        fallbacks: list[str] = []
        best: Solution | None = None
        kind = access = ""
        state: Any = None
        for kind, access in _ladder(decision):
            solver = Solver.named(kind)
            assert issubclass(solver, ClassicalSolver)
            reused = kept is not None and kept[:2] == (kind, access)
            state = kept[2] if reused else solver.init(problem, access)
            solution = solver.solve(state, problem.rhs, epsilon)
            if _better(solution, best):
                best = solution
            if solution.outcome is Outcome.NONFINITE_INPUT or _useful(solution):
                break
            fallbacks.append(f"{problem.name}: {kind} ended {solution.outcome.label}")
        assert best is not None  # a ladder has at least one rung
        if decision.chosen.queries is not None:
            best = self._stand_in(problem, epsilon, decision.chosen, best)
        return best, (kind, access), state, tuple(fallbacks)

    def _stand_in(
        self, problem: LinearProblem, epsilon: float, chosen: CostEstimate, solution: Solution
    ) -> Solution:
        """A chosen quantum offer, until circuits exist: the classical solve plus readout error."""
        x = with_readout_error(solution.x, epsilon, self.generator)
        scale = float(problem.rhs.norm())
        gap = problem.rhs - problem.operator.matvec(x)
        residual = float(gap.norm()) / scale if scale > 0 else 0.0
        missed = solution.outcome.success and residual > epsilon
        return replace(
            solution,
            x=x,
            outcome=Outcome.INFEASIBLE_PRECISION if missed else solution.outcome,
            residual=residual,
            residual_vector=gap,
            stats=replace(solution.stats, notes=(*solution.stats.notes, _STAND_IN)),
            solver=chosen.solver,
            carried_out_by=f"stand-in: {solution.solver} with readout error {epsilon:.1e}",
        )


def record(
    problem: LinearProblem,
    epsilon: float,
    measured: MatrixProfile | None,
    decision: Decision | None,
    solution: Solution,
) -> SystemRecord:
    """The record of one solved system."""
    stats = solution.stats
    notes = (problem.note, *stats.notes) if problem.note else stats.notes
    return SystemRecord(
        block=problem.name,
        n=problem.n,
        formation=problem.operator.formation,
        epsilon=epsilon,
        profile=measured,
        conditioning=problem.provenance,
        decision=decision,
        outcome=solution.outcome.label,
        advice="" if solution.outcome.success else solution.outcome.advice,
        solver=solution.solver,
        carried_out_by=solution.carried_out_by,
        residual=solution.residual,
        residual_original=solution.residual_original,
        matvecs=stats.matvecs,
        iterations=stats.iterations,
        measured_s=stats.measured_s,
        notes=notes,
    )


def _drifted(measured: MatrixProfile, memory: Memory) -> bool:
    """Whether κ has moved so far that the decision may no longer be the right one."""
    now, then = measured.kappa.value, memory.kappa
    return not 1 / DRIFT <= now / then <= DRIFT


def _plain_iterations(solution: Solution) -> int:
    """The iterations of the solve in units of plain conjugate gradients'."""
    solver = Solver.named(solution.solver)
    share = solver.iteration_share if issubclass(solver, ClassicalSolver) else None
    return 0 if share is None else math.ceil(solution.stats.iterations / share)


def _ladder(decision: Decision) -> list[tuple[str, str]]:
    """(solver, access) of what can run here: the chosen one first, then the rejected by price."""
    priced = [r for r in decision.rejected if r.log10_seconds is not None]
    names = [(decision.chosen.solver, decision.chosen.access)]
    names += [(r.solver, r.access) for r in sorted(priced, key=_price)]
    kinds = ClassicalSolver.members()
    rungs = [pair for pair in dict.fromkeys(names) if issubclass(kinds[pair[0]], ClassicalSolver)]
    if not rungs:
        raise NoOfferError("a quantum offer was chosen and no classical solver can stand in for it")
    return rungs


def _price(rejection: Rejection) -> float:
    return rejection.log10_seconds if rejection.log10_seconds is not None else float("inf")


def _useful(solution: Solution) -> bool:
    """Converged, or a direction still worth having: truncated at negative curvature or precision."""
    if solution.outcome.success:
        return True
    if solution.outcome is Outcome.INDEFINITE:
        return bool(solution.x.any())
    return solution.residual <= USEFUL_RESIDUAL


def _better(solution: Solution, best: Solution | None) -> bool:
    return best is None or solution.residual < best.residual


def original_residual(problem: LinearProblem, solution: Solution) -> Tensor:
    """b − A x with A before conditioning; a damped system's own residual gives it without a product."""
    known = solution.residual_vector
    base, shift = split_shift(problem.operator)
    before, kept = split_shift(problem.unconditioned)
    if known is not None and base is before:
        return torch.add(known, solution.x, alpha=shift - kept)
    return problem.rhs - problem.unconditioned.matvec(solution.x)


def _differences(clock: list[float]) -> list[float]:
    return [b - a for a, b in itertools.pairwise(clock)]
