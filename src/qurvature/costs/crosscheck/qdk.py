"""A price beside the estimate that QDK makes of the same logical counts.

QDK's estimator (arXiv 2211.07629) holds counts, nanoseconds and qubits times steps in 64 bits and
wraps around silently: past 584 years, or at 1e10 patches for 1e12 steps, whose distance then comes out
too small. So nothing is handed over that comes near, and what comes back must multiply out. Its
telemetry is switched off before it is imported.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

from qurvature.costs.physical import figures
from qurvature.hardware import HardwareProfile, machines
from qurvature.hardware.codes import CORRIDORS

from .comparison import Comparison, NotComparableError, require

#: QDK's qubit and code of our machine.
MODELS = {
    "gate_ns_e3": ("qubit_gate_ns_e3", "surface_code"),
    "gate_ns_e4": ("qubit_gate_ns_e4", "surface_code"),
    "gate_us_e3": ("qubit_gate_us_e3", "surface_code"),
    "gate_us_e4": ("qubit_gate_us_e4", "surface_code"),
    "majorana_ns_e4": ("qubit_maj_ns_e4", "floquet_code"),
    "majorana_ns_e6": ("qubit_maj_ns_e6", "floquet_code"),
}
#: Counts and nanoseconds that QDK can hold, with room below 2^64.
MOST_COUNT = 2.0**63
MOST_NS = 1e18

#: How many times QDK's qubits of one factory ours may be, for its instruction set. QDK searches
#: pipelines and ours are a closed form, one round or one distance off where QDK just saves it.
FACTORY_FACTOR = {"surface_code": 2.5, "floquet_code": 30.0}

_KEYS = (
    "logical_qubits", "toffoli", "t_equivalent", "rotations", "rotation_t", "measurements",
    "logical_steps", "magic_states", "step_s", "distance", "factories", "factory_qubits",
    "physical_qubits",
)  # fmt: skip


def against_qdk(
    machine: HardwareProfile,
    price: Mapping[str, float],
    error_budget: float,
    *,
    measured: bool = False,
) -> tuple[Comparison, ...]:
    """One run's T gates a rotation, magic states, steps, distance, seconds and physical qubits.

    Each line may be as far apart as the lines above it explain, and as it says itself: QDK rounds the
    T gates of a rotation up, has another constant in them, and gives each rotation one step more.
    Both charge 4 T states and 3 steps a Toffoli, and spend a third of the budget each on memory,
    magic states and rotations.

    Args:
        machine: one of `MODELS`, as shipped.
        price: of one run there, from `qurvature.costs.chain.chain`; scalars.
        error_budget: the one of the price.
        measured: hand over the measurements too. QDK gives each a step of its own, we none: then a
            Toffoli whose and is erased by a measurement takes 4 steps there and 3 here.

    Raises:
        MissingExtraError: if QDK is not installed.
        NotComparableError: if QDK does not know the machine, cannot hold the counts, or refuses them;
            or if Toffoli gates run side by side, which QDK's layout cannot.
        ValueError: for a price that lacks a quantity, or an error budget that is no probability.

    Examples:
        >>> against_qdk(machines()["cat"], {}, 0.1)
        Traceback (most recent call last):
        ...
        qurvature.costs.crosscheck.comparison.NotComparableError: QDK does not know cat, only ...
    """
    qubit, code = _model(machine)
    if missing := [key for key in _KEYS if key not in price]:
        raise ValueError(
            f"expected the price of a run, from chain(); it lacks {', '.join(missing)}"
        )
    if not 0 < error_budget < 1:
        raise ValueError(f"expected an error_budget between 0 and 1, given {error_budget}")
    counts = _counts(price, measured)
    _check_range(counts, price, CORRIDORS.evaluate(price))
    require("qdk")
    found = _estimate(counts, qubit, code, error_budget)
    return _lines(machine, price, counts, found, FACTORY_FACTOR[code])


def _model(machine: HardwareProfile) -> tuple[str, str]:
    if machine.kind not in MODELS:
        raise NotComparableError(f"QDK does not know {machine.kind}, only {', '.join(MODELS)}")
    shipped = machines()[machine.kind]
    ours, theirs = figures(machine), figures(shipped)
    changed = sorted(key for key in ours | theirs if ours.get(key) != theirs.get(key))
    if machine.code != shipped.code:
        changed.append("code")
    if changed:
        raise NotComparableError(
            f"QDK knows {machine.kind} as shipped; this one differs in {', '.join(changed)}"
        )
    return MODELS[machine.kind]


def _counts(price: Mapping[str, float], measured: bool) -> dict[str, int]:
    """QDK's logical counts, rounded up."""
    turned = price["rotations"] * price["rotation_t"]
    t = max(0.0, price["t_equivalent"] - 4 * price["toffoli"] - turned)
    if t <= 1e-9 * price["t_equivalent"]:
        t = 0.0  # what the subtraction left
    serial = 3 * price["toffoli"] + t + turned
    if not math.isclose(serial, price["logical_steps"], rel_tol=1e-6, abs_tol=1):
        raise NotComparableError(
            "QDK runs T and Toffoli gates one after another, which takes "
            f"{serial:.6g} steps; here they take {price['logical_steps']:.6g}"
        )
    given = {
        "numQubits": price["logical_qubits"],
        "tCount": t,
        "rotationCount": price["rotations"],
        "rotationDepth": price["rotations"],
        "cczCount": price["toffoli"],
        "ccixCount": 0.0,
        "measurementCount": price["measurements"] if measured else 0.0,
    }
    for name, count in given.items():
        if not count < MOST_COUNT:
            raise NotComparableError(f"QDK holds no {name} of {count:.3g}: counts end at 2^63")
    return {name: math.ceil(count) for name, count in given.items()}


def _check_range(counts: Mapping[str, int], price: Mapping[str, float], patches: float) -> None:
    steps = price["logical_steps"] + 2 * counts["rotationCount"] + counts["measurementCount"]
    products = {
        "magic states": price["magic_states"],
        "physical qubits": price["physical_qubits"],
        "patches times steps": patches * steps,
    }
    for name, product in products.items():
        if not product < MOST_COUNT:
            raise NotComparableError(f"QDK holds no {product:.3g} {name}: counts end at 2^63")
    nanoseconds = steps * price["step_s"] * 1e9
    if not nanoseconds < MOST_NS:
        raise NotComparableError(
            f"QDK's run time wraps around at 584 years; this run takes {nanoseconds:.3g} ns, and "
            f"{MOST_NS:.0g} is the most that is handed over"
        )


def _estimate(
    counts: Mapping[str, int], qubit: str, code: str, error_budget: float
) -> Mapping[str, Any]:
    os.environ["QDK_PYTHON_TELEMETRY"] = "none"
    from qdk.estimator import EstimatorError, LogicalCounts

    third = error_budget / 3
    wanted = {
        "qubitParams": {"name": qubit},
        "qecScheme": {"name": code},
        "errorBudget": {"logical": third, "tStates": third, "rotations": third},
    }
    try:
        found = LogicalCounts(dict(counts)).estimate(wanted)
    except EstimatorError as error:  # not an Exception
        raise NotComparableError(f"QDK refuses: {error.code}: {error.message}") from None
    parts = found["physicalCounts"]["breakdown"]
    steps, patches = parts["logicalDepth"], parts["algorithmicLogicalQubits"]
    if steps * found["logicalQubit"]["logicalCycleTime"] != found["physicalCounts"]["runtime"]:
        raise NotComparableError("QDK's run time wrapped around: it is not steps times cycle")
    volume = third / parts["requiredLogicalQubitErrorRate"]
    if not math.isclose(volume, patches * steps, rel_tol=1e-6):
        raise NotComparableError("QDK's volume wrapped around: it is not patches times steps")
    return found


def _lines(
    machine: HardwareProfile,
    price: Mapping[str, float],
    counts: Mapping[str, int],
    found: Mapping[str, Any],
    factor: float,
) -> tuple[Comparison, ...]:
    physical = found["physicalCounts"]
    parts = physical["breakdown"]
    rotations, measurements = counts["rotationCount"], counts["measurementCount"]
    rounded = "0.53 log2(1/ε) + 4.86 T gates a rotation there, rounded up" if rotations else "whole"
    stepped = "; each rotation and measurement has a step" if rotations or measurements else ""
    lines = []
    if rotations:
        t = float(parts["numTsPerRotation"])
        lines.append(Comparison("T gates of a rotation", price["rotation_t"], t, 1, rounded))
    magic = Comparison(
        "magic states", price["magic_states"], float(parts["numTstates"]), rotations + 5, rounded
    )
    steps = Comparison(
        "steps",
        price["logical_steps"],
        float(parts["logicalDepth"]),
        2 * rotations + measurements + 5,
        rounded + stepped,
    )
    distance = Comparison(
        "distance",
        price["distance"],
        float(found["logicalQubit"]["codeDistance"]),
        2,
        "the next one, if the steps or the room that a look-up reserves reach it",
    )
    # From here on a line is what ours would be at QDK's steps and distance.
    wider = distance.theirs / distance.ours
    seconds = price["logical_steps"] * price["step_s"]
    explained = abs(seconds * wider * steps.theirs / steps.ours - seconds)
    lines += [
        magic,
        steps,
        distance,
        Comparison("seconds", seconds, physical["runtime"] * 1e-9, explained, "steps and distance"),
    ]
    assert machine.code is not None
    made = price["factories"] * price["factory_qubits"]
    patches = price["physical_qubits"] - made
    one, other = (machine.code.patch_qubits.evaluate({"distance": d})
                  for d in (distance.ours, distance.theirs))  # fmt: skip
    patched = Comparison(
        "qubits in patches",
        patches,
        float(parts["physicalQubitsForAlgorithm"]),
        abs(patches * other / one - patches),
        "distance",
    )
    theirs = float(parts["physicalQubitsForTfactories"])
    factories = Comparison(
        "qubits in factories", made, theirs, (factor - 1) * theirs, "a closed form, not a search"
    )
    lines += [
        patched,
        factories,
        Comparison(
            "physical qubits",
            price["physical_qubits"],
            float(physical["physicalQubits"]),
            patched.within + factories.within,
            "patches and factories",
        ),
    ]
    return tuple(lines)
