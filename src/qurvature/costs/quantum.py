"""The price of a quantum solve: one chain of formulas from κ_encoded and ε to seconds and qubits.

One attempt of the circuit makes ``attempt`` queries and ``preparations`` of the right-hand side; it
succeeds with probability ``success``; a classical answer takes ``copies`` successful attempts. The
lines add up to the whole:

    form      the entries, computed on a classical machine, if the access needs them
    load      (entries + n) · word_bits / io_bits_per_s, for every solve: the matrix is a new one
    encode    the look-ups of one attempt (`qurvature.costs.oracles`)
    invert    what the solver does between them: a reflection and a rotation a query
    repeat    (1/success - 1) attempts more, for one solution state
    norm      ‖x‖ to ε takes 1/(4ε²) solution states; those that the readout takes anyway serve, too
    read_out  (copies - 1)/success attempts more, for the entries of the solution

Seconds are logical steps times the machine's step (`qurvature.costs.physical`): code distance, factories
and qubits follow from the counts.

``epsilon`` is used twice: as the solver's error, in the solver's own norm, and as the ℓ2 error of
the tomography, so that the answer errs by up to the sum. A classical solver is asked for a
*residual* of ε instead, which for κ ≫ 1 is more. Both conventions favour the quantum computer and
are listed.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from qurvature.encodings import BlockEncoding
from qurvature.expressions import Expression, Formulas, constant, maximum, quantity
from qurvature.hardware import NONPHYSICAL, HardwareProfile
from qurvature.readout import Readout
from qurvature.records import AccessProfile, Assumption, CostEstimate, QueryCount, Standing
from qurvature.solvers.base import EPSILON, QuantumSolver

from .chain import COPIES, SUCCESS, chain
from .logarithms import log10_difference, log10_sum
from .oracles import ENTRIES, WORD_BITS
from .physical import figures, physical, refuses
from .quantities import QUANTITIES

N = QUANTITIES["n"]
IO = quantity("io_bits_per_s", "bit/s", "classical data into the quantum machine")

#: Solution states for an ℓ2 error ε, by the name that a machine's file uses for its readout.
#: ``free``: reading costs nothing, an assumption.
COPIES_READ: dict[str, Expression] = {
    "calibrated": Readout.named("tomography").copies,
    "bound": Readout.named("tomography_bound").copies,
    "amplitude_estimation": Readout.named("amplitude_estimation").copies,
    "free": constant(1),
}
#: Solution states for ‖x‖ to ε beyond those that are read anyway: the success of m attempts estimates
#: √p to a relative 1/√(4mp) at worst.
NORM_COPIES = maximum(1 / (4 * EPSILON**2) - COPIES, 0)
LOAD_SECONDS = (ENTRIES + N) * WORD_BITS / IO

#: What is kept of the chain beside the lines.
RESOURCES = (
    "logical_qubits", "physical_qubits", "toffoli", "rotations", "rotation_t", "t_equivalent",
    "logical_steps", "distance", "factories", "energy_j",
)  # fmt: skip
_LINES = ("load", "encode", "invert", "repeat", "norm", "read_out")


def formulas(machine: HardwareProfile, access: str) -> Formulas:
    """The lines and resources in the counts of a solver and the figures of system and machine.

    Args:
        machine: a quantum one; its ``oracle`` and ``readout`` choose the models.
        access: the access model.
    """
    free = math.isinf(machine["io_bits_per_s"].value)
    readout = machine.choices["readout"].value
    whole = chain(machine, access)
    circuit = whole["encode"] + whole["invert"]
    norm = constant(0) if readout == "free" else NORM_COPIES / SUCCESS * circuit
    lines = {"load": constant(0) if free else LOAD_SECONDS, "norm": norm}
    kept = {name: whole[name] for name in (*_LINES, *RESOURCES, "step_s") if name in whole}
    return Formulas(lines | kept)


def formula(
    solver: type[QuantumSolver], machine: HardwareProfile, access: str = "stored"
) -> Formulas:
    """`formulas` with the solver's own counts put in: the whole price in terms of the system's figures.

    Examples:
        >>> from qurvature.hardware import machines
        >>> from qurvature.solvers.quantum.qsvt import QSVT
        >>> sorted(formula(QSVT, machines()["attosecond"])["invert"].names)
        ['epsilon', 'gate_s', 'kappa_encoded']
    """
    counts = solver.counts()
    copies = COPIES_READ[machine.choices["readout"].value]
    return formulas(machine, access).bind(**counts, copies=copies)


@functools.lru_cache(maxsize=512)
def _shared(machine: HardwareProfile, access: str) -> Formulas:
    return formulas(machine, access)


def values_of(
    machine: HardwareProfile, access: AccessProfile, values: Mapping[str, float]
) -> dict[str, float]:
    """Every quantity of `formulas` but the solver's counts.

    ``values`` are those of `qurvature.costs.quantities`.
    """
    io = machine["io_bits_per_s"].value
    here = {
        **values,
        **figures(machine),
        "entries": access.entries,
        "sparsity": access.sparsity,
        "word_bits": 8 * values["word_bytes"],
        "kappa_encoded": access.kappa_encoded.value,
        "overlap": 1.0 if access.overlap is None else access.overlap.value,
    }
    if math.isfinite(io):
        here["io_bits_per_s"] = io
    copies = COPIES_READ[machine.choices["readout"].value]
    here["copies"] = copies.number(here)
    return here


#: What differs from solver to solver.
_LATE = ("attempt", "preparations", "success")


@dataclass(frozen=True)
class Known:
    """The formulas of one machine and access, and their values but for the solver's counts."""

    formulas: Formulas
    values: dict[str, float]
    evaluate: Callable[[Mapping[str, float]], dict[str, float]]


def known(machine: HardwareProfile, access: AccessProfile, values: Mapping[str, float]) -> Known:
    """Everything that solvers share; ``values`` are those of `qurvature.costs.quantities`."""
    shared, here = _shared(machine, access.kind), values_of(machine, access, values)
    return Known(shared, here, shared.given(here, _LATE))


def price(
    solver: type[QuantumSolver],
    access: str,
    machine: HardwareProfile,
    count: QueryCount,
    known: Known,
    log10_form: float | None,
    log10_rival: float | None,
) -> CostEstimate | str:
    """The modelled seconds of one solve and what it takes, or why the machine cannot run it.

    ``known`` is what `known` gives; ``log10_form`` is the price of forming the entries, None if
    they are there; ``log10_rival`` is the log10 of the best classical offer's seconds.

    Raises:
        ValueError: for a quantity without a value, which is no fault of the machine.
    """
    success = count.success_probability
    late = {
        "attempt": count.queries * success,
        "preparations": count.state_preparations * success,
        "success": success,
    }
    try:
        found = {k: _log10(v) for k, v in known.evaluate(late).items()}
    except OverflowError:
        found = known.formulas.log10({**known.values, **late}, nothing=-math.inf)
    except ValueError:
        here = {**known.values, **late}
        # A formula without a value is a machine that cannot; anything else is an error of ours.
        reason = refuses(machine, physical(machine), here | chain_counts(machine, access, here))
        if reason is None:
            raise
        return reason
    step = found.pop("step_s")
    lines = {} if log10_form is None else {"form": log10_form}
    lines |= {name: found[name] for name in _LINES if found[name] > -math.inf}
    steps = log10_sum([v for k, v in lines.items() if k not in ("form", "load")]) - step
    fixed = log10_sum([v for k, v in lines.items() if k in ("form", "load")])
    buildable = BlockEncoding.named(access).buildable
    return CostEstimate(
        solver.kind,
        access,
        machine.kind,
        machine.realism if buildable else NONPHYSICAL,
        log10_sum(lines.values()),
        lines,
        count,
        None if log10_rival is None else _break_even(steps, fixed, log10_rival),
        (*_assumptions(machine), *_unit(solver)),
        {name: found[name] for name in RESOURCES if found.get(name, -math.inf) > -math.inf},
        _shortfall(machine, found),
    )


def _unit(solver: type[QuantumSolver]) -> tuple[Assumption, ...]:
    if solver.unit == "calls to U_A or its inverse":
        return ()
    return (
        Assumption(
            "query_unit", solver.unit, "", Standing.ASSUMED,
            "priced as one call to U_A each: a lower bound",
        ),
    )  # fmt: skip


def chain_counts(
    machine: HardwareProfile, access: str, values: Mapping[str, float]
) -> dict[str, float]:
    """The counts of one run, which need no code distance."""
    whole = chain(machine, access)
    names = ("exposed_qubits", "logical_steps", "magic_states", "rotations")
    return {name: whole[name].evaluate(values) for name in names}


def _log10(value: float) -> float:
    return math.log10(value) if value > 0 else -math.inf


def _shortfall(machine: HardwareProfile, found: Mapping[str, float]) -> str:
    """Which of the machine's own sizes the circuit exceeds, or nothing."""
    for name in ("logical_qubits", "physical_qubits"):
        held, needed = machine.figures.get(name), found.get(name)
        if held is not None and needed is not None and needed > math.log10(held.value) + 1e-12:
            size = f"{10**needed:.3g}" if needed < 300 else f"10^{needed:.1f}"
            return f"needs {size} {name.replace('_', ' ')}, {machine.kind} holds {held.value:g}"
    return ""


def _break_even(steps: float, fixed: float, log10_rival: float) -> float | None:
    """(rival - form - load)/steps, or None if there is no such positive float."""
    left = log10_difference(log10_rival, fixed)
    if left is None:
        return None
    logarithm = left - steps
    return 10.0**logarithm if abs(logarithm) < 300 else None


_CONVENTIONS = (
    Assumption(
        "error",
        "epsilon for the state and epsilon again for the tomography; no factor κ to a residual",
        "",
        Standing.ASSUMED,
        "a convention that favours the quantum computer",
    ),
)
_UNITS = {"gate_s": "s", "cycle_s": "s", "reaction_s": "s", "io_bits_per_s": "bit/s"}


@functools.lru_cache(maxsize=256)
def _assumptions(machine: HardwareProfile) -> tuple[Assumption, ...]:
    numbers = (
        Assumption(key, figure.value, _UNITS.get(key, "1"), figure.standing, figure.source)
        for key, figure in machine.figures.items()
    )
    models = (
        Assumption(key, choice.value, "", choice.standing, choice.source)
        for key, choice in machine.choices.items()
    )
    return (*numbers, *models, *_CONVENTIONS)
