"""The whole chain as one set of formulas: queries → look-ups → logical counts → seconds and qubits.

What one machine, access model, look-up and synthesis give is a `Formulas` in the quantities

    attempt, success, preparations      of the solver
    copies                              of the readout
    n, entries, sparsity, rank, word_bits   of the system and its encoding
    and the machine's own figures       (`qurvature.costs.physical.figures`; error_budget is one).

A *run* is all attempts for one solution state: what the error budget is for, and what decides the
distance. So whatever makes a run longer never makes its steps shorter.
"""

from __future__ import annotations

import functools

from qurvature.expressions import Formulas, constant, maximum, quantity
from qurvature.hardware import HardwareProfile
from qurvature.solvers.base import ATTEMPT

from .logical import LogicalCounts
from .oracles import UNIT, between, oracle, state
from .physical import Shape, physical_of, shape

PREPARATIONS = quantity("preparations", meaning="state preparations of one attempt")
SUCCESS = quantity("success", meaning="probability that one attempt succeeds")
COPIES = quantity("copies", meaning="solution states that a full answer takes")

#: The lines of a price that a circuit's time makes up, in seconds.
CIRCUIT_LINES = ("encode", "invert", "repeat", "read_out")


@functools.cache
def attempt(access: str, lookup: str) -> dict[str, LogicalCounts]:
    """The counts of one attempt: ``encode``, all calls of oracles, and ``invert``, what is between.

    With the look-up ``unit`` a query is one step of ``invert``, whatever it holds.
    """
    if lookup == UNIT:
        index = LogicalCounts(qubits=between(access).qubits + 1)
        one = LogicalCounts(depth=constant(1))
        return {"encode": index, "invert": one * ATTEMPT}
    calls = oracle(access, lookup) * ATTEMPT + state(lookup) * PREPARATIONS
    return {"encode": calls, "invert": between(access) * ATTEMPT}


def chain(
    machine: HardwareProfile,
    access: str,
    lookup: str | None = None,
    synthesis: str | None = None,
) -> Formulas:
    """Lines in seconds, qubits and counts; what the machine does not tell is absent.

    ``encode``, ``invert``, ``repeat`` and ``read_out`` are the lines that a circuit makes up, and
    ``circuit_s`` their sum. ``logical_qubits``, ``toffoli``, ``t_equivalent``, ``rotations``,
    ``rotation_t``, ``measurements`` and ``logical_steps`` count one run; ``step_s``, ``distance``,
    ``factories``, ``factory_qubits``, ``physical_qubits``, ``magic_missing``, ``power_w`` and
    ``energy_j``, of all copies, are the machine's.

    Args:
        machine: a quantum one.
        access: the access model, such as ``sparse``.
        lookup: the machine's ``oracle`` if not given.
        synthesis: of rotations; the machine's ``rotation`` if not given.

    Raises:
        UnknownKindError: for an access model or look-up that has no price.

    Examples:
        >>> from qurvature.hardware import machines
        >>> from qurvature.costs.physical import figures
        >>> machine = machines()["gate_ns_e3"]
        >>> price = chain(machine, "sparse").evaluate(figures(machine) | {
        ...     "attempt": 1e6, "success": 0.5, "preparations": 1, "copies": 1e6, "n": 2**20,
        ...     "entries": 2**26, "sparsity": 64, "word_bits": 32, "error_budget": 0.1})
        >>> price["distance"]
        35.0
    """
    lookup = machine.choices["oracle"].value if lookup is None else lookup
    return _chain(shape(machine, synthesis), access, lookup)


@functools.lru_cache(maxsize=256)
def _chain(machine: Shape, access: str, lookup: str) -> Formulas:
    once = attempt(access, lookup)
    both = once["encode"] + once["invert"]
    per_run = both * (1 / SUCCESS)
    made = physical_of(machine)
    circuit = once["encode"].depth * made.step_s + once["invert"].depth * made.step_s
    total = maximum(COPIES, 1) / SUCCESS * circuit
    formulas = {
        "encode": once["encode"].depth * made.step_s,
        "invert": once["invert"].depth * made.step_s,
        "repeat": (1 / SUCCESS - 1) * circuit,
        "read_out": maximum(COPIES - 1, 0) / SUCCESS * circuit,
        "circuit_s": total,
        "toffoli": per_run.toffoli,
        "t_equivalent": per_run.t_equivalent,
        "measurements": per_run.measurements,
        "step_s": made.step_s,
        "distance": made.distance,
        "error_ratio": made.ratio,
        "factories": made.factories,
        "factory_qubits": made.factory_qubits,
        "physical_qubits": made.qubits,
        "magic_missing": made.missing,
        "power_w": made.power_w,
        "energy_j": None if made.power_w is None else made.power_w * total,
    }
    rotation_t = made.rotation_t.bind(rotations=per_run.rotations)
    run = {"rotations": per_run.rotations, "rotation_t": rotation_t}
    run |= Formulas(
        {
            "logical_qubits": both.qubits,
            "exposed_qubits": both.at_risk,
            "logical_steps": per_run.depth,
            "magic_states": per_run.magic_states,
        }
    ).bind(rotation_t=rotation_t)
    known = Formulas({name: f for name, f in formulas.items() if f is not None}).bind(**run)
    return Formulas({**known, **run})
