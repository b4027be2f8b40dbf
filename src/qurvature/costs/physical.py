"""From logical counts to seconds, physical qubits and watts on one machine.

The chain is closed: the code distance follows from the union bound over a third of the error budget
(`qurvature.hardware.codes`), the error of a magic state from another third (`.factories`), that of a
rotation from the last. A step takes the code's cycles, but at least the reaction time; as many
factories stand there as magic states are consumed, so that none is waited for. So the seconds of a
circuit are steps · ``step_s``, and the lines of a price add up.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from qurvature.expressions import Expression, Formulas, ceil, constant, maximum, quantity
from qurvature.hardware import Code, HardwareProfile
from qurvature.hardware.codes import SLACK

from .factories import CYCLE_S, ROUNDS, factory
from .rotations import SYNTHESES

EXPOSED = quantity("exposed_qubits", meaning="logical qubits that may fail at each step")
STEPS = quantity("logical_steps", meaning="logical steps of one run")
MAGIC_STATES = quantity("magic_states", meaning="magic states of one run")
ROTATIONS = quantity("rotations", meaning="rotations of one run")
ERROR_BUDGET = quantity("error_budget", meaning="probability that one run may fail")
REACTION_S = quantity("reaction_s", "s", "measure, decode, feed forward")
GATE_S = quantity("gate_s", "s", "one logical gate")
CYCLES_PER_GATE = quantity("cycles_per_gate", meaning="rounds of error correction in one gate")
POWER_W = quantity("power_w", "W", "power that does not grow with the qubits")
POWER_PER_QUBIT_W = quantity("power_per_qubit_w", "W", "power of one physical qubit")

#: Of the error budget: for memory, for magic states and for rotations each (arXiv 2211.07629).
SHARE = ERROR_BUDGET / 3
_LEFT_OUT = {
    "error_budget": 0.1,
    "reaction_s": 0.0,
    "states_per_toffoli": 4.0,
    "toffoli_steps": 1.0,
    "power_w": 0.0,
    "power_per_qubit_w": 0.0,
}


@dataclass(frozen=True)
class Physical:
    """One machine as formulas.

    In ``logical_qubits``, ``exposed_qubits``, ``logical_steps``, ``magic_states`` and ``rotations``
    of a run, and in the machine's own `figures`.

    Attributes:
        step_s: seconds of one logical step.
        rotation_t: T gates of one rotation.
        distance: of the code; None on a machine whose logical clock is all that is known.
        ratio: p/p_th; there is no distance, and no formula has a value, unless it is below 1.
        factories: how many there are; None as above, and so are the next three.
        factory_qubits: physical qubits of one factory.
        qubits: physical qubits of patches and factories.
        missing: 1 if magic states so good cannot be made, else 0.
        power_w: watts; None if the machine states none.
    """

    step_s: Expression
    rotation_t: Expression
    distance: Expression | None = None
    ratio: Expression | None = None
    factories: Expression | None = None
    factory_qubits: Expression | None = None
    qubits: Expression | None = None
    missing: Expression | None = None
    power_w: Expression | None = None


def figures(machine: HardwareProfile) -> dict[str, float]:
    """The values of the machine's quantities in `physical`; the usual ones for what it does not state.

    Examples:
        >>> from qurvature.hardware import machines
        >>> figures(machines()["gate_ns_e3"])["toffoli_steps"]
        3.0
    """
    values = dict(_LEFT_OUT)
    for key, figure in machine.figures.items():
        if math.isfinite(figure.value):
            values[key] = figure.value
    if machine.code is not None:
        values.setdefault("t_error", values["physical_error"])
        values |= {"threshold": machine.code.threshold, "prefactor": machine.code.prefactor}
    return values


def physical(machine: HardwareProfile, synthesis: str | None = None) -> Physical:
    """The machine as formulas; ``synthesis`` of rotations is the machine's own if not given.

    Machines that differ in their numbers only have the same formulas.

    Examples:
        A thousand logical qubits for 1e10 steps on a survey's machine (arXiv 2310.03011):

        >>> from qurvature.hardware import machines
        >>> machine = machines()["superconducting_projected"].but(code="survey", reaction_s=1e-9)
        >>> run = {"exposed_qubits": 1e3, "logical_steps": 1e10, "error_budget": 0.99}
        >>> point = figures(machine) | run
        >>> made = physical(machine)
        >>> made.distance.evaluate(point), round(1e10 * made.step_s.evaluate(point) / 3600, 1)
        (24.0, 66.7)
    """
    return physical_of(shape(machine, synthesis))


@dataclass(frozen=True)
class Shape:
    """What the formulas of a machine depend on, beside its numbers."""

    code: Code | None
    synthesis: str
    gate_stated: bool
    power_stated: tuple[bool, bool]


def shape(machine: HardwareProfile, synthesis: str | None = None) -> Shape:
    """What the formulas of a machine depend on, beside its numbers."""
    if synthesis is None:
        choice = machine.choices.get("rotation")
        synthesis = "mixed" if choice is None else choice.value
    code = machine.code
    return Shape(
        None if code is None else replace(code, prefactor=1.0, threshold=1.0),
        synthesis,
        "gate_s" in machine.figures,
        ("power_w" in machine.figures, "power_per_qubit_w" in machine.figures),
    )


@functools.lru_cache(maxsize=256)
def physical_of(shape: Shape) -> Physical:
    """The formulas of all machines of one shape."""
    epsilon = SHARE / maximum(ROTATIONS, 1)
    rotation_t = SYNTHESES[shape.synthesis].t.bind(rotation_epsilon=epsilon)
    code = shape.code
    if code is None:
        clock = GATE_S if shape.gate_stated else maximum(CYCLES_PER_GATE * CYCLE_S, REACTION_S)
        return Physical(clock, rotation_t, power_w=_power(shape, None))
    patches = code.routing
    failing = patches.bind(logical_qubits=EXPOSED) if code.routing_fails else EXPOSED
    exposure = failing * STEPS / SHARE
    distance = code.distance().bind(exposure=exposure)
    if shape.gate_stated:
        step_s: Expression = GATE_S
    else:
        step_s = maximum(code.step_cycles.bind(distance=distance) * CYCLE_S, REACTION_S)
    made = factory(code)
    parts = Formulas(
        {"qubits": made.qubits, "seconds": made.seconds, "missing": made.missing}
    ).bind(magic_error=SHARE / maximum(MAGIC_STATES, 1), distance=distance)
    rate = MAGIC_STATES / maximum(STEPS, 1)
    factories = ceil(rate * parts["seconds"] / step_s - SLACK)
    qubits = patches * code.patch_qubits.bind(distance=distance) + factories * parts["qubits"]
    return Physical(
        step_s,
        rotation_t,
        distance,
        code.ratio.bind(exposure=exposure),
        factories,
        parts["qubits"],
        qubits,
        parts["missing"],
        _power(shape, qubits),
    )


def _power(shape: Shape, qubits: Expression | None) -> Expression | None:
    fixed, per_qubit = shape.power_stated
    parts: list[Expression] = [POWER_W] if fixed else []
    if per_qubit and qubits is not None:
        parts.append(POWER_PER_QUBIT_W * qubits)
    return sum(parts, constant(0)) if parts else None


def refuses(machine: HardwareProfile, made: Physical, values: Mapping[str, Any]) -> str | None:
    """Why the machine cannot run a circuit, or None; ``values`` are scalars of all quantities."""
    if made.ratio is not None:
        ratio = made.ratio.evaluate(values)
        if ratio >= 1.0:
            return (
                f"infeasible because the physical error of {machine.kind} is {ratio:.3g} of the "
                "code's threshold: no distance exists"
            )
    if made.missing is not None and made.missing.evaluate(values) > 0.0:
        return (
            f"infeasible because so long a run needs better magic states than {ROUNDS} rounds of "
            f"distillation make on {machine.kind}"
        )
    return None
