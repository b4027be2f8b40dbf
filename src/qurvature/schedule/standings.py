"""How much a verdict grants the quantum computer: all costs, the best hopes, or nearly everything.

Three standings of the same offers, each a way to read a machine. A price under a standing is the least
over the machines it allows, and

    benevolent ≤ optimistic ≤ realistic

for every solver, system and machine: each grants what the one before does, and more. ``benevolent`` is a
lower bound in the manner of Binkowski et al. (arXiv 2604.24362): where quantum loses even so, no
look-up, code, memory or readout can make it win.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from qurvature.costs.models import Model, System, all_models
from qurvature.costs.oracles import UNIT
from qurvature.expressions import Expression, ceil, log, maximum, minimum
from qurvature.hardware import Choice, Figure, HardwareProfile
from qurvature.records import MatrixProfile, Rejection, Standing
from qurvature.solvers import Solver
from qurvature.solvers.base import ATTEMPT, EPSILON, KAPPA_ENCODED, OVERLAP

#: What a machine that states none, or an unlimited one, takes in: arXiv 2307.00523 (Hoefler et al.).
IO_BITS_PER_S = 1e9
#: Look-ups that no circuit does.
NO_CIRCUIT = ("unit", "free")
#: Look-ups by a circuit of which one is the fastest of all for any table: fewest layers, whatever the
#: gates and qubits.
FASTEST = ("select_swap", "bucket_brigade", "qrom")

_KAPPA = maximum(KAPPA_ENCODED, 1.001)


def _proven_walk() -> dict[str, Expression]:
    """The discrete adiabatic solver with the proven steps, T = 2305 κ/Δ, for Δ² = 0.148.

    Source: arXiv 2312.07690 (constant), 2111.08152 (theorem). The filter stays as it is.
    """
    epsilon = minimum(EPSILON, 0.25)
    steps = 2 * ceil(2305 / math.sqrt(0.148) * _KAPPA / 2)
    degree = 2 * maximum(ceil((_KAPPA * log(1 / epsilon) - 1) / 2), 0) + 1
    attempt = 2 * steps + degree + 1
    return {
        "attempt": attempt,
        "success": 0.85 * OVERLAP**2,
        "preparations": (ATTEMPT - steps + 1).bind(attempt=attempt),
    }


#: Counts with proven constants, where the solver's own are measured and a theorem has others.
PROVEN: MappingProxyType[str, Mapping[str, Expression]] = MappingProxyType(
    {"discrete_adiabatic": MappingProxyType(_proven_walk())}
)


@dataclass(frozen=True)
class View:
    """One standing.

    Attributes:
        name: ``realistic``, ``optimistic`` or ``benevolent``.
        meaning: one line for people.
        variants: the machines that a quantum machine may be taken for; classical ones stay.
        counts: of quantum solvers, by kind, in place of their own.
        loaded: whether the matrix is in the machine's memory already.
        bounds: whether prices are lower bounds, of a machine that need not exist.
    """

    name: str
    meaning: str
    variants: Callable[[HardwareProfile], tuple[HardwareProfile, ...]]
    counts: Mapping[str, Mapping[str, Expression]] = field(default_factory=dict, hash=False)
    loaded: bool = False
    bounds: bool = False

    def machine(self, machine: HardwareProfile) -> HardwareProfile:
        """The first machine that it is taken for."""
        return self.variants(machine)[0]

    def model(self, model: Model, **changes: float) -> Model:
        """A model of any standing, under this one: the cheapest of the machines it may run on."""
        if model.technology == "classical":
            return model
        system = replace(model.system, counts=self.counts, loaded=self.loaded)
        made = [
            system.model(model.solver, model.access, machine)
            for machine in self.variants(model.machine)
        ]
        made = [replace(one, changes=model.changes) for one in made]
        return min(made, key=lambda one: one.log10_seconds(**changes))


def realistic(machine: HardwareProfile) -> tuple[HardwareProfile, ...]:
    """All costs: readout as proven; a circuit where none looks up, 1 Gbit/s where loading takes no time.

    Examples:
        >>> from qurvature.hardware import machines
        >>> (real,) = realistic(machines()["attosecond"])
        >>> {key: choice.value for key, choice in real.choices.items()}
        {'oracle': 'qroam', 'readout': 'bound'}
    """
    if machine.technology == "classical":
        return (machine,)
    changed: dict[str, float | str] = {"readout": "bound"}
    if machine.choices["oracle"].value in NO_CIRCUIT:
        changed["oracle"] = "qroam"
    if math.isinf(machine["io_bits_per_s"].value):
        changed["io_bits_per_s"] = IO_BITS_PER_S
    return (_but(machine, "realistic: all costs", changed),)


def optimistic(machine: HardwareProfile) -> tuple[HardwareProfile, ...]:
    """As stated, with the calibrated readout if that is better and the fastest look-up by a circuit."""
    if machine.technology == "classical":
        return (machine,)
    readout = machine.choices["readout"].value
    if readout == "bound":
        readout = "calibrated"
    own = machine.choices["oracle"].value
    lookups = dict.fromkeys((own, *(() if own in NO_CIRCUIT else FASTEST)))
    readouts = dict.fromkeys((readout, "calibrated"))
    return tuple(
        _but(machine, "optimistic: best look-up and readout", {"oracle": o, "readout": r})
        for o in lookups
        for r in readouts
    )


def benevolent(machine: HardwareProfile) -> tuple[HardwareProfile, ...]:
    """One clock cycle a query, whatever it holds; no code, no loading, no readout.

    Examples:
        >>> from qurvature.hardware import machines
        >>> (least,) = benevolent(machines()["neutral_atom"])
        >>> least.gate_s, least.code is None
        (0.001, True)
    """
    if machine.technology == "classical":
        return (machine,)
    source = "benevolent: a lower bound"

    def figure(value: float) -> Figure:
        return Figure((value,), source, Standing.ASSUMED)

    clocks = [machine.figures["gate_s"].value] if "gate_s" in machine.figures else []
    if "cycle_s" in machine.figures:
        clocks.append(machine["cycle_s"].value * min(machine.get("cycles_per_gate", 1.0), 1.0))
    figures = {"gate_s": figure(min(clocks)), "io_bits_per_s": figure(math.inf)}
    for key in ("extent_m", "power_w", "error_budget"):
        if key in machine.figures:
            figures[key] = machine.figures[key]
    choices = {
        key: Choice(value, source, Standing.ASSUMED)
        for key, value in (("oracle", UNIT), ("readout", "free"))
    }
    return (replace(machine, figures=figures, choices=choices, formulas={}),)


def _but(
    machine: HardwareProfile, source: str, changed: Mapping[str, float | str]
) -> HardwareProfile:
    """The machine with what differs changed; it stays as physical or not as it was."""
    differs: dict[str, Any] = {
        key: value
        for key, value in changed.items()
        if not (key in machine.choices and machine.choices[key].value == value)
    }
    return replace(machine.but(source, **differs), realism=machine.realism) if differs else machine


#: By name, from the dearest to the cheapest.
VIEWS: MappingProxyType[str, View] = MappingProxyType(
    {
        view.name: view
        for view in (
            View(
                "realistic",
                "all costs: look-ups by circuits, loading, proven readout, proven counts where there are "
                "any",
                realistic,
                PROVEN,
            ),
            View(
                "optimistic",
                "the machine as projected, measured constants, calibrated readout, the fastest look-up",
                optimistic,
            ),
            View(
                "benevolent",
                "a lower bound: one clock cycle a query, no loading, no readout, no error correction",
                benevolent,
                loaded=True,
                bounds=True,
            ),
        )
    }
)


def view(name: str) -> View:
    """The standing of a name.

    Raises:
        ValueError: for an unknown one.
    """
    if name not in VIEWS:
        raise ValueError(f"standing: expected one of {', '.join(VIEWS)}, given {name!r}")
    return VIEWS[name]


def models_at(
    standing: str | View,
    profile: MatrixProfile,
    values: Mapping[str, float],
    machines: Iterable[HardwareProfile],
    solvers: Mapping[str, type[Solver]] | None = None,
    **options: Any,
) -> tuple[tuple[Model, ...], tuple[Rejection, ...]]:
    """Every offer under one standing, each on the cheapest machine that its own may be taken for.

    Args:
        standing: its name.
        profile: what is known of the matrix.
        values: of `qurvature.costs.quantities`.
        machines: classical and quantum ones.
        solvers: by kind; every registered one if not given.
        **options: of `~qurvature.costs.models.System`.

    Returns:
        The models, and why some offers have none.

    Raises:
        ValueError: for an unknown standing; unless 0 < epsilon < 1 and n ≥ 1.
    """
    chosen = view(standing) if isinstance(standing, str) else standing
    listed = tuple(machines)
    system = System.of(profile, values, listed, **options)
    system = replace(system, counts=chosen.counts, loaded=chosen.loaded)
    variants = [tuple(chosen.variants(machine)) for machine in listed]
    best: dict[str, Model] = {}
    refused: dict[str, Rejection] = {}
    for machines_now in _ranks(variants):
        made, not_made = all_models(system, machines_now, solvers)
        for model in made:
            held = best.get(model.offer)
            if held is None or model.log10_seconds() < held.log10_seconds():
                best[model.offer] = model
        for rejection in not_made:
            name = f"{rejection.solver}/{rejection.access}@{rejection.machine}"
            refused.setdefault(name, rejection)
    return tuple(best.values()), tuple(refused.values())


def _ranks(variants: list[tuple[HardwareProfile, ...]]) -> Iterable[list[HardwareProfile]]:
    """First variants, second variants, …, so that offers of one rank differ in name."""
    for rank in range(max((len(row) for row in variants), default=0)):
        yield [row[rank] for row in variants if rank < len(row)]
