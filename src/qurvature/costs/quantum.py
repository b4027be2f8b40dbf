"""The price of a quantum solver: counts, times gates, times seconds of a gate; and what surrounds it.

One attempt of the circuit makes ``attempt`` queries and ``preparations`` of the right-hand side; it
succeeds with probability ``success``; a classical answer takes ``copies`` successful attempts. The
lines add up to the whole:

    form      the entries, computed on a classical machine, if the access needs them
    load      (entries + n) · word_bits / io_bits_per_s, for every solve: the matrix is a new one
    encode    the table look-ups of one attempt
    invert    one further gate a query: all else that the solver does, bounded from below
    repeat    (1/success - 1) attempts more, for one solution state
    read_out  (copies - 1)/success attempts more, for the entries of the solution

``epsilon`` is used twice: as the solver's error, in the solver's own norm, and as the ℓ2 error of the
tomography, so that the answer errs by up to the sum. A classical solver is asked for a *residual* of
ε instead, which for κ ≫ 1 is more. Both conventions favour the quantum computer and are listed.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass

from qurvature.expressions import Expression, constant, log, log2, maximum, quantity, sqrt
from qurvature.hardware import HardwareProfile
from qurvature.records import AccessProfile, Assumption, CostEstimate, QueryCount, Standing
from qurvature.solvers.base import EPSILON, QuantumSolver

from .logarithms import log10_difference, log10_or_none, log10_sum
from .quantities import QUANTITIES

N, READS = QUANTITIES["n"], QUANTITIES["reads"]
ENTRIES = quantity("entries", meaning="numbers that the block encoding holds")
WORD_BITS = quantity("word_bits", "bit", "bits of one number")
GATE_S = quantity("gate_s", "s", "one logical gate")
IO = quantity("io_bits_per_s", "bit/s", "classical data into the quantum machine")
ATTEMPT_QUERIES = quantity("attempt", meaning="queries of one attempt")
PREPARATIONS = quantity("preparations", meaning="state preparations of one attempt")
SUCCESS = quantity("success", meaning="probability that one attempt succeeds")
QUERY_GATES = quantity("query_gates", "gate", "look-ups of one query")
PREPARATION_GATES = quantity("preparation_gates", "gate", "look-ups of one state preparation")
COPIES_READ = quantity("copies", meaning="solution states that a full answer takes")

#: Gates of one query's look-ups by the machine's ``oracle``. ``unit``: the query *is* the one gate of
#: the line ``invert``. ``qroam``: 4 look-ups of 2√(entries · bits) Toffoli (arXiv 1812.00954).
ORACLE_GATES: dict[str, Expression] = {
    "unit": constant(0),
    "qroam": 4 * 2 * sqrt(ENTRIES * WORD_BITS),
}

#: Gates of one state preparation: one look-up of n amplitudes, a lower bound.
STATE_GATES: dict[str, Expression] = {"unit": constant(0), "qroam": 2 * sqrt(N * WORD_BITS)}

#: Solution states for an ℓ2 error ε in d = reads entries. ``bound``: 36 d ln d/ε² (arXiv 1808.09266);
#: ``calibrated``: two phases of 0.9 d/ε²; ``free``: reading costs nothing, an assumption.
COPIES: dict[str, Expression] = {
    "calibrated": maximum(2 * 0.9 * READS / EPSILON**2, 1),
    "bound": maximum(36 * READS * log(maximum(READS, 2)) / EPSILON**2, 1),
    "free": constant(1),
}

_ENCODE_GATES = ATTEMPT_QUERIES * QUERY_GATES + PREPARATIONS * PREPARATION_GATES
_CIRCUIT_S = (_ENCODE_GATES + ATTEMPT_QUERIES) * GATE_S

#: The lines that the quantum machine itself spends, in seconds.
LINES: dict[str, Expression] = {
    "encode": _ENCODE_GATES * GATE_S,
    "invert": ATTEMPT_QUERIES * GATE_S,
    "repeat": (1 / SUCCESS - 1) * _CIRCUIT_S,
    "read_out": (COPIES_READ - 1) / SUCCESS * _CIRCUIT_S,
}
LOAD_SECONDS = (ENTRIES + N) * WORD_BITS / IO

#: At least this many logical qubits: an index register, and two for the transformation.
LOGICAL_QUBITS = 2 + log2(N)


def formula(solver: type[QuantumSolver], machine: HardwareProfile) -> dict[str, Expression]:
    """The lines of the price in the system's own quantities and ``gate_s`` and ``io_bits_per_s``.

    Example:
        >>> from qurvature.hardware import machines
        >>> from qurvature.solvers.quantum.qsvt import QSVT
        >>> sorted(formula(QSVT, machines()["attosecond"])["invert"].names)
        ['epsilon', 'gate_s', 'kappa_encoded']
    """
    oracle, readout = machine.choices["oracle"].value, machine.choices["readout"].value
    parts = {
        "attempt": solver.attempt,
        "preparations": solver.preparations,
        "success": solver.success,
        "query_gates": ORACLE_GATES[oracle],
        "preparation_gates": STATE_GATES[oracle],
        "copies": COPIES[readout],
    }
    loading = {} if math.isinf(machine["io_bits_per_s"].value) else {"load": LOAD_SECONDS}
    return loading | {line: expression.bind(**parts) for line, expression in LINES.items()}


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one solver does for one encoding, on any machine."""

    values: dict[str, float]
    count: QueryCount


def attempt(solver: type[QuantumSolver], access: AccessProfile, epsilon: float) -> Attempt:
    """The counts of one attempt and of one solution state."""
    count = solver.count(access.kappa_encoded.value, epsilon)
    success = count.success_probability
    return Attempt(
        {
            "attempt": count.queries * success,
            "preparations": count.state_preparations * success,
            "success": success,
        },
        count,
    )


@dataclass(frozen=True, slots=True)
class Setting:
    """What one machine asks for one encoding, whatever the solver."""

    values: dict[str, float]
    log10_fixed: dict[str, float]
    gate_s: float


def setting(
    machine: HardwareProfile,
    access: AccessProfile,
    values: Mapping[str, float],
    log10_form: float | None,
) -> Setting:
    """Gates a query, copies to read, seconds to form and to load."""
    oracle, readout = machine.choices["oracle"].value, machine.choices["readout"].value
    bits = 8.0 * values["word_bytes"]
    here = {**values, "entries": access.entries, "word_bits": bits}
    fixed = {} if log10_form is None else {"form": log10_form}
    io = machine["io_bits_per_s"].value
    if not math.isinf(io):
        here["io_bits_per_s"] = io
        fixed["load"] = LOAD_SECONDS.log10(here)
    return Setting(
        {
            "query_gates": ORACLE_GATES[oracle].evaluate(here),
            "preparation_gates": STATE_GATES[oracle].evaluate(here),
            "copies": COPIES[readout].evaluate(here),
        },
        fixed,
        machine.gate_s,
    )


def price(
    solver: type[QuantumSolver],
    access: str,
    machine: HardwareProfile,
    attempt: Attempt,
    setting: Setting,
    log10_rival: float | None,
) -> CostEstimate:
    """The modelled seconds of one solve, and the gate time at which it would equal the rival.

    ``log10_rival`` is the log10 of the best classical offer's seconds.
    """
    values = {**attempt.values, **setting.values, "gate_s": setting.gate_s}
    spent: dict[str, float] = {}
    for line, expression in LINES.items():
        logarithm = log10_or_none(expression, values)
        if logarithm is not None:
            spent[line] = logarithm
    log10_spent = log10_sum(spent.values())
    parts = {**setting.log10_fixed, **spent}
    return CostEstimate(
        solver.kind,
        access,
        machine.kind,
        machine.realism,
        log10_sum(parts.values()),
        parts,
        attempt.count,
        _break_even(setting, log10_spent, log10_rival),
        _assumptions(machine),
    )


def _break_even(
    setting: Setting, log10_spent: float, log10_rival: float | None
) -> float | None:
    """(rival - form - load) / (gates in a row), or None if there is no such positive float."""
    if log10_rival is None:
        return None
    left = log10_difference(log10_rival, log10_sum(setting.log10_fixed.values()))
    if left is None:
        return None
    logarithm = left - (log10_spent - math.log10(setting.gate_s))
    return 10.0**logarithm if abs(logarithm) < 300 else None


_CONVENTIONS = (
    Assumption(
        "error",
        "epsilon for the state and epsilon again for the tomography; no factor κ to a residual",
        "",
        Standing.ASSUMED,
        "a convention that favours the quantum computer",
    ),
    Assumption(
        "gates_beside_look_ups",
        1.0,
        "gate/query",
        Standing.ASSUMED,
        "a lower bound: rotations and reflections of a query count as one gate",
    ),
)
_UNITS = {"gate_s": "s", "cycle_s": "s", "reaction_s": "s", "io_bits_per_s": "bit/s"}
_UNPRICED = ("physical_qubits", "physical_error")


@functools.lru_cache(maxsize=256)
def _assumptions(machine: HardwareProfile) -> tuple[Assumption, ...]:
    numbers = (
        Assumption(key, figure.value, _UNITS.get(key, "1"), figure.standing, figure.source)
        for key, figure in machine.figures.items()
        if key not in _UNPRICED
    )
    models = (
        Assumption(key, choice.value, "", choice.standing, choice.source)
        for key, choice in machine.choices.items()
    )
    return (*numbers, *models, *_CONVENTIONS)
