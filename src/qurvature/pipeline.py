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

from qurvature import execution
from qurvature.costs import offers, quantities
from qurvature.execution import NotRunError, Quantum
from qurvature.hardware import HardwareProfile
from qurvature.operators import split_shift
from qurvature.problems import LinearProblem
from qurvature.profiles import harvested, profile
from qurvature.records import (
    Decision,
    MatrixProfile,
    Outcome,
    Rejection,
    Solution,
    SystemRecord,
)
from qurvature.schedule import NoOfferError, Policy
from qurvature.solvers import ClassicalSolver, Solver

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
        generator: of the readout's shots.
        quantum: how quantum offers are carried out.
    """

    policy: Policy
    machines: Mapping[str, HardwareProfile]
    refresh: int = 20
    generator: torch.Generator = field(default_factory=lambda: torch.Generator().manual_seed(0))
    quantum: Quantum = field(default_factory=Quantum)

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
            offered = offers(problem, measured, epsilon, self.machines, access=self.policy.access)
            decision = self.policy.decide(offered, memory.decision)
        else:
            decision = memory.decision
        clock.append(time.perf_counter())
        state = memory.state if keep_state and not due else None
        solution, rung, state, fallbacks = self._carry_out(
            problem, epsilon, measured, decision, state
        )
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
        # A quantum solve harvests no Ritz values, and pays for every overestimate of κ_encoded.
        quantum = memory.decision is not None and memory.decision.chosen.queries is not None
        if memory.profile is None or memory.age >= self.refresh or quantum:
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
        measured: MatrixProfile,
        decision: Decision,
        kept: tuple[str, str, Any] | None,
    ) -> tuple[Solution, tuple[str, str], Any, tuple[str, ...]]:
        """The chosen solver, then the classical ones by price, until one gives a useful direction."""
        fallbacks: list[str] = []
        best: Solution | None = None
        kind = access = ""
        state: Any = None
        for kind, access in _ladder(decision):
            solver = Solver.named(kind)
            if issubclass(solver, ClassicalSolver):
                reused = kept is not None and kept[:2] == (kind, access)
                state = kept[2] if reused else solver.init(problem, access)
                solution = solver.solve(state, problem.rhs, epsilon)
            else:
                try:
                    solution = self._run(problem, epsilon, measured, kind, access)
                except NotRunError as error:
                    fallbacks.append(f"{problem.name}: {kind} was not run: {error}")
                    continue
            if _better(solution, best):
                best = solution
            if solution.outcome is Outcome.NONFINITE_INPUT or _useful(solution):
                break
            fallbacks.append(f"{problem.name}: {kind} ended {solution.outcome.label}")
        if best is None:
            raise NoOfferError(
                "\n".join((*fallbacks, "and no classical solver made an offer to fall back on"))
            )
        return best, (kind, access), state, tuple(fallbacks)

    def _run(
        self,
        problem: LinearProblem,
        epsilon: float,
        measured: MatrixProfile,
        kind: str,
        access: str,
    ) -> Solution:
        known = {a.kind: a.kappa_encoded.high for a in measured.access}
        # The upper end: an underestimate is an error, an overestimate only costs queries.
        promise = known.get(access, math.inf)
        return execution.solve(
            problem,
            kind,
            access,
            epsilon,
            self.quantum,
            self.generator,
            max(promise, 1.0) if math.isfinite(promise) else None,  # a bracket may round below 1
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
        quantum=stats.quantum,
        quantities={} if measured is None else quantities(problem, measured, epsilon),
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
    """(solver, access): the chosen one first, then the rejected classical ones by price."""
    kinds = ClassicalSolver.members()
    priced = [r for r in decision.rejected if r.log10_seconds is not None]
    names = [
        (r.solver, r.access)
        for r in sorted(priced, key=_price)
        if issubclass(kinds[r.solver], ClassicalSolver)
    ]
    return list(dict.fromkeys([(decision.chosen.solver, decision.chosen.access), *names]))


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
