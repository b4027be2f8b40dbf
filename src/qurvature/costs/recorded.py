"""Which solvers would take a system that only records tell of."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import torch

from qurvature.operators import LinearOperator, Shifted, Structure
from qurvature.problems import LinearProblem
from qurvature.records import Decision, MatrixProfile, Work
from qurvature.records.counts import KERNELS
from qurvature.solvers.base import Solver


def entries_given(values: Mapping[str, float]) -> bool:
    """Whether the matrix is its entries: none is formed, and a product passes over all of them.

    A curvature whose entries happen to be in memory is none: its products are its own.
    """
    formed = any(values.get(f"form_{kernel}", 1.0) for kernel in KERNELS)
    entries = values["n"] ** 2 * values["word_bytes"]
    own = values.get("product_gemm", 0.0) or values.get("product_stream", entries) != entries
    return not formed and not own


class _Works:
    """What records tell of the work in an operator."""

    _values: Mapping[str, float]

    def _work_of(self, prefix: str) -> list[float]:
        return [self._values.get(f"{prefix}_{kernel}", 0.0) for kernel in KERNELS]

    def _recorded(self, prefix: str) -> Work | None:
        known = f"{prefix}_launch" in self._values
        return Work(*self._work_of(prefix)) if known else None

    @property
    def product_work(self) -> Work:
        return self._recorded("product") or Work()

    @property
    def dense_work(self) -> Work | None:
        return self._recorded("form")

    @property
    def gram_work(self) -> Work | None:
        return self._recorded("gram")

    @property
    def kfac_work(self) -> Work | None:
        return self._recorded("kfac")

    @property
    def kfac_apply_work(self) -> Work | None:
        return self._recorded("kfac_apply")

    @property
    def factor_rows(self) -> int | None:
        rank = self._values.get("rank")
        return None if rank is None else int(rank)


class _Recorded(_Works, LinearOperator):
    """A matrix of which nothing is left but its profile and its counts."""

    def __init__(self, profile: MatrixProfile, values: Mapping[str, float]) -> None:
        dtype = torch.float64 if values["word_bytes"] > 4 else torch.float32
        facts = frozenset(Structure(fact) for fact in profile.structure)
        super().__init__(int(values["n"]), dtype, torch.device("cpu"), facts)
        self._values = values
        self.formation = "given" if entries_given(values) else "recorded"


class _Damped(_Works, Shifted):
    """The same with some damping, and the counts of the whole."""

    def __init__(self, operator: _Recorded) -> None:
        super().__init__(operator, 1.0)
        self._values = operator._values


def refusal(
    solver: type[Solver], profile: MatrixProfile, values: Mapping[str, float], access: str
) -> str | None:
    """Why a solver will not take a recorded system, or None if it will, in the solver's own words.

    Damping is known by what only a damped system has: an overlap, or an effective dimension. A record
    does not tell a Kronecker product from other matrices, so that what asks for one refuses; `decided`
    knows better where a decision was recorded.
    """
    bare = _Recorded(profile, values)
    damped = profile.effective_dimension is not None
    damped = damped or any(a.overlap is not None for a in profile.access)
    operator = _Damped(bare) if damped else bare
    problem: Any = SimpleNamespace(operator=operator, n=operator.n, dtype=operator.dtype)
    return solver.refuses(cast(LinearProblem, problem), profile, access)


class Decided:
    """What was refused when a decision was made; `refusal` for solvers that it did not list.

    Examples:
        >>> from qurvature.records import CostEstimate, Decision
        >>> chosen = CostEstimate("cg", "dense", "cpu", "demonstrated", 0.0, {}, None, None)
        >>> decision = Decision(chosen, (), "cheapest", 1.0, None)
        >>> from qurvature.solvers import Solver
        >>> Decided(decision, None, {})(Solver.named("cg"), "dense") is None
        True
    """

    def __init__(
        self, decision: Decision, profile: MatrixProfile | None, values: Mapping[str, float]
    ) -> None:
        self._known: dict[tuple[str, str], str | None] = {
            (r.solver, r.access): r.reason for r in decision.rejected if r.log10_seconds is None
        }
        for offer in (decision.chosen, *decision.rejected):
            if offer.log10_seconds is not None:
                self._known[offer.solver, offer.access] = None
        self._profile, self._values = profile, values

    def __call__(self, solver: type[Solver], access: str) -> str | None:
        """Why the solver did not take the system, or None."""
        if (solver.kind, access) in self._known:
            return self._known[solver.kind, access]
        if self._profile is None:
            return "nothing is known of the matrix"
        return refusal(solver, self._profile, self._values, access)
