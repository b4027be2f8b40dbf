"""The prices of one step, recomputed from a run's records alone, as functions of what they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from qurvature.costs.models import Model, models
from qurvature.costs.recorded import Decided
from qurvature.hardware import NONPHYSICAL, HardwareProfile
from qurvature.records import Rejection, SystemRecord
from qurvature.schedule.standings import VIEWS, models_at
from qurvature.schedule.verdict import Offer, Verdict, price, verdict

from .read import Run
from .wording import number, power


@dataclass(frozen=True)
class Priced:
    """The last system of a run that can be priced again, and its offers as formulas.

    Attributes:
        step: that it belongs to.
        system: its record.
        machines: by name, as the run froze them.
        models: every offer that the solvers made, on every machine.
    """

    step: int
    system: SystemRecord
    machines: Mapping[str, HardwareProfile]
    models: tuple[Model, ...]

    @cached_property
    def _prices(self) -> tuple[tuple[Offer, ...], tuple[Rejection, ...]]:
        return price(self.models)

    @property
    def offers(self) -> tuple[Offer, ...]:
        """What has a price, cheapest first."""
        return self._prices[0]

    @cached_property
    def verdict(self) -> Verdict:
        """The cheapest quantum offer and its two rivals."""
        return verdict(*self._prices)

    @cached_property
    def standings(self) -> dict[str, Verdict]:
        """The verdict under each of `~qurvature.schedule.standings.VIEWS`."""
        known, decision = self.system.profile, self.system.decision
        assert known is not None
        assert decision is not None
        values = self.system.quantities
        refused = Decided(decision, known, values)
        found = {}
        for name in VIEWS:
            made, _ = models_at(name, known, values, self.machines.values(), refused=refused)
            found[name] = verdict(*price(made))
        return found

    @property
    def bound(self) -> str:
        """What holds whatever is granted: that quantum loses even so; nothing if it does not."""
        found = self.standings["benevolent"]
        lost = found.margin
        if lost is None or lost > 0:
            return ""
        return (
            "For this system, on the machines here that nature allows, no look-up, code, memory or "
            "readout can make quantum win: even with one clock cycle a query, and with loading, readout "
            f"and error correction for nothing, it loses by a factor of {power(-lost)}, in modelled "
            "seconds, to the best classical offer. Only a faster clock, fewer queries or another "
            "system could."
        )

    @property
    def quantum(self) -> tuple[Model, ...]:
        """The offers of quantum computers."""
        return tuple(m for m in self.models if m.technology == "quantum")

    @property
    def classical(self) -> tuple[Model, ...]:
        """The offers of classical machines."""
        return tuple(m for m in self.models if m.technology == "classical")

    @property
    def quantum_machines(self) -> tuple[HardwareProfile, ...]:
        """Quantum computers by their cheapest offer; those that nature forbids come last."""
        order = [offer.model.machine.kind for offer in self.offers]
        here = [m for m in self.machines.values() if m.technology == "quantum"]
        return tuple(
            sorted(
                here,
                key=lambda m: (
                    m.realism == NONPHYSICAL,
                    order.index(m.kind) if m.kind in order else len(order),
                    m.kind,
                ),
            )
        )

    @property
    def host(self) -> HardwareProfile:
        """The classical machine that forms the entries."""
        host = self.models[0].system.host
        assert host is not None
        return host

    @property
    def point(self) -> str:
        """The system in words: ``step 12, block all: n = 650, κ = 4e3, ε = 0.1``."""
        known = self.system.profile
        assert known is not None
        return (
            f"step {self.step}, block {self.system.block}: n = {number(self.system.n, 7)}, "
            f"κ = {number(known.kappa.value)}, ε = {number(self.system.quantities['epsilon'])}"
        )


def priced(run: Run) -> Priced | None:
    """The last system with a profile, its quantities and a decision; None without, or without machines.

    Both a classical and a quantum machine with an offer are needed: there is nothing to hold against
    each other else.
    """
    technologies = {machine.technology for machine in run.machines.values()}
    if technologies != {"classical", "quantum"}:
        return None
    for record in reversed(run.records):
        for system in record.systems:
            known, decision = system.profile, system.decision
            if known is None or decision is None or not system.quantities:
                continue
            refused = Decided(decision, known, system.quantities)
            made = models(known, system.quantities, run.machines.values(), refused=refused)
            found = Priced(record.step, system, run.machines, made)
            if found.quantum and found.classical:
                return found
    return None
