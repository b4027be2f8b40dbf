"""Who would win: the cheapest quantum offer against two classical rivals.

Q-Newton holds a quantum solver against LU factorization alone (arXiv 2405.00252). So every verdict
quotes two rivals: LU, the paper's baseline, and the best classical solver there is.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from qurvature.costs.logarithms import log10_sum
from qurvature.costs.models import Model
from qurvature.costs.physical import physical, refuses
from qurvature.costs.quantum import chain_counts
from qurvature.encodings import BlockEncoding
from qurvature.hardware import NONPHYSICAL
from qurvature.records import Rejection

#: The solver that the paper compares with.
BASELINE = "lu"


@dataclass(frozen=True)
class Offer:
    """A model with its price.

    Attributes:
        model: the offer as formulas.
        log10_lines: log10 of the seconds of each line; what costs nothing is absent.
        log10_seconds: of the whole.
    """

    model: Model
    log10_lines: dict[str, float] = field(hash=False)
    log10_seconds: float

    @property
    def name(self) -> str:
        """``solver/access@machine``."""
        return self.model.offer

    @property
    def quantum(self) -> bool:
        """Whether it is a quantum computer's."""
        return self.model.technology == "quantum"

    @property
    def realism(self) -> str:
        """The machine's, or ``hypothetical_nonphysical`` where no circuit is known."""
        if self.quantum and not BlockEncoding.named(self.model.access).buildable:
            return NONPHYSICAL
        return self.model.machine.realism

    @cached_property
    def resources(self) -> dict[str, float]:
        """log10 of qubits, gates, code distance and joules; joules alone of a classical machine."""
        found = self.model.log10_resources()
        power = self.model.machine.get("power_w", 0.0)
        if not self.quantum and power > 0:
            found["energy_j"] = self.log10_seconds + math.log10(power)
        return found

    @cached_property
    def shortfall(self) -> str:
        """Which of the machine's own sizes the circuit exceeds, or nothing."""
        return self.model.shortfall if self.quantum else ""


@dataclass(frozen=True)
class Verdict:
    """The cheapest offers of each kind; None where no offer of the kind has a price.

    Attributes:
        quantum: on machines that nature allows; it may ask for more than its machine holds.
        nonphysical: on machines that nature forbids, ranked apart.
        classical: of any classical solver.
        baseline: of LU, the paper's baseline.
        infeasible: why there is no quantum price.
    """

    quantum: Offer | None
    nonphysical: Offer | None
    classical: Offer | None
    baseline: Offer | None
    infeasible: str = ""

    @property
    def margin(self) -> float | None:
        """log10 of the best classical price over the quantum one; positive if quantum is cheaper."""
        return margin(self.quantum, self.classical)

    @property
    def margin_over_baseline(self) -> float | None:
        """The same against LU."""
        return margin(self.quantum, self.baseline)


def margin(quantum: Offer | None, rival: Offer | None) -> float | None:
    """log10 of the rival's price over the quantum one; None unless there are both."""
    if quantum is None or rival is None:
        return None
    return rival.log10_seconds - quantum.log10_seconds


def price(models: Iterable[Model]) -> tuple[tuple[Offer, ...], tuple[Rejection, ...]]:
    """The models' prices at the point where they are, cheapest first; and why some have none."""
    offers, refused = [], []
    for model in models:
        lines = {name: float(v) for name, v in model.log10_lines().items() if v > -math.inf}
        total = log10_sum(lines.values())
        if total < math.inf:
            offers.append(Offer(model, lines, total))
        else:
            refused.append(
                Rejection(
                    model.solver,
                    model.access,
                    model.machine.kind,
                    infeasible(model),
                    None,
                    model.machine.realism,
                )
            )
    return tuple(sorted(offers, key=lambda o: (o.log10_seconds, o.name))), tuple(refused)


def infeasible(model: Model) -> str:
    """Why a machine cannot run a circuit that has no price on it."""
    here = dict(model.values)
    try:
        for stage in model.stages:
            here.update((k, v) for k, v in stage.evaluate(here).items() if k not in model.changes)
    except OverflowError:
        return "infeasible because a count is beyond 1e308"
    except ValueError:
        pass  # the clock, which is the last stage, has no value without a code distance
    try:
        here |= chain_counts(model.machine, model.access, here)
        reason = refuses(model.machine, physical(model.machine), here)
    except OverflowError:
        return "infeasible because a count is beyond 1e308"
    return reason or f"infeasible because no price of {model.offer} is finite"


def verdict(offers: Iterable[Offer], refused: Iterable[Rejection] = ()) -> Verdict:
    """The verdict of some offers for one system.

    Args:
        offers: as `price` gives them.
        refused: what has no price, each with why.

    Examples:
        >>> from qurvature.costs.declared import declared
        >>> from qurvature.costs.models import models
        >>> from qurvature.hardware import machines
        >>> offers, refused = price(models(*declared(10**6, 1e3, sparsity=64), machines().values()))
        >>> found = verdict(offers, refused)
        >>> found.classical.name, found.baseline.name, found.margin < 0
        ('cg/products@h100', 'lu/dense@h100', True)
    """
    best: dict[str, Offer] = {}
    for offer in offers:
        kinds = ["classical"]
        if offer.quantum:
            kinds = ["nonphysical" if offer.realism == NONPHYSICAL else "quantum"]
        elif offer.model.solver == BASELINE:
            kinds.append("baseline")
        for kind in kinds:
            if kind not in best or offer.log10_seconds < best[kind].log10_seconds:
                best[kind] = offer
    return Verdict(
        best.get("quantum"),
        best.get("nonphysical"),
        best.get("classical"),
        best.get("baseline"),
        "" if "quantum" in best else _commonest(refused),
    )


def _commonest(refused: Iterable[Rejection]) -> str:
    """The reason that most quantum offers give; those of a machine or matrix go before others."""
    from qurvature.solvers import QuantumSolver, Solver

    reasons = Counter(
        r.reason for r in refused if issubclass(Solver.named(r.solver), QuantumSolver)
    )
    if not reasons:
        return "no quantum machine is named"
    for reason, _ in reasons.most_common():
        if reason.startswith(("infeasible", "kappa_encoded")):
            return reason
    return reasons.most_common(1)[0][0]
