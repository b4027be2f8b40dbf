"""Every offer of a run's decisions in one form, whether it was chosen, rejected or refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from qurvature.records import (
    Assumption,
    CostEstimate,
    Decision,
    Rejection,
    StepRecord,
    SystemRecord,
)
from qurvature.solvers.base import QuantumSolver, Solver

#: The realism of machines that nature forbids.
NONPHYSICAL = "hypothetical_nonphysical"


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer for one system.

    ``gap`` is the log10 of its price over the chosen one's; both are None if it has no price.
    ``lines`` are known of chosen offers only.
    """

    step: int
    block: str
    solver: str
    access: str
    machine: str
    realism: str
    quantum: bool
    chosen: bool
    log10_seconds: float | None
    gap: float | None
    reason: str
    break_even_gate_s: float | None
    lines: dict[str, float] | None

    @property
    def name(self) -> str:
        """``solver/access@machine``."""
        return f"{self.solver}/{self.access}@{self.machine}"

    @property
    def spoken(self) -> str:
        """``solver via access access on machine``, for a sentence."""
        return f"{self.solver} via {self.access} access on {self.machine}"

    @property
    def physical(self) -> bool:
        """Whether the machine can exist."""
        return self.realism != NONPHYSICAL


def decided(records: Iterable[StepRecord]) -> list[tuple[int, SystemRecord, Decision]]:
    """Every system with a decision, with the step it belongs to."""
    return [(r.step, s, s.decision) for r in records for s in r.systems if s.decision is not None]


def quantum_solvers(records: Iterable[StepRecord]) -> frozenset[str]:
    """The solvers of quantum computers: those registered, and those whose prices say so."""
    known = {kind for kind, s in Solver.members().items() if issubclass(s, QuantumSolver)}
    for _, _, decision in decided(records):
        if decision.chosen.queries is not None:
            known.add(decision.chosen.solver)
        known.update(r.solver for r in decision.rejected if r.break_even_gate_s is not None)
    return frozenset(known)


def fresh(records: Iterable[StepRecord]) -> tuple[int, int]:
    """How many decisions have prices of their own, and how many there are.

    Between two refreshes a block's last decision is used again, the same in every figure.
    """
    last: dict[str, Decision] = {}
    new = total = 0
    for _, system, decision in decided(records):
        total += 1
        new += last.get(system.block) != decision
        last[system.block] = decision
    return new, total


def offers(step: int, block: str, decision: Decision, quantum: frozenset[str]) -> Iterator[Offer]:
    """The offers of one decision: the chosen one, then the others in the decision's order."""
    for offer in (decision.chosen, *decision.rejected):
        yield _offer(step, block, decision, offer, quantum)


def all_offers(records: Sequence[StepRecord]) -> Iterator[Offer]:
    """The offers of every decision of a run."""
    quantum = quantum_solvers(records)
    for step, system, decision in decided(records):
        yield from offers(step, system.block, decision, quantum)


def assumptions(records: Iterable[StepRecord]) -> dict[Assumption, list[str]]:
    """What the chosen offers' prices rest on, each once, with the machines that rest on it."""
    result: dict[Assumption, list[str]] = {}
    for _, _, decision in decided(records):
        for assumption in decision.chosen.assumptions:
            where = result.setdefault(assumption, [])
            if decision.chosen.machine not in where:
                where.append(decision.chosen.machine)
    return result


def stand_in(system: SystemRecord) -> str:
    """Who carried out a quantum decision in the quantum computer's stead, or nothing.

    ``qsvt in mode emulate`` is the chosen solver, emulated; ``cholesky`` is a fallback.
    """
    decision = system.decision
    if decision is None or decision.chosen.queries is None:
        return ""
    return system.carried_out_by.partition(", because ")[0]


def _offer(
    step: int,
    block: str,
    decision: Decision,
    offer: CostEstimate | Rejection,
    quantum: frozenset[str],
) -> Offer:
    chosen = offer is decision.chosen
    price = offer.log10_seconds
    return Offer(
        step,
        block,
        offer.solver,
        offer.access,
        offer.machine,
        offer.realism,
        offer.solver in quantum,
        chosen,
        price,
        None if price is None else price - decision.chosen.log10_seconds,
        "chosen" if isinstance(offer, CostEstimate) else offer.reason,
        offer.break_even_gate_s,
        offer.log10_lines if isinstance(offer, CostEstimate) else None,
    )
