"""Regret of the scheduler's choice over a grid of systems, and what deciding costs."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Iterator

import torch

from qurvature.costs import offers
from qurvature.operators import Dense, ExplicitRows, Factored, Structure
from qurvature.optim.machines import machines_named
from qurvature.problems import LinearProblem
from qurvature.profiles import profile
from qurvature.records import CostEstimate
from qurvature.schedule import policy
from qurvature.solvers import Solver

from .harness import Row, seeded
from .kappa import rotated

EPSILON = 1e-3
SIZES = (64, 256, 1024, 4096, 8192)


class _Cut(Exception):
    """A run reached its time limit."""


def systems() -> Iterator[tuple[str, LinearProblem]]:
    """N 64…4096 and four at 8192; κ 10…1e6; log-uniform and clustered; dense and through a factor."""
    for n in SIZES:
        for kappa in (10.0, 1e2, 1e4, 1e6):
            for spectrum in ("log-uniform", "clustered"):
                if n == 8192 and (kappa not in (10.0, 1e4)):
                    continue
                values = _values(n, kappa, spectrum)
                name = f"N={n} κ={kappa:g} {spectrum}"
                yield name + " dense", _dense(values, n)
                if n <= 4096:
                    yield name + " factor", _factor(values, n)


def _values(n: int, kappa: float, spectrum: str) -> torch.Tensor:
    if spectrum == "log-uniform":
        return torch.logspace(0, -math.log10(kappa), n, dtype=torch.float64)
    values = torch.full((n,), 1 / kappa, dtype=torch.float64)
    outliers = max(4, n // 100)
    values[:outliers] = torch.logspace(0, -0.7 * math.log10(kappa), outliers, dtype=torch.float64)
    return values * (1 + 0.05 * torch.rand(n, generator=torch.Generator().manual_seed(1)))


def _dense(values: torch.Tensor, n: int) -> LinearProblem:
    return LinearProblem(Dense(rotated(values), Structure.POSITIVE_DEFINITE), seeded(n).double())


def _factor(values: torch.Tensor, n: int) -> LinearProblem:
    """QᵀQ + λI with n/4 rows: the leading quarter of the spectrum, damped at its end."""
    rows = n // 4
    q, _ = torch.linalg.qr(seeded(n, rows).double())
    scaled = values[:rows].sqrt()[:, None] * q.T
    operator = Factored([ExplicitRows(scaled[None].contiguous())])
    return LinearProblem(operator.shifted(float(values[-1])), seeded(n).double())


def _timed(kind: str, access: str, problem: LinearProblem, limit: float) -> float:
    """Seconds to solve from scratch; ``limit`` if it takes longer or does not reach the target."""
    solver = Solver.named(kind)
    best, repeats = math.inf, 3
    while repeats:
        repeats -= 1
        for operator in (problem.operator, getattr(problem.operator, "operator", None)):
            if operator is not None and not isinstance(operator, Dense):
                operator.__dict__.pop("_dense", None)
        try:
            if math.isfinite(limit):
                signal.setitimer(signal.ITIMER_REAL, limit)
            began = time.perf_counter()
            solution = solver.solve(solver.init(problem, access), problem.rhs, EPSILON)
            elapsed = time.perf_counter() - began
            signal.setitimer(signal.ITIMER_REAL, 0)
        except _Cut:
            return min(best, limit)
        if not solution.outcome.success:
            return limit
        best = min(best, elapsed)
        if elapsed > 0.3:
            break
    return best


def _raise(*_: object) -> None:
    raise _Cut


def run(threads: int, verbose: bool = False) -> list[Row]:
    """Σ chosen / Σ best − 1 with every run cut at three times the best."""
    signal.signal(signal.SIGALRM, _raise)
    torch.manual_seed(0)
    machines = machines_named(("cpu",))
    chooser = policy("cheapest")
    chosen_total = best_total = deciding = 0.0
    count = 0
    for name, problem in systems():
        measured = profile(problem, EPSILON)
        offered = offers(problem, measured, EPSILON, machines)
        began = time.perf_counter()
        decision = chooser.decide(offers(problem, measured, EPSILON, machines))
        deciding += time.perf_counter() - began
        priced = sorted(
            (o for o in offered if isinstance(o, CostEstimate)), key=lambda o: o.log10_seconds
        )
        best, taken = math.inf, {}
        for offer in priced:
            limit = max(3 * best, 1e-4)
            # An offer a hundred times dearer than the best run so far is not worth a run.
            worth = offer.seconds < 100 * best
            seconds = _timed(offer.solver, offer.access, problem, limit) if worth else limit
            taken[offer.offer] = seconds
            best = min(best, seconds)
        mine = min(taken[decision.chosen.offer], 3 * best)
        chosen_total, best_total, count = chosen_total + mine, best_total + best, count + 1
        if verbose:
            winner = min(taken, key=lambda k: taken[k])
            print(
                f"{name:36s} {mine / best:5.2f} chose {decision.chosen.offer:24s} "
                f"{mine * 1e3:9.2f} ms, best {winner:24s} {best * 1e3:9.2f} ms",
                flush=True,
            )
    return [
        Row(
            "scheduler",
            f"regret over {count} systems",
            threads,
            chosen_total / best_total - 1,
            "",
            0.15,
            False,
            f"chosen {chosen_total:.2f} s, best in hindsight {best_total:.2f} s",
        ),
        Row(
            "scheduler",
            "deciding, share of the best solve",
            threads,
            deciding / best_total,
            "",
            0.03,
            False,
            f"{deciding / count * 1e6:.0f} µs a system",
        ),
    ]
