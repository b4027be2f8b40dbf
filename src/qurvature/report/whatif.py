"""The formulas of a price as JavaScript, and the numbers to put into them, for the page's sliders.

Nothing is retyped: every function of the script is `Formulas.javascript` of a stage of a
`~qurvature.costs.models.Model`. What a machine adds is told apart from what its circuits count, so
that machines share functions: the counts of one run, by access model and look-up, then the logical
step, the lines, and the machine's qubits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from qurvature.costs.chain import chain
from qurvature.costs.lookup import LOOKUPS
from qurvature.costs.models import Model
from qurvature.costs.physical import figures, physical, shape
from qurvature.costs.quantum import COPIES_READ
from qurvature.expressions import Expression, Formulas, quantity
from qurvature.hardware import HardwareProfile
from qurvature.schedule.verdict import BASELINE

from . import grounds
from .priced import Priced

#: Of one run, what the machine's formulas and the page need.
RUN = (
    "logical_qubits", "exposed_qubits", "logical_steps", "magic_states", "rotations", "rotation_t",
    "toffoli", "t_equivalent", "circuit_s",
)  # fmt: skip
#: The names of the sliders, with the decades that they reach.
SLIDERS = {
    "gate_s": (-18.0, 1.0),
    "epsilon": (-12.0, -0.05),
    "n": (1.0, 24.0),
    "kappa": (0.0, 18.0),
}
_CIRCUIT_S = quantity("circuit_s", "s", "seconds of all circuits")


@dataclass
class Functions:
    """The functions of the script; equal ones are one."""

    numbers: dict[str, int] = field(default_factory=dict)
    _written: dict[int, tuple[Formulas, int]] = field(default_factory=dict, repr=False)

    def add(self, formulas: Formulas) -> int:
        """The function's number.

        Examples:
            >>> functions = Functions()
            >>> functions.add(Formulas({"area": quantity("a") * quantity("b")}))
            0
            >>> print(functions.script)
            "use strict";
            window.qurvature = {functions: [
            ({a, b}) => {
            return {area: a * b};
            },
            ]};
        """
        if id(formulas) not in self._written:  # offers share their stages
            names = ", ".join(sorted(formulas.names))
            text = f"({{{names}}}) => {{\n{formulas.javascript()}\n}}"
            number = self.numbers.setdefault(text, len(self.numbers))
            self._written[id(formulas)] = formulas, number
        return self._written[id(formulas)][1]

    @property
    def script(self) -> str:
        """All of them as a list."""
        functions = "".join(f"{text},\n" for text in self.numbers)
        return f'"use strict";\nwindow.qurvature = {{functions: [\n{functions}]}};\n'


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What the sliders need: the numbers, and the script with the formulas."""

    payload: dict[str, Any]
    script: str


def what_if(priced: Priced) -> WhatIf:
    """The numbers and formulas of every offer for a system, on any machine of the run."""
    functions = Functions()
    machines = {m.kind: m for m in priced.quantum_machines}
    bare = {_synthesis(machine): _bare(machine) for machine in machines.values()}
    stages = {name: _stages(priced, machine) for name, machine in bare.items()}
    offered = {model.access: model for model in priced.quantum}
    circuits = {
        name: {
            access: {lookup: _circuit(functions, model, machine, lookup) for lookup in LOOKUPS}
            for access, model in offered.items()
        }
        for name, machine in bare.items()
    }
    some = next(iter(bare.values()))
    payload = {
        "sliders": SLIDERS,
        "start": {name: priced.models[0].value(name) for name in ("n", "kappa", "epsilon")},
        "baseline": BASELINE,
        "dropped": _dropped(priced.quantum[0], some),
        "machines": {k: _machine(functions, machine) for k, machine in machines.items()},
        "circuits": circuits,
        "quantum": [
            {
                "solver": model.solver,
                "access": model.access,
                "stages": {r: [functions.add(s) for s in found] for r, found in by_readout.items()},
                "point": _point(model, some),
            }
            for model, by_readout in next(iter(stages.values()))
        ],
        "classical": [
            {
                "solver": model.solver,
                "access": model.access,
                "machine": model.machine.kind,
                "stages": [functions.add(stage) for stage in model.stages],
                "lines": functions.add(model.lines),
                "point": dict(model.point),
            }
            for model in priced.classical
        ],
        "grounds": _grounds(priced),
    }
    _share(payload)
    return WhatIf(payload, functions.script)


def _synthesis(machine: HardwareProfile) -> str:
    return shape(machine).synthesis


def _bare(machine: HardwareProfile) -> HardwareProfile:
    """The machine as a clock alone, which loads and reads at a price."""
    kept = {k: choice for k, choice in machine.choices.items() if k != "code"}
    return replace(machine, choices=kept).but(gate_s=1.0, io_bits_per_s=1.0, readout="bound")


def _stages(
    priced: Priced, bare: HardwareProfile
) -> list[tuple[Model, dict[str, tuple[Formulas, ...]]]]:
    """Each quantum offer once, with its stages by readout."""
    once = {(model.solver, model.access): model for model in priced.quantum}
    read = {readout: bare.but(readout=readout) for readout in COPIES_READ}
    return [
        (model, {readout: model.on(machine).stages for readout, machine in read.items()})
        for model in once.values()
    ]


def _circuit(
    functions: Functions, model: Model, bare: HardwareProfile, lookup: str
) -> dict[str, int]:
    machine = bare.but(oracle=lookup)
    counts = chain(machine, model.access)
    run = Formulas({name: counts[name] for name in RUN})
    return {"lines": functions.add(model.on(machine).lines), "run": functions.add(run)}


def _dropped(model: Model, bare: HardwareProfile) -> dict[str, list[str]]:
    """The lines that cost nothing where loading or reading is free."""
    whole = set(model.on(bare).lines)
    return {
        "load": sorted(whole - set(model.on(bare.but(io_bits_per_s=math.inf)).lines)),
        "read": sorted(whole - set(model.on(bare.but(readout="free")).lines)),
    }


def _machine(functions: Functions, machine: HardwareProfile) -> dict[str, Any]:
    own, clocked = physical(machine), physical(machine.but(gate_s=1.0))
    found: dict[str, Expression | None] = {
        "distance": clocked.distance,
        "error_ratio": clocked.ratio,
        "factories": clocked.factories,
        "physical_qubits": clocked.qubits,
        "magic_missing": clocked.missing,
        "energy_j": None if clocked.power_w is None else clocked.power_w * _CIRCUIT_S,
    }
    point = figures(machine)
    io = machine["io_bits_per_s"].value
    if math.isfinite(io):
        point["io_bits_per_s"] = io
    return {
        "realism": machine.realism,
        "description": machine.description,
        "synthesis": _synthesis(machine),
        "oracle": machine.choices["oracle"].value,
        "readout": machine.choices["readout"].value,
        "loads_free": not math.isfinite(io),
        "light_s": machine.light_s,
        "point": point,
        "clock": None if "gate_s" in machine.figures else functions.add(Formulas({"gate_s": own.step_s})),
        "made": functions.add(Formulas({k: f for k, f in found.items() if f is not None})),
        "holds": {
            name: machine[name].value
            for name in ("logical_qubits", "physical_qubits")
            if name in machine.figures
        },
    }  # fmt: skip


def _point(model: Model, bare: HardwareProfile) -> dict[str, float]:
    """The point without what is a machine's."""
    theirs = {*figures(model.machine), *figures(bare), "io_bits_per_s"}
    return {name: value for name, value in model.point.items() if name not in theirs}


def _share(payload: dict[str, Any]) -> None:
    """Write equal points once: what all offers have in common, and a list of what differs."""
    offers = [*payload["quantum"], *payload["classical"]]
    shared = set.intersection(*(set(offer["point"].items()) for offer in offers))
    common = dict(sorted(shared))
    points: list[Mapping[str, float]] = []
    for offer in offers:
        rest = {k: v for k, v in offer["point"].items() if k not in common}
        if rest not in points:
            points.append(rest)
        offer["point"] = points.index(rest)
    payload["common"], payload["points"] = common, points


def _grounds(priced: Priced) -> dict[str, Any]:
    """What the numbers of the page rest on, in the words of its hovers."""
    word_bytes = priced.system.quantities["word_bytes"]
    quantum = priced.quantum_machines
    return {
        "solver": {m.solver: grounds.of_solver(m.solver) for m in priced.models},
        "access": {m.access: grounds.of_access(m.access) for m in priced.quantum},
        "lookup": {name: grounds.of_lookup(name) for name in LOOKUPS},
        "readout": {name: grounds.of_readout(name) for name in COPIES_READ},
        "clock": {m.kind: grounds.of_clock(m) for m in quantum},
        "load": {m.kind: grounds.of_figures(m, "io_bits_per_s") for m in quantum},
        "power": {m.kind: grounds.of_figures(m, "power_w", "power_per_qubit_w") for m in quantum},
        "form": grounds.of_forming(priced.host, word_bytes),
        "norm": grounds.NORM,
        "rates": {
            m.kind: grounds.of_forming(m, word_bytes)
            for m in priced.machines.values()
            if m.technology == "classical"
        },
    }
