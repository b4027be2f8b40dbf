"""The price of a quantum solver: counts × gates × seconds of a gate, and what surrounds it.

One attempt of the circuit makes ``attempt`` queries and ``preparations`` of the right-hand side; it
succeeds with probability ``success``; a classical answer takes ``copies`` successful attempts. The
lines add up to the whole:

    form      the entries, computed on a classical machine, if the access needs them
    load      (entries + n) · word_bits / io_bits_per_s, for every solve: the matrix is a new one
    encode    the table look-ups of one attempt
    invert    one further gate a query: all else that the solver does, bounded from below
    repeat    (1/success - 1) attempts more, for one solution state
    read_out  (copies - 1)/success attempts more, for the entries of the solution

``epsilon`` is used twice: as the solver's error, in the solver's own norm, and as the ℓ2 error of
the tomography, so that the answer errs by up to the sum. A classical solver is asked for a
*residual* of ε instead, which for κ ≫ 1 is more. Both conventions favour the quantum computer and
are listed.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass

from qurvature.encodings import BlockEncoding
from qurvature.expressions import Expression, constant, log, log2, maximum, quantity, sqrt
from qurvature.hardware import NONPHYSICAL, HardwareProfile
from qurvature.records import AccessProfile, Assumption, CostEstimate, QueryCount, Standing
from qurvature.solvers.base import ATTEMPT, EPSILON, QuantumSolver

from .logarithms import log10_difference, log10_or_none, log10_sum
from .quantities import QUANTITIES

N, READS = QUANTITIES["n"], QUANTITIES["reads"]
ENTRIES = quantity("entries", meaning="numbers that the block encoding holds")
WORD_BITS = quantity("word_bits", "bit", "bits of one number")
GATE_S = quantity("gate_s", "s", "one logical gate")
IO = quantity("io_bits_per_s", "bit/s", "classical data into the quantum machine")
PREPARATIONS = quantity("preparations", meaning="state preparations of one attempt")
SUCCESS = quantity("success", meaning="probability that one attempt succeeds")
QUERY_GATES = quantity("query_gates", "gate", "look-ups of one query")
PREPARATION_GATES = quantity("preparation_gates", "gate", "look-ups of one state preparation")
COPIES_READ = quantity("copies", meaning="solution states that a full answer takes")

#: Gates of one query's look-ups by the machine's ``oracle``. ``unit``: the query *is* the one gate
#: of the line ``invert``. ``qroam``: 4 look-ups of 2√(entries · bits) Toffoli (arXiv 1812.00954).
ORACLE_GATES: dict[str, Expression] = {
    "unit": constant(0),
    "qroam": 4 * 2 * sqrt(ENTRIES * WORD_BITS),
}

#: Gates of one state preparation: one look-up of n amplitudes, a lower bound.
STATE_GATES: dict[str, Expression] = {"unit": constant(0), "qroam": 2 * sqrt(N * WORD_BITS)}

#: Solution states for an ℓ2 error ε in d = reads entries. ``bound``: 36 d ln d/ε² (arXiv
#: 1808.09266); ``calibrated``: two phases of 0.9 d/ε²; ``free``: reading costs nothing, an
#: assumption.
COPIES: dict[str, Expression] = {
    "calibrated": maximum(2 * 0.9 * READS / EPSILON**2, 1),
    "bound": maximum(36 * READS * log(maximum(READS, 2)) / EPSILON**2, 1),
    "free": constant(1),
}

#: Gates of one attempt, by line.
ATTEMPT_GATES: dict[str, Expression] = {
    "encode": ATTEMPT * QUERY_GATES + PREPARATIONS * PREPARATION_GATES,
    "invert": ATTEMPT,
}
#: Attempts beyond the first one, by line; each takes the gates above.
MORE_ATTEMPTS: dict[str, Expression] = {
    "repeat": 1 / SUCCESS - 1,
    "read_out": (COPIES_READ - 1) / SUCCESS,
}
LOAD_SECONDS = (ENTRIES + N) * WORD_BITS / IO

#: At least this many logical qubits: an index register, and two for the transformation.
LOGICAL_QUBITS = 2 + log2(N)


def formula(solver: type[QuantumSolver], machine: HardwareProfile) -> dict[str, Expression]:
    """The lines of the price in the system's own quantities and ``gate_s`` and ``io_bits_per_s``.

    Examples:
        >>> from qurvature.hardware import machines
        >>> from qurvature.solvers.quantum.qsvt import QSVT
        >>> sorted(formula(QSVT, machines()["attosecond"])["invert"].names)
        ['epsilon', 'gate_s', 'kappa_encoded']
    """
    oracle, readout = machine.choices["oracle"].value, machine.choices["readout"].value
    parts = solver.counts() | {
        "query_gates": ORACLE_GATES[oracle],
        "preparation_gates": STATE_GATES[oracle],
        "copies": COPIES[readout],
    }
    loading = {} if math.isinf(machine["io_bits_per_s"].value) else {"load": LOAD_SECONDS}
    once = {line: gates.bind(**parts) for line, gates in ATTEMPT_GATES.items()}
    circuit = once["encode"] + once["invert"]
    more = {line: times.bind(**parts) * circuit for line, times in MORE_ATTEMPTS.items()}
    return loading | {line: gates * GATE_S for line, gates in (once | more).items()}


@dataclass(frozen=True, slots=True)
class Gates:
    """What one solver does for one encoding, on any machine with these models."""

    count: QueryCount
    log10_lines: dict[str, float]
    log10_total: float


def models(
    machine: HardwareProfile, access: AccessProfile, values: Mapping[str, float]
) -> dict[str, float]:
    """Gates of the look-ups and copies to read, as the machine's models give them.

    ``values`` are those of `qurvature.costs.quantities`.
    """
    oracle, readout = machine.choices["oracle"].value, machine.choices["readout"].value
    loaded = {**values, "entries": access.entries, "word_bits": 8 * values["word_bytes"]}
    return {
        "query_gates": ORACLE_GATES[oracle].number(loaded),
        "preparation_gates": STATE_GATES[oracle].number(loaded),
        "copies": COPIES[readout].number(loaded),
    }


def gates(count: QueryCount, modelled: Mapping[str, float]) -> Gates:
    """The gates of every line, as logarithms; ``modelled`` is what `models` gives."""
    success = count.success_probability
    here = {
        **modelled,
        "attempt": count.queries * success,
        "preparations": count.state_preparations * success,
        "success": success,
    }
    lines = _logarithms(ATTEMPT_GATES, here)
    circuit = log10_sum(lines.values())
    for line, attempts in _logarithms(MORE_ATTEMPTS, here).items():
        lines[line] = attempts + circuit
    return Gates(count, lines, log10_sum(lines.values()))


def _logarithms(lines: Mapping[str, Expression], values: Mapping[str, float]) -> dict[str, float]:
    found = {}
    for line, expression in lines.items():
        logarithm = log10_or_none(expression, values)
        if logarithm is not None:
            found[line] = logarithm
    return found


@dataclass(frozen=True, slots=True)
class Fixed:
    """The lines that no gate time changes: forming and loading the entries, as logarithms."""

    log10_lines: dict[str, float]
    log10_total: float


def fixed_lines(
    machine: HardwareProfile,
    access: AccessProfile,
    values: Mapping[str, float],
    log10_form: float | None,
) -> Fixed:
    """``form`` (None if the entries are there already) and ``load`` (none if that is free)."""
    lines = {} if log10_form is None else {"form": log10_form}
    io = machine["io_bits_per_s"].value
    if not math.isinf(io):
        bits = 8 * values["word_bytes"]
        lines["load"] = LOAD_SECONDS.log10(
            {"n": values["n"], "entries": access.entries, "word_bits": bits, "io_bits_per_s": io}
        )
    return Fixed(lines, log10_sum(lines.values()))


def price(
    solver: type[QuantumSolver],
    access: str,
    machine: HardwareProfile,
    gates: Gates,
    fixed: Fixed,
    log10_rival: float | None,
) -> CostEstimate:
    """The modelled seconds of one solve, and the gate time at which it would equal the rival.

    ``log10_rival`` is the log10 of the best classical offer's seconds.
    """
    gate = math.log10(machine.gate_s)
    lines = fixed.log10_lines.copy()
    for line, count in gates.log10_lines.items():
        lines[line] = count + gate
    return CostEstimate(
        solver.kind,
        access,
        machine.kind,
        machine.realism if BlockEncoding.named(access).buildable else NONPHYSICAL,
        log10_sum((fixed.log10_total, gates.log10_total + gate)),
        lines,
        gates.count,
        None if log10_rival is None else _break_even(gates, fixed, log10_rival),
        _assumptions(machine),
    )


def _break_even(gates: Gates, fixed: Fixed, log10_rival: float) -> float | None:
    """(rival - form - load) / gates, or None if there is no such positive float."""
    left = log10_difference(log10_rival, fixed.log10_total)
    if left is None:
        return None
    logarithm = left - gates.log10_total
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
